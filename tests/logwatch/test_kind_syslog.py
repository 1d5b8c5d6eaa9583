"""The kind `syslog`: heads of both RFCs, frames, and a line of another format as the message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.settings import Fields, Format, TimeField
from logwatch.kinds.syslog import Syslog
from tests.logwatch.mutilated import mutilated_line
from tests.logwatch.some import bounded, read_blocks

RFC5424 = '<29>1 2026-11-22T10:36:12+01:00 dpp-02 tip 2341 ID47 [origin][meta seq="14" text="a \\"b\\" \\] \\x"] OK'


def test_the_head_and_the_structured_data() -> None:
    assert Syslog().fields(RFC5424) == {
        "priority": "29", "facility": "daemon", "severity": "notice", "as_status": "200", "version": "1",
        "timestamp": "2026-11-22T10:36:12+01:00", "timestamp.rfc5424": "2026-11-22T10:36:12+01:00",
        "hostname": "dpp-02", "appname": "tip", "procid": "2341", "msgid": "ID47", "message": "OK",
        "sd.origin": "true", "sd.meta": "true", "sd.meta.seq": "14", "sd.meta.text": 'a "b" ] \\x',
    }  # fmt: skip


def test_what_is_nil_is_empty() -> None:
    fields = Syslog().fields("<191>999 - - - - - -")
    assert fields is not None
    assert fields["facility"] == "local7"
    assert fields["severity"] == "debug"
    assert {fields[name] for name in ("timestamp", "hostname", "appname", "procid", "msgid", "message")} == {""}


@pytest.mark.parametrize(
    ("line", "stamp", "hostname", "appname", "procid", "message"),
    [
        ("<13>Dec  2 16:31:03 host app: Test", "Dec  2 16:31:03", "host", "app", "", "Test"),
        ("Dec 12 16:31:03 host app[12]: a: b", "Dec 12 16:31:03", "host", "app", "12", "a: b"),
        ("Dec 12 16:31:03 app[12]: no host", "Dec 12 16:31:03", "", "app", "12", "no host"),
        ("Dec 12 16:31:03 APP: no host", "Dec 12 16:31:03", "", "APP", "", "no host"),
        ("Dec 12 16:31:03 WEB app: x", "Dec 12 16:31:03", "WEB", "app", "", "x"),
        ("Dec 12 16:31:03 host said this", "Dec 12 16:31:03", "host", "", "", "said this"),
        ("Dec 12 16:31:03 --- repeated ---", "Dec 12 16:31:03", "", "", "", "--- repeated ---"),
        ("Dec 12 16:31:03 2001:db8::1 app: x", "Dec 12 16:31:03", "2001:db8::1", "app", "", "x"),
        ("Dec 12 16:31:03 host My Own App[12]: x", "Dec 12 16:31:03", "host", "My Own App", "12", "x"),
        ("Dec 12 16:31:03 host app[1] (sub[2]): x", "Dec 12 16:31:03", "host", "app", "1", "x"),
        ("Dec  2 2026 16:31:03.5 host app: x", "2026-12-02T16:31:03.5", "host", "app", "", "x"),
        ("Dec  2 16:31:03 2026 host app: x", "2026-12-02T16:31:03", "host", "app", "", "x"),
        ("*Dec  2 2026 16:31:03.123 CET: %A-1-B: x", "2026-12-02T16:31:03.123 CET", "", "%A-1-B", "", "x"),
        ("déc. 2 16:31:03 host app: \ufeffx", "déc.  2 16:31:03", "host", "app", "", "x"),
        ("2026-12-02T16:31:03.5+01:00 host app[1]: x", "2026-12-02T16:31:03.5+01:00", "host", "app", "1", "x"),
        ("34 <13>Dec  2 16:31:03 host app: Test", "Dec  2 16:31:03", "host", "app", "", "Test"),
    ],
)
def test_what_is_written_of_rfc_3164(
    line: str, stamp: str, hostname: str, appname: str, procid: str, message: str
) -> None:
    fields = Syslog().fields(line)
    assert fields is not None
    told = tuple(fields[name] for name in ("timestamp", "hostname", "appname", "procid", "message"))
    assert told == (stamp, hostname, appname, procid, message)
    assert fields["timestamp.rfc3164"] == stamp


@pytest.mark.parametrize(
    "line",
    [
        "", "<192>1 - - - - - -", "<13>", "<1>2", "16 <1>217 <11>1 - - - - - -",
        "16 <1>2 - - - - - -17 <4>11 - - - - - -",
        "Foo  2 16:31:03 host app: x", "2026-12-02T16:31:03 INFO main: x", "2026-12-02T16:31:03 no tag",
        '<13>1 - - - - - [a b="c] x', "22/Nov/2026 10:36:12 host app: x", "Dec  2 16:31 host app: x",
    ],
)  # fmt: skip
def test_other_lines_are_no_syslog(line: str) -> None:
    assert Syslog().fields(line) is None


def test_a_frame_shorter_than_it_says_goes_on_in_the_next_line() -> None:
    fields = Syslog().fields("28 <1>3 - - - - - - hello")
    assert fields is not None
    assert fields["message"] == "hello"
    assert Syslog().fields("20 <1>3 - - - - - - h\ufffd\ufffd") is not None


INNER = Format(kind="syslog", inner="hub-calls", time=TimeField(field="ts"), fields=Fields(endpoint="op"))


def test_the_message_may_be_a_line_of_another_format() -> None:
    kind = Syslog.of(INNER, "formats.x")
    fields = kind.fields(
        "Nov 22 10:36:12 dpp-02 tip[8]: ts=2026-11-22T10:36:12Z op=tip.getData code=TIP_200 hostname=x"
    )
    assert fields is not None
    assert (fields["op"], fields["message.op"]) == ("tip.getData", "tip.getData")
    assert (fields["hostname"], fields["message.hostname"]) == ("dpp-02", "x")
    assert kind.fields("Nov 22 10:36:12 dpp-02 tip[8]: nothing of the kind") is None


def test_an_unknown_format_within_names_its_place() -> None:
    with pytest.raises(ConfigError) as raised:
        Syslog.of(Format(kind="syslog", inner="nothing"), "formats.x")
    assert "formats.x.inner" in str(raised.value)


@st.composite
def syslog_line(draw: st.DrawFn) -> bytes:
    """A line of either RFC, most of its parts as they should be."""
    one = st.sampled_from
    priority = draw(one(("", "<13>", "<187>", "<192>", "<x>")))
    stamp = draw(one(("Nov 22 10:36:12", "Feb 30 10:36:12", "nov. 2 10:36:12.5", "2026-11-22T10:36:12Z", "-", "x")))
    rest = draw(one(("h app[1]: op=a ts=2026-11-22T10:36:12Z", "app: op=b", "h says", "", "h [x]: y", "INFO a: b")))
    if draw(st.booleans()):
        data = draw(one(("-", "[a]", '[a b="c"][d e="\\""]', '[a b="c]', "[")))
        rest = f"h app - ID {data} {rest}"
        priority += "1 "
    line = f"{priority}{stamp} {rest}".encode()
    return (b"%d " % (len(line) - draw(st.integers(0, 1))) if draw(st.integers(0, 4)) == 0 else b"") + line


@pytest.mark.parametrize("form", [Format(kind="syslog"), INNER], ids=["plain", "inner"])
@given(data=st.data())
@bounded(150)
def test_no_line_makes_it_stumble(form: Format, data: st.DataObject) -> None:
    lines = data.draw(
        st.lists(st.one_of(syslog_line(), mutilated_line(syslog_line()), st.binary(max_size=50)), max_size=9)
    )
    content = b"".join(line.replace(b"\n", b"") + b"\n" for line in lines)
    small = read_blocks(form, [content] if content else [], "small")
    assert small.accounting.balanced
    assert small.accounting.lines == len(lines)
    assert read_blocks(form, [content] if content else [], "block").told() == small.told()


@pytest.mark.parametrize(
    "line",
    [
        "<13>1 - - - - - [a" + ' b="c"' * 40_000, "<13>1 - - - - - " + "[a]" * 80_000 + "[",
        "Dec  2 16:31:03 " + "a " * 100_000,
        "Dec  2 16:31:03 h a" + "[" * 200_000, "Dec  2 16:31:03 " + "(a) " * 60_000,
        "Dec  2 16:31:03 h " + ":" * 200_000,
    ],
)  # fmt: skip
def test_a_long_line_costs_no_more_than_its_length(line: str) -> None:
    """Were a pattern to look at it from each of its characters, this would take minutes."""
    Syslog().fields(line)
