"""Comparable buckets: which bucket of another day stands beside one of today, and its values."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from domain.calendar import Comparison, comparable_day, comparable_time
from domain.series import DAY, Rows, Values

_QUARTER = 900  # every zone's offset from UTC is a multiple of it


def comparable_buckets(
    times: npt.NDArray[np.int64], step: int, comparison: Comparison, zone: ZoneInfo
) -> npt.NDArray[np.int64]:
    """The bucket that compares with each bucket: same wall clock, comparable day (holidays with holidays)."""
    if step == DAY:
        return np.array([_comparable_day_bucket(int(time), comparison) for time in times], dtype=np.int64)
    quarters, place = np.unique(times // _QUARTER, return_inverse=True)
    begins = quarters * _QUARTER
    moved = [round(comparable_time(float(begin), comparison, zone)) for begin in begins]
    offsets = np.array(moved, dtype=np.int64) - begins
    # Rounded to a bucket: an hour of DST is no whole bucket of six hours.
    return (times + offsets[place] + step // 2) // step * step


def _comparable_day_bucket(bucket: int, comparison: Comparison) -> int:
    day = comparable_day(datetime.fromtimestamp(bucket, UTC).date(), comparison)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def pick_rows(rows: Rows, buckets: npt.NDArray[np.int64]) -> Values:
    """The values of the buckets named, NaN for those outside `rows`; shape (buckets, sources)."""
    places = (buckets - rows.start) // rows.step
    inside = (places >= 0) & (places < len(rows.values))
    picked = np.full((len(buckets), len(rows.sources)), np.nan)
    picked[inside] = rows.values[places[inside]]
    return picked
