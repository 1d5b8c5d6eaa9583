"""`pharmapulse simulate-hub`: a hub to send deferred calls to."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from pharmapulse.port import check_port
from pharmapulse.process import set_up_logs, stop_event
from simulator.hub import Hub

EPILOG = """\
examples:
  pharmapulse simulate-hub --port 9000 --journal hub.jsonl
  pharmapulse simulate-hub --port 9000 --journal hub.jsonl --latency 20 --capacity 100

It takes POST, PUT, DELETE and PATCH on any path, and a call whose Idempotency-Key it knows only once, also after it
was started again. Beyond its capacity calls wait for each other, and are refused with 503 after two seconds.
GET /count tells how many it took.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("--port", type=int, required=True, metavar="P", help="where it listens, on this machine only")
    parser.add_argument("--journal", type=Path, required=True, metavar="FILE", help="where it keeps what it took")
    parser.add_argument("--latency", type=float, default=5.0, metavar="MS", help="how long a call takes (default 5)")
    parser.add_argument("--capacity", type=float, default=0.0, metavar="N", help="calls a second; by default no limit")


def run(options: argparse.Namespace) -> int:
    """Answer until stopped."""
    set_up_logs("hub")
    check_port(options.port)
    stop = stop_event()
    hub = Hub(options.port, options.journal, max(0.0, options.latency), max(0.0, options.capacity))
    hub.start()
    logging.getLogger(__name__).info("a simulated hub answers on 127.0.0.1:%d", options.port)
    try:
        stop.wait()
    finally:
        hub.stop()
    return 0
