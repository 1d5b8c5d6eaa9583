"""`pharmapulse collector`: book batches and write series."""

from __future__ import annotations

import argparse

from pharmapulse import by_hand, wiring
from pharmapulse.options import add_config, add_once, config_of
from pharmapulse.process import begin, stop_event

EPILOG = """\
examples:
  pharmapulse collector --config pharmapulse.toml
  pharmapulse collector --config pharmapulse.toml --once
  pharmapulse collector import /media/stick --config pharmapulse.toml
  pharmapulse collector import /media/stick --config pharmapulse.toml --receipt /media/stick/receipt.json

import takes in bundles that pharmapulse logwatch export wrote, in any order, also beside the collector that runs. The
exit code is 1 while batches are missing, or when a bundle is damaged.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("action", nargs="?", choices=("import",), help="take bundles in, instead of collecting")
    parser.add_argument("files", nargs="*", metavar="FILE", help="import: bundles, or directories that hold some")
    add_config(parser)
    add_once(parser, "book what has arrived, write what is complete without waiting for the grace, and stop")
    parser.add_argument("--receipt", default="", metavar="OUT", help="import: tell agents in this file what is held")
    parser.add_argument("--json", action="store_true", help="import: write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Collect until stopped."""
    begin("collector")
    config = config_of(options)
    if options.action == "import":
        return by_hand.take_in(options, config)
    running = wiring.collector(config)
    try:
        if options.once:
            running.collector.close_all()
        else:
            stop = stop_event()
            running.live.start()
            with wiring.collector_health(config, running):
                running.collector.run(stop)
    finally:
        running.close()
    return 0
