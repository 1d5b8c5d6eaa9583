"""`pharmapulse doctor`: what is installed, reachable, late, full or insecure, and the mend."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from domain.clock import SystemClock
from domain.errors import ConfigError
from pharmapulse.config import load
from pharmapulse.doctor.finding import Finding, House, fail
from pharmapulse.doctor.registry import examine
from pharmapulse.doctor.report import as_json, as_text
from pharmapulse.options import add_config

EPILOG = """\
examples:
  pharmapulse doctor --config pharmapulse.toml
  pharmapulse doctor --config pharmapulse.toml --json

It only looks; call it as the user that runs pharmapulse. The exit code is 1 when something has to be mended, 0 when
there is nothing worse than a warning.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Look at everything, and tell; 1 when something has to be mended."""
    found = _found(Path(options.config))
    if options.json:
        sys.stdout.write(as_json(found))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        sys.stdout.write(as_text(found, colour=colour, width=min(120, shutil.get_terminal_size((120, 24)).columns)))
    return 1 if any(finding.level == "fail" for finding in found) else 0


def _found(file: Path) -> list[Finding]:
    """The findings; without a configuration that is its only one."""
    try:
        config = load(file)
    except ConfigError as error:
        place = ": ".join(part for part in (error.file, error.path) if part)
        return [fail("configuration", f"{place}: {error.problem}", error.mend)]
    return examine(House(config, SystemClock().now()))
