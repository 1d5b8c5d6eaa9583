"""`pharmapulse alerts`: judge, keep incidents, tell people, publish."""

from __future__ import annotations

import argparse

from pharmapulse.examine_alerts import examine_channels
from pharmapulse.options import add_config, add_once, config_of
from pharmapulse.process import begin, stop_event
from pharmapulse.wiring import told

EPILOG = """\
examples:
  pharmapulse alerts --config pharmapulse.toml
  pharmapulse alerts --config pharmapulse.toml --once
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    add_once(parser, "judge what is complete, tell what is due, publish, and stop")


def run(options: argparse.Namespace) -> int:
    """Judge until stopped."""
    begin("alerts")
    config = config_of(options)
    examine_channels(config.settings, config.file)
    running = told.alerts(config)
    try:
        if options.once:
            running.alerts.once()
        else:
            stop = stop_event()
            with told.alerts_health(config, running):
                running.alerts.run(stop)
    finally:
        running.close()
    return 0
