"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from pharmapulse.config import Config, load


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config F`, required."""
    parser.add_argument("--config", metavar="F", required=True, help="the configuration, such as pharmapulse.toml")


def add_once(parser: argparse.ArgumentParser, what: str) -> None:
    """`--once`."""
    parser.add_argument("--once", action="store_true", help=what)


def config_of(options: argparse.Namespace) -> Config:
    """The configuration that was named."""
    return load(Path(options.config))
