"""The kind `regex`: a format's own pattern, on one line and on a block."""

from __future__ import annotations

import polars as pl
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.settings import Fields, Format, Picked, TimeField
from logwatch.catalog import shipped
from logwatch.kinds.regex import Regex
from logwatch.lines import MAX_LINE
from logwatch.patterns import is_common
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.some import NOW, bounded, read_blocks
from tests.logwatch.test_golden import GOLDEN

PATTERN = (
    r"^\[(?P<time>[^\]]+)\] +(?P<level>[A-Z]+) (?P<message>.*?)(?: took (?P<ms>\d+) ms)?(?: \((?P<logger>[\w.]+)\))?$"
)
FORM = Format(
    kind="regex",
    pattern=PATTERN,
    time=TimeField(field="time"),
    fields=Fields(endpoint="logger", code=Picked(field="level", match="^ERROR$"), duration_ms="ms"),
)
LINES = [
    "[2026-11-22 10:36:12,123] INFO all is well took 12 ms (a.b.C)", "[2026-11-22 10:36:13,123] ERROR no more (a.b.C)",
    "[2026-11-22 10:36:13] ERROR", "[x] INFO a", "[2026-11-22 10:36:13] INFO é (a.b.C)", "",
    "[2026-11-22 10:36:13] INFO \x1c(a.B)", "\tat a.b.C", "[2026-11-22T10:36:13Z] WARN a (é.b)",
    "[2026-11-22T10:36:13Z] WARN a took ١ ms (b)",
]  # fmt: skip


def test_the_named_groups_are_the_fields() -> None:
    kind = Regex.of(FORM, "formats.x")
    assert kind.fields(LINES[0]) == {
        "time": "2026-11-22 10:36:12,123", "level": "INFO", "message": "all is well", "ms": "12", "logger": "a.b.C",
    }  # fmt: skip
    assert kind.fields(LINES[2]) is None
    assert kind.fields(LINES[7]) is None


@pytest.mark.parametrize("many", [1, 3])
def test_a_block_gives_what_its_lines_give(many: int) -> None:
    block = "".join(line + "\n" for line in LINES * many).encode() + b"\xff\xfe [\n"
    for content in (block, block.decode("utf-8", "ignore").replace("\x1c", "").encode()):
        small = read_blocks(FORM, [content], "small")
        assert small.accounting.events == 6 * many
        assert read_blocks(FORM, [content], "block").told() == small.told()


def test_a_block_of_plain_lines_is_read_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(FORM, Registry(10))
    monkeypatch.setattr(Regex, "fields", lambda *_: pytest.fail("read by itself"))
    line = b"[2026-11-22 10:36:12,123] INFO all is well took 12 ms (a.b.C)\n"
    assert reader.read(line * 2_000, NOW, "block").accounting.events == 2_000


def test_a_pattern_that_runs_away_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.guarded.PATTERN_SECONDS", 0.02)
    form = Format(kind="regex", pattern=r"^(?P<time>(?:\d|\d\d|-)+)(?P<end>(x+x+)+y)$", time=TimeField(field="time"))
    bad = b"2026-" + b"x" * 5_000 + b"\n"
    for way in ("small", "block"):
        read = read_blocks(form, [bad, b"1795340172xxxy\n"], way)
        assert (read.accounting.malformed, read.accounting.events) == (1, 1)


@pytest.mark.parametrize(
    ("changed", "path", "problem"),
    [
        ({"pattern": ""}, "formats.x.pattern", "needs its pattern"),
        ({"pattern": "(?P<time>"}, "formats.x.pattern", "is not a pattern"),
        ({"pattern": "(?P<time>a)"}, "formats.x.fields.endpoint", '"logger" is no group'),
        ({"pattern": "a", "fields": Fields()}, "formats.x.time.field", '"time" is no group'),
        ({"fields": Fields(endpoint="path")}, "formats.x.fields.endpoint", '"request" is no group'),
        ({"fields": Fields(server=Picked(field="host", match="a"))}, "formats.x.fields.server", '"host" is no group'),
    ],
)
def test_a_wrong_pattern_is_told_with_its_place(changed: dict[str, object], path: str, problem: str) -> None:
    declared: dict[str, object] = {"kind": "regex", "pattern": PATTERN, "time": FORM.time, "fields": FORM.fields}
    with pytest.raises(ConfigError, match=problem) as error:
        Reader(Format(**{**declared, **changed}), Registry(1), path="formats.x")  # type: ignore[arg-type]
    assert error.value.path == path


@pytest.mark.parametrize(
    ("pattern", "common"),
    [
        (PATTERN, True), (r"^(?P<a>[^ ]+) (?:b|c)?d{2,3}\.$", True), (r"a\w+?\s*", True),
        (r"(?<a>b+)", True), (r"[a-z&~_-]+", True),
        (r"(?<=a)b", False), (r"(?<a>b)(?<a>c)", False),
        (r"(?P<a>b)(?P=a)", False), (r"(a)\1", False), (r"a*+", False), (r"(?i)a", False),
        (r"(?>a)", False), (r"(?P<a>b)|(?P<a>c)", False),
        (r"(?:a+)+", False), (r"(?:a|b)*", False), (r"[[a]&&b]", False),
        (r"\bword", False),
        (r"é+", False), (r"a{x", False), (r"(a", False), (r"a)", False), (r"*a", False),
        ("a\tb", False),
        (r"\p{L}", False), (r"[\d--5]", False), (r"a**", False), (r"\Aa\Z", False),
    ],
)  # fmt: skip
def test_which_patterns_both_engines_read_alike(pattern: str, common: bool) -> None:
    assert is_common(pattern) is common


_PIECES = [
    "a",
    "b",
    " ",
    r"\d",
    r"\w+",
    r"\s*",
    "[^ ]+",
    "[a-c]*?",
    ".",
    ".*",
    "(?:ab)?",
    "(?P<x>",
    ")",
    "|",
    "^",
    "$",
    "{2}",
]


@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=8), text=st.text("abc 12_.-\t", max_size=12))
@bounded(400)
def test_both_engines_find_the_same_with_a_common_pattern(pieces: list[str], text: str) -> None:
    pattern = "(?P<all>" + "".join(pieces) + ")"
    if not is_common(pattern):
        return
    try:
        mine = regex.compile(pattern)
    except regex.error:
        return
    match = mine.search(text)
    try:
        theirs = pl.Series([text]).str.extract_groups(pattern).struct.unnest().row(0, named=True)
    except pl.exceptions.PolarsError:
        return
    assert theirs == (match.groupdict() if match else dict.fromkeys(mine.groupindex))


@given(data=st.binary(max_size=300), line=st.sampled_from(LINES))
@bounded(200)
def test_any_bytes_are_accounted_for_alike_both_ways(data: bytes, line: str) -> None:
    block = line.encode() + data + b"\n" + data
    small = read_blocks(FORM, [block], "small")
    assert small.accounting.balanced
    assert read_blocks(FORM, [block], "block").told() == small.told()


_SHIPPED = {name: form for name, form in shipped().items() if form.kind == "regex"}


@pytest.mark.parametrize("name", _SHIPPED)
@given(data=st.data())
@bounded(40)
def test_spoilt_lines_of_a_shipped_format_are_read_alike_both_ways(name: str, data: st.DataObject) -> None:
    form = _SHIPPED[name]
    lines = [example.line for example in form.examples] + (GOLDEN / name / "lines.log").read_text().splitlines()
    spoilt = []
    for line in data.draw(st.lists(st.sampled_from(lines), min_size=1, max_size=8)):
        at = data.draw(st.integers(0, len(line)))
        cut = data.draw(st.sampled_from((0, 0, 1, 3)))
        odd = data.draw(st.sampled_from(("", "", "é", "\x1c", "\x00", " ", "]", "|", "٣", "\ufeff", "\r")))
        spoilt.append(line[:at] + odd + line[at + cut :])
    content = "\n".join(spoilt).encode()
    small = read_blocks(form, [content], "small")
    assert small.accounting.balanced
    assert read_blocks(form, [content], "block").told() == small.told()


@pytest.mark.parametrize("name", _SHIPPED)
def test_a_shipped_pattern_is_read_by_the_block_and_does_not_run_away(name: str) -> None:
    form = _SHIPPED[name]
    assert is_common(form.pattern)
    line = form.examples[0].line
    pattern = regex.compile(form.pattern)
    for piece in (" | a", ", client: x", "a:b@1] -", "[a] ", " (a", " - ", '" ', "y"):
        for head in (line, line[:40]):
            pattern.search(head + piece * (MAX_LINE // len(piece)), timeout=5)  # raises TimeoutError


def test_times_of_a_declared_layout_are_read_alike_both_ways() -> None:
    form = Format(
        kind="regex",
        pattern=r"^(?P<when>.*?) (?P<op>op\d)$",
        time=TimeField(field="when", layout="%d %b %H:%M:%S"),
        fields=Fields(endpoint="op"),
    )
    block = "22 nov. 10:36:12,5 op1\n22 Nov 10:36:13 op2\n2026-11-22T10:36:12Z op3\n29 févr. 10:36:12 op4\n".encode()
    small = read_blocks(form, [block], "small")
    assert [event[0] for event in small.events] == [
        1_795_340_172_500_000, 1_795_340_173_000_000, 1_709_199_372_000_000,
    ]  # fmt: skip
    assert read_blocks(form, [block], "block").told() == small.told()
