"""`pharmapulse check`: look at a configuration and run its formats' own examples."""

from __future__ import annotations

import argparse
import glob
import sys

from domain.clock import SystemClock
from logwatch.examples import failures
from pharmapulse.examine_alerts import examine_channels
from pharmapulse.options import add_config, config_of

EPILOG = """\
examples:
  pharmapulse check --config pharmapulse.toml
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """Check everything; 1 when an example gives something else than it says."""
    config = config_of(options)
    if config.settings.people:
        examine_channels(config.settings, config.file)
    known = config.formats
    used = dict.fromkeys([*config.settings.formats, *(source.format for source in config.settings.sources)])
    wrong = 0
    now = SystemClock().now()
    for name in used:
        found = failures(known[name], config.codes, f"formats.{name}", now)
        wrong += len(found)
        sys.stdout.writelines(f"{problem}\n" for problem in found)
        if not found:
            sys.stdout.write(f"formats.{name}: {_counted(len(known[name].examples), 'example')} as it should be\n")
    for place, source in enumerate(config.settings.sources):
        files = {path for pattern in source.paths for path in glob.glob(config.absolute(pattern), recursive=True)}  # noqa: PTH207 (Path.glob takes no absolute pattern)
        told = _counted(len(files), "file") if files else "no file matches yet"
        sys.stdout.write(f"sources[{place}] {source.name}: {told}\n")
        if not source.hub and not known[source.format].fields.hub:
            sys.stdout.write(
                f"sources[{place}] {source.name}: names no hub, and its format no field for one: "
                'its calls will show on no hub\'s page. Add hub = "…"\n'
            )
    sys.stdout.write(f"{config.file}: {'not as it should be' if wrong else 'fine'}\n")
    return 1 if wrong else 0


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
