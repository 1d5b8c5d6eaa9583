"""The open buckets: what is counted and not written as series yet.

Flows in: cells. Flows out: bins of the buckets that end, and those cells that come too late for them.

For each family and step there is an accumulator of merged bins and the first bucket that is not written. So a
coarse row is ready when its last fine one is, and nothing is read again for it. A cell is *late* for a family and
step exactly when its row is already written; it joins the open accumulator otherwise. Memory holds merged bins,
not cells: a key has at most one entry for each bucket and latency bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import polars as pl

from collector.rollup import bucket_of, categorised, fold, key_births, merge, no_bins
from domain.series import CALL_FAMILIES, Family, Key, bucket_span

# New bins wait until they are this many, or a quarter of those merged: merging costs as much as all of them.
_MERGE_FROM = 4_000

# Cells that are added to the accumulators at once rather than kept waiting for the next ones.
_SETTLE_FROM = 20_000

FamilyStep = tuple[str, int]


@dataclass(slots=True)
class OpenStep:
    """The accumulator of one family and step. `next` is the first bucket not written, `begins` when that begins.

    `births` has each living key with its first bucket (0: it has rows in its file already).
    """

    family: Family
    step: int
    zone: ZoneInfo
    next: int
    births: dict[Key, int]
    begins: int = field(init=False)
    _merged: pl.DataFrame = field(init=False)
    _waiting: list[pl.DataFrame] = field(default_factory=list)
    _waiting_bins: int = 0

    def __post_init__(self) -> None:
        self.begins = bucket_span(self.next, self.step, self.zone)[0]
        self._merged = no_bins(self.family)

    @property
    def size(self) -> int:
        """How many bins are held."""
        return len(self._merged) + self._waiting_bins

    def add(self, bins: pl.DataFrame) -> None:
        """Take in bins of the family's finest step; those of written buckets are left out."""
        if len(bins) and int(bins["bucket"].min()) < self.begins:  # type: ignore[arg-type]
            bins = bins.filter(pl.col("bucket") >= self.begins)
        if bins.is_empty():
            return
        self._waiting.append(bins)
        self._waiting_bins += len(bins)
        if self._waiting_bins > max(_MERGE_FROM, len(self._merged) // 4):
            self.bins()

    def bins(self) -> pl.DataFrame:
        """All open bins, merged."""
        if self._waiting:
            fresh = merge(self._waiting, self.family, self.step, self.zone)
            self._merged = (
                merge([self._merged, fresh], self.family, self.step, self.zone) if len(self._merged) else fresh
            )
            self._waiting.clear()
            self._waiting_bins = 0
        return self._merged

    def ended(self, end: int) -> pl.DataFrame:
        """The open bins of buckets before `end`."""
        return self.bins().filter(pl.col("bucket") < end)

    def advance(self, end: int) -> None:
        """The buckets before `end` are written."""
        self._merged = self.bins().filter(pl.col("bucket") >= end)
        self.next, self.begins = end, bucket_span(end, self.step, self.zone)[0]

    def forget(self) -> None:
        """Drop the bins; the ledger has their cells."""
        self._merged = no_bins(self.family)
        self._waiting.clear()
        self._waiting_bins = 0


class OpenBuckets:
    """The accumulators of all families and steps. Not safe for threads: the collector has the lock."""

    def __init__(self, zone: ZoneInfo, steps: Mapping[FamilyStep, OpenStep]) -> None:
        self._zone, self.steps = zone, steps
        self.last: int | None = None
        self._fresh: list[pl.DataFrame] = []
        self._fresh_cells = 0

    @property
    def size(self) -> int:
        """How many bins are held in all."""
        return sum(step.size for step in self.steps.values()) + self._fresh_cells

    def begins(self) -> int:
        """From when on (epoch seconds) cells are needed to remake the accumulators."""
        return min(step.begins for step in self.steps.values())

    def add(self, cells: pl.DataFrame, *, keep: bool = True) -> Sequence[tuple[FamilyStep, pl.DataFrame]]:
        """Take in cells; gives the (key, bucket) pairs that are late, by family and step.

        Columns of those: the family's dimensions and bucket. Without `keep` only those are found.
        """
        if cells.is_empty():
            return ()
        oldest, newest = cells.select(
            pl.col("bucket").min().alias("oldest"), pl.col("bucket").max().alias("newest")
        ).row(0)
        self.last = newest if self.last is None else max(self.last, newest)
        if keep and oldest >= max(step.begins for step in self.steps.values()):
            # Nothing is late, and nobody asks yet: a few ticks' cells cost no more than one tick's to add.
            self._fresh.append(cells)
            self._fresh_cells += len(cells)
            if self._fresh_cells > _SETTLE_FROM:
                self.settle()
            return ()
        return self._add(cells, keep=keep)

    def settle(self) -> None:
        """Add the cells that wait to the accumulators; to be called before these are looked at."""
        if self._fresh:
            fresh, self._fresh, self._fresh_cells = pl.concat(self._fresh), [], 0
            self._add(fresh, keep=True)

    def _add(self, cells: pl.DataFrame, *, keep: bool) -> Sequence[tuple[FamilyStep, pl.DataFrame]]:
        cells = categorised(cells)
        late: list[tuple[FamilyStep, pl.DataFrame]] = []
        for family in CALL_FAMILIES:
            bins = fold(cells, family, family.finest, self._zone)
            if bins.is_empty():
                continue
            births = key_births(bins, family)
            oldest = min(birth for _, birth in births)
            for seconds in family.days:
                step = self.steps[family.name, seconds]
                for key, birth in births:
                    if birth < step.births.get(key, birth + 1):
                        step.births[key] = birth
                if keep:
                    step.add(bins)
                if oldest < step.begins:
                    pairs = bins.filter(pl.col("bucket") < step.begins).select(
                        *family.dimensions, bucket_of(seconds, self._zone)
                    )
                    late.append(((family.name, seconds), pairs.unique()))
        return late

    def forget(self) -> None:
        """Drop all bins; the ledger has their cells."""
        self.settle()  # for the births
        for step in self.steps.values():
            step.forget()
