"""Lines that continue an event are read with it: the same events however a file is cut, killed or held back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.settings import Fields, Format, Join, TimeField
from logwatch.catalog import shipped
from logwatch.joins import Tail
from logwatch.lines import MAX_LINE, LineCutter
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.some import NOW, as_values, bounded, read_blocks
from tests.logwatch.watching import START, Site

JSON = Format(
    kind="json",
    time=TimeField(field="time"),
    fields=Fields(endpoint="op", code="code", duration_ms="dt"),
    join=Join(starts=r"^\{"),
    ignore=(r"(?s)^\{.*\"level\":\s*\"debug\"", "^--"),
)
REGEX = Format(
    kind="regex",
    pattern=r"^(?P<time>\S+) (?P<op>\S+)(?s:.*?took (?P<ms>\d+) ms)?",
    time=TimeField(field="time"),
    fields=Fields(endpoint="op", duration_ms="ms"),
    join=Join(starts=r"^\d{4}-", lines=4, bytes=200),
)
LOGFMT = Format(
    kind="logfmt", time=TimeField(field="ts"), fields=Fields(endpoint="op", code="code"), join=Join(starts="^ts=")
)
PRINTED = """\
{ "time": "2026-11-22T09:36:12Z",
  "op": "getData",
-- a remark

  "code": "TIP_200", "dt": 12
}
{"time": "2026-11-22T09:36:13Z", "op": "b", "level": "debug",
 "dt": 1}
{"time": "2026-11-22T09:36:14Z", "op": "c", "code": "TIP_999"}
"""


def names(form: Format, text: str) -> list[tuple[object, ...]]:
    """Endpoint, code and duration of each event."""
    return [(event[3], event[8], event[1]) for event in read_blocks(form, [text.encode()], "small").events]


def test_an_object_over_several_lines_is_one_event() -> None:
    assert names(JSON, PRINTED) == [("getData", "TIP_200", 12_000), ("c", "TIP_999", -1)]
    read = read_blocks(JSON, [PRINTED.encode()], "block").accounting
    assert (read.lines, read.events, read.continuations, read.ignored, read.malformed) == (9, 2, 4, 3, 0)


def test_a_pattern_and_pairs_are_looked_for_in_all_lines() -> None:
    text = "2026-11-22T09:36:12Z a\n at b\n took 87 ms\n2026-11-22T09:36:12Z b\n"
    assert names(REGEX, text) == [("a", "", 87_000), ("b", "", -1)]
    assert names(LOGFMT, "ts=2026-11-22T09:36:12Z op=a\n code=TIP_200\n") == [("a", "TIP_200", -1)]


def test_an_event_is_as_long_as_it_may_be() -> None:
    start = "2026-11-22T09:36:12Z a\n"
    assert names(REGEX, start + "x\n" * 2 + "took 1 ms\n") == [("a", "", 1_000)]
    assert names(REGEX, start + "x\n" * 3 + "took 1 ms\n") == [("a", "", -1)]
    assert names(REGEX, start + "x" * 160 + "\ntook 1 ms\n") == [("a", "", 1_000)]
    assert names(REGEX, start + "x" * 170 + "\ntook 1 ms\n") == [("a", "", -1)]
    # What found no room ends the text, and a shorter line behind it is no part of it either.
    assert names(REGEX, start + "x" * 190 + "\ntook 1 ms\n") == [("a", "", -1)]


def test_what_no_kind_reads_of_several_lines_may_stand_in_the_first() -> None:
    log = (
        b"2026-11-22 10:36:12.123 [main] ERROR be.example.Router - no answer\n\tat be.example.A\nCaused by: x\n"
        b"2026-11-22 10:36:13.123 [main] INFO be.example.Router - fine\n"
    )
    read = read_blocks(shipped()["java-logback"], [log], "block")
    assert [(event[3], event[8]) for event in read.events] == [
        ("be.example.Router", "ERROR"),
        ("be.example.Router", ""),
    ]
    assert read.accounting.continuations == 2


_LINES = st.sampled_from(
    [
        '{"time": "2026-11-22T09:36:12Z", "op": "a"}', "{", '"time": "2026-11-22T09:36:12Z", "op": "b",', '"dt": 3',
        "}", "", "-- remark", '"level": "debug",', "x" * 60, "2026-11-22T09:36:12Z a", " took 12 ms", "\r",
        "2026-11-22T09:36:13Z b", "took 3 ms\r", "\ufeff{",
    ]
)  # fmt: skip


@given(st.lists(_LINES, max_size=25), st.lists(st.integers(1, 60), max_size=30), st.booleans())
@bounded(300)
def test_any_cutting_gives_the_same_events(lines: Sequence[str], cuts: Sequence[int], ends: bool) -> None:
    content = ("\n".join(lines) + "\n" * ends).encode()
    for form in (JSON, REGEX):
        whole = read_blocks(form, [content], "small")
        assert whole.accounting.balanced
        assert read_blocks(form, [content], "block").told() == whole.told()
        cutter, blocks, at = LineCutter(), [], 0
        for cut in cuts:
            blocks.append(cutter.feed(content[at : at + cut]))
            at += cut
        blocks += [cutter.feed(content[at:]), cutter.finish()]
        assert read_blocks(form, [block for block in blocks if block], "small").told() == whole.told()


@given(st.lists(st.sampled_from([b"2026-11-22T09:36:12Z a\n", b" x\n", b"y" * (MAX_LINE + 5) + b"\n"]), max_size=8),
       st.lists(st.integers(1, MAX_LINE), max_size=6))  # fmt: skip
@bounded(60)
def test_no_event_goes_on_over_a_line_that_is_too_long(lines: Sequence[bytes], cuts: Sequence[int]) -> None:
    content, told = b"".join(lines), []
    for pieces in ([len(content)], [*cuts, len(content)]):
        registry = Registry(10)
        reader, cutter, tail, at = Reader(REGEX, registry), LineCutter(), Tail(), 0
        blocks = []
        for piece in pieces:
            blocks += tail.feed(cutter.feed(content[at : at + piece]), cutter.cuts, reader.held)
            at += piece
        blocks.append(tail.release() + cutter.finish())
        readings = [reader.read(block, NOW) for block in blocks if block]
        told.append(
            (
                [event for reading in readings for event in as_values(reading.events, registry)],
                sum(reading.accounting.lines for reading in readings) + cutter.oversized,
                sum(reading.accounting.continuations for reading in readings),
            )
        )
    assert told[0] == told[1]
    assert told[0][1] == len(lines)


@pytest.mark.parametrize(
    "join",
    [
        Join(starts="(", lines=1),
        Join(starts="a", lines=0),
        Join(starts="a", bytes=0),
        Join(starts="a", bytes=10**8),
        Join(starts="a", seconds=float("nan")),
        Join(starts="a", seconds=-1),
    ],
)
def test_a_join_that_bounds_nothing_is_told(join: Join) -> None:
    with pytest.raises(ConfigError) as error:
        Reader(msgspec.structs.replace(LOGFMT, join=join), Registry(1), path="formats.x")
    assert error.value.path.startswith("formats.x.join.")
    assert error.value.mend


@pytest.fixture
def site(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Site(tmp_path, JSON) as site:
        yield site


FIRST = b'{"time": "2026-11-22T09:36:12Z",\n "op": "a"'
REST = b',\n "code": "TIP_200"\n}\n'
NEXT = b'{"time": "2026-11-22T09:36:13Z", "op": "b"}\n'


def test_the_last_event_waits_for_its_lines_also_through_a_restart(site: Site) -> None:
    site.append("calls.log", FIRST)
    site.tick()
    site.append("calls.log", REST[:-2])
    site.tick()
    assert site.sent().is_empty()
    site.restart()
    site.append("calls.log", REST[-2:])
    site.tick()
    assert site.sent().is_empty()
    held = site.watermark()
    site.append("calls.log", NEXT)
    site.settle()
    site.restart()
    site.tick()
    assert site.sent()["calls"].sum() == 1
    site.tick(5.0)
    site.tick()
    site.has_sent(FIRST + REST + NEXT)
    after = site.watermark()
    assert held is not None
    assert after is not None
    assert held == START + 1.0
    assert after > START + 5.0


def test_an_event_is_complete_when_its_file_is_quiet_or_over(site: Site) -> None:
    site.append("calls.log", NEXT)
    site.tick()
    assert site.sent().is_empty()
    site.tick(5.0)
    assert site.sent()["calls"].sum() == 1
    site.append("calls.log", FIRST + REST)
    site.tick()
    site.agent.drain()
    site.has_sent(NEXT + FIRST + REST)


def test_what_is_held_back_of_a_truncated_file_is_counted(site: Site) -> None:
    path = site.append("calls.log", NEXT * 3)
    site.tick()
    assert site.sent()["calls"].sum() == 2
    path.write_bytes(b"")
    site.tick()
    assert site.sent()["calls"].sum() == 3
