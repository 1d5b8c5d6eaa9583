"""`pharmapulse collector`: book batches and write series."""

from __future__ import annotations

import argparse

from pharmapulse import wiring
from pharmapulse.options import add_config, add_once, config_of
from pharmapulse.process import begin, stop_event

EPILOG = """\
examples:
  pharmapulse collector --config pharmapulse.toml
  pharmapulse collector --config pharmapulse.toml --once
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    add_once(parser, "book what has arrived, write what is complete without waiting for the grace, and stop")


def run(options: argparse.Namespace) -> int:
    """Collect until stopped."""
    begin("collector")
    config = config_of(options)
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
