"""Lines of several files read in one look: the same as of each by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import Accounting
from logwatch.doubled import Passed
from logwatch.events import Tally
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.mutilated import log
from tests.logwatch.some import FORMATS, NOW, DayKeys, as_values, bounded


@pytest.mark.parametrize("name", ["hub-calls", "access", "logfmt-local"])
@given(data=st.data())
@bounded(60)
def test_files_read_together_give_what_each_gives(name: str, data: st.DataObject) -> None:
    parts = [
        content if content.endswith(b"\n") else content + b"\n"
        for content in data.draw(st.lists(log(name), max_size=5))
    ]
    one, other = (Reader(FORMATS[name], Registry(300), patients=DayKeys()) for _ in range(2))
    assert one.reads_together
    mine, theirs = [Passed() for _ in parts], [Passed() for _ in parts]
    apart = [one.read(part, NOW, "small", passed) for part, passed in zip(parts, mine, strict=True)]
    together = other.read_together(list(zip(parts, theirs, strict=True)), NOW)
    told, total = (Tally(), Tally())
    for reading, single in zip(together, apart, strict=True):
        assert reading.accounting == single.accounting
        assert reading.accounting.balanced
        assert as_values(reading.events, other._registry) == as_values(single.events, one._registry)
        places = [] if single.places is None else single.places.tolist()
        assert ([] if reading.places is None else reading.places.tolist()) in (places, list(range(len(single.events))))
        told.add(reading.tally)
        total.add(single.tally)
    assert told == total
    assert mine == theirs
    assert sum((reading.accounting for reading in together), Accounting()).lines == sum(
        part.count(b"\n") for part in parts
    )


@pytest.mark.parametrize("name", ["logfmt-all", "iis", "java-logback"])
def test_lines_that_hang_on_their_file_are_not_read_together(name: str) -> None:
    assert not Reader(FORMATS[name], Registry(300)).reads_together
