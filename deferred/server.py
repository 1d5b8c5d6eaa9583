"""The gateway's server: gunicorn with threads, whose log never quotes a request.

A request that is no HTTP is quoted by gunicorn, in its log and in its answer; ours say what kind of fault it was.
"""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from typing import Any

from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger

from transport.worker import PromptWorker

THREADS = 64
_log = logging.getLogger("deferred.server")


class SilentLogger(Logger):
    """Tells the kind of an error, and nothing of the request that caused it; by the handler of the process's log."""

    def setup(self, cfg: Config) -> None:
        """Take gunicorn's own handlers away again, and let the root's have what comes."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True

    def exception(self, *_args: object, **_kwargs: object) -> None:
        """Tell which error it was, and where in the program."""
        kind, _, trace = sys.exc_info()
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        _log.error("a request failed: %s%s", kind.__name__ if kind else "unknown", place)

    def access(self, *_args: object, **_kwargs: object) -> None:
        """Tell nothing: a path may name a patient."""


class SilentWorker(PromptWorker):
    """Answers what is no HTTP without repeating it."""

    def handle_error(self, req: Any, client: socket.socket, _addr: Any, exc: BaseException) -> None:
        """Answer 400, or 500 where the fault is ours, and tell the kind of it."""
        # What fails before there is a request is what came, whatever error it is.
        fault = req is None or type(exc).__module__.startswith("gunicorn.http")
        _log.log(logging.INFO if fault else logging.ERROR, "a request could not be read: %s", type(exc).__name__)
        status, reason = (400, "Bad Request") if fault else (500, "Internal Server Error")
        try:
            util.write_error(client, status, reason, "")
        except OSError:
            _log.debug("its sender has gone")


class GatewayServer(BaseApplication):
    """Serves the application that `build` gives in the worker process: its threads do not outlive a fork."""

    def __init__(self, build: Callable[[], Any], listen: str, port: int) -> None:
        self._build, self._bind = build, f"[{listen}]:{port}" if ":" in listen else f"{listen}:{port}"
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's own settings."""
        settings: dict[str, Any] = {
            "bind": self._bind,
            "worker_class": SilentWorker,
            "logger_class": SilentLogger,
            "workers": 1,
            "threads": THREADS,
            "control_socket_disable": True,
            "keepalive": 30,
            "graceful_timeout": 3,
            "timeout": 60,
            "accesslog": None,
            "loglevel": "error",
            "proc_name": "pharmapulse-deferred",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application."""
        return self._build()
