"""The written past of the series joined with the open present that the collector holds, through their ports."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from domain.calendar import Comparison
from domain.clock import Clock
from domain.comparable import comparable_buckets, pick_rows
from domain.errors import LiveUnavailableError
from domain.ports import LiveBuckets, LiveRows, SeriesStore
from domain.series import DAY, FAMILIES, Key, Rows, SeriesKey, bucket_span, floor_bucket, unknown_rows


class Reader:
    """Joins the two ports; `snapshot` gives the view that one answer or one judgement is made from."""

    def __init__(self, series: SeriesStore, live: LiveBuckets, clock: Clock, zone: ZoneInfo) -> None:
        self.series, self.live, self.clock, self.zone = series, live, clock, zone

    def snapshot(self) -> Snapshot:
        """A view of one moment: the open present is asked for once, and at one watermark."""
        return Snapshot(self)


class Snapshot:
    """What is known at one moment. Not shared between threads.

    `complete_up_to` is the watermark (epoch seconds), or where the written series of the hubs end when there
    is none; None before anything was counted. `live_answers` tells whether the collector did.
    """

    def __init__(self, reader: Reader) -> None:
        self._series, self._live, self.zone = reader.series, reader.live, reader.zone
        self._open: dict[tuple[str, int], LiveRows] = {}
        self._open_of: dict[tuple[str, int, Key], LiveRows] = {}
        self._keys: dict[str, tuple[Key, ...]] = {}
        self.now = reader.clock.now()
        self.live_answers = True
        try:
            watermark = self._live.complete_up_to()
        except LiveUnavailableError:
            self.live_answers, watermark = False, None
        self.complete_up_to = self._written_up_to() if watermark is None else watermark

    def _written_up_to(self) -> float | None:
        ends = [last + 60 for key in self._series.keys("hub") if (last := self._series.last(SeriesKey("hub", key), 60))]
        return float(max(ends)) if ends else None

    def keys(self, family: str) -> tuple[Key, ...]:
        """Every key of the family, written or so far only open, sorted."""
        if family not in self._keys:
            step = max(60, FAMILIES[family].finest)
            fresh = self._all_open(family, step).rows if family != "pharmacy" else {}
            self._keys[family] = tuple(sorted({*self._series.keys(family), *fresh}))
        return self._keys[family]

    def is_open(self, series: SeriesKey) -> bool:
        """Whether the collector has the series in its open rows."""
        return self._open_row(series, max(60, FAMILIES[series.family].finest)) is not None

    def _all_open(self, family: str, step: int) -> LiveRows:
        if (family, step) not in self._open:
            self._open[family, step] = self._ask(family, step, None)
        return self._open[family, step]

    def _ask(self, family: str, step: int, keys: Sequence[Key] | None) -> LiveRows:
        if self.live_answers:
            try:
                return self._live.rows(family, step, keys)
            except LiveUnavailableError:
                self.live_answers = False
        return LiveRows(None, {})

    def open_rows(self, family: str, step: int) -> LiveRows:
        """The open rows of all the family's keys at a step (fetched once)."""
        return self._all_open(family, step)

    def _open_row(self, series: SeriesKey, step: int) -> Rows | None:
        if (shared := self._open.get((series.family, step))) is not None:
            return shared.rows.get(series.key)
        place = (series.family, step, series.key)
        if place not in self._open_of:
            self._open_of[place] = self._ask(series.family, step, (series.key,))
        return self._open_of[place].rows.get(series.key)

    def read(self, series: SeriesKey, step: int, start: float, end: float) -> Rows:
        """Rows of the buckets that begin in `start` … `end`, up to the last complete one; unknown is NaN.

        A bucket that still grows is left unknown: it must not be drawn as a fall. The open present is asked
        before the file is read, so that a bucket being written meanwhile is seen at least once.
        """
        first, last = floor_bucket(start, step, self.zone), floor_bucket(end - 1, step, self.zone) + step
        family = FAMILIES[series.family]
        recent = self.complete_up_to is not None and last > self.complete_up_to - DAY - 2 * step
        live = self._open_row(series, step) if recent else None
        past = self._series.read(series, step, first, last)
        if past.start != first or len(past.values) != (last - first) // step:
            past = _fitted(past, first, last, family.sources)
        return self._overlaid(past, live) if live is not None and len(live.values) else past

    def _overlaid(self, past: Rows, live: Rows) -> Rows:
        begin, end = max(past.start, live.start), min(past.end, live.end)
        while end > begin and bucket_span(end - past.step, past.step, self.zone)[1] > (self.complete_up_to or 0):
            end -= past.step
        if end <= begin:
            return past
        values = past.values.copy()
        there = slice((begin - past.start) // past.step, (end - past.start) // past.step)
        theirs = slice((begin - live.start) // past.step, (end - live.start) // past.step)
        for index, source in enumerate(past.sources):
            column = live.column(source)[theirs]
            values[there, index] = np.where(np.isnan(column), values[there, index], column)
        return Rows(past.start, past.step, past.sources, values)

    def compared_rows(self, series: SeriesKey, step: int, start: int, end: int, comparison: Comparison) -> Rows:
        """Rows of the comparable buckets of `start` … `end`, named as those are."""
        axis = unknown_rows(start, end, step, FAMILIES[series.family].sources)
        if not len(axis.values):
            return axis
        buckets = comparable_buckets(axis.times, step, comparison, self.zone)
        past = self._series.read(series, step, int(buckets.min()), int(buckets.max()) + step)
        return Rows(start, step, past.sources, pick_rows(past, buckets))


def _fitted(rows: Rows, start: int, end: int, sources: tuple[str, ...]) -> Rows:
    """The same rows on exactly the buckets asked for."""
    wanted = unknown_rows(start, end, rows.step, rows.sources or sources)
    return Rows(start, rows.step, wanted.sources, pick_rows(rows, wanted.times)) if len(rows.values) else wanted
