"""Reading for the pages: lines to draw out of the written past and the open present."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from alerts.judge import DEFAULTS
from dashboard.lines import Line, as_line
from dashboard.windows import Window
from domain.calendar import Comparison
from domain.clock import Clock
from domain.comparable import comparable_buckets, pick_rows
from domain.ports import LiveBuckets, SeriesStore
from domain.series import FAMILIES, Rows, SeriesKey, floor_bucket, unknown_rows
from domain.settings import AlertSettings
from rrd import present


class Reader(present.Reader):
    """A reader whose views can be drawn, and judged by the `bounds` that the alerts go by.

    Counts under `least` are not told to whoever it reads for.
    """

    def __init__(
        self, series: SeriesStore, live: LiveBuckets, clock: Clock, zone: ZoneInfo, least: int = 0,
        bounds: AlertSettings = DEFAULTS,
    ) -> None:  # fmt: skip
        super().__init__(series, live, clock, zone)
        self.least, self.bounds = least, bounds

    def snapshot(self) -> Snapshot:
        """A view for one request."""
        return Snapshot(self)


class Snapshot(present.Snapshot):
    """What is known at one moment, as lines on a window's axis too."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self.least, self.bounds = reader.least, reader.bounds

    def line(self, series: SeriesKey, window: Window, step: int | None = None) -> Line:
        """The window's own line, at its resolution or at a `step` that the family keeps."""
        step = window.resolution(FAMILIES[series.family], self.now) if step is None else step
        return as_line(self.read(series, step, window.start, window.end), self.zone)

    def compared_line(self, series: SeriesKey, window: Window, comparison: Comparison) -> Line:
        """The comparable period's line, laid on the window's axis. Its own resolution: older is coarser."""
        family = FAMILIES[series.family]
        begin, end = window.compared(comparison, self.zone)
        shifted = Window(window.name, window.label, min(begin, end - window.seconds), end)
        finest = max(window.resolution(family, self.now), shifted.resolution(family, self.now))
        # What was filled in from elsewhere may be there in coarse rows only.
        for step in [step for step in sorted(family.days) if finest <= step <= max(finest, window.seconds // 24)]:
            line = self._compared_at(series, window, comparison, step)
            if line.known:
                break
        return line

    def _compared_at(self, series: SeriesKey, window: Window, comparison: Comparison, step: int) -> Line:
        family = FAMILIES[series.family]
        axis = unknown_rows(
            floor_bucket(window.start, step, self.zone),
            floor_bucket(window.end - 1, step, self.zone) + step,
            step,
            family.sources,
        )
        buckets = comparable_buckets(axis.times, step, comparison, self.zone)
        past = self._series.read(series, step, int(buckets.min()), int(buckets.max()) + step)
        return as_line(Rows(axis.start, step, past.sources, pick_rows(past, buckets)), self.zone)
