"""`pharmapulse run`: the whole stack on this machine."""

from __future__ import annotations

import argparse
import sys

from pharmapulse.options import add_config, config_of
from pharmapulse.port import check_port
from pharmapulse.process import set_up_logs, stop_event
from pharmapulse.supervisor import Supervisor

EPILOG = """\
examples:
  pharmapulse run --config pharmapulse.toml
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    parser.add_argument("--port", type=int, metavar="P", help="the dashboard's port; by default web.port")


def run(options: argparse.Namespace) -> int:
    """Run collector, log watcher and dashboard until stopped."""
    set_up_logs("run")
    config = config_of(options)
    port = config.settings.web.port if options.port is None else options.port
    check_port(port)
    # Where nothing can be stored nothing can run: told once, here, and not by every process at each of its starts.
    config.data.mkdir(parents=True, exist_ok=True)
    stop = stop_event()
    supervisor = Supervisor()
    try:
        supervisor.start("collector", "--config", str(config.file))
        supervisor.start("dashboard", "--config", str(config.file), "--port", str(port))
        if config.settings.sources:
            supervisor.start("logwatch", "--config", str(config.file))
        sys.stderr.write(f"pharmapulse: the pages are on http://127.0.0.1:{port}\n")
        return supervisor.run(stop)
    finally:
        supervisor.stop()
