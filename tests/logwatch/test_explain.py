"""What is told of one line: the same verdict as reading gives, why, and never a patient's number."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest

from domain.codes import SHIPPED
from domain.formats import Fields, Format, Join, Pair, Picked, TimeField, Value
from domain.redact import has_patient
from logwatch.catalog import shipped
from logwatch.explain import Explanation, explain
from logwatch.headings import Heading
from logwatch.line_at import first_lines, line_at
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.some import NOW

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CALLS = shipped()["hub-calls"]
LINE = "ts=2026-11-22T10:36:12.123+01:00 server=dpp-02 op=tip.registerData apb=00012371 code=TIP_200 dt=87"


UNREADABLE_TIME = (
    "the time in `ts` (00a) is none of the ways of writing a time that are read by themselves; "
    "declare `time.layout` or `time.unit`"
)


def told(line: str, form: Format = CALLS) -> Explanation:
    return explain(form, "mine", line, SHIPPED, NOW)


def row(found: Explanation, key: str) -> tuple[str, str, str]:
    return next((one.token, one.gives, one.note) for one in found.fields if one.key == key)


def test_a_call_field_by_field() -> None:
    found = told(LINE)
    assert (found.verdict, found.format, found.kind) == ("event", "mine", "logfmt")
    assert row(found, "time") == ("2026-11-22T10:36:12.123+01:00", "2026-11-22T09:36:12.123000Z", "")
    assert row(found, "endpoint") == ("tip.registerData", "tip.registerData", "")
    assert row(found, "pharmacy") == ("00012371", "00012371", "")
    assert row(found, "duration") == ("87", "87 ms", "")
    assert row(found, "vendor") == ("", "", "the line has no field `client`")
    assert row(found, "class") == ("", "ok", "by the code TIP_200, which is in the table")


@pytest.mark.parametrize(
    ("old", "new", "key", "note"),
    [
        ("apb=00012371", "apb=00012372", "pharmacy", "its check digits are wrong"),
        ("apb=00012371", "apb=123", "pharmacy", "a pharmacy's number has 8 digits; this has 3 characters (000)"),
        ("dt=87", "dt=fast", "duration", "aaaa is no number"),
        ("dt=87", "dt=999999999999", "duration", "it is longer than 7 days, or finer than its unit allows"),
        ("server=dpp-02", "server=" + "d" * 201, "server", "it is longer than 200 characters"),
        ("server=dpp-02", "server=\x07", "server", "it holds a control character, or bytes that are no UTF-8"),
        ("server=dpp-02", "server=-", "server", "it is empty"),
        ("code=TIP_200", "code=TIP_203", "class",
         "the code TIP_203 is not known, and there is no HTTP status: declare it with [[codes]]"),
        ("+01:00", "", "time", "it names no zone: Europe/Brussels is meant"),
        ("op=", "operation=", "endpoint", "the line has no field `op`"),
    ],
)  # fmt: skip
def test_what_is_amiss_with_a_key(old: str, new: str, key: str, note: str) -> None:
    found = told(LINE.replace(old, new))
    assert found.verdict == "event"
    assert row(found, key)[2] == note


@pytest.mark.parametrize(
    ("line", "form", "verdict", "why"),
    [
        ("", CALLS, "ignored", "it is blank"),
        ("# off", CALLS, "ignored", "it matches ignore[0]: ^#"),
        ("when=now", CALLS, "malformed", "the line has no field `ts`, only `when`"),
        ("tss=now", CALLS, "malformed", "the line has no field `ts`; did you mean `tss`?, only `tss`"),
        ("ts=", CALLS, "malformed", "the field `ts`, which should hold the time, is empty"),
        ("ts=22h", CALLS, "malformed",
         UNREADABLE_TIME),
        (LINE.replace("2026", "2029"), CALLS, "future", "its time is more than 5 minutes ahead of the clock"),
        ("  at x", shipped()["java-log4j"], "continuation", "it does not match `join.starts`: it continues an event"),
        ("2026-11-22 10:36:12,123 FATAL(", shipped()["java-log4j"], "malformed",
         'the format\'s pattern reads up to column 30, behind the group `time`, and "(" is not what it asks for next'),
        ("2026-11-22 10:36:12,123 FATAL", shipped()["java-log4j"], "malformed",
         "the format's pattern reads the whole line and asks for more, behind the group `time`"),
        ('{"a": 1', Format(kind="json"), "malformed", "it is no JSON: Input data was truncated"),
        ("[1]", Format(kind="json"), "malformed", "it is JSON, but no object"),
        ('1.1.1.1 - - [22/Nov/2026:10:36:12 +0100] "GET / HTTP/1.1" ok 12', shipped()["access"], "malformed",
         "it has no status of three digits behind the request"),
        ("hello", shipped()["syslog-rfc3164"], "malformed",
         "it has no head of syslog: a time, a host, a program and a colon"),
        ("a;b", Format(kind="delimited", delimiter=";", header=("time", "op", "dt")), "malformed",
         "it has 2 values, and the format asks for 3"),
        ("a;b;c;d", Format(kind="delimited", delimiter=";", header=("time", "op", "dt")), "malformed",
         "it has 4 values, and the format names 3 columns"),
        ("a;b;c", Format(kind="delimited", delimiter=";", header=("time", "op", "=x|y")), "malformed",
         "it has 3 values, but the format asks for one column to be x or y"),
        ("a;b;c", Format(kind="delimited", delimiter=";", header="first"), "malformed",
         "no line before it names the columns"),
    ],
)  # fmt: skip
def test_why_a_line_is_no_call(line: str, form: Format, verdict: str, why: str) -> None:
    found = told(line, form)
    assert (found.verdict, found.why) == (verdict, why)


PATIENT = Format(
    kind="logfmt",
    time=TimeField(field="ts"),
    fields=Fields(endpoint="uri", patient="p", vendor=Picked(field="ua", match="(a|aa)+$")),
    values={"heap": Value(field="heap", unit="bytes")},
)


def test_no_patient_is_shown_wherever_it_stands() -> None:
    line = "ts=2026-11-22T10:36:12Z uri=/s/50010199928/x p=64.02.29-999.71 note=PatientId:50010199928x heap=12.5"
    found = told(line, PATIENT)
    assert not has_patient(str(asdict(found)))
    assert row(found, "patient") == (
        "", "1 patient", "a patient's number: hashed to count distinct patients, and not kept",
    )  # fmt: skip
    assert row(found, "endpoint")[:2] == ("/a/00000000000/a", "/s/[patient]/x")
    assert found.masked[:3] == (
        "a patient's number, columns 32 to 42",
        "a patient's number, columns 48 to 62",
        "a patient's number, columns 79 to 89",
    )
    assert "a patient's number within `note`" in found.masked
    assert row(found, "values.heap") == ("00.0", "12.5 bytes", "")
    assert found.unread == ("note",)


def test_a_mistyped_number_is_shown_by_its_shape_only() -> None:
    found = told("ts=2026-11-22T10:36:12Z uri=/x p=50010199929 note=50010199929", PATIENT)
    assert "50010199929" not in str(asdict(found))
    assert row(found, "patient") == ("", "", "no patient's number")


def test_a_pattern_that_runs_away_is_told() -> None:
    found = told("ts=2026-11-22T10:36:12Z uri=/x ua=" + "a" * 100 + "b", PATIENT)
    assert row(found, "vendor")[2] == "its pattern took longer than 0.2 s and was stopped"


def test_the_two_lines_of_a_pair() -> None:
    form = Format(
        kind="pair", inner="logfmt", time=TimeField(field="ts"), fields=Fields(endpoint="op"),
        pair=Pair(id="id", starts="begin", ends="end"),
    )  # fmt: skip
    found = [told(f"ts=2026-11-22T10:36:12Z id=7 op=x what={what}", form) for what in ("begin", "end", "more")]
    assert [(one.verdict, one.why) for one in found] == [
        ("event", "it is the start of a call: `pair` joins it to the other"),
        ("event", "it is the end of a call: `pair` joins it to the other"),
        ("ignored", "it is neither a start nor an end by `pair.starts` and `pair.ends`"),
    ]


def test_a_key_out_of_the_name_of_the_file() -> None:
    form = msgspec.structs.replace(CALLS, fields=Fields(server=Picked(file=r"(dpp-\d+)"), endpoint="op"))
    found = [explain(form, "mine", LINE, SHIPPED, NOW, file=file) for file in ("/log/dpp-07.log", "/log/x.log")]
    assert [row(one, "server") for one in found] == [
        ("", "dpp-07", ""), ("", "", "its pattern finds nothing in the path that can be a key"),
    ]  # fmt: skip


def test_an_event_of_several_lines_is_explained_as_one() -> None:
    form = Format(
        kind="regex", pattern=r"^(?P<time>\S+) (?P<op>\w+)(?s:.*?)code (?P<code>\w+)",
        fields=Fields(endpoint="op", code="code"), join=Join(starts=r"^\d"),
    )  # fmt: skip
    found = told("2026-11-22T10:36:12Z getData\n at x\n code TIP_200", form)
    assert (found.verdict, row(found, "code")[1]) == ("event", "TIP_200")


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_verdicts_are_those_of_reading(folder: Path) -> None:
    """Every line of the golden files is explained as it is read."""
    form = shipped()[folder.name]
    for file in folder.glob("*.log"):
        block = first_lines(file)
        count = Reader(form, Registry(1_000)).read(block, NOW, way="small", heading=Heading()).accounting
        found: Counter[str] = Counter()
        for number in range(1, len(block.removesuffix(b"\n").split(b"\n")) + 1):
            at = line_at(file, number, form, "formats.mine", lambda _: None)
            one = explain(form, folder.name, at.text, SHIPPED, NOW, heading=at.heading, file=str(file))
            assert not has_patient(str(asdict(one)))
            found[one.verdict] += 1
        if form.pair is not None:
            # A call's two lines are an event and a continuation, where they find each other.
            found["event"] -= count.continuations + count.pending
            found["continuation"] += count.continuations
        read = {"event": count.events, "continuation": count.continuations, "ignored": count.ignored,
                "malformed": count.malformed, "future": count.future}  # fmt: skip
        assert {verdict: found[verdict] for verdict in read} == read


JOINED = Format(
    kind="regex", pattern=r"^(?P<time>\S+) (?P<op>\w+)", fields=Fields(endpoint="op"), join=Join(starts=r"^\d")
)


def test_a_line_comes_with_those_that_continue_it(tmp_path: Path) -> None:
    file = tmp_path / "joined.log"
    file.write_text("2026-11-22T10:36:12Z one\n at x\n at y\n2026-11-22T10:36:13Z two")
    at = [line_at(file, number, JOINED, "f", lambda _: None) for number in (1, 2, 3, 4)]
    assert [one.text for one in at] == [
        "2026-11-22T10:36:12Z one\n at x\n at y",
        " at x",
        " at y",
        "2026-11-22T10:36:13Z two",
    ]
    assert [one.begins for one in at] == [1, 1, 1, 4]


def test_a_line_too_long_is_counted_and_told(tmp_path: Path) -> None:
    file = tmp_path / "long.log"
    file.write_bytes(b"one\n" + b"x" * (30 << 20) + b"\nthree\n")
    at = [line_at(file, number, CALLS, "f", lambda _: None) for number in (1, 2, 3)]
    assert [(one.text, one.too_long) for one in at] == [("one", False), ("", True), ("three", False)]
