"""Lines to draw: series put on one time axis, compared by wall clock, thinned to what a screen shows.

A line's counts are sums over the buckets of each point, with the seconds those buckets cover, so that a
rate is right over gaps too. Quantiles cannot be merged once written: a thinned point keeps the highest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from domain.series import COUNTS, DAY, Rows, Values, bucket_span

_POINT_CALLS, _FEWEST_POINTS = 25, 72


@dataclass(frozen=True, slots=True)
class Line:
    """One line: point i covers buckets from `times[i]` (on the axis of now), `span` seconds of them.

    `values` has shape (points, sources); `seconds` counts what is known in each point, 0 where nothing is.
    """

    times: npt.NDArray[np.int64]
    span: int
    sources: tuple[str, ...]
    values: Values
    seconds: Values

    def column(self, source: str) -> Values:
        """One source; NaN where unknown or not kept."""
        if source not in self.sources:
            return np.full(len(self.values), np.nan)
        return self.values[:, self.sources.index(source)]

    @property
    def per_minute(self) -> Values:
        """Calls a minute; NaN where unknown."""
        rates: Values = np.full(len(self.seconds), np.nan)
        np.divide(self.column("calls") * 60, self.seconds, out=rates, where=self.seconds > 0)
        return rates

    @property
    def known(self) -> bool:
        """Whether any of it is."""
        return bool((self.seconds > 0).any())

    @property
    def middles(self) -> Values:
        """Where each point is drawn: the middle of what it covers."""
        return self.times.astype(np.float64) + self.span / 2


def as_line(rows: Rows, zone: ZoneInfo) -> Line:
    """The line of some rows on their own axis. A day's bucket is put at its local midnight."""
    if rows.step == DAY:
        spans = [bucket_span(int(bucket), DAY, zone) for bucket in rows.times]
        times = np.array([begin for begin, _ in spans], dtype=np.int64)
        lengths = np.array([end - begin for begin, end in spans], dtype=np.float64)
    else:
        times, lengths = rows.times, np.full(len(rows.values), float(rows.step))
    known = ~np.isnan(rows.values).all(axis=1)
    return Line(times, rows.step, rows.sources, rows.values, np.where(known, lengths, 0.0))


def thin(line: Line, points: int) -> Line:
    """At most `points` points: counts added, quantiles the highest of each group."""
    factor = -(-len(line.times) // points)
    if factor <= 1:
        return line
    starts = np.arange(0, len(line.times), factor)
    known = line.seconds > 0
    seconds = np.add.reduceat(line.seconds, starts)
    columns = []
    for source in line.sources:
        column = line.column(source)
        if source in COUNTS:
            added = np.add.reduceat(np.where(known, column, 0.0), starts)
            columns.append(np.where(seconds > 0, added, np.nan))
        else:
            columns.append(np.fmax.reduceat(column, starts))
    return Line(line.times[starts], line.span * factor, line.sources, np.column_stack(columns), seconds)


def readable_points(lines: Iterable[Line], seconds: int, most: int) -> int:
    """How many points, of at most `most`, show the calls of a window rather than chance: _POINT_CALLS in each.

    A count of 25 varies by a fifth; the busiest of the lines decides for all.
    """
    rates = [float(np.nansum(line.column("calls")) / line.seconds.sum()) for line in lines if line.known]
    calls = max(rates, default=0.0) * seconds
    return max(min(_FEWEST_POINTS, most), min(most, int(calls / _POINT_CALLS)))


def totals(rows: Rows) -> dict[str, float]:
    """The sum of each count over the known rows; calls is NaN when none is known."""
    calls = rows.column("calls")
    known = ~np.isnan(calls)
    if not known.any():
        return dict.fromkeys(COUNTS, float("nan"))
    return {source: float(np.nansum(rows.column(source)[known])) for source in COUNTS}
