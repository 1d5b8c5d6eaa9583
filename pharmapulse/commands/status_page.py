"""`pharmapulse status-page`: serve the public page, the button and their JSON."""

from __future__ import annotations

import argparse
from typing import Any

from gunicorn.app.base import BaseApplication

from pharmapulse import wiring
from pharmapulse.config import Config
from pharmapulse.gunicorn_log import GunicornLog
from pharmapulse.options import add_config, config_of
from pharmapulse.places import OFFSETS
from pharmapulse.port import check_port
from pharmapulse.process import begin, watch_parent
from transport.worker import PromptWorker

EPILOG = """\
examples:
  pharmapulse status-page --config pharmapulse.toml
  pharmapulse status-page --config pharmapulse.toml --port 9091

It reads nothing but the published document, which the alerts process writes. It listens on status.listen, by default
this machine only (127.0.0.1); put a web server with TLS in front of it.
"""
# Answers are finished bytes: few threads send many, and those that wait for slow readers are bounded.
_THREADS = 16


class Server(BaseApplication):
    """gunicorn with a few threads."""

    def __init__(self, config: Config, port: int) -> None:
        self._config, self._port = config, port
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's own settings."""
        listen = self._config.settings.status.listen
        settings: dict[str, Any] = {
            "bind": f"[{listen}]:{self._port}" if ":" in listen else f"{listen}:{self._port}",
            "worker_class": PromptWorker,
            "workers": 1,
            "threads": _THREADS,
            "control_socket_disable": True,
            "graceful_timeout": 2,
            "timeout": 60,
            # Who looks at a public page is nobody's business: no access log.
            "accesslog": None,
            "loglevel": "warning",
            "logger_class": GunicornLog,
            "proc_name": "pharmapulse-status-page",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, built in the worker."""
        return wiring.status_page(self._config)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    parser.add_argument("--port", type=int, metavar="P", help="the port; by default the one after web.port")


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    begin("status-page")
    config = config_of(options)
    watch_parent()
    port = config.settings.web.port + OFFSETS["status-page"] if options.port is None else options.port
    check_port(port)
    Server(config, port).run()
    return 0
