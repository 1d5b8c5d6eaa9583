"""`pharmapulse dashboard`: serve the pages and the API."""

from __future__ import annotations

import argparse
import os

from pharmapulse import wiring
from pharmapulse.options import add_config, config_of
from pharmapulse.port import check_ports
from pharmapulse.process import PARENT_VARIABLE, begin, watch_parent
from pharmapulse.serving import WebServer
from pharmapulse.wiring.accounts import tell_first_link

EPILOG = """\
examples:
  pharmapulse dashboard --config pharmapulse.toml
  pharmapulse dashboard --config pharmapulse.toml --port 9090

It listens on this machine only (127.0.0.1) until web.listen says otherwise. Who may see and do what is told by
docs/access.md; on a terminal the first start shows a one-time link for the first account.
"""


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
    web = config.settings.web
    # Threads: an open page holds a stream of events for as long as it is looked at.
    WebServer(
        "dashboard", lambda: wiring.dashboard(config), web.listen, port, threads=web.threads, workers=web.workers
    ).run()
    return 0
