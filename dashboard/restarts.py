"""The page of planned restarts and of the queues that hold calls meanwhile. Pure: what is kept goes in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboard.few import is_few, told
from dashboard.incidents import lasting, span
from dashboard.names import Names
from domain import figures
from domain.deferred import QueueStatus
from domain.restart import Restart, RestartState
from domain.settings import Target

_LOOKS: dict[RestartState, tuple[str, str]] = {
    "planned": ("unknown", "planned"),
    "holding": ("held", "holding"),
    "draining": ("held", "draining"),
    "ended": ("ok", "over"),
    "cancelled": ("unknown", "cancelled"),
}


@dataclass(frozen=True, slots=True)
class RestartRow:
    """A restart as the page shows it."""

    id: int
    hub: str
    css: str
    word: str
    when: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A target's queue as the page shows it. `done` says about when nothing waits any more."""

    target: str
    hub: str
    css: str
    word: str
    waiting: float
    oldest: str
    rate: str
    done: str
    dead: float


@dataclass(frozen=True, slots=True)
class RestartsPage:
    """All of the page."""

    sentence: str
    unfinished: tuple[RestartRow, ...]
    past: tuple[RestartRow, ...]
    queues: tuple[QueueRow, ...]


def restarts_page(
    unfinished: Sequence[Restart],
    recent: Sequence[Restart],
    queues: Sequence[tuple[QueueStatus, Target]],
    names: Names,
    zone: ZoneInfo,
    now: float,
    least: int = 0,
) -> RestartsPage:
    """The page: what runs, what is planned, what was, and how the queues stand; counts under `least` are not told."""
    past = [one for one in recent if one.state in ("ended", "cancelled")]
    return RestartsPage(
        _sentence(unfinished, names, zone, now),
        tuple(_row(one, names, zone, now) for one in unfinished),
        tuple(_row(one, names, zone, now) for one in past),
        tuple(_queue(status, target, names, zone, now, least) for status, target in queues),
    )


def lately(status: QueueStatus) -> int:
    """How many calls were delivered in the last minute, which its rate tells."""
    return round(status.rate * 60)


def about_done(status: QueueStatus, target: Target, now: float, least: int = 0) -> float | None:
    """About when nothing waits any more, at the pace of the last minute.

    None while held, while none goes out, and where it would tell counts under `least`.
    """
    if status.waiting == 0 or status.held or status.rate <= 0:
        return None
    if is_few(status.waiting, least) or is_few(lately(status), least):
        return None
    return now + status.waiting / min(status.rate, target.rate)


def _sentence(unfinished: Sequence[Restart], names: Names, zone: ZoneInfo, now: float) -> str:
    active = [one for one in unfinished if one.is_active]
    if active:
        told = [
            f"{names.hub(one.hub)} is being restarted; its calls are held"
            if one.state == "holding"
            else f"{names.hub(one.hub)} is back; the calls held meanwhile go out"
            for one in active
        ]
        return f"{'. '.join(told)}."
    planned = [one for one in unfinished if one.state == "planned"]
    if planned:
        first = min(planned, key=lambda one: one.planned)
        return f"The next restart is {names.hub(first.hub)}’s, {figures.moment(first.planned, zone, now)}."
    return "No restart runs or is planned."


def _row(restart: Restart, names: Names, zone: ZoneInfo, now: float) -> RestartRow:
    css, word = _LOOKS[restart.state]
    return RestartRow(
        restart.id, names.hub(restart.hub), css, word, _when(restart, zone, now), restart.by, restart.reason
    )  # fmt: skip


def _when(restart: Restart, zone: ZoneInfo, now: float) -> str:
    """`10:30 – 10:52, 22 min`; what is planned or expected says so."""

    def at(time: float) -> str:
        return figures.moment(time, zone, now)

    if restart.state == "planned":
        return f"planned for {span(restart.planned, restart.until, zone, now)}"
    if restart.state == "cancelled" or restart.started is None:
        return f"was planned for {at(restart.planned)}"
    if restart.ended is not None:
        lasted = lasting(restart.ended - restart.started)
        return f"{span(restart.started, restart.ended, zone, now)}, {lasted}"
    late = ", later than expected" if restart.until < now else ""
    return f"since {at(restart.started)}, expected until {at(restart.until)}{late}"


def _queue(
    status: QueueStatus, target: Target, names: Names, zone: ZoneInfo, now: float, least: int
) -> QueueRow:  # fmt: skip
    return QueueRow(
        target=status.target,
        hub=names.hub(target.hub) if target.hub else "",
        css="held" if status.held else "degraded" if status.waiting and status.rate <= 0 else "ok",
        word=_queue_word(status),
        waiting=told(status.waiting, least),
        oldest=lasting(now - status.oldest) if status.oldest is not None else "",
        rate=f"{figures.rate(told(lately(status), least))} a minute",
        done=_done(status, target, zone, now, least),
        dead=told(status.dead, least),
    )


def _queue_word(status: QueueStatus) -> str:
    if status.held:
        return "held"
    if not status.waiting:
        return "open"
    return "going out" if status.rate > 0 else "stuck"


def _done(status: QueueStatus, target: Target, zone: ZoneInfo, now: float, least: int) -> str:
    if status.waiting == 0:
        return "nothing waits"
    if status.held:
        why = f" ({status.reason})" if status.reason else ""
        by = f"held by {status.held_by or 'somebody'}{why}"
        if is_few(status.waiting, least) or target.rate <= 0:
            return by
        return f"{by}; {lasting(status.waiting / target.rate)} at best once let go"
    done = about_done(status, target, now, least)
    if done is None and status.rate > 0:
        return "soon"
    if done is None:
        return "none goes out just now"
    return f"about {figures.moment(done, zone, now)}, in {lasting(done - now)}"


def restart_json(restart: Restart) -> dict[str, object]:
    """A restart for machines."""
    return {
        "restart": restart.id,
        "hub": restart.hub,
        "target": restart.target,
        "reason": restart.reason,
        "by": restart.by,
        "state": restart.state,
        "planned": restart.planned,
        "until": restart.until,
        "started": restart.started,
        "resumed": restart.resumed,
        "ended": restart.ended,
    }
