"""`pharmapulse restart`: a hub's planned restart, from its announcement to its empty backlog."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from domain.errors import UsageError
from domain.restart import Restart
from domain.settings import Settings
from pharmapulse.options import add_config, check_hub, config_of
from pharmapulse.user import user_name
from pharmapulse.wiring import clock
from pharmapulse.wiring.calls import restarting

if TYPE_CHECKING:
    from alerts.restarting import Restarting

EPILOG = """\
examples:
  pharmapulse restart plan dpp --config pharmapulse.toml --at 2026-11-22T20:00 --minutes 20 --reason "new release"
  pharmapulse restart start dpp --config pharmapulse.toml
  pharmapulse restart end dpp --config pharmapulse.toml
  pharmapulse restart cancel dpp --config pharmapulse.toml
  pharmapulse restart list --config pharmapulse.toml

From start to end the hub's deferred calls wait; after it they go out at the target's rate, and the restart is over
once none of them waits. Meanwhile nobody is told of what it explains. Times are local to site.zone.
"""
MINUTES = 15.0
_LIST_DAYS, _MOST = 30, 50


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("action", choices=("plan", "start", "end", "cancel", "list"), help="what to do")
    parser.add_argument("hub", nargs="?", default="", metavar="HUB", help="the hub's key")
    add_config(parser)
    parser.add_argument("--at", default="", metavar="T", help="plan: when, such as 2026-11-22T20:00")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="N", help=f"how long (default {MINUTES:g})")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; also the public may read it")
    parser.add_argument("--json", action="store_true", help="write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Do it, and tell how the restart stands."""
    config = config_of(options)
    zone, now = ZoneInfo(config.settings.site.zone), clock(config)[0].now()
    if options.action != "list":
        _check(options, config.settings)
    with restarting(config) as service:
        if options.action == "list":
            restarts = service.listed(now - _LIST_DAYS * 86_400, _MOST)
        else:
            restarts = [_act(options, service, config.settings, zone, now)]
    if options.json:
        sys.stdout.write(msgspec.json.encode([asdict(restart) for restart in restarts]).decode() + "\n")
    else:
        sys.stdout.writelines(f"{_told(restart, zone)}\n" for restart in restarts)
        if not restarts:
            sys.stdout.write(f"no restart in the last {_LIST_DAYS} days, and none is planned\n")
    return 0


def _check(options: argparse.Namespace, settings: Settings) -> None:
    if not options.hub:
        raise UsageError(f"say which hub: pharmapulse restart {options.action} HUB")
    if not 0 < options.minutes < 10_000:
        raise UsageError(f"--minutes {options.minutes:g}: write more than 0")
    if (options.action == "plan") != bool(options.at):
        raise UsageError("a plan needs --at, such as --at 2026-11-22T20:00; nothing else takes it")
    check_hub(options.hub, settings)


def target_of(settings: Settings, hub: str) -> str:
    """The target whose calls wait for the hub; "" where none are deferred."""
    return next((target.name for target in settings.deferred.targets if target.hub == hub), "")


def _act(
    options: argparse.Namespace, service: Restarting, settings: Settings, zone: ZoneInfo, now: float
) -> Restart:  # fmt: skip
    target, by, seconds = target_of(settings, options.hub), user_name(), options.minutes * 60
    if options.action == "plan":
        at = _time(options.at, zone)
        if at < now:
            raise UsageError(f"--at {options.at} is past: write a time to come, or start the restart now")
        return service.plan(options.hub, target, options.reason, by, at, seconds)
    if options.action == "start":
        return service.start(options.hub, target, options.reason, by, seconds)
    return service.end(options.hub) if options.action == "end" else service.cancel(options.hub)


def _time(text: str, zone: ZoneInfo) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--at {text}: is no time; write one such as 2026-11-22T20:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _told(restart: Restart, zone: ZoneInfo) -> str:
    def at(moment: float | None) -> str:
        return "" if moment is None else f"{datetime.fromtimestamp(moment, zone):%Y-%m-%d %H:%M}"

    held = f"calls wait at {restart.target}" if restart.target else "no calls are deferred"
    words = {
        "planned": f"planned for {at(restart.planned)} to {at(restart.until)}",
        "holding": f"under way since {at(restart.started)}, {held}",
        "draining": f"the hub is back since {at(restart.resumed)}, {restart.target} drains",
        "ended": f"over since {at(restart.ended)}",
        "cancelled": f"cancelled {at(restart.ended)}",
    }
    reason = f": {restart.reason}" if restart.reason else ""
    return f"{restart.id}  {restart.hub}  {words[restart.state]} (by {restart.by}){reason}"
