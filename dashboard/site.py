"""What every page needs at hand: the settings' words, the reader, and the answers kept."""

from __future__ import annotations

from collections.abc import Hashable
from zoneinfo import ZoneInfo

from dashboard.cache import Cache
from dashboard.data import Reader, Snapshot
from dashboard.names import Names
from dashboard.stream import Watch
from domain.clock import Clock
from domain.ports import LiveBuckets, SeriesStore, StateStore
from domain.series import Key, SeriesKey
from domain.settings import Settings

_LATE = 300  # late lines change what is written: nothing is kept longer than this (seconds of the site's clock)


class Site:
    """Built once by `create_app`; shared by all requests."""

    def __init__(
        self, settings: Settings, series: SeriesStore, live: LiveBuckets, state: StateStore, clock: Clock
    ) -> None:
        self.settings, self.clock, self.state, self.live = settings, clock, state, live
        self.zone = ZoneInfo(settings.site.zone)
        self.names = Names(settings)
        self.reader = Reader(series, live, clock, self.zone)
        self.models, self.charts = Cache(512), Cache(384)
        # Half of the threads may hold a stream, so that pages always find one free.
        self.watch = Watch(live, limit=max(1, min(32, settings.web.threads // 2)))

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
        return series.key in self.keys(snapshot, series.family).values() or snapshot.is_open(series)
