"""`pharmapulse run`: the whole stack on this machine."""

from __future__ import annotations

import argparse
import os

from pharmapulse.config import Config
from pharmapulse.logs import say
from pharmapulse.options import PORT_VARIABLE, add_config, config_of
from pharmapulse.places import OFFSETS
from pharmapulse.port import check_ports
from pharmapulse.process import begin, stop_event
from pharmapulse.supervisor import Supervisor
from pharmapulse.wiring.accounts import tell_first_link

EPILOG = """\
examples:
  pharmapulse run --config pharmapulse.toml
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    told = "the dashboard's port, by default web.port; the others' follow it"
    parser.add_argument("--port", type=int, metavar="P", help=told)


def run(options: argparse.Namespace) -> int:
    """Run every process of the configuration until stopped."""
    begin("run")
    config = config_of(options)
    port = config.settings.web.port if options.port is None else options.port
    processes = processes_of(config)
    check_ports(port, (OFFSETS[name] for name in processes))
    # Where nothing can be stored nothing can run: told once, here, and not by every process at each of its starts.
    config.data.mkdir(parents=True, exist_ok=True)
    os.environ[PORT_VARIABLE] = str(port)
    tell_first_link(config, port)
    stop = stop_event()
    supervisor = Supervisor()
    try:
        for name in processes:
            supervisor.start(name, "--config", str(config.file))
        public = port + OFFSETS["status-page"]
        say(f"the pages are on http://127.0.0.1:{port}, the public page on http://127.0.0.1:{public}")
        return supervisor.run(stop)
    finally:
        supervisor.stop()


def processes_of(config: Config) -> list[str]:
    """The commands that a configuration needs, in the order of their start."""
    settings = config.settings
    needed = {"logwatch": bool(settings.sources), "deferred": bool(settings.deferred.targets)}
    order = ("collector", "dashboard", "logwatch", "alerts", "deferred", "status-page")
    return [name for name in order if needed.get(name, True)]
