"""`pharmapulse deferred`: take calls in while a hub restarts, and let them out at its pace."""

from __future__ import annotations

import argparse
import logging

from pharmapulse.config import Config
from pharmapulse.options import add_config, config_of
from pharmapulse.places import OFFSETS
from pharmapulse.port import check_port
from pharmapulse.process import begin, stop_event, watch_parent
from pharmapulse.supervisor import Supervisor
from pharmapulse.wiring import calls as wiring
from pharmapulse.wiring import state

EPILOG = """\
examples:
  pharmapulse deferred --config pharmapulse.toml
  pharmapulse deferred --config pharmapulse.toml --gateway --port 9082
  pharmapulse deferred --config pharmapulse.toml --drain

Gateway and drain are processes of their own, each started again when it dies.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--gateway", action="store_true", help="only take calls in")
    part.add_argument("--drain", action="store_true", help="only let calls out")
    parser.add_argument("--port", type=int, metavar="P", help="the gateway's port; by default web.port + 2")


def run(options: argparse.Namespace) -> int:
    """Run until stopped."""
    part = "gateway" if options.gateway else "drain" if options.drain else ""
    begin(f"deferred-{part}" if part else "deferred")
    config = config_of(options)
    wiring.check_targets(config)
    port = config.settings.web.port + OFFSETS["deferred"] if options.port is None else options.port
    if options.gateway:
        return _gateway(config, port)
    return _drain(config) if options.drain else _both(config, port)


def _gateway(config: Config, port: int) -> int:
    from deferred.server import GatewayServer

    watch_parent()
    check_port(port)
    # What is wrong with the stores is told here, in a line: in a worker of the server it would be a crash.
    wiring.deferred(config).close()
    state(config).close()
    GatewayServer(lambda: wiring.gateway(config), config.settings.deferred.listen, port).run()
    return 0


def _drain(config: Config) -> int:
    stop = stop_event()
    running = wiring.drain(config)
    try:
        running.drain.run(stop.is_set)
    finally:
        running.close()
    return 0


def _both(config: Config, port: int) -> int:
    check_port(port)
    stop = stop_event()
    supervisor = Supervisor()
    file = str(config.file)
    try:
        supervisor.start("deferred", "--config", file, "--gateway", "--port", str(port))
        supervisor.start("deferred", "--config", file, "--drain")
        logging.getLogger(__name__).info("calls are taken in on port %d", port)
        return supervisor.run(stop)
    finally:
        supervisor.stop()
