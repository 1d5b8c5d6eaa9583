"""The grid that past rows are drawn on: coarse buckets long ago, fine ones lately, all rolled up by adding.

Rows are drawn once, at the base; an hour is the sum of its minutes, a local day the sum of its hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from domain.calendar import local_midnight
from domain.series import DAY, bucket_span, floor_bucket

HOUR = 3_600
SIX_HOURS = 21_600

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Base buckets: `coarse` seconds from `begin`, `fine` seconds from `turn` to `floor`, `coarse` to `end`.

    `begin`, `turn` and `floor` are on whole six hours UTC. `end` is the end of the local day that holds the
    floor: what lies after the floor is drawn for that day's row alone.
    """

    begin: int
    turn: int
    floor: int
    end: int
    coarse: int
    fine: int
    zone: ZoneInfo
    starts: Ints
    steps: Ints

    @classmethod
    def of(cls, floor: int, days: int, coarse: int, fine: int, fine_days: int, zone: ZoneInfo) -> Grid:
        """The grid of `days` whole local days before the floor's, the last `fine_days` of them fine."""
        today = datetime.fromtimestamp(local_midnight(floor, zone), zone)
        first = datetime.combine(today.date() - timedelta(days=days), today.time(), tzinfo=zone).timestamp()
        begin = int(first) // SIX_HOURS * SIX_HOURS
        turn = max(begin, floor - fine_days * DAY)
        end = bucket_span(floor_bucket(floor, DAY, zone), DAY, zone)[1]
        runs = ((begin, turn, coarse), (turn, floor, fine), (floor, end, coarse))
        return cls(
            begin, turn, floor, end, coarse, fine, zone,
            np.concatenate([np.arange(start, stop, step, dtype=np.int64) for start, stop, step in runs]),
            np.concatenate([np.full((stop - start) // step, step, dtype=np.int64) for start, stop, step in runs]),
        )  # fmt: skip

    @property
    def middles(self) -> Ints:
        """The middle second of each base bucket."""
        return self.starts + self.steps // 2

    def roll(self, base: Floats, add: np.ufunc, step: int) -> tuple[int, Floats]:
        """The values of `step`-second buckets before the floor (the floor's day whole) and the first one's start.

        `base` has a row for each base bucket; `add` joins rows (`np.add`, `np.maximum`). A day's start is the
        UTC midnight of its local date.
        """
        past = (self.turn - self.begin) // self.coarse
        recent = past + (self.floor - self.turn) // self.fine
        if step == self.fine:
            return self.turn, base[past:recent]
        joined = _join(base[past:recent], add, self.coarse // self.fine)
        before = np.concatenate([base[:past], joined])
        if step < DAY:
            return self.begin, _join(before, add, step // self.coarse)
        hours = _join(np.concatenate([before, base[recent:]]), add, HOUR // self.coarse)
        first, edges = self._days
        days: Floats = add.reduceat(hours, edges, axis=0)
        return first, days

    @cached_property
    def _days(self) -> tuple[int, Ints]:
        """The bucket of the first whole local day, and the hour (counted from `begin`) at which each day begins."""
        first = floor_bucket(self.begin, DAY, self.zone)
        if bucket_span(first, DAY, self.zone)[0] < self.begin:
            first += DAY
        last = floor_bucket(self.floor, DAY, self.zone)
        begins = [bucket_span(bucket, DAY, self.zone)[0] for bucket in range(first, last + 1, DAY)]
        return first, (np.array(begins, dtype=np.int64) - self.begin) // HOUR


def _join(values: Floats, add: np.ufunc, many: int) -> Floats:
    """Each `many` rows joined into one."""
    if many == 1:
        return values
    joined: Floats = add.reduce(values.reshape(len(values) // many, many, *values.shape[1:]), axis=1)
    return joined
