"""`pharmapulse incidents`: what was not as expected and what became of it; take one up, write into its journal."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from zoneinfo import ZoneInfo

import msgspec

from alerts.lifecycle import acknowledged, moved
from alerts.message import hub_names, place
from domain import figures
from domain.errors import StoreError, UsageError
from domain.incident import Incident, IncidentEvent, JournalEntry
from domain.ports import IncidentStore
from domain.redact import mask_patients
from domain.series import DAY
from pharmapulse.config import Config
from pharmapulse.options import add_config, config_of
from pharmapulse.user import user_name
from pharmapulse.wiring import clock, told

EPILOG = """\
examples:
  pharmapulse incidents list --config pharmapulse.toml --days 30
  pharmapulse incidents show 12 --config pharmapulse.toml
  pharmapulse incidents ack 12 --config pharmapulse.toml
  pharmapulse incidents note 12 "the provider was called" --config pharmapulse.toml
"""
_MOST, _TRIES = 1_000, 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("action", choices=("list", "show", "ack", "note"), help="what to do")
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="which incident")
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="what to write into its journal")
    add_config(parser)
    parser.add_argument("--days", type=float, default=7.0, metavar="N", help="list those of so many days; by default 7")
    parser.add_argument("--json", action="store_true", help="write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Do it, and show what stands."""
    config = config_of(options)
    now = clock(config)[0].now()
    if options.action != "list" and options.number is None:
        raise UsageError(f"say which incident: pharmapulse incidents {options.action} N")
    if options.action == "note" and not options.text.strip():
        raise UsageError('say what to write: pharmapulse incidents note N "TEXT"')
    if not 0 < options.days < math.inf:
        raise UsageError(f"--days {options.days:g}: write more than 0")
    with told.incidents(config) as store:
        if options.action == "list":
            return _list(config, store, now, options.days, as_json=options.json)
        if options.action == "ack":
            by = user_name()
            _change(store, options.number, "acknowledged", by, "", now, lambda one: acknowledged(one, by, now))
        elif options.action == "note":
            text = mask_patients(options.text.strip())
            _change(store, options.number, "noted", user_name(), text, now, lambda one: moved(one, "noted", now))
        incident = _found(store, options.number)
        _show(config, incident, store.journal(incident.id), now, as_json=options.json)
    return 0


def _found(store: IncidentStore, number: int) -> Incident:
    incident = store.incident(number)
    if incident is None:
        raise UsageError(f"there is no incident {number}. pharmapulse incidents list --days 365 lists those of a year")
    return incident


def _change(
    store: IncidentStore, number: int, event: IncidentEvent, by: str, text: str, now: float,
    change: Callable[[Incident], Incident],
) -> None:  # fmt: skip
    """Change an incident; again from what it is then, where somebody else changed it meanwhile."""
    for _ in range(_TRIES):
        before = _found(store, number)
        if store.keep(change(before), before, event, by, text, now) is not None:
            return
    raise StoreError(f"incident {number} is being changed by others. Try again")


def _list(config: Config, store: IncidentStore, now: float, days: float, *, as_json: bool) -> int:
    recent = {one.id: one for one in store.incidents(now - days * DAY, _MOST)}
    lasting = {one.id: one for one in store.unsettled()}
    found = sorted((recent | lasting).values(), key=lambda one: (one.is_open, one.opened), reverse=True)
    if as_json:
        sys.stdout.write(msgspec.json.encode({"now": now, "incidents": [asdict(one) for one in found]}).decode() + "\n")
        return 0
    sys.stdout.writelines(f"{_line(config, one, now)}\n" for one in found)
    if not found:
        sys.stdout.write(f"no incident in the last {days:g} days\n")
    return 0


def _line(config: Config, incident: Incident, now: float) -> str:
    since = figures.moment(incident.since, ZoneInfo(config.settings.site.zone), now)
    where = place(incident, hub_names(config.settings))
    return f"{incident.id}  {incident.state}  {incident.severity}  since {since}  {where}: {incident.reason}"


def _show(config: Config, incident: Incident, journal: Sequence[JournalEntry], now: float, *, as_json: bool) -> None:
    if as_json:
        told = {"now": now, "incident": asdict(incident), "journal": [asdict(entry) for entry in journal]}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return
    zone = ZoneInfo(config.settings.site.zone)
    sys.stdout.write(f"{_line(config, incident, now)}\n")
    for entry in journal:
        at = f"{figures.day(entry.at, zone, now)} {figures.clock_time(entry.at, zone)}"
        sys.stdout.write(f"  {at}  {entry.event} by {entry.by}{': ' if entry.text else ''}{entry.text}\n")
