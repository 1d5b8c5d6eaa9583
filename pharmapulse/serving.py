"""Serving pages: gunicorn with threads, the same for everything that people open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from pharmapulse.gunicorn_log import GunicornLog
from transport.worker import PromptWorker


class WebServer(BaseApplication):
    """Serves the application that `build` gives in each worker process, until the process is stopped."""

    def __init__(
        self, name: str, build: Callable[[], Any], listen: str, port: int, *, threads: int, workers: int = 1
    ) -> None:  # fmt: skip
        """`name` is the command's; `listen` an address of this machine."""
        self._name, self._build = name, build
        self._bind = f"[{listen}]:{port}" if ":" in listen else f"{listen}:{port}"
        self._threads, self._workers = threads, workers
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's own settings."""
        settings: dict[str, Any] = {
            "bind": self._bind,
            "worker_class": PromptWorker,
            "workers": self._workers,
            "threads": self._threads,
            "control_socket_disable": True,
            "graceful_timeout": 2,
            "timeout": 60,
            # Who looks at what is nobody's business here; what partners read is in the audit log.
            "accesslog": None,
            "loglevel": "warning",
            "logger_class": GunicornLog,
            "proc_name": f"pharmapulse-{self._name}",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application."""
        return self._build()
