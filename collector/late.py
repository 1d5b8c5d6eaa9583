"""The late path: cells whose rows were written already.

Flows in: which (family, step, key, bucket) changed. Flows out: those rows computed again from the ledger, put
into the series through `rewrite`. A row that comes out as it was is not written, so doing it again is harmless:
that is what makes it safe to repeat after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from collector.buckets import FamilyStep, OpenStep
from collector.chunks import chunks
from collector.figures import Figures
from collector.floors import Floors
from collector.rollup import blank, bucket_of, fold, measure, merge
from collector.writer import first_bucket_from, first_kept
from domain.ports import Ledger, SeriesStore, StateStore
from domain.series import CALL_FAMILIES, FAMILIES, Key, Rows, SeriesKey, bucket_span

Dirty = dict[FamilyStep, pl.DataFrame]


class LateCells:
    """The rows that changed after they were written, and their way into the series."""

    def __init__(self, ledger: Ledger, series: SeriesStore, state: StateStore, zone: ZoneInfo) -> None:
        self._ledger, self._series, self._state, self._zone = ledger, series, state, zone
        self._dirty: dict[FamilyStep, list[pl.DataFrame]] = {}

    def __bool__(self) -> bool:
        return bool(self._dirty)

    def add(self, pairs: Iterable[tuple[FamilyStep, pl.DataFrame]]) -> None:
        """Note (key, bucket) pairs that changed, as `OpenBuckets.add` tells them."""
        for of, frame in pairs:
            frames = self._dirty.setdefault(of, [])
            frames.append(frame)
            if len(frames) > 100:
                frames[:] = [pl.concat(frames).unique()]

    def flush(self, steps: Mapping[FamilyStep, OpenStep], figures: Figures, now: float) -> int:
        """Compute what changed again and rewrite it; the number of series files that came out different.

        `steps` are those of calls. Raises StoreError, SeriesError; then all of it is done again the next time.
        """
        dirty: Dirty = {}
        for (family, step), frames in self._dirty.items():
            kept = pl.col("bucket") >= first_kept(FAMILIES[family], step, now, self._zone)
            pairs = pl.concat(frames).unique().filter(kept)
            if len(pairs):
                dirty[family, step] = pairs
        changed, floors = 0, Floors(self._state)
        of_calls = {of: pairs for of, pairs in dirty.items() if of in steps}
        for of, bins in self._bins(of_calls).items():
            changed += self._rewrite(steps[of], measure(bins, steps[of].family), floors)
        for of, pairs in dirty.items():
            if of not in of_calls:
                changed += self._rewrite(figures.steps[of], figures.recomputed(of, pairs), floors)
        self._dirty.clear()
        return changed

    def _bins(self, dirty: Dirty) -> Dirty:
        """The bins of the dirty rows, merged, from the ledger."""
        found: dict[FamilyStep, list[pl.DataFrame]] = {}
        for start, end in spans(dirty, self._zone):
            for _, cells in chunks(self._ledger, start, end):
                for name in dict.fromkeys(family for family, _ in dirty):
                    family = FAMILIES[name]
                    fine = fold(cells, family, family.finest, self._zone)
                    for step in family.days:
                        if (name, step) in dirty:
                            coarse = fine.with_columns(bucket_of(step, self._zone))
                            wanted = coarse.join(dirty[name, step], on=[*family.dimensions, "bucket"], how="semi")
                            found.setdefault((name, step), []).append(wanted)
        return {of: merge(frames, FAMILIES[of[0]], of[1], self._zone) for of, frames in found.items()}

    def _rewrite(self, step: OpenStep, measured: pl.DataFrame, floors: Floors) -> int:
        changed = 0
        for table in measured.sort("bucket").partition_by(step.family.dimensions):
            key = tuple(str(part) for part in table.row(0)[: len(step.family.dimensions)])
            lowest = first_bucket_from(floors.of(SeriesKey(step.family.name, key)), step.step, self._zone)
            kept = table.filter(pl.col("bucket").is_between(lowest, step.next, closed="left"))
            if len(kept):
                changed += self._rewrite_one(step, key, kept)
        return changed

    def _rewrite_one(self, step: OpenStep, key: Key, measured: pl.DataFrame) -> bool:
        """Put rows of one series in place; whether that changed its file. `measured` is sorted by bucket."""
        series, seconds, sources = SeriesKey(step.family.name, key), step.step, step.family.sources
        buckets = measured["bucket"].to_numpy()
        start = int(buckets[0])
        old = self._series.read(series, seconds, start, step.next)
        new = old.values.copy()
        new[(buckets - start) // seconds] = measured.select(sources).to_numpy()
        # From a series' first call on, every bucket is known: those between an earlier first call and the old one.
        # Of figures a blank row is as unknown as it was.
        missing = np.isnan(new[:, 0])
        new[missing] = blank((int(missing.sum()),), sources)
        differ = np.flatnonzero(~((new == old.values) | (np.isnan(new) & np.isnan(old.values))).all(axis=1))
        if not len(differ):
            return False
        if self._series.last(series, seconds) is None:
            first, past = 0, len(new)
        else:
            first, past = int(differ[0]), int(differ[-1]) + 1
        self._series.rewrite(series, Rows(start + first * seconds, seconds, sources, new[first:past]))
        return True


def spans(dirty: Dirty, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The stretches of time (epoch seconds, end exclusive) that hold all cells of the dirty rows, in order."""
    found: set[tuple[int, int]] = set()
    for (_, step), pairs in dirty.items():
        found |= {bucket_span(bucket, step, zone) for bucket in pairs["bucket"].unique().to_list()}
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def late_pairs(
    cells: pl.DataFrame, before: dict[FamilyStep, int], zone: ZoneInfo
) -> list[tuple[FamilyStep, pl.DataFrame]]:
    """The (key, bucket) pairs of the cells in rows before those buckets, by family and step."""
    found = []
    for family in CALL_FAMILIES:
        bins = fold(cells, family, family.finest, zone)
        for step in family.days:
            coarse = bins.select(*family.dimensions, bucket_of(step, zone)).unique()
            pairs = coarse.filter(pl.col("bucket") < before[family.name, step])
            if len(pairs):
                found.append(((family.name, step), pairs))
    return found
