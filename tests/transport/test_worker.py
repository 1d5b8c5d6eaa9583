"""gunicorn's worker with real connections: who is slow on purpose keeps nobody else out."""

from __future__ import annotations

import http.client
import multiprocessing
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from gunicorn.app.base import BaseApplication

from tests.system.support import free_port, wait_for
from transport.worker import PromptWorker

THREADS = 2
# What a slow caller sends and then no more: a part of its headers, or of its body.
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nX-"
BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"


class HastyWorker(PromptWorker):
    """The worker, in less of a mind to wait."""

    head_seconds = body_seconds = 1.0


class Server(BaseApplication):
    """An application that reads what is posted, on a port of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": f"127.0.0.1:{self._port}", "worker_class": HastyWorker, "threads": THREADS, "loglevel": "critical",
            "control_socket_disable": True, "graceful_timeout": 1,
        }.items():  # fmt: skip
            self.cfg.set(name, value)

    def load(self) -> Any:
        return _echo


def _echo(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    start("200 OK", [])
    return [environ["wsgi.input"].read()]


def _serve(port: int) -> None:
    Server(port).run()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr("sys.argv", ["server"])  # gunicorn reads it
    found = free_port()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(found,))
    process.start()
    try:
        wait_for("the server to answer", lambda: _posted(found) == b"abc")
        yield found
    finally:
        process.terminate()
        process.join(10)


def _posted(port: int, seconds: float = 0.5) -> bytes:
    """What is answered to a caller who is prompt; nothing where nobody answers in time."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)) as connection:
        try:
            connection.request("POST", "/", b"abc")
            return connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return b""


@pytest.mark.parametrize("begun", [HEAD, BODY], ids=["headers", "body"])
def test_callers_who_never_end_are_let_go(port: int, begun: bytes) -> None:
    with ExitStack() as open_ones:
        slow = [open_ones.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(2 * THREADS)]
        for one in slow:
            one.sendall(begun)
        wait_for("an answer beside the slow ones", lambda: _posted(port) == b"abc")
        # Each of them is heard no more: its connection ends, in the case of a body after the answer to what came.
        for one in slow:
            while one.recv(1_000):
                pass
