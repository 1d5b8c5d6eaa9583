"""`pharmapulse dashboard`: serve the pages and the API."""

from __future__ import annotations

import argparse
import os
from typing import Any

from gunicorn.app.base import BaseApplication

from pharmapulse import wiring
from pharmapulse.config import Config
from pharmapulse.gunicorn_log import GunicornLog
from pharmapulse.options import add_config, config_of
from pharmapulse.port import check_ports
from pharmapulse.process import PARENT_VARIABLE, begin, watch_parent
from pharmapulse.wiring.accounts import tell_first_link
from transport.worker import PromptWorker

EPILOG = """\
examples:
  pharmapulse dashboard --config pharmapulse.toml
  pharmapulse dashboard --config pharmapulse.toml --port 9090

It listens on this machine only (127.0.0.1) until web.listen says otherwise. Who may see and do what is told by
docs/access.md; on a terminal the first start shows a one-time link for the first account.
"""


class Server(BaseApplication):
    """gunicorn with threads: an open page holds a stream of events for as long as it is looked at."""

    def __init__(self, config: Config, port: int) -> None:
        self._config, self._port = config, port
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's own settings."""
        web = self._config.settings.web
        settings: dict[str, Any] = {
            "bind": bound(web.listen, self._port),
            "worker_class": PromptWorker,
            "workers": web.workers,
            "threads": web.threads,
            "control_socket_disable": True,
            "graceful_timeout": 2,
            "timeout": 60,
            "accesslog": None,
            "loglevel": "warning",
            "logger_class": GunicornLog,
            "proc_name": "pharmapulse-dashboard",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, built in each worker."""
        return wiring.dashboard(self._config)


def bound(address: str, port: int) -> str:
    """Address and port as gunicorn reads them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    parser.add_argument("--port", type=int, metavar="P", help="the port; by default web.port of the configuration")


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    begin("dashboard")
    config = config_of(options)
    # Whoever supervises tells of the first account; this process' own starts are not the site's.
    alone = PARENT_VARIABLE not in os.environ
    watch_parent()
    port = config.settings.web.port if options.port is None else options.port
    check_ports(port, (0,))
    # What is wrong with the stores is told here, in a line: in a worker of the server it would be a crash.
    wiring.series(config)
    wiring.state(config).close()
    if alone:
        tell_first_link(config, port)
    Server(config, port).run()
    return 0
