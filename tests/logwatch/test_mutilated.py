"""Every line is accounted for, and both ways of reading agree, whatever the lines and however they arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cells import empty
from logwatch.lines import MAX_LINE
from tests.logwatch.mutilated import log, pieces_of
from tests.logwatch.some import FORMATS, OWN, bounded, cut_into_blocks, read_blocks


def lines_of(content: bytes) -> int:
    """Lines as everybody counts them: line ends, and what stands after the last."""
    return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


# Formats of one kind are read by the same code: one of each is spoilt in many ways, the rest in some.
FIRST = {form.kind: name for name, form in reversed(list(FORMATS.items()))}
MUCH = [name for name in FORMATS if name in OWN or name in FIRST.values()]
LESS = [name for name in FORMATS if name not in MUCH]


@pytest.mark.parametrize("name", MUCH)
@given(data=st.data())
@bounded(150)
def test_both_ways_and_all_chunkings_give_the_same(name: str, data: st.DataObject) -> None:
    agrees_however_it_arrives(name, data)


@pytest.mark.parametrize("name", LESS)
@given(data=st.data())
@bounded(20)
def test_also_of_the_other_formats(name: str, data: st.DataObject) -> None:
    agrees_however_it_arrives(name, data)


def agrees_however_it_arrives(name: str, data: st.DataObject) -> None:
    content = data.draw(log(name))
    form, cap = FORMATS[name], data.draw(st.sampled_from((300, 2)))
    whole = read_blocks(form, [content] if content else [], "small", cap)
    assert whole.accounting.balanced
    assert whole.accounting.lines == lines_of(content)
    assert whole.accounting.events == len(whole.events) == whole.cells["calls"].sum()
    assert whole.cells.schema == empty().schema
    blocks, oversized = cut_into_blocks(content, data.draw(pieces_of(content)))
    assert (b"".join(blocks), oversized) == (content, 0)
    for way, given_blocks in (("block", [content] if content else []), ("small", blocks), ("block", blocks)):
        other = read_blocks(form, given_blocks, way, cap)  # type: ignore[arg-type]
        assert other.told() == whole.told(), (way, given_blocks)
        assert other.cells.equals(whole.cells)


@pytest.mark.parametrize("name", OWN)
@given(data=st.data())
@bounded(15)
def test_lines_too_long_are_counted_whatever_the_chunking(name: str, data: st.DataObject) -> None:
    content = data.draw(log(name))
    long = b"y" * data.draw(st.sampled_from((MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 1 << 20)))
    content = content + b"\n" + long + data.draw(st.sampled_from((b"", b"\n", b"\r\n", b"\n\n"))) + content
    blocks, oversized = cut_into_blocks(content, [content])
    whole = read_blocks(FORMATS[name], blocks, "small")
    assert whole.accounting.lines + oversized == lines_of(content)
    for pieces in (data.draw(pieces_of(content)), [content[i : i + 65_536] for i in range(0, len(content), 65_536)]):
        blocks, also = cut_into_blocks(content, pieces)
        other = read_blocks(FORMATS[name], blocks, "auto")
        assert also == oversized
        assert other.told() == whole.told()
