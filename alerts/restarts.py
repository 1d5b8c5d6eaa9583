"""The life of a planned restart: a table of what may follow what, and the decisions on it. Pure.

    planned ── start ──▸ holding ── end ──▸ draining ── emptied ──▸ ended
       └──── cancel ──▸ cancelled

A restart without deferred calls goes from holding to ended at once: there is nothing to drain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from domain.deferred import QueueStatus
from domain.errors import UsageError
from domain.redact import has_patient
from domain.restart import Restart, RestartState

Event = Literal["start", "cancel", "end", "emptied"]

LIFE: MappingProxyType[tuple[RestartState, Event], RestartState] = MappingProxyType(
    {
        ("planned", "start"): "holding",
        ("planned", "cancel"): "cancelled",
        ("holding", "end"): "draining",
        ("draining", "emptied"): "ended",
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """A restart that went on in its life: as it was, as it is, and why."""

    before: Restart
    after: Restart
    reason: str


def plan(hub: str, target: str, reason: str, by: str, at: float, until: float) -> Restart:
    """A restart for later, not kept yet. Raises UsageError where it would end before it begins, or names a patient."""
    if has_patient(reason):
        raise UsageError("the reason holds a patient's number; write it without")
    if until <= at:
        raise UsageError("a restart ends after it begins: give it more time with --minutes")
    return Restart(0, hub, target, reason, by, "planned", at, until)


def next_state(restart: Restart, event: Event) -> RestartState:
    """What the event makes of the restart. Raises UsageError where its life has no such turn."""
    state = LIFE.get((restart.state, event))
    if state is None:
        possible = [name for of, name in LIFE if of == restart.state]
        told = f"it can {' or '.join(possible)}" if possible else "it is over"
        raise UsageError(f"the restart {restart.id} of {restart.hub} is {restart.state}: {told}, not {event}")
    return state


def start(restart: Restart, now: float) -> Restart:
    """The restart begins. Its planned length stays what it was."""
    until = now + (restart.until - restart.planned)
    return replace(restart, state=next_state(restart, "start"), started=now, until=until)


def cancel(restart: Restart, now: float) -> Restart:
    """The restart will not be."""
    return replace(restart, state=next_state(restart, "cancel"), ended=now)


def end(restart: Restart, now: float) -> Restart:
    """The hub is back: its calls may go."""
    resumed = replace(restart, state=next_state(restart, "end"), resumed=now)
    return resumed if restart.target else emptied(resumed, now)


def emptied(restart: Restart, now: float) -> Restart:
    """Nothing that came in before the end waits any more."""
    return replace(restart, state=next_state(restart, "emptied"), ended=now)


def is_drained(restart: Restart, status: QueueStatus) -> bool:
    """Whether none of the calls that came in before the end still waits."""
    return status.oldest is None or (restart.resumed is not None and status.oldest > restart.resumed)


def advance(restarts: Iterable[Restart], statuses: Sequence[QueueStatus], now: float) -> Sequence[Change]:
    """Draining restarts whose backlog is empty, ended. One of whose queue nothing is known goes on."""
    of_target = {status.target: status for status in statuses}
    changes = []
    for restart in restarts:
        status = of_target.get(restart.target)
        if restart.state != "draining":
            continue
        if not restart.target:
            changes.append(Change(restart, emptied(restart, now), "no calls are deferred for it"))
        elif status is not None and is_drained(restart, status):
            changes.append(Change(restart, emptied(restart, now), "nothing that came in before its end waits any more"))
    return changes


def under_way(restarts: Iterable[Restart], hub: str) -> Restart | None:
    """The restart of the hub that holds or drains now."""
    return next((restart for restart in restarts if restart.hub == hub and restart.is_active), None)


def next_planned(restarts: Iterable[Restart], hub: str) -> Restart | None:
    """The earliest restart of the hub that is planned."""
    waiting = [restart for restart in restarts if restart.hub == hub and restart.state == "planned"]
    return min(waiting, key=lambda restart: restart.planned, default=None)
