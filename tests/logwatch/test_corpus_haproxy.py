"""Real HAProxy logs give what their reference and their origins say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from logwatch.kinds.haproxy import Haproxy
from logwatch.meaning import method_of, path_of
from tests.cli.call import ask
from tests.logwatch.corpus import CORPUS, lines_of, pytestmark_corpus, reference

pytestmark = pytestmark_corpus

LOGS = {
    "access-haproxy/nagiosplugin/haproxy.log": "access-haproxy/nagiosplugin/haproxy.log",
    "traffic/haproxy-web-36h": "traffic/haproxy-web-36h/haproxy_2014-12-24_25.log.gz",
}
FILEBEAT = [
    "access-haproxy/filebeat/haproxy/log/haproxy.log",
    "access-haproxy/filebeat/haproxy/log/httplog-no-headers.log",
    "access-haproxy/filebeat/haproxy/log/tcplog.log",
]
# Calls that the reference does not count at an endpoint: two whose target is absolute (`GET http://www.ly.com/` is
# `GET /` here), and one whose request is cut off, so that it has no second quote.
MORE_CALLS = {"traffic/haproxy-web-36h": {"GET /": 2, "GET /platform/getremind": 1}}
# What their name for it is in ours.
SAME = {
    "haproxy.backend_name": "backend", "haproxy.server_name": "server", "haproxy.termination_state": "termination",
    "haproxy.bytes_read": "bytes", "haproxy.connection_wait_time_ms": "Tc", "haproxy.total_waiting_time_ms": "Tw",
    "haproxy.http.request.raw_request_line": "request", "http.response.status_code": "status",
    "haproxy.connections.active": "actconn", "haproxy.connections.frontend": "feconn",
    "haproxy.connections.backend": "beconn", "haproxy.connections.server": "srv_conn",
    "haproxy.connections.retries": "retries", "haproxy.server_queue": "srv_queue",
    "haproxy.backend_queue": "backend_queue",
}  # fmt: skip


@pytest.mark.parametrize("name", LOGS)
def test_analyse_gives_the_counts_and_durations_of_the_reference(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = reference(name)
    answer = ask(capsys, "analyse", str(CORPUS / LOGS[name]), "--json")
    result = json.loads(answer.out)
    assert result["format"] == "haproxy-http"
    assert result["lines"] == told["lines"]
    assert result["malformed"] + result["ignored"] == told["not_httplog"]
    assert result["events"] == told["lines"] - told["not_httplog"]
    by = {key: {row["key"]: row["calls"] for row in result["by"][key]} for key in ("code", "server")}
    assert by["code"] == dict(told["status"])
    # The reference lists the first eight.
    assert dict(list(by["server"].items())[:8]).items() >= dict(told["server"]).items()
    endpoints = {row["key"]: row for row in result["by"]["endpoint"]}
    ours = {
        key: {
            "n": endpoints[key]["calls"] - MORE_CALLS.get(name, {}).get(key, 0), "p50": endpoints[key]["p50_ms"],
            "p95": endpoints[key]["p95_ms"], "max": endpoints[key]["max_ms"],
        }
        for key in told["total_time_ms_by_endpoint"]
    }  # fmt: skip
    assert ours == told["total_time_ms_by_endpoint"]


@pytest.mark.parametrize("name", LOGS)
def test_ends_and_timers_are_those_of_the_reference(name: str) -> None:
    told = reference(name)
    found = [fields for line in lines_of(LOGS[name]) if (fields := Haproxy().fields(line))]
    assert Counter(fields["termination"] for fields in found) == dict(told["termination"])
    negative = Counter(timer for fields in found for timer in ("Tq", "Tw", "Tc", "Tr") if fields[timer] == "-1")
    assert negative == told["negative_timers"]


@pytest.mark.parametrize("name", FILEBEAT)
def test_filebeat_reads_the_same(name: str) -> None:
    expected = json.loads(Path(f"{CORPUS / name}-expected.json").read_bytes())
    lines = [line for line in lines_of(name) if line]
    assert len(lines) == len(expected)
    for line, event in zip(lines, expected, strict=True):
        fields = Haproxy().fields(line)
        assert fields is not None
        ours: dict[str, Any] = {their: fields[our] for their, our in SAME.items() if their in event}
        # A tcplog line has no milliseconds of a request; the `~` of TLS is no part of the frontend's name.
        ours |= {"haproxy.frontend_name": fields["frontend"], "event.duration": f"{int(fields['Tt']) * 1_000_000}"}
        ours |= {"http.request.method": method_of(fields["request"]), "url.path": path_of(fields["request"])}
        for their, value in ours.items():
            if their in event:
                assert value == str(event[their]).rstrip("~"), (their, line)
