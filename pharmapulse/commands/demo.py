"""`pharmapulse demo`: simulated hubs, every page live."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

from domain.errors import UsageError
from pharmapulse.commands.simulate import add_world
from pharmapulse.demo import PORTS, Demo
from pharmapulse.demo.surroundings import Surroundings
from pharmapulse.places import OFFSETS
from pharmapulse.port import check_ports
from pharmapulse.process import begin, stop_event
from pharmapulse.progress import Progress
from pharmapulse.supervisor import LOOK_SECONDS, Supervisor

EPILOG = """\
examples:
  pharmapulse demo
  pharmapulse demo --port 9090 --for 600
  pharmapulse demo --pharmacies 5000 --data /var/tmp/demo

The first start writes thirteen months of history: hubs, endpoints and vendors first, the rest while the pages
say so. A later start with the same --data goes on where the last one stopped.
"""
# Fewer pharmacies than the country has, each busier: a first look is quick and shows something on a Sunday, too.
# The busier they are the fewer of them, so that a whole country starts as quickly.
PHARMACIES, ALL_LOAD = 300, 3_000
_SEEN_SECONDS = 30.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("--port", type=int, default=8080, metavar="P", help="the dashboard's port (default 8080)")
    parser.add_argument(
        "--data", type=Path, default=Path("demo-data"), metavar="DIR", help="where all is kept (default demo-data)"
    )
    parser.add_argument("--for", type=float, dest="seconds", metavar="SECONDS", help="stop after so long")
    add_world(parser, pharmacies=PHARMACIES, load=None, load_help=f"{ALL_LOAD} by pharmacies, at least 1")


def run(options: argparse.Namespace) -> int:
    """Run the demo until stopped."""
    begin("demo")
    if options.seconds is not None and not options.seconds > 0:
        raise UsageError(f"--for {options.seconds:g}: write how many seconds, more than 0")
    check_ports(options.port, range(PORTS))
    begun = time.monotonic()
    load = max(1.0, ALL_LOAD / max(1, options.pharmacies)) if options.load is None else options.load
    demo = Demo(options.data.resolve(), options.seed, load, options.pharmacies, options.port)
    stop = stop_event()
    if options.seconds is not None:
        timer = threading.Timer(options.seconds, stop.set)
        timer.daemon = True
        timer.start()
    supervisor = Supervisor()
    hubs: threading.Thread | None = None
    surroundings: Surroundings | None = None
    history = demo.fill_history()
    try:
        file = str(demo.config.file)
        supervisor.start("dashboard", "--config", file)
        # The collector must find the floors set: rows below them are the history's.
        demo.wait_for_floors(stop, history)
        supervisor.start("collector", "--config", file)
        sys.stderr.write(
            f"pharmapulse: the pages are on http://127.0.0.1:{options.port} (all is kept in {options.data})\n"
        )
        with Progress("the last two days", "h") as progress:
            demo.send_recent(stop.is_set, progress.reach)
        if not stop.is_set():
            hubs = demo.write_live(stop)
            for name in ("logwatch", "alerts", "deferred", "status-page"):
                supervisor.start(name, "--config", file)
            surroundings = Surroundings(demo)
            surroundings.start()
        sys.stderr.write(
            f"pharmapulse: the public page is on http://127.0.0.1:{options.port + OFFSETS['status-page']}, "
            f"mails arrive in {options.data / 'mail'}\n"
        )
        sys.stderr.write(f"pharmapulse: live after {time.monotonic() - begun:.0f} s; Ctrl-C stops\n")
        seen = 0.0
        while not stop.wait(LOOK_SECONDS):
            if time.monotonic() - seen > _SEEN_SECONDS:
                seen = time.monotonic()
                demo.seen()
            code = supervisor.look()
            if code is not None:
                return code
        return 0
    finally:
        stop.set()
        if surroundings is not None:
            surroundings.stop()
        supervisor.stop()
        if hubs is not None:
            hubs.join()
        history.terminate()
        history.join()
