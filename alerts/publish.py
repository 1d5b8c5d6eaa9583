"""The published document, built from what is known, and written so that it is there whole or not at all.

The public sees hubs and nothing below them: shares of a whole day, never counts, and none of a day with few calls;
no vendor, no pharmacy, no code. What is only suspected, and fewer calls than usual, is not for the public.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from alerts.lifecycle import was_told
from domain.deferred import QueueStatus
from domain.errors import StoreError
from domain.incident import Incident
from domain.published import (
    PUBLISHED_VERSION,
    WORSE,
    Component,
    Day,
    Notice,
    PublicState,
    Published,
    encode_published,
)
from domain.restart import Restart
from domain.series import DAY, SeriesKey, bucket_span, floor_bucket
from domain.settings import HubSettings, Settings
from rrd.present import Snapshot
from store.files import write_durably

DAYS = 90
# Without a watermark for so long nothing is said of now.
UNKNOWN_SECONDS = 180.0
# Of a day with fewer calls no share is told; and a share is told in tenths of a per mille.
LEAST_CALLS, DECIMALS = 100, 4
MOST_CALLS = 0.5
# Waiting calls of this age are kept for later, and not merely on their way.
KEPT_SECONDS = 60.0
# Notices of what is over, and of work that is planned, this far back and ahead.
NOTICE_SECONDS = 14 * DAY
Queues = Callable[[], Sequence[QueueStatus]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a hub's calls: each local day's bucket with its availability (None: unknown or too few).

    `counted` are the days with any call; `failing` is the share that failed technically in the last minutes.
    """

    availability: Mapping[int, float | None]
    counted: frozenset[int]
    failing: float


def document(
    settings: Settings, mark: float | None, now: float, known: Mapping[str, Known], incidents: Sequence[Incident],
    restarts: Sequence[Restart], queues: Sequence[QueueStatus],
) -> Published:  # fmt: skip
    """The whole document at `now`, everything judged up to `mark`. `known` has the hubs in their order."""
    zone = ZoneInfo(settings.site.zone)
    told = [one for one in incidents if public_state(one) is not None]
    begun = [one for one in restarts if one.started is not None]
    names = {hub.key: hub for hub in settings.hubs}
    components: list[Component] = []
    for key, facts in known.items():
        hub = names.get(key, HubSettings(key=key, name=key))
        mine = [one for one in told if one.hub == key]
        theirs = [one for one in begun if one.hub == key]
        of_hub = [one for one in queues if hub_of(one.target, settings) == key]
        state, since = state_of(mark, now, facts.failing, mine, theirs, of_hub)
        components.append(
            Component(
                key=key,
                name=hub.name,
                does=hub.does,
                state=state,
                since=None if since is None else since // 60 * 60,
                wait_seconds=wait_of(now, settings, theirs, of_hub) if state == "kept" else None,
                days=tuple(_day(bucket, facts, mine, theirs, now, zone) for bucket in sorted(facts.availability)),
            )
        )
    return Published(
        version=PUBLISHED_VERSION,
        site=settings.site.name,
        zone=settings.site.zone,
        as_of=mark,
        written=now,
        components=tuple(components),
        notices=notices(told, restarts, now),
    )


def public_state(incident: Incident) -> PublicState | None:
    """What an incident is to the public; None: nothing."""
    if not was_told(incident) or incident.kind == "fewer" or incident.is_of_source:
        return None
    return "fails" if not incident.endpoint and incident.severity == "page" else "some-fail"


def hub_of(target: str, settings: Settings) -> str:
    """The hub that a target's calls go to; "" where none is named."""
    return next((one.hub for one in settings.deferred.targets if one.name == target), "")


def state_of(
    mark: float | None, now: float, failing: float, told: Sequence[Incident], restarts: Sequence[Restart],
    queues: Sequence[QueueStatus],
) -> tuple[PublicState, float | None]:  # fmt: skip
    """A hub's state now, and from when it has been so."""
    if mark is None or now - mark > UNKNOWN_SECONDS:
        return "unknown", mark
    if active := [one for one in restarts if one.is_active]:
        return _restart_state(active[0]), active[0].started
    found: list[tuple[PublicState, float | None]] = []
    for incident in told:
        state = public_state(incident) if incident.is_open else None
        if state is not None:
            found.append(("fails" if failing >= MOST_CALLS else state, incident.since))
    found += [
        ("kept", queue.held_since if queue.held else queue.oldest)
        for queue in queues
        if queue.held or (queue.oldest is not None and now - queue.oldest >= KEPT_SECONDS)
    ]
    if found:
        worst = max(found, key=lambda one: WORSE.index(one[0]))[0]
        return worst, min((since for state, since in found if state == worst and since is not None), default=None)
    ends = [one.resolved for one in told if one.resolved is not None and not one.is_open]
    ends += [one.ended for one in restarts if one.ended is not None]
    return "works", max(ends, default=None)


def _restart_state(restart: Restart) -> PublicState:
    return "kept" if restart.target else "maintenance"


def wait_of(now: float, settings: Settings, restarts: Sequence[Restart], queues: Sequence[QueueStatus]) -> float | None:
    """About how long what is kept still waits: until the restart is over, and then until the queue is empty."""
    until = max((one.until - now for one in restarts if one.state == "holding"), default=0.0)
    rates = {one.name: one.rate for one in settings.deferred.targets}
    drains = [
        one.waiting / rate
        for one in queues
        if (rate := one.rate if not one.held and one.rate > 0 else rates.get(one.target, 0.0)) > 0
    ]
    if not drains:
        return None
    return float(round(max(0.0, until) + max(drains)))


def _day(
    bucket: int, facts: Known, told: Sequence[Incident], restarts: Sequence[Restart], now: float, zone: ZoneInfo
) -> Day:
    start, end = bucket_span(bucket, DAY, zone)
    states: list[PublicState] = ["works" if bucket in facts.counted else "unknown"]
    troubles: list[PublicState] = []
    for incident in told:
        state, over = public_state(incident), now if incident.is_open else (incident.resolved or incident.changed)
        if state is not None and incident.since < end and over > start:
            troubles.append(state)
    troubles += [
        _restart_state(restart)
        for restart in restarts
        if restart.started is not None and restart.started < end and (restart.ended or now) > start
    ]
    worst = max(troubles or states, key=WORSE.index)
    date = datetime.fromtimestamp(bucket, UTC).date().isoformat()
    return Day(date=date, state=worst, availability=facts.availability[bucket])


def notices(told: Sequence[Incident], restarts: Sequence[Restart], now: float) -> tuple[Notice, ...]:
    """What lasts, is planned, or was over lately; the newest first."""
    found: list[Notice] = []
    for incident in told:
        end = None if incident.is_open else (incident.resolved or incident.changed)
        state = public_state(incident)
        if state is not None and (end is None or now - end <= NOTICE_SECONDS):
            found.append(
                Notice(
                    id=f"incident-{incident.id}", kind="incident", hub=incident.hub, state=state,
                    start=incident.since // 60 * 60, end=end,
                )
            )  # fmt: skip
    for restart in restarts:
        start = restart.planned if restart.started is None else restart.started
        end = restart.ended if restart.state == "ended" else None
        if restart.state == "cancelled" or (end is not None and now - end > NOTICE_SECONDS):
            continue
        found.append(
            Notice(
                id=f"restart-{restart.id}", kind="maintenance", hub=restart.hub, state=_restart_state(restart),
                start=start, end=restart.until if end is None else end,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.start, one.id)))


def known_of(snapshot: Snapshot, hub: str, now: float) -> Known:
    """What the series say of a hub: 90 local days, today's from the day's bucket that still grows."""
    series = SeriesKey("hub", (hub,))
    today = floor_bucket(now, DAY, snapshot.zone)
    # Buckets of a local day are named by its UTC midnight: ninety of them, whatever the clocks do.
    first = today - (DAYS - 1) * DAY
    rows = snapshot.read(series, DAY, bucket_span(first, DAY, snapshot.zone)[0], now + 1)
    calls = dict(zip(rows.times.tolist(), rows.column("calls").tolist(), strict=True))
    failed = dict(zip(rows.times.tolist(), rows.column("technical").tolist(), strict=True))
    live = snapshot.open_rows("hub", DAY).rows.get((hub,))
    if live is not None:
        for place, time in enumerate(live.times.tolist()):
            if time in calls and calls[time] != calls[time]:
                calls[time], failed[time] = live.column("calls")[place], live.column("technical")[place]
    mark = int(now if snapshot.complete_up_to is None else snapshot.complete_up_to) // 10 * 10
    lately = snapshot.read(series, 10, mark - 120, mark)
    count = float(np.nansum(lately.column("calls")))
    return Known(
        availability={time: _availability(float(calls[time]), float(failed[time])) for time in calls},
        counted=frozenset(time for time, value in calls.items() if value > 0),
        failing=float(np.nansum(lately.column("technical"))) / count if count > 0 else 0.0,
    )


def _availability(calls: float, failed: float) -> float | None:
    return None if not calls >= LEAST_CALLS else round(1 - failed / calls, DECIMALS)


def hubs_of(settings: Settings, snapshot: Snapshot) -> list[str]:
    """The hubs that are shown: those of the configuration in its order, else all that have calls."""
    return [hub.key for hub in settings.hubs] or [key[0] for key in snapshot.keys("hub")]


def write(path: Path, published: Published) -> None:
    """Put the document in its place, whole and durably. Raises StoreError."""
    aside = path.parent / ".unfinished"
    try:
        aside.mkdir(parents=True, exist_ok=True)
        write_durably(path, encode_published(published), aside)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
