"""Calls carried to a real hub over HTTP, and what comes back when it is slow, gone, or answers nonsense."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deferred.carrier import HttpCarrier
from domain.clock import EventWaker, SystemClock
from domain.deferred import Call
from domain.settings import Target
from simulator.hub import Hub, Queue, digest, read_journal
from tests.system.support import free_port

NISS = "50010199928"


def call(key: str = "i", order: str = "o", body: bytes = b"<x/>") -> Call:
    return Call("dpp", "POST", f"/subject/{NISS}?x=1", (("Content-Type", "text/xml"),), order, key, body)


def carrier(port: int, timeout: float = 5.0, path: str = "/services/") -> HttpCarrier:
    target = Target(name="dpp", url=f"http://127.0.0.1:{port}{path}", timeout_seconds=timeout)
    return HttpCarrier(target, 4, SystemClock(), time.monotonic)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(free_port(), tmp_path / "journal.jsonl", latency_ms=0)
    hub.start()
    yield hub
    hub.stop()


class Scripted:
    """A server that answers each connection with given bytes, and keeps what it was sent."""

    def __init__(self, *answers: bytes, wait: float = 0.0) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.heard: list[bytes] = []
        self._answers, self._wait = answers, wait
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for answer in self._answers:
            connection, _ = self.socket.accept()
            with connection:
                heard = connection.recv(65_536)
                while heard.startswith(b"POST") and not heard.endswith(b"<x/>"):
                    heard += connection.recv(65_536)
                self.heard.append(heard)
                if self._wait:
                    EventWaker().wait(self._wait)
                connection.sendall(answer)

    def close(self) -> None:
        self.socket.close()
        self._thread.join(5)


def test_a_hub_takes_a_key_once_also_after_a_restart(hub: Hub, tmp_path: Path) -> None:
    with closing(carrier(hub.port)) as carries:
        for _ in range(2):
            assert carries.send(call()).status == 200
        hub.stop()
        gone = carries.send(call("j"))
        assert (gone.status, gone.problem) == (None, "no connection")
        hub.start()
        assert carries.send(call()).status == 200
        assert carries.send(call("j", body=b"2")).status == 200
    entries = read_journal(tmp_path / "journal.jsonl")
    assert [(e.number, e.key, e.order, e.body) for e in entries] == [
        (1, digest(b"i"), digest(b"o"), digest(b"<x/>")), (2, digest(b"j"), digest(b"o"), digest(b"2")),
    ]  # fmt: skip
    assert (hub.taken, hub.repeated) == (2, 2)
    assert NISS not in (tmp_path / "journal.jsonl").read_text()


def test_a_journal_that_a_kill_cut_off_goes_on(hub: Hub, tmp_path: Path) -> None:
    with closing(carrier(hub.port)) as carries:
        carries.send(call())
        hub.stop()
        with (tmp_path / "journal.jsonl").open("ab") as file:
            file.write(b'{"number":2,"me')
        hub.start()
        carries.send(call("j"))
    assert [entry.number for entry in read_journal(tmp_path / "journal.jsonl")] == [1, 2]


def test_a_hub_takes_no_call_whose_sender_was_killed_in_the_middle(hub: Hub, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", hub.port), 5) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nIdempotency-Key: i\r\nContent-Length: 4\r\n\r\n<x")
        connection.shutdown(socket.SHUT_WR)
        assert b"400 Bad Request" in connection.recv(1_000)
    assert not read_journal(tmp_path / "journal.jsonl")


def test_what_is_sent() -> None:
    with closing(Scripted(b"HTTP/1.1 204 No Content\r\n\r\n")) as server, closing(carrier(server.port)) as carries:
        assert carries.send(call()).status == 204
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == f"POST /services/subject/{NISS}?x=1 HTTP/1.1"
    sent = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert (sent["idempotency-key"], sent["ordering-key"], sent["content-type"]) == ("i", "o", "text/xml")
    assert sent["user-agent"] == "pharmapulse"
    assert body == b"<x/>"


@pytest.mark.parametrize(
    ("answer", "status", "problem"),
    [(b"HTTP/1.1 503 No\r\nConnection: close\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 503, ""),
     (b"HTTP/1.1 302 F\r\nConnection: close\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n", 302, ""),
     (b"", None, "the connection broke"), (b"nonsense\r\n\r\n", None, "the connection broke"),
     (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99\r\n\r\nshort", None, "the connection broke"),
     (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000, 200, "")],
)  # fmt: skip
def test_answers(answer: bytes, status: int | None, problem: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with closing(Scripted(answer, answer)) as server, closing(carrier(server.port)) as carries:
        for _ in range(2):  # also after a connection was given back
            back = carries.send(call())
            assert (back.status, back.problem) == (status, problem)
    assert back.retry_after == (7 if status == 503 else None)
    assert NISS not in caplog.text


def test_a_target_that_is_too_slow() -> None:
    with closing(Scripted(b"", wait=0.5)) as server, closing(carrier(server.port, 0.1)) as carries:
        back = carries.send(call())
    assert (back.status, back.problem) == (None, "no answer in 0.1 s")
    assert back.seconds < 0.5


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    # Plain HTTP where TLS is expected: as little to be trusted as a foreign certificate.
    with closing(Scripted(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        target = Target(name="dpp", url=f"https://127.0.0.1:{server.port}/", timeout_seconds=5)
        with closing(HttpCarrier(target, 1, SystemClock(), time.monotonic)) as carries:
            assert carries.send(call()).status is None
    assert NISS.encode() not in server.heard[0]


def test_a_crowd_hurts_visibly() -> None:
    queue = Queue(latency=0.01, capacity=10)
    taken = [queue.enter(0.0) for _ in range(40)]
    assert taken[0] == pytest.approx(0.11)
    waits = [wait for wait in taken if wait is not None]
    assert waits == sorted(waits)
    assert 20 <= len(waits) <= 22
    assert queue.enter(60.0) == pytest.approx(0.11)
    assert Queue(0.01, 0).enter(0.0) == pytest.approx(0.01)
