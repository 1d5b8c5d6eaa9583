"""Large blocks, several with one reader, and every place where a file can be cut."""

from __future__ import annotations

import numpy as np
import pytest

from domain.settings import Fields, Format
from logwatch.lines import MAX_LINE, LineCutter
from logwatch.memo import MOST_TOKENS
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.times import US
from tests.logwatch.some import FORMATS, NOW, cut_into_blocks, read_blocks

_FIRST = "ts=2026-11-22T10:{minute:02d}:{second:02d}.{ms:03d}+01:00 "
_USUAL = "level=INFO server=dpp-0{server} op=op{op} client=softa version=4.2 apb={apb} code={code} dt={dt} sguid=0af1"
_OTHER = "op=op{op} apb={apb} code={code} dt={dt} server=dpp-0{server} client=softb version=1"
_PHARMACIES = ("00000196", "00012371", "00012372", "-")


def calls(lines: int, other_from: int = -1, other_to: int = -1, seed: int = 1) -> bytes:
    """Lines of calls; those from `other_from` to `other_to` are written in another order of keys."""
    some = np.random.default_rng(seed)
    out = []
    for place in range(lines):
        line = _FIRST + (_OTHER if other_from <= place < other_to else _USUAL)
        out.append(
            line.format(
                minute=place // 600 % 60, second=place // 10 % 60, ms=some.integers(1000), server=some.integers(1, 4),
                op=some.integers(40), apb=some.choice(_PHARMACIES), code=some.choice(("TIP_200", "X1", "-")),
                dt=some.integers(1, 5_000),
            )
        )  # fmt: skip
    return "".join(line + "\n" for line in out).encode()


def in_blocks(content: bytes, size: int) -> list[bytes]:
    return cut_into_blocks(content, [content[i : i + size] for i in range(0, len(content), size)])[0]


def test_many_lines_of_another_layout_are_read_as_columns_of_their_own() -> None:
    content = calls(6_000, 2_000, 4_000) + b"garbage\n" * 10
    small = read_blocks(FORMATS["hub-calls"], [content], "small", cap=20)
    assert small.accounting.malformed == 10
    assert small.accounting.events == 6_000
    assert small.tally.overflow["endpoint"] > 0
    for blocks in ([content], in_blocks(content, 400_000), in_blocks(content, 77_777)):
        assert read_blocks(FORMATS["hub-calls"], blocks, "block", cap=20).told() == small.told()


def test_a_token_means_the_same_in_every_block() -> None:
    one = calls(300)
    line = (
        b"ts=2026-11-22T10:00:00.000+01:00 level=INFO server=dpp-0%d op=new%d client=c version=1 apb=- code=c%d dt=1\n"
    )
    blocks = []
    for place in range(30):
        blocks += [line % (place % 9, place, 30 - place), one]
    assert read_blocks(FORMATS["hub-calls"], blocks, "block").told() == (
        read_blocks(FORMATS["hub-calls"], [b"".join(blocks)], "small").told()
    )


@pytest.mark.parametrize("way", ["block", "small"])
def test_garbage_tokens_do_not_make_the_tables_grow_for_ever(way: str) -> None:
    form = Format(kind="logfmt", fields=Fields(endpoint="op", duration_us="dt"))
    reader = Reader(form, Registry(10))
    begun = reader._words
    read = 0
    for block in range(24):
        lines = (f"ts=2026-11-22T10:00:00.{i:06d}Z op=o{i % 3} dt={i}\n" for i in range(block * 10_000, read + 10_000))
        reading = reader.read("".join(lines).encode(), NOW, way)  # type: ignore[arg-type]
        assert reading.accounting.events == 10_000
        assert reading.events.duration_us.tolist() == list(range(read, read + 10_000))
        read += 10_000
    if way == "block":
        assert reader._words is not begun
        assert len(reader._words.duration) <= 3 * MOST_TOKENS


def test_requests_never_seen_again_do_not_make_the_small_way_grow_for_ever() -> None:
    reader = Reader(FORMATS["access"], Registry(10))
    begun = reader._words
    line = '10.0.0.1 - - [22/Nov/2026:10:36:12 +0100] "GET /subject/{} HTTP/1.1" 200 1\n'
    for block in range(21):
        text = "".join(line.format(block * 10_000 + i) for i in range(10_000))
        assert reader.read(text.encode(), NOW, "small").accounting.events == 10_000
    assert reader._words is not begun


# Each kind of end a line may have, and lines of each fate.
_CUTTABLE = {
    "hub-calls": (
        b"# head\r\n\r\nts=2026-11-22T10:36:12.1+01:00 op=a apb=00000196 code=TIP_200 dt=8\n\xef\xbb\xbf"
        b'ts=2026-11-22T10:36:12.1+01:00 op="a \xc3\xa9" apb=1 code=X dt=8\r\nts=x\n\x00\n\xff\xfe'
        b"ts=2027-01-01T00:00:00Z op=b\r"
    ),
    "access-all": (
        b'\xef\xbb\xbf10.0.0.1 - 00000196 [22/Nov/2026:10:36:12 +0100] "GET /dpp/x/12345 HTTP/1.1" 200 1 "-" "a" 5\r\n'
        b'\tat a.B\n10.9.0.1 x\r\n\n10.0.0.2 - - [22/Nov/2026:10:36:12 +0100] "\\x16" 400 - "code=X1" "-" -1'
    ),
}


@pytest.mark.parametrize("name", _CUTTABLE)
def test_a_file_cut_at_any_byte_is_accounted_for_and_arrives_in_any_two_pieces(name: str) -> None:
    content, form = _CUTTABLE[name], FORMATS[name]
    whole = read_blocks(form, [content], "small").told()
    for cut in range(len(content) + 1):
        head = content[:cut]
        small, block = (read_blocks(form, [head] if head else [], way) for way in ("small", "block"))
        assert small.accounting.balanced
        assert small.accounting.lines == head.count(b"\n") + (not head.endswith(b"\n") and cut > 0)
        assert block.told() == small.told()
        blocks, oversized = cut_into_blocks(content, [head, content[cut:]])
        assert (read_blocks(form, blocks, "small").told(), oversized) == (whole, 0)


def test_lines_that_arrive_byte_by_byte() -> None:
    content = calls(20) + b"\r\n\r\nrest"
    blocks, _ = cut_into_blocks(content, [content[i : i + 1] for i in range(len(content))])
    assert [block.count(b"\n") for block in blocks] == [1] * 22 + [0]
    assert b"".join(blocks) == content


@pytest.mark.parametrize("length", [MAX_LINE, MAX_LINE + 1])
@pytest.mark.parametrize("size", [1_000, MAX_LINE // 2 + 1, 1 << 22])
def test_the_longest_line_is_the_same_however_it_arrives(length: int, size: int) -> None:
    content = b"a\n" + b"y" * length + b"\nb\n" + b"z" * length
    blocks, oversized = cut_into_blocks(content, [content[i : i + size] for i in range(0, len(content), size)])
    kept = length <= MAX_LINE
    assert oversized == (0 if kept else 2)
    assert b"".join(blocks) == (content if kept else b"a\nb\n")


def test_unfinished_counts_what_came_since_the_last_line_end_kept_or_not() -> None:
    cutter = LineCutter()
    assert (cutter.feed(b"a\nbc"), cutter.unfinished) == (b"a\n", 2)
    assert (cutter.feed(b"y" * MAX_LINE), cutter.unfinished) == (b"", MAX_LINE + 2)
    assert (cutter.feed(b"y"), cutter.rest, cutter.oversized) == (b"", b"", 0)
    assert (cutter.feed(b"y\nd"), cutter.unfinished, cutter.oversized) == (b"", 1, 1)
    assert (cutter.finish(), cutter.unfinished) == (b"d", 0)


@pytest.mark.parametrize("name", ["hub-calls", "access"])
def test_a_long_word_costs_no_more_than_its_length(name: str) -> None:
    """Were a pattern to look at it from each of its characters, this would take minutes."""
    blocks = [b"y" * MAX_LINE + b"\n", b"y=" * (MAX_LINE // 2) + b"\n", b'a="\\"' * (MAX_LINE // 5) + b"\n"]
    request = b'10.0.0.1 - - [22/Nov/2026:10:36:12 +0100] "GET %s HTTP/1.1" 200 1\n' % (b"y" * 200_000)
    reading = read_blocks(FORMATS[name], [*blocks, request], "small")
    assert reading.accounting.lines == 4
    assert reading.accounting.events == (name == "access")


def test_lines_more_than_five_minutes_ahead_are_of_the_future() -> None:
    line = b"ts=%d.5 op=a\n"
    block = line % (NOW + 299) + line % (NOW + 300)
    for way in ("small", "block"):
        read = read_blocks(FORMATS["hub-calls"], [block], way)
        assert (read.accounting.events, read.accounting.future) == (1, 1)
        assert read.events[0][0] == int((NOW + 299.5) * US)


def test_a_field_nobody_wants_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.vocabulary.MOST_TOKENS", 2_000)
    reader = Reader(FORMATS["hub-calls"], Registry(10))
    begun = reader._words
    line = "ts=2026-11-22T10:36:12.123+01:00 thread={} server=dpp-02 op=tip.getData code=TIP_200 dt=87\n"
    for block in range(4):
        # The first lines promise few values; what comes then is a new one a line.
        threads = ["a"] * 50 + [f"{block}-{number}" for number in range(4_000)]
        reading = reader.read("".join(map(line.format, threads)).encode(), NOW, "block")
        assert reading.accounting.events == len(threads)
    assert reader._words is begun


def test_a_last_line_without_its_end_finds_room_after_any_block() -> None:
    reader = Reader(FORMATS["hub-calls"], Registry(10))
    line = b"ts=2026-11-22T10:36:12.123+01:00 op=a dt=87"
    for block in (line + b"\n", line + b"12", line, line + b"123\n", line + b"12345"):
        assert reader.read(block, NOW, "block").accounting.events == 1
