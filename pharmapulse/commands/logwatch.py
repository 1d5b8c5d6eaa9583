"""`pharmapulse logwatch`: watch the log files of a configuration."""

from __future__ import annotations

import argparse

from pharmapulse import wiring
from pharmapulse.options import add_config, add_once, config_of
from pharmapulse.process import allow_many_files, begin, stop_event

EPILOG = """\
examples:
  pharmapulse logwatch --config pharmapulse.toml
  pharmapulse logwatch --config pharmapulse.toml --once
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    add_once(parser, "read what is there to its end, hand it over and stop")


def run(options: argparse.Namespace) -> int:
    """Watch until stopped."""
    begin("logwatch")
    allow_many_files()
    config = config_of(options)
    running = wiring.agent(config)
    try:
        if options.once:
            running.agent.drain()
        else:
            stop = stop_event()
            with wiring.agent_health(config, running):
                running.agent.run(running.waker, stop.is_set)
    finally:
        running.close()
    return 0
