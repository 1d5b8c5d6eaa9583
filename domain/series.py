"""Series: what is measured, at which resolutions, and how long each is kept (DESIGN 3).

A series is a family and a key; each of its resolutions is a run of rows, one a bucket. A bucket is named
by the epoch second at which it starts; a day's bucket by UTC midnight of its local date.
Durations are microseconds. An unknown value is NaN; every known one is a whole number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

LAYOUT_VERSION = 1
DAY = 86_400
SOURCES = ("calls", "functional", "technical", "p50", "p95", "p99", "max", "mean")
FIVE_SOURCES = SOURCES[:5]
COUNTS = ("calls", "functional", "technical")
# Of a technical figure, in thousandths of its unit. A counter has only `last`: what it grew by in the bucket.
FIGURE_SOURCES = ("last", "min", "max", "mean")
MAX_POINTS = 2_500

Values = npt.NDArray[np.float64]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of measuring point: the dimensions of its key and the days each resolution is kept.

    Its rows are of calls, or of figures read out of log lines.
    """

    name: str
    dimensions: tuple[str, ...]
    days: Mapping[int, int]
    sources: tuple[str, ...] = SOURCES

    @property
    def of_calls(self) -> bool:
        """Whether its rows come from cells; those of others from gauges."""
        return self.sources != FIGURE_SOURCES

    @property
    def finest(self) -> int:
        """The smallest step in seconds."""
        return min(self.days)


_YEAR = 366
_FULL = MappingProxyType({10: 2, 60: 35, 300: 425, 3_600: 5 * _YEAR, 21_600: 5 * _YEAR, DAY: 10 * _YEAR})
_CROSS = MappingProxyType({60: 7, 300: 425, 3_600: 5 * _YEAR, DAY: 10 * _YEAR})
_PHARMACY = MappingProxyType({300: 14, 3_600: 425, DAY: 5 * _YEAR})
_FIGURE = MappingProxyType({60: 35, 300: 425, 3_600: 5 * _YEAR, 21_600: 5 * _YEAR})

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family("hub", ("hub",), _FULL),
            Family("endpoint", ("hub", "endpoint"), _FULL),
            Family("vendor", ("vendor",), _FULL),
            Family("endpoint_vendor", ("hub", "endpoint", "vendor"), _CROSS, FIVE_SOURCES),
            Family("code", ("hub", "code"), _CROSS, FIVE_SOURCES),
            Family("server", ("hub", "server"), _CROSS, FIVE_SOURCES),
            Family("pharmacy", ("pharmacy",), _PHARMACY, FIVE_SOURCES),
            # A part that the lines do not name is "-" in these keys.
            Family("value", ("hub", "source", "server", "name", "unit"), _FIGURE, FIGURE_SOURCES),
        )
    }
)
CALL_FAMILIES = tuple(family for family in FAMILIES.values() if family.of_calls)
FIGURE_FAMILIES = tuple(family for family in FAMILIES.values() if not family.of_calls)


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """One measuring point. `key` has one part for each of the family's dimensions; none is ""."""

    family: str
    key: Key

    def __str__(self) -> str:
        return f"{self.family} {' · '.join(self.key)}"


@dataclass(frozen=True, slots=True)
class Rows:
    """A contiguous run of buckets: row i starts at `start + i * step`.

    `values` has shape (rows, sources), NaN where unknown.
    """

    start: int
    step: int
    sources: tuple[str, ...]
    values: Values

    @property
    def end(self) -> int:
        """The start of the bucket after the last."""
        return self.start + len(self.values) * self.step

    @property
    def times(self) -> npt.NDArray[np.int64]:
        """The start of each bucket."""
        return np.arange(self.start, self.end, self.step, dtype=np.int64)

    def column(self, source: str) -> Values:
        """One source's values; all unknown where the family does not keep it."""
        if source not in self.sources:
            return np.full(len(self.values), np.nan)
        return self.values[:, self.sources.index(source)]


def unknown_rows(start: int, end: int, step: int, sources: tuple[str, ...]) -> Rows:
    """Rows from bucket `start` up to but not including `end`, nothing known."""
    return Rows(start, step, sources, np.full((max(0, (end - start) // step), len(sources)), np.nan))


def floor_bucket(time: float, step: int, zone: ZoneInfo) -> int:
    """The bucket of `step` seconds that holds `time`: UTC below a day, the local calendar day for a day."""
    if step != DAY:
        return int(time // step) * step
    local = datetime.fromtimestamp(time, zone)
    return int(datetime(local.year, local.month, local.day, tzinfo=UTC).timestamp())


def bucket_span(bucket: int, step: int, zone: ZoneInfo) -> tuple[int, int]:
    """The epoch seconds a bucket covers, end exclusive: 23 to 25 hours for a local day."""
    if step != DAY:
        return bucket, bucket + step
    date = datetime.fromtimestamp(bucket, UTC)
    begin = datetime(date.year, date.month, date.day, tzinfo=zone)
    after = date + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    return int(begin.timestamp()), int(end.timestamp())


def pick_resolution(family: Family, start: float, end: float, now: float, max_points: int = MAX_POINTS) -> int:
    """The finest step that the family keeps back to `start` and that draws the span in `max_points` rows.

    Where none reaches back so far, the coarsest that fits; where none fits, the coarsest.
    """
    fitting = [step for step in sorted(family.days) if (end - start) / step <= max_points]
    for step in fitting:
        if start >= now - family.days[step] * DAY:
            return step
    return (fitting or sorted(family.days))[-1]
