"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import msgspec

from domain.errors import UsageError
from domain.settings import Settings
from pharmapulse import logs
from pharmapulse.config import Config, load

# The supervisor hands the port down that it was given, from which all its processes count theirs.
PORT_VARIABLE = "PHARMAPULSE_PORT"


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config F`, required."""
    parser.add_argument("--config", metavar="F", required=True, help="the configuration, such as pharmapulse.toml")


def add_once(parser: argparse.ArgumentParser, what: str) -> None:
    """`--once`."""
    parser.add_argument("--once", action="store_true", help=what)


def config_of(options: argparse.Namespace) -> Config:
    """The configuration that was named, on the supervisor's port where that one was given another.

    A log that is set up by now is written in the form it asks for from here on.
    """
    config = load(Path(options.config))
    logs.write_as(config.settings.site.logs)
    port = os.environ.get(PORT_VARIABLE, "")
    return on_port(config, int(port)) if port else config


def on_port(config: Config, port: int) -> Config:
    """The same configuration with another `web.port`."""
    web = msgspec.structs.replace(config.settings.web, port=port)
    return Config(config.file, msgspec.structs.replace(config.settings, web=web))


def hubs_of(settings: Settings) -> set[str]:
    """The hubs that are named in the configuration; none where a log's lines may name others."""
    if any(not source.hub for source in settings.sources):
        return set()
    named = (
        *(hub.key for hub in settings.hubs), *(source.hub for source in settings.sources),
        *(target.hub for target in settings.deferred.targets),
    )  # fmt: skip
    return set(named) - {""}


def check_hub(hub: str, settings: Settings) -> None:
    """Raise UsageError where a hub of this name cannot be."""
    known = hubs_of(settings)
    if known and hub not in known:
        raise UsageError(f'there is no hub "{hub}"; there is {", ".join(sorted(known))}')
