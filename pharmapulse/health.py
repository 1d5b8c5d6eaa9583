"""The health and metrics of a process that serves nothing else: on this machine's own address, in a thread.

Counting is more important than being asked how it goes. So a port that is taken is told, and had as soon as it can
be; the process works on meanwhile.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Self

from cheroot.wsgi import Server

from domain.health import PATHS, Health, answer, is_direct
from pharmapulse.port import refusal

ADDRESS = "127.0.0.1"
RETRY_SECONDS = 10.0
_THREADS = 2
_QUEUE = 16
_TIMEOUT_SECONDS = 10
_log = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def health_app(health: Health) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """A WSGI application that answers at `/healthz`, `/readyz` and `/metrics`, and nowhere else."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path, method = str(environ.get("PATH_INFO", "")), str(environ.get("REQUEST_METHOD", ""))
        if method not in ("GET", "HEAD"):
            return _plain(start_response, HTTPStatus.METHOD_NOT_ALLOWED, "only GET is answered here\n")
        told = answer(health, path, direct=is_direct(environ))
        if told is None:
            return _plain(start_response, HTTPStatus.NOT_FOUND, f"there is {', '.join(PATHS)} here\n")
        status = HTTPStatus(told.status)
        start_response(f"{told.status} {status.phrase}", _headers(told.kind, told.body))
        return [told.body if method == "GET" else b""]

    return app


def _plain(start_response: StartResponse, status: HTTPStatus, text: str) -> Iterable[bytes]:
    body = text.encode()
    start_response(f"{int(status)} {status.phrase}", _headers("text/plain; charset=utf-8", body))
    return [body]


def _headers(kind: str, body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff")]  # fmt: skip


class _Server(Server):
    """The server, whose troubles go to our log rather than past it to standard error."""

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Tell of a trouble."""
        _log.log(level, "%s", msg, exc_info=traceback)


class HealthServer:
    """Serves a process's health from `start` to `close`, in a thread of its own."""

    def __init__(self, health: Health, port: int, retry_seconds: float = RETRY_SECONDS) -> None:
        self._health, self._port, self._retry = health, port, retry_seconds
        self._closing = threading.Event()
        self._server: Server | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="health", daemon=True)

    def start(self) -> None:
        """Answer from now on, or from when the port can be had."""
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering."""
        with self._lock:
            self._closing.set()
            server = self._server
        if server is not None:
            server.stop()
        self._thread.join()

    def _serve(self) -> None:
        told = False
        while not self._closing.is_set():
            # Asked before: a server that fails to bind leaves its socket behind.
            problem = refusal(self._port)
            server = _Server(
                (ADDRESS, self._port), health_app(self._health), numthreads=_THREADS, max=_THREADS,
                request_queue_size=_QUEUE, timeout=_TIMEOUT_SECONDS, shutdown_timeout=1,
            )  # fmt: skip
            try:
                if problem is None:
                    server.prepare()
            except OSError as error:
                problem = error.errno or errno.EADDRINUSE
            if problem is not None:
                if not told:
                    _log.warning(
                        "port %d of %s cannot be had for health and metrics (%s); the work goes on, and the port is "
                        "tried again. Stop what holds it, or choose another web.port",
                        self._port, ADDRESS, os.strerror(problem),
                    )  # fmt: skip
                    told = True
                self._closing.wait(self._retry)
                continue
            with self._lock:
                self._server = None if self._closing.is_set() else server
            if self._server is None:
                server.stop()
                return
            if told:
                _log.info("health and metrics are told on port %d now", self._port)
            server.serve()
            return
