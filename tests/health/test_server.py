"""The health server of a process that serves nothing else: real sockets."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator

import pytest

from domain.health import Check, Health
from pharmapulse.health import HealthServer
from tests.system.support import free_port, get, try_get, wait_for

CHECK = Check("watching", True, "turned 0.1 s ago")


def health() -> Health:
    return Health("logwatch", lambda: [CHECK], lambda: [CHECK], lambda: b"some 1\n")


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    with HealthServer(health(), port):
        wait_for("the server", lambda: try_get(port, "/healthz"), 10)
        yield port


def test_it_answers(port: int) -> None:
    status, kind, body = get(port, "/readyz")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body)["process"] == "logwatch"
    assert get(port, "/metrics") == (200, "text/plain; version=0.0.4; charset=utf-8", b"some 1\n")


def test_nothing_else_is_there(port: int) -> None:
    assert get(port, "/")[0] == 404
    assert get(port, "/metrics/50010199928")[0] == 404
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        for method, status in (("POST", 405), ("DELETE", 405), ("HEAD", 200)):
            connection.request(method, "/healthz")
            response = connection.getresponse()
            assert response.status == status, method
            assert response.read() == (b"" if method == "HEAD" else b"only GET is answered here\n")
    finally:
        connection.close()


def test_a_proxied_question_gets_no_figures(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/metrics", headers={"X-Forwarded-For": "10.0.0.7"})
        assert connection.getresponse().status == 403
    finally:
        connection.close()


def test_a_port_that_is_taken_is_told_once_and_had_later(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = int(holder.getsockname()[1])
        with caplog.at_level(logging.INFO), HealthServer(health(), port, retry_seconds=0.05):
            wait_for("the warning", lambda: caplog.records, 10)
            holder.close()
            wait_for("the server", lambda: try_get(port, "/healthz"), 10)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert f"port {port} of 127.0.0.1 cannot be had" in caplog.text
    assert "web.port" in caplog.text


def test_it_ends_also_where_it_never_had_its_port() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with HealthServer(health(), int(holder.getsockname()[1]), retry_seconds=3_600):
            pass
