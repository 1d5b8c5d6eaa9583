"""Calls over time for a report: by class and by bin of latency, in steps that fit what the log covers.

Memory is bounded by the number of steps, not by the log: when there are too many, each becomes longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.bins import BIN_COUNT, MIDDLES, bins_of, nearest_rank
from logwatch.events import EventBlock
from logwatch.times import US

STEPS = (10, 60, 300, 900, 3_600, 21_600, 86_400, 7 * 86_400)
_CLASSES = 3
_WIDTH = BIN_COUNT + _CLASSES
_MOST = 3_000
# The tails that are left out of a drawing where they would make it ten times as long: a few stray times.
_TAIL, _MUCH = 0.0005, 10

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of time from `start` (epoch seconds): its calls by class, and quantiles in µs, None for no call."""

    start: int
    calls: int
    functional: int
    technical: int
    p50_us: int | None
    p95_us: int | None


class Timeline:
    """Adds up events by time."""

    def __init__(self) -> None:
        self._step = 0
        self._rows: dict[int, Counts] = {}

    def add(self, events: EventBlock) -> None:
        """Add a block's events."""
        if not len(events):
            return
        keys, inverse = np.unique(events.time_us // (STEPS[self._step] * US), return_inverse=True)
        table = np.zeros((len(keys), _WIDTH), dtype=np.int64)
        np.add.at(table, (inverse, BIN_COUNT + events.ids["class"]), 1)
        timed = events.duration_us >= 0
        np.add.at(table, (inverse[timed], bins_of(events.duration_us[timed])), 1)
        self._take(keys.tolist(), table)
        while len(self._rows) > _MOST and self._step + 1 < len(STEPS):
            factor, self._step = STEPS[self._step + 1] // STEPS[self._step], self._step + 1
            rows, self._rows = self._rows, {}
            self._take([key // factor for key in rows], list(rows.values()))

    def _take(self, keys: list[int], table: Counts | list[Counts]) -> None:
        for key, row in zip(keys, table, strict=True):
            held = self._rows.get(key)
            if held is None:
                self._rows[key] = np.array(row)
            else:
                held += row

    def latency(self) -> Counts:
        """All calls by bin of latency."""
        total = np.zeros(BIN_COUNT, dtype=np.int64)
        for row in self._rows.values():
            total += row[:BIN_COUNT]
        return total

    def steps(self, most: int) -> tuple[int, list[Step], int]:
        """At most about `most` steps of one length in seconds, the empty ones between them, too.

        Also how many calls lie outside: stray times that would make the drawing so long that nothing is seen.
        """
        if not self._rows:
            return STEPS[self._step], [], 0
        size = STEPS[self._step]
        keys = np.array(sorted(self._rows))
        calls = np.array([int(self._rows[key][BIN_COUNT:].sum()) for key in keys.tolist()])
        first, last = _inside(keys, calls)
        length = (last - first + 1) * size
        step = next((one for one in STEPS if one >= size and length <= one * most), None)
        if step is None:
            step = -(-length // most // STEPS[-1]) * STEPS[-1]
        inside = keys[(keys >= first) & (keys <= last)].tolist()
        sums: dict[int, Counts] = {}
        for key in inside:
            at = key * size // step
            sums[at] = sums[at] + self._rows[key] if at in sums else self._rows[key]
        outside = int(calls.sum()) - sum(int(row[BIN_COUNT:].sum()) for row in sums.values())
        return step, list(_told(sums, step)), outside


def _inside(keys: Counts, calls: Counts) -> tuple[int, int]:
    first, last = int(keys[0]), int(keys[-1])
    running = np.cumsum(calls)
    low = int(keys[np.searchsorted(running, running[-1] * _TAIL)])
    high = int(keys[np.searchsorted(running, running[-1] * (1 - _TAIL))])
    return (low, high) if (high - low + 1) * _MUCH < last - first + 1 else (first, last)


def _told(sums: dict[int, Counts], step: int) -> Iterator[Step]:
    nothing = np.zeros(_WIDTH, dtype=np.int64)
    for at in range(min(sums), max(sums) + 1):
        row = sums.get(at, nothing)
        calls, functional, technical = int(row[BIN_COUNT:].sum()), int(row[-2]), int(row[-1])
        p50, p95 = (quantile(row[:BIN_COUNT], share) for share in (0.5, 0.95))
        yield Step(at * step, calls, functional, technical, p50, p95)


def quantile(bins: Counts, share: float) -> int | None:
    """A quantile of calls by bin in µs; None for no call."""
    count = int(bins.sum())
    if not count:
        return None
    return int(MIDDLES[np.searchsorted(np.cumsum(bins), nearest_rank(count, share))])
