"""The kind `haproxy`: lines of requests and of connections, on one line and on a block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.catalog import shipped
from logwatch.kinds.haproxy import Haproxy
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.mutilated import mutilated_line
from tests.logwatch.some import NOW, bounded, read_blocks

HTTP = (
    "10.0.0.1:39164 [22/Nov/2026:10:36:12.093] https-in~ dpp/dpp-02 0/1/2/86/+89 200 365 - s=1 ---- 3/2/1/4/+5 6/7"
    ' {softa|} {x} "POST /dpp/tip.registerData?id=1 HTTP/1.1"'
)
TCP = "10.0.0.1:40962 [22/Nov/2026:10:36:12.285] amqp-in amqp/mq-1 1/0/5007 +212 SC 1/1/0/0/0 0/0"
PREFIXES = (
    "", "Nov 22 10:36:12 lb-1 haproxy[812]: ", "<134>Nov  2 10:36:12 haproxy[812]: ", "Nov 22 10:36:12 2026 lb-1 lb: ",
    "<134>1 2026-11-22T10:36:12.1+01:00 lb-1 haproxy 812 - - ", "2026-11-22T10:36:12.123456+01:00 lb-1 haproxy[8]: ",
    '<134>1 2026-11-22T10:36:12Z lb-1 haproxy 8 - [x@1 a="b c"] ',
)  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_request_whatever_syslog_has_put_before_it(prefix: str) -> None:
    assert Haproxy().fields(prefix + HTTP) == {
        "client": "10.0.0.1:39164", "time": "22/Nov/2026:10:36:12.093", "frontend": "https-in", "backend": "dpp",
        "server": "dpp-02", "upstream": "dpp/dpp-02", "Tq": "0", "Tw": "1", "Tc": "2", "Tr": "86", "Tt": "89",
        "status": "200", "bytes": "365", "request_cookie": "-", "response_cookie": "s=1", "termination": "----",
        "actconn": "3", "feconn": "2", "beconn": "1", "srv_conn": "4", "retries": "+5", "srv_queue": "6",
        "backend_queue": "7", "request_headers": "softa|", "response_headers": "x",
        "request": "POST /dpp/tip.registerData?id=1 HTTP/1.1", "code": "200", "as_status": "200",
    }  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_connection_has_no_request(prefix: str) -> None:
    fields = Haproxy().fields(prefix + TCP)
    assert fields is not None
    assert {name: value for name, value in fields.items() if value} == {
        "client": "10.0.0.1:40962", "time": "22/Nov/2026:10:36:12.285", "frontend": "amqp-in", "backend": "amqp",
        "server": "mq-1", "upstream": "amqp/mq-1", "Tw": "1", "Tc": "0", "Tt": "5007", "bytes": "212",
        "termination": "SC", "actconn": "1", "feconn": "1", "beconn": "0", "srv_conn": "0", "retries": "0",
        "srv_queue": "0", "backend_queue": "0", "code": "SC", "as_status": "502",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "end", "code", "as_status"),
    [
        ("200", "----", "200", "200"), ("504", "sH--", "504", "504"), ("200", "cD--", "200", "200"),
        ("-1", "CH--", "CH", "499"), ("-1", "cR--", "cR", "408"), ("-1", "SC--", "SC", "502"),
        ("-1", "sD--", "sD", "504"), ("-", "PR--", "PR", "400"), ("-1", "PH--", "PH", "502"),
        ("-1", "PC--", "PC", "503"), ("-1", "RC--", "RC", "503"), ("-1", "IH--", "IH", "500"),
        ("-1", "LR--", "LR", "200"), ("-1", "----", "", ""), ("-1", "zz--", "zz", ""),
    ],
)  # fmt: skip
def test_a_session_without_an_answer_is_judged_by_its_end(status: str, end: str, code: str, as_status: str) -> None:
    line = HTTP.replace(" 200 ", f" {status} ").replace("----", end)
    fields = Haproxy().fields(line)
    assert fields is not None
    assert (fields["code"], fields["as_status"]) == (code, as_status)
    small = read_blocks(shipped()["haproxy-http"], [f"{line}\n".encode()], "small")
    assert read_blocks(shipped()["haproxy-http"], [f"{line}\n".encode()], "block").told() == small.told()


@pytest.mark.parametrize(
    "line",
    [
        "", "Connect from 10.0.0.1:48968 to 10.0.0.96:443 (https-in/HTTP)", HTTP.replace("0/1/2/86", "0/1/86"),
        HTTP.replace(" 6/7", ""), TCP.replace(" SC ", " SC-- "), HTTP.replace("[22/", "[2026-"), HTTP[:100],
        "Server dpp/dpp-01 is DOWN, reason: Layer4 timeout, check duration: 2001ms.",
    ],
)  # fmt: skip
def test_other_lines_are_none_of_a_session(line: str) -> None:
    assert Haproxy().fields(line) is None


def test_no_request_and_a_cut_one() -> None:
    kind = Haproxy()
    none, cut = kind.fields(HTTP.split('"')[0] + '"<BADREQ>"'), kind.fields(HTTP[:-12])
    assert none is not None
    assert none["request"] == ""
    assert cut is not None
    assert cut["request"] == "POST /dpp/tip.registerData?id"


@st.composite
def session(draw: st.DrawFn) -> bytes:
    """A line of a session, most of its parts as they should be."""
    one = st.sampled_from
    timer = one(("0", "87", "-1", "-", "5003"))
    day = draw(one(("22/Nov/2026:10:36:12.093", "22/Nov/2026:10:36:12", "31/Feb/2026:10:36:12.000", "22/Nov/2026")))
    head = (
        f"{draw(one(PREFIXES))}10.0.0.{draw(st.integers(1, 3))}:39164 [{day}] "
        f"{draw(one(('http-in', 'https-in~')))} {draw(one(('dpp/dpp-01', 'dpp/<NOSRV>', 'dpp')))} "
        f"{draw(one(('', '', '', 'site.example ')))}"
    )
    counts = draw(one(("1/1/0/0/0 0/0", "3/2/1/1/+1 0/9", "1/1/0/0 0/0")))
    plus, end = draw(one(("", "+"))), draw(one(("--", "--", "SC", "cD", "L-", "zz")))
    if draw(st.integers(0, 3)) == 0:
        timers = f"{draw(timer)}/{draw(timer)}/{plus}{draw(timer)}"
        return f"{head}{timers} 212 {end} {counts}{draw(one(('', ' more')))}".encode()
    timers = "/".join(draw(timer) for _ in range(4)) + f"/{plus}{draw(timer)}"
    status = draw(one(("200", "404", "503", "-1", "-", "20", "12345")))
    request = draw(one(("GET /dpp/x/123456 HTTP/1.1", "<BADREQ>", "", "POST /é", "GET /subject/50010199928/ HTTP/1.1")))
    headers = draw(one(("", "{} ", "{softa|4.2} {x} ")))
    line = f'{head}{timers} {status} 365 - - {end}-- {counts} {headers}"{request}"'
    return line.encode()[: -draw(st.integers(1, 9)) if draw(st.integers(0, 5)) == 0 else None]


@pytest.mark.parametrize("name", ["haproxy-http", "haproxy-tcp"])
@given(data=st.data())
@bounded(150)
def test_a_block_gives_what_its_lines_give(name: str, data: st.DataObject) -> None:
    lines = data.draw(st.lists(st.one_of(session(), mutilated_line(session())), max_size=12))
    content = b"".join(line + b"\n" for line in lines)
    small = read_blocks(shipped()[name], [content] if content else [], "small")
    assert small.accounting.balanced
    assert read_blocks(shipped()[name], [content] if content else [], "block").told() == small.told()


@given(st.text())
@bounded(200)
def test_no_text_makes_it_stumble(text: str) -> None:
    assert Haproxy().fields(text) is None


def test_a_block_of_sessions_is_read_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(shipped()["haproxy-http"], Registry(10))
    monkeypatch.setattr(Haproxy, "fields", lambda *_: pytest.fail("read by itself"))
    block = f"{PREFIXES[1]}{HTTP}\n{TCP}\n".encode() * 1_000
    assert reader.read(block, NOW, "block").accounting.events == 2_000


def test_many_beginnings_of_a_session_cost_no_more_than_their_length() -> None:
    """Were each looked at to the line's end, this would take minutes."""
    line = "x [22/Nov/2026:10:36:12.093] a a/a 1/1/1/1/1 200 1 - - ---- 1/1/1/1/1 0/0 " * 3_000
    assert Haproxy().fields(line) is None
