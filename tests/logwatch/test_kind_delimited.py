"""Delimited lines: quotes, brackets, headers that a format declares and those that files write, also half-way."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.settings import Fields, Format, TimeField
from logwatch.catalog import shipped
from logwatch.headings import Heading
from logwatch.kinds.delimited import Delimited
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.some import NOW, bounded, read_blocks
from tests.logwatch.watching import Site

IIS = shipped()["iis"]
CSV = Format(
    kind="delimited", header="first", time=TimeField(field="at"), fields=Fields(endpoint="op", duration_ms="ms")
)


def kind(**declared: object) -> Delimited:
    return Delimited.of(Format(kind="delimited", **declared), "formats.x")  # type: ignore[arg-type]


def values(one: Delimited, line: str) -> dict[str, str] | None:
    fields = one.fields(line)
    return None if fields is None else dict(fields)


@pytest.mark.parametrize(
    ("delimiter", "line", "expected"),
    [
        (",", 'a,"b,""c""",d', ("a", 'b,"c"', "d")),
        (",", ",,", ("", "", "")),
        (",", '"a"b,c\\",d', ('"a"b', 'c\\"', "d")),
        (",", '"unfinished,b,c', ('"unfinished', "b", "c")),
        ("\t", "a b\t\t c", ("a b", "", " c")),
        ("||", 'a||"b||x"||c', ("a", "b||x", "c")),
        (" ", 'a  "b \\"c\\" \\x16"   d ', ("a", 'b "c" \\x16', "d")),
        (" ", 'a "b ""c""" [d e]', ("a", 'b "c"', "[d e]")),
        (" ", '[x](y) "a b', ("[x](y)", '"a', "b")),
    ],
)
def test_values_between_delimiters(delimiter: str, line: str, expected: tuple[str, ...]) -> None:
    fields = values(kind(delimiter=delimiter, header=("x", "y", "z")), line)
    assert fields is not None
    assert tuple(fields.values()) == expected


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("tls [1 2] a", True),
        ("http [1 2] a b", True),
        ("tls [1 2] a b c", False),
        ("tls [1 2]", False),
        ("udp [1 2] a", False),
        ("tls 1 a", False),
        ("", False),
    ],
)
def test_a_declared_header_says_what_must_stand_where(line: str, read: bool) -> None:
    fields = values(kind(delimiter=" ", header=("=tls|http", "[time]", "a", "b?")), line)
    assert (fields is not None) == read
    if fields:
        assert (fields["time"], fields["a"]) == ("1 2", "a")


def test_others_may_follow_a_star_and_two_fields_are_one_name() -> None:
    fields = kind(delimiter=" ", header=("date", "time", "user", "*")).fields("2026-11-22 09:36:12 - more and more")
    assert fields is not None
    assert (fields["date time"], fields["user date"], fields.get("user gone")) == (
        "2026-11-22 09:36:12",
        "2026-11-22",
        None,
    )


@pytest.mark.parametrize(
    ("declared", "place"),
    [
        ({}, "formats.x.header"),
        ({"header": ("a", "a")}, "formats.x.header"),
        ({"header": ("a", "")}, "formats.x.header"),
        ({"header": ("a?", "b")}, "formats.x.header"),
        ({"header": "first", "delimiter": ""}, "formats.x.delimiter"),
        ({"header": "first", "delimiter": '"'}, "formats.x.delimiter"),
    ],
)
def test_a_wrong_declaration_is_told_with_its_place(declared: dict[str, object], place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(**declared)
    assert caught.value.path == place


BYTES = st.binary(max_size=80).map(lambda line: line.decode("utf-8", "replace"))


@given(
    line=st.text('ab ,"[]\\\t#-é\0\n', max_size=60) | BYTES,
    delimiter=st.sampled_from((" ", ",", "\t", "||")),
)
@bounded(400)
def test_nothing_raises_on_any_bytes(line: str, delimiter: str) -> None:
    for one in (
        kind(delimiter=delimiter, header=("a", "[b]", "c?", "*")),
        kind(delimiter=delimiter, header="directive").under("#Fields: a b a"),
        kind(delimiter=delimiter, header="first").under(line),
        kind(delimiter=delimiter, header="first"),
    ):
        fields = one.fields(line)
        if fields is not None:
            assert all(isinstance(value, str) for value in fields.values())


@pytest.mark.parametrize("line", ["[ " * 40_000, '"a ' * 40_000, '"\\" ' * 40_000, '"" ' * 40_000, '"a"",' * 40_000])
def test_a_line_costs_its_length_and_not_its_square(line: str) -> None:
    for delimiter in (" ", ","):
        assert values(kind(delimiter=delimiter, header=("a", "*")), line)


BOTH = (
    Format(
        kind="delimited",
        delimiter=" ",
        header=("=a|b", "day", "hour", "op", "gone?", "ms?", "*"),
        time=TimeField(field="day hour", marks="start"),
        fields=Fields(endpoint="op day", server=".op", code="gone nothing", duration_ms="ms"),
    ),
    Format(
        kind="delimited",
        delimiter=";;",
        header=("at", "op", "ms", "x?"),
        time=TimeField(field="at"),
        fields=Fields(endpoint="op x", vendor="nothing", duration_ms="ms"),
    ),
    Format(
        kind="delimited",
        delimiter=";;",
        header=("at", "op", "ms", "x?"),
        time=TimeField(field="at"),
        fields=Fields(endpoint="op", duration_ms="ms"),
    ),
)
TOKENS = st.sampled_from(
    (
        *("a", "b", "2026-11-22", "09:36:12.5", "2026-11-22T09:36:12Z", "GET", "/x?y", "-", "", "87", ";", ";;", " "),
        *('"q"', '"', "[", "[z]", "é", "\x00", "\ufeff", "\r", "\x1c", "\u2028", "50010199928"),
    )
)
GOOD = st.sampled_from(
    (
        "a 2026-11-22 09:36:12 op g 87",
        "b 2026-11-22 09:36:12 op",
        "2026-11-22T09:36:12Z;;op;;87",
        "2026-11-22T09:36:12Z;;op;;87;;x",
    )
)
ODD = st.builds(lambda tokens, by: by.join(tokens), st.lists(TOKENS, max_size=8), st.sampled_from((" ", ";;", "")))


@given(lines=st.lists(GOOD | ODD, max_size=30))
@pytest.mark.parametrize("form", BOTH, ids=["blanks", "semicolons", "optional"])
@bounded(300)
def test_both_ways_of_reading_agree(form: Format, lines: list[str]) -> None:
    content = "\n".join(lines).encode()
    blocks = [content] if content else []
    assert read_blocks(form, blocks, "block").told() == read_blocks(form, blocks, "small").told()


@pytest.mark.parametrize("name", ["iis-default", "iis"])
def test_a_block_of_plain_lines_is_read_by_columns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = b"2026-11-22 09:36:12 10.0.0.8 GET /x%d - 443 - 10.2.3.4 softa/4.2.1 - 200 0 2 %d\n"
    head = b""
    if name == "iis":
        head = (
            b"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port u c-ip a r sc-status x y time-taken\n"
        )
    monkeypatch.setattr(Reader, "_read_lines", None)
    content = head + b"".join(line % (place % 7, place) for place in range(3_000))
    reading = Reader(shipped()[name], Registry(10)).read(content, NOW, "block")
    assert reading.accounting.events == 3_000


# -- headers in files ----------------------------------------------------------------------------------------------

WIDE = b"#Fields: date time cs-method cs-uri-stem sc-status time-taken\n"
SLIM = b"#Fields: date time cs-uri-stem cs-method time-taken sc-status\n"


def wide(place: int) -> bytes:
    return b"2026-11-22 09:36:%02d GET /op%d 200 %d\n" % (place % 60, place, place)


def slim(place: int) -> bytes:
    return b"2026-11-22 09:36:%02d /op%d GET %d 200\n" % (place % 60, place, place)


def test_the_columns_change_half_way() -> None:
    read = read_blocks(IIS, [b"#Version: 1.0\n" + wide(0) + WIDE + wide(1) + SLIM + slim(2) + slim(3)], "small")
    assert [event[3:4] + event[1:2] for event in read.events] == [
        ("GET /op1", 1000),
        ("GET /op2", 2000),
        ("GET /op3", 3000),
    ]
    assert (read.accounting.ignored, read.accounting.malformed) == (3, 1)


LINES = st.sampled_from(
    (WIDE, SLIM, wide(1), slim(2), b"\xef\xbb\xbf" + WIDE, b"#x\r\n", b"\n", b"#Fields:\n", WIDE[:-1] + b"\r\n")
)


@given(order=st.lists(LINES, max_size=25), cuts=st.sets(st.integers(0, 25)))
@pytest.mark.parametrize("form", [IIS, CSV], ids=["directive", "first"])
@bounded(150)
def test_headings_are_the_same_however_the_lines_arrive(form: Format, order: list[bytes], cuts: set[int]) -> None:
    whole = read_blocks(form, [b"".join(order)] if order else [], "small")
    places = [0, *sorted(cut for cut in cuts if cut < len(order)), len(order)]
    blocks = [b"".join(order[a:b]) for a, b in pairwise(places)]
    parts = read_blocks(form, [block for block in blocks if block], "block")
    assert parts.told() == whole.told()
    assert whole.accounting.balanced
    assert whole.accounting.lines == len(order)
    # And where reading begins again at any place, the heading in force is learnt from what stands before it.
    reader, learnt = Reader(form, Registry(10)), Heading()
    for block in blocks[:-1]:
        reader.learn(block, learnt)
    other = Heading()
    for block in blocks[:-1]:
        reader.read(block, NOW, heading=other)
    assert learnt == other


def test_the_first_line_names_the_columns_and_is_no_event() -> None:
    content = b'\n"ms","at",op\n87,2026-11-22T09:36:12Z,"a,b"\n1,2\n'
    read = read_blocks(CSV, [content], "small")
    assert [(event[1], event[3]) for event in read.events] == [(87_000, "a,b")]
    assert (read.accounting.ignored, read.accounting.malformed) == (2, 1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path, IIS) as site:
        yield site


def test_the_heading_in_force_outlives_a_restart_and_a_rotation(site: Site) -> None:
    lines = [WIDE, *(wide(place) for place in range(5)), SLIM, *(slim(place) for place in range(5, 12))]
    for line in lines[:9]:
        site.append("calls.log", line)
        site.tick()
        site.restart()
    (site.logs / "calls.log").rename(site.logs / "calls.log.1")
    site.append("calls.log.1", lines[9])
    site.append("calls.log", slim(40) + WIDE + wide(41))  # which has no heading before its first line
    site.settle()
    site.restart()
    site.append("calls.log.1", lines[10])
    site.settle()
    packed = b"".join(lines)
    (site.logs / "calls.log.1.gz").write_bytes(gzip.compress(packed))
    (site.logs / "calls.log.1").unlink()
    site.restart()
    site.settle()
    cells = site.sent()
    assert cells["calls"].sum() == 12 + 1
    assert cells["sum_us"].sum() == sum(range(12)) * 1000 + 41_000
    assert set(cells["endpoint"]) == {*(f"GET /op{place}" for place in range(12)), "GET /op41"}


def test_what_could_not_be_kept_is_read_again_under_its_heading(site: Site) -> None:
    site.append("calls.log", WIDE + wide(1) + SLIM + slim(2))
    site.settle()
    site.outbox.full = True
    site.append("calls.log", WIDE + wide(3))
    site.tick()
    site.outbox.full = False
    site.append("calls.log", wide(4))
    site.settle()
    site.has_sent(WIDE + wide(1) + SLIM + slim(2) + WIDE + wide(3) + wide(4))


def test_files_of_the_same_columns_are_told_apart(tmp_path: Path) -> None:
    def row(place: int) -> bytes:
        return b"%d,2026-11-22T09:36:%02dZ,op%d\n" % (place, place, place)

    with Site(tmp_path, CSV) as site:
        head = b"ms,at,op\n"
        site.append("calls-1.csv", head + row(1) + row(2))
        site.settle()
        (site.logs / "calls-1.csv").unlink()
        site.restart()
        (site.logs / "calls-2.csv.gz").write_bytes(gzip.compress(head + row(3) + row(4) + row(5)))
        site.settle()
        assert site.sent()["calls"].sum() == 5
