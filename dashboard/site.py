"""What every page needs at hand: the settings' words, the reader, and the answers kept, for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from dashboard.cache import Cache
from dashboard.data import Reader, Snapshot
from dashboard.names import Names
from dashboard.scoped import DiscreetIncidents, LinelessLive, ScopedIncidents, ScopedLive, ScopedRestarts, ScopedSeries
from dashboard.stream import Watch
from domain.access import SMALL_COUNT, Role, Scope
from domain.clock import Clock
from domain.deferred import QueueStatus
from domain.ports import AccessStore, IncidentStore, LiveBuckets, RestartStore, SeriesStore, StateStore
from domain.series import FAMILIES, Key, SeriesKey
from domain.settings import Settings

T = TypeVar("T")
_LATE = 300  # late lines change what is written: nothing is kept longer than this (seconds of the site's clock)


@dataclass(frozen=True, slots=True)
class Ports:
    """What the dashboard stands on.

    `clock` is the site's, which a replay sets; accounts and sessions go by `wall`, the real time. `secret` signs
    what forms carry against forged ones; all processes of one dashboard have the same. `queues` tells how the
    queues of deferred calls stand.
    """

    series: SeriesStore
    live: LiveBuckets
    state: StateStore
    access: AccessStore
    incidents: IncidentStore
    clock: Clock
    wall: Clock
    secret: bytes
    restarts: RestartStore | None = None
    queues: Callable[[], Sequence[QueueStatus]] = tuple


@dataclass(frozen=True, slots=True)
class View:
    """How somebody sees the site: what of it, and below which count a figure is not told (0: all are)."""

    scope: Scope
    least: int = 0


def view_of(role: Role, scope: Scope) -> View:
    """The view of a role with a scope: partners are told no small counts, however much they may read."""
    return View(scope, SMALL_COUNT if role == "partner" else 0)


class Shared:
    """Built once by `create_app`; shared by all requests. `site` gives what one of them may see of it."""

    def __init__(self, settings: Settings, ports: Ports) -> None:
        self.settings, self.ports = settings, ports
        self.zone = ZoneInfo(settings.site.zone)
        self.names = Names(settings)
        self.models, self.charts = Cache(512), Cache(384)
        # Half of the threads may hold a stream, so that pages always find one free.
        self.watch = Watch(ports.live, limit=max(1, min(32, settings.web.threads // 2)),
                           newest=ports.incidents.last_entry)  # fmt: skip

    def site(self, view: View) -> Site:
        """The site as that view shows it."""
        return Site(self, view)


class Kept:
    """The answers of one view in a cache of all: nobody is given what was made for another view."""

    def __init__(self, cache: Cache, view: View) -> None:
        self._cache, self._view = cache, view

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer kept under `key` for this view, or a new one from `make`."""
        return self._cache.get((self._view, key), make)


class Site:
    """The site in one view: made for each request, and never handed to another.

    `incidents` and `restarts` hold what the view's scope may see; whoever may change them has the whole.
    """

    def __init__(self, shared: Shared, view: View) -> None:
        ports, scope = shared.ports, view.scope
        self.settings, self.zone, self.names, self.watch = shared.settings, shared.zone, shared.names, shared.watch
        self.clock, self.state, self.view, self.queues = ports.clock, ports.state, view, ports.queues
        self.series: SeriesStore = ports.series
        self.live: LiveBuckets = ports.live
        self.incidents: IncidentStore = ports.incidents
        self.restarts: RestartStore | None = ports.restarts
        if view.least:
            self.incidents = DiscreetIncidents(ports.incidents, scope)
        elif not scope.everything:
            self.incidents = ScopedIncidents(ports.incidents, scope)
        if view.least:
            self.live = LinelessLive(ports.live)
        if not scope.everything:
            self.series, self.live = ScopedSeries(ports.series, scope), ScopedLive(ports.live, scope)
            self.restarts = None if ports.restarts is None else ScopedRestarts(ports.restarts, scope)
        self.reader = Reader(self.series, self.live, self.clock, self.zone, view.least, self.settings.alerts)
        self.models, self.charts = Kept(shared.models, view), Kept(shared.charts, view)

    def allows(self, family: str, *key: str) -> bool:
        """Whether a measuring point may be read in this view: templates make no link to others."""
        return self.view.scope.allows(SeriesKey(family, key))

    @cached_property
    def newest_entry(self) -> int:
        """The newest journal entry of incidents, as it was when this request first asked. Raises StoreError.

        What a page is made from is read after it: whatever comes later is told to the page as news.
        """
        return self.incidents.last_entry()

    def history(self) -> tuple[int, int] | None:
        """How much of the history is filled, and of how much; None when it is all there or was never begun."""
        progress = self.state.progress("history")
        return progress if progress is not None and progress[0] < progress[1] else None

    def stamp(self, snapshot: Snapshot, step: int = 10) -> Hashable:
        """What an answer of this resolution was made from: while it stays, the answer stays."""
        filled = self.history()
        return (
            None if snapshot.complete_up_to is None else int(snapshot.complete_up_to // step),
            snapshot.live_answers,
            int(snapshot.now // _LATE),
            None if filled is None else filled[0] * 20 // max(1, filled[1]),
        )

    def keys(self, snapshot: Snapshot, family: str) -> dict[str, Key]:
        """The family's keys by their parts joined with "/", as addresses name them."""
        step = 60 if family == "pharmacy" else 10
        return self.models.get(
            ("keys", family, self.stamp(snapshot, step)),
            lambda: {"/".join(key): key for key in snapshot.keys(family)},
        )

    def knows(self, snapshot: Snapshot, series: SeriesKey) -> bool:
        """Whether the series is there; one of the last minutes is looked for by itself among the open rows."""
        if len(series.key) != len(FAMILIES[series.family].dimensions):
            return False
        return series.key in self.keys(snapshot, series.family).values() or snapshot.is_open(series)
