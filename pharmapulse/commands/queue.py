"""`pharmapulse queue`: how the queues of deferred calls stand; hold and resume them by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from deferred.service import LATE_SECONDS
from domain.deferred import QueueStatus
from domain.errors import UsageError
from domain.redact import has_patient
from domain.settings import Target
from pharmapulse.config import Config
from pharmapulse.options import add_config, config_of
from pharmapulse.user import user_name
from pharmapulse.wiring import calls as wiring
from pharmapulse.wiring import clock

EPILOG = """\
examples:
  pharmapulse queue status --config pharmapulse.toml
  pharmapulse queue status dpp --config pharmapulse.toml --json
  pharmapulse queue hold dpp --config pharmapulse.toml --reason "disk is exchanged"
  pharmapulse queue resume dpp --config pharmapulse.toml

A restart of a hub holds and resumes its queue by itself: pharmapulse restart.
"""
_HEADINGS = ("target", "state", "waiting", "oldest", "delivered", "dead", "a second", "empty in")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("action", choices=("status", "hold", "resume"), help="what to do")
    parser.add_argument("target", nargs="?", default="", metavar="TARGET", help="which queue; status shows all")
    add_config(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why it is held; everybody who looks reads it")
    parser.add_argument("--json", action="store_true", help="write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Do it, and tell how the queues stand."""
    config = config_of(options)
    known = {target.name: target for target in config.settings.deferred.targets}
    wiring.check_targets(config)
    if options.target and options.target not in known:
        raise UsageError(f'there is no target "{options.target}"; there is {", ".join(known)}')
    if options.action != "status" and not options.target:
        raise UsageError(f"say which queue: pharmapulse queue {options.action} TARGET")
    if has_patient(options.reason):
        raise UsageError("the reason holds a patient's number; write it without")
    now = clock(config)[0].now()
    queues = wiring.queues(config)
    try:
        if options.action == "hold":
            queues.hold(options.target, options.reason, user_name(), now)
        elif options.action == "resume":
            queues.resume(options.target)
        chosen = [options.target] if options.target else list(known)
        statuses, pulsed = queues.status(chosen, now), queues.pulsed()
    finally:
        queues.close()
    targets = [known[name] for name in chosen]
    if options.json:
        sys.stdout.write(_json(statuses, targets, pulsed, now))
    else:
        sys.stdout.write(_table(config, statuses, targets, now))
        if pulsed is None:
            sys.stdout.write("The drain has never run: pharmapulse deferred\n")
        elif now - pulsed > LATE_SECONDS:
            sys.stdout.write(f"The drain does not run: it last said so {lasting(now - pulsed)} ago\n")
    return 0


def seconds_until_empty(status: QueueStatus, most: float) -> float | None:
    """About how long until nothing waits: at the last minute's rate, or at `most` while nothing goes out.

    None while it is held: that is for a person to end.
    """
    if not status.waiting:
        return 0.0
    return None if status.held else status.waiting / (status.rate or most)


def lasting(seconds: float) -> str:
    """A span of time in words, to two figures or so."""
    for least, unit, name in ((172_800, 86_400, "d"), (7_200, 3_600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"


def _row(status: QueueStatus, most: float, now: float, zone: ZoneInfo) -> tuple[str, ...]:
    left = seconds_until_empty(status, most)
    since = "" if status.held_since is None else f" since {datetime.fromtimestamp(status.held_since, zone):%H:%M}"
    reason = f" ({status.reason})" if status.reason else ""
    return (
        status.target, f"held by {status.held_by}{since}{reason}" if status.held else "open",
        f"{status.waiting:,}", "-" if status.oldest is None else lasting(now - status.oldest),
        f"{status.delivered:,}", f"{status.dead:,}", f"{status.rate:.1f}",
        "when resumed" if left is None else "-" if not left else f"about {lasting(left)}",
    )  # fmt: skip


def _table(config: Config, statuses: Sequence[QueueStatus], targets: Sequence[Target], now: float) -> str:
    zone = ZoneInfo(config.settings.site.zone)
    rows = [_HEADINGS, *(_row(status, of.rate, now, zone) for status, of in zip(statuses, targets, strict=True))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join("  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows)


def _json(statuses: Sequence[QueueStatus], targets: Sequence[Target], pulsed: float | None, now: float) -> str:
    told = [
        {
            **asdict(status),
            "seconds_until_empty": seconds_until_empty(status, of.rate),
        }
        for status, of in zip(statuses, targets, strict=True)
    ]
    return msgspec.json.encode({"now": now, "drain": pulsed, "queues": told}).decode() + "\n"
