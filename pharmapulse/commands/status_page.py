"""`pharmapulse status-page`: serve the public page, the button and their JSON."""

from __future__ import annotations

import argparse

from pharmapulse import wiring
from pharmapulse.options import add_config, config_of
from pharmapulse.places import OFFSETS
from pharmapulse.port import check_port
from pharmapulse.process import begin, watch_parent
from pharmapulse.serving import WebServer

EPILOG = """\
examples:
  pharmapulse status-page --config pharmapulse.toml
  pharmapulse status-page --config pharmapulse.toml --port 9091

It reads nothing but the published document, which the alerts process writes. It listens on status.listen, by default
this machine only (127.0.0.1); put a web server with TLS in front of it.
"""
# Answers are finished bytes: few threads send many, and those that wait for slow readers are bounded.
_THREADS = 16


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
    listen = config.settings.status.listen
    WebServer("status-page", lambda: wiring.status_page(config), listen, port, threads=_THREADS).run()
    return 0
