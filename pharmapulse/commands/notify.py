"""`pharmapulse notify`: whether people are reached by the channels that are configured for them."""

from __future__ import annotations

import argparse
import sys

import msgspec

from domain import figures
from domain.errors import NotifyError, SeriesError, UsageError
from domain.ports import Delivery
from domain.series import SeriesKey
from pharmapulse.config import Config
from pharmapulse.examine_alerts import examine_channels
from pharmapulse.options import add_config, config_of
from pharmapulse.wiring.told import notifier as notifier_of
from pharmapulse.wiring.told import reader

EPILOG = """\
examples:
  pharmapulse notify test --config pharmapulse.toml
  pharmapulse notify test --config pharmapulse.toml --person ann

Sends a message that calls itself a test, with a picture of the last hour, and tells who was reached.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("action", choices=("test",), help="what to do")
    add_config(parser)
    parser.add_argument("--person", default="", metavar="NAME", help="tell this one only; by default everybody")
    parser.add_argument("--json", action="store_true", help="write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Tell everybody; 1 when a channel did not take it."""
    config = config_of(options)
    known = [person.name for person in config.settings.people]
    if options.person and options.person not in known:
        raise UsageError(f'there is nobody called "{options.person}"; there is {", ".join(known) or "nobody at all"}')
    if not known:
        raise UsageError("there is nobody to tell: add [[people]] to the configuration")
    examine_channels(config.settings, config.file)
    notifier, delivery = notifier_of(config), _delivery(config)
    told: list[dict[str, str | bool]] = []
    for name in [options.person] if options.person else known:
        try:
            told += [
                {"person": name, "channel": one.channel, "delivered": not one.error, "error": one.error}
                for one in notifier.send(name, delivery)
            ]
        except NotifyError as error:
            told.append({"person": name, "channel": "", "delivered": False, "error": str(error)})
    if options.json:
        sys.stdout.write(msgspec.json.encode({"told": told}).decode() + "\n")
    else:
        for one in told:
            became = "delivered" if one["delivered"] else f"failed: {one['error']}"
            sys.stdout.write(f"{one['person']}  {one['channel']}  {became}\n")
    return 0 if all(one["delivered"] for one in told) else 1


def _delivery(config: Config) -> Delivery:
    from rrd.graph import Mark, picture

    snapshot = reader(config).snapshot()
    hubs = [hub.key for hub in config.settings.hubs] or [key[0] for key in snapshot.keys("hub")]
    title = f"Test of {config.settings.site.name}"
    when = figures.clock_time(snapshot.now, snapshot.zone)
    text = f"This is a test, sent at {when} by pharmapulse notify test. Nothing is wrong."
    hub = hubs[0] if hubs else "hub"
    try:
        mark = Mark(snapshot.now, f"{when}: the test")
        drawn = picture(snapshot, SeriesKey("hub", (hub,)), f"{title}: {hub}", snapshot.now, [mark])
    except SeriesError as error:
        return Delivery(title, f"{text}\n\nIt has no picture: {error}", None)
    return Delivery(title, text, drawn)
