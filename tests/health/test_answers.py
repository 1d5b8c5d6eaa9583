"""What a process answers about itself, without a process."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from domain.errors import StoreError
from domain.exposition import counter, exposition, gauge, request_figures, summary
from domain.health import Check, Health, Pulse, answer, decode_report, is_direct, probe
from domain.requests import BOUNDS, NO_RULE, Requests

GOOD, BAD = Check("storing", True, "room for 3 days"), Check("receiver", False, "nobody answers")


def health(alive: Sequence[Check] = (GOOD,), ready: Sequence[Check] = (GOOD,)) -> Health:
    return Health("collector", lambda: alive, lambda: ready, lambda: b"some 1\n")


def test_all_is_well() -> None:
    for path in ("/healthz", "/readyz"):
        told = answer(health(), path, direct=True)
        assert told is not None
        assert (told.status, told.kind) == (200, "application/json")
        assert json.loads(told.body) == {
            "process": "collector", "status": "ok",
            "checks": [{"name": "storing", "ok": True, "reason": "room for 3 days"}],
        }  # fmt: skip


def test_one_bad_check_is_a_503_that_names_it() -> None:
    told = answer(health(ready=(GOOD, BAD)), "/readyz", direct=True)
    assert told is not None
    assert told.status == 503
    report = decode_report(told.body)
    assert report is not None
    assert (report.status, report.checks) == ("failing", (GOOD, BAD))
    alive = answer(health(ready=(BAD,)), "/healthz", direct=True)
    assert alive is not None
    assert alive.status == 200


def test_strangers_hear_neither_reasons_nor_figures() -> None:
    told = answer(health(ready=(BAD,)), "/readyz", direct=False)
    assert told is not None
    assert told.status == 503
    assert json.loads(told.body) == {"process": "collector", "status": "failing", "checks": []}
    figures = answer(health(), "/metrics", direct=False)
    assert figures is not None
    assert figures.status == 403
    assert json.loads(figures.body)["status"] == 403


def test_nothing_else_is_answered() -> None:
    assert answer(health(), "/", direct=True) is None
    assert answer(health(), "/metrics/", direct=True) is None


def test_no_patient_in_a_reason() -> None:
    told = answer(health(ready=(Check("keeping", False, "/logs/50010199928.log is away"),)), "/readyz", direct=True)
    assert told is not None
    assert b"50010199928" not in told.body
    assert b"[patient]" in told.body


@pytest.mark.parametrize(
    ("environ", "direct"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, True),
        ({"REMOTE_ADDR": "127.3.2.1"}, True),
        ({"REMOTE_ADDR": "::1"}, True),
        ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, True),
        ({"REMOTE_ADDR": "10.0.0.7"}, False),
        ({"REMOTE_ADDR": ""}, False),
        ({}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.0.0.7"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.0.0.7"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "10.0.0.7"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_CLIENT_IP": "10.0.0.7"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.0"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1"}, True),
        ({"REMOTE_ADDR": "::1:2"}, False),
    ],
)
def test_direct_is_from_this_machine_and_through_nobody(environ: dict[str, object], direct: bool) -> None:
    assert is_direct(environ) is direct


def test_a_loop_that_stands_still_is_told() -> None:
    now = [100.0]
    pulse = Pulse("collecting", 30.0, steady=lambda: now[0])
    assert pulse.check() == Check("collecting", True, "turned 0.0 s ago")
    now[0] = 129.9
    assert pulse.check().ok
    now[0] = 130.5
    assert pulse.check() == Check("collecting", False, "stands still for 30 s, and 30 s are allowed")
    pulse.beat()
    assert pulse.check().ok


def test_a_probe_tells_what_it_found_or_the_error() -> None:
    def broken() -> str:
        raise StoreError("state.db: disk I/O error")

    assert probe("state", lambda: "revision 2") == Check("state", True, "revision 2")
    assert probe("state", broken) == Check("state", False, "state.db: disk I/O error")


def test_figures_as_prometheus_reads_them() -> None:
    text = exposition(
        lambda: [
            gauge("watermark_age_seconds", "How far.", 2.5),
            gauge("open_bins", "Not known.", None),
            counter("lines", "Lines.", {("calls", "events"): 7.0, ('a"b\\', "ignored"): 1.0}, ("source", "fate")),
            summary("series_write_seconds", "Writing.", 3, 1.5),
        ]
    )().decode()
    lines = text.splitlines()
    assert "pharmapulse_watermark_age_seconds 2.5" in lines
    assert 'pharmapulse_lines_total{fate="events",source="calls"} 7.0' in lines
    assert 'pharmapulse_lines_total{fate="ignored",source="a\\"b\\\\"} 1.0' in lines
    assert "pharmapulse_series_write_seconds_count 3.0" in lines
    assert "# TYPE pharmapulse_open_bins gauge" in lines
    assert not [line for line in lines if line.startswith("pharmapulse_open_bins")]
    assert any(line.startswith("process_cpu_seconds_total ") for line in lines)
    assert any(line.startswith("python_info{") for line in lines)


def test_requests_are_counted_by_rule_and_never_by_path() -> None:
    requests = Requests()
    requests.count("/hub/<hub>", 200, 0.004)
    requests.count("/hub/<hub>", 200, 0.3)
    requests.count(None, 404, 0.001)
    requests.count("/", 200, 1_000.0)
    figures = requests.figures()
    assert figures.answered == {("/hub/<hub>", 200): 2, (NO_RULE, 404): 1, ("/", 200): 1}
    assert sum(figures.took) == 4
    assert figures.took[-1] == 1
    text = exposition(lambda: request_figures("dashboard", figures))().decode()
    assert 'pharmapulse_dashboard_requests_total{route="/hub/<hub>",status="200"} 2.0' in text
    assert 'pharmapulse_dashboard_request_seconds_bucket{le="0.005"} 2.0' in text
    assert 'pharmapulse_dashboard_request_seconds_bucket{le="+Inf"} 4.0' in text
    assert "pharmapulse_dashboard_request_seconds_count 4.0" in text


def test_bounds_are_inclusive_as_their_label_says() -> None:
    requests = Requests()
    for bound in BOUNDS:
        requests.count("/", 200, bound)
    assert requests.figures().took == (1,) * len(BOUNDS) + (0,)
