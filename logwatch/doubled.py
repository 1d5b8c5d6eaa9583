"""The hour that the end of summer time doubles: which of the two a time without a zone means, by the file's order.

A time in that hour is of the first pass until the file has gone back: until a line stands more than BACK_US behind
the newest moment before it. Lines are out of order by less. What must be known of the lines before is one moment a
file, and only around the change; it is kept with the file's position, so that any cutting and a restart between any
two lines give the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from logwatch.kinds.base import Mask
from logwatch.memo import Numbers
from logwatch.times import US

BACK_US = 5 * 60 * US
# How far around the change the order of lines is looked at.
_AROUND_US = 3_600 * US
# Beyond it a date has no day after.
_LAST_YEAR = 9998
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Passed:
    """How far one file has come around a change: the change and the newest moment seen, both in µs UTC; 0 for none."""

    change_us: int = 0
    newest_us: int = 0


@lru_cache(maxsize=512)
def changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, int], ...]:
    """The moments of a year (UTC) at which the zone's clocks go back, and by how much, in µs."""
    found: list[tuple[int, int]] = []
    if year > _LAST_YEAR:
        return ()
    day = datetime(year, 1, 1, tzinfo=UTC)
    for _ in range(366):
        following = day + timedelta(days=1)
        if _offset(day, zone) > _offset(following, zone):
            found.append(_change(day, following, zone))
        day = following
    return tuple(found)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _change(early: datetime, late: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """The change between two moments, to the second, by halving."""
    before, after = _offset(early, zone), _offset(late, zone)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=int((late - early).total_seconds()) // 2)
        early, late = (middle, late) if _offset(middle, zone) == before else (early, middle)
    return (late - _EPOCH) // timedelta(microseconds=1), (before - after) // timedelta(microseconds=1)


def settle(time_us: Numbers, local: Mask, zone: ZoneInfo, passed: Passed) -> None:
    """Move the times of second passes, in place, and remember in `passed` how far the file has come.

    `time_us` are moments in the order of the lines, those where `local` read without a zone as of a first pass.
    """
    if not local.any():
        return
    years = np.unique(time_us[local].astype("datetime64[us]").astype("datetime64[Y]")).astype(np.int64) + 1970
    for year in years.tolist():
        for change_us, back_us in changes(zone, year):
            first_us = change_us - back_us - _AROUND_US
            near = np.flatnonzero(local & (time_us >= first_us) & (time_us < change_us + back_us + _AROUND_US))
            if len(near):
                _settle_one(time_us, near, change_us, back_us, passed)


def _settle_one(time_us: Numbers, near: Numbers, change_us: int, back_us: int, passed: Passed) -> None:
    if passed.change_us != change_us:
        passed.change_us, passed.newest_us = change_us, 0
    newest, doubled_from = passed.newest_us, change_us - back_us
    for place in near.tolist():
        moment = int(time_us[place])
        if doubled_from <= moment < change_us and moment < newest - BACK_US:
            moment += back_us
            time_us[place] = moment
        newest = max(newest, moment)
    passed.newest_us = newest
