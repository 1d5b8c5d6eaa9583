"""Technical figures: from the ledger's gauges to the rows of their series.

They are few, so nothing of them is held open: whenever rows are due, late or asked for, they are computed from the
ledger, always in the same way. A gauge's row has the last reading, the least, the greatest and the mean. Of a counter
it has what the counter grew by: each reading's last less that of the reading before, or all of it where the counter
began anew. A reading more than an hour before another is too old to be compared with; so what a row shows follows
from the gauges of its time and an hour before, whatever the way to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import polars as pl

from collector.buckets import FamilyStep, OpenStep
from collector.floors import Floors
from collector.rollup import dense
from collector.writer import Ended, SeriesWriter, first_kept
from domain import gauges
from domain.ports import Ledger, LiveRows
from domain.series import FIGURE_FAMILIES, FIGURE_SOURCES, Key, Rows, floor_bucket

LOOK_BACK = 3_600
_DAYS_AT_ONCE = 2
# Beyond it a whole number cannot be told from its neighbour in a series.
_MOST = 2**53
NONE = "-"
_FAR = 2**40

FAMILY = FIGURE_FAMILIES[0]
_DIMENSIONS = list(FAMILY.dimensions)
_NOTHING = pl.DataFrame(
    schema={
        **dict.fromkeys(FAMILY.dimensions, pl.String),
        "bucket": pl.Int64,
        **dict.fromkeys(FIGURE_SOURCES, pl.Float64),
    }
)


def measure_figures(rows: pl.DataFrame, step: int, start: int) -> pl.DataFrame:
    """The values of each key and bucket of `step` seconds from `start` on; `rows` begin LOOK_BACK before that.

    `rows` are gauges, added or not. Columns: the family's dimensions, bucket, FIGURE_SOURCES as floats.
    """
    if rows.is_empty():
        return _NOTHING
    added = gauges.add([rows]).with_columns(_named(dimension) for dimension in _DIMENSIONS)
    coarse = (pl.col("bucket") // step * step).alias("bucket")
    newest = pl.col("last_us") == pl.col("last_us").max()
    read = added.filter(pl.col("kind") == "gauge", pl.col("bucket") >= start)
    measured = read.group_by(*_DIMENSIONS, coarse).agg(
        pl.col("last").filter(newest).max(),
        pl.col("min").min(),
        pl.col("max").max(),
        (pl.col("sum").sum() // pl.col("count").sum()).alias("mean"),
    )
    counted = added.filter(pl.col("kind") == "counter").sort(*_DIMENSIONS, "bucket")
    before, age = pl.col("last").shift(1), pl.col("bucket") - pl.col("bucket").shift(1)
    grown = pl.when(pl.col("last") >= before).then(pl.col("last") - before).otherwise(pl.col("last"))
    growth = counted.with_columns(pl.when(age <= LOOK_BACK).then(grown).over(_DIMENSIONS).alias("grown"))
    counters = (
        growth.filter(pl.col("bucket") >= start, pl.col("grown").is_not_null())
        .group_by(*_DIMENSIONS, coarse)
        .agg(pl.col("grown").sum().alias("last"))
    )
    # A figure that was declared as one and as the other within a bucket is a gauge there.
    both = pl.concat([measured, counters], how="diagonal")
    whole = both.unique([*_DIMENSIONS, "bucket"], keep="first", maintain_order=True)
    values = (pl.col(source).clip(-_MOST, _MOST).cast(pl.Float64).fill_null(float("nan")) for source in FIGURE_SOURCES)
    return whole.select(*_DIMENSIONS, "bucket", *values)


def _named(dimension: str) -> pl.Expr:
    return pl.when(pl.col(dimension) == "").then(pl.lit(NONE)).otherwise(pl.col(dimension)).alias(dimension)


def keys_in(measured: pl.DataFrame) -> Mapping[Key, int]:
    """Each key that was measured, with its first bucket."""
    if measured.is_empty():
        return {}
    firsts = measured.group_by(_DIMENSIONS).agg(pl.col("bucket").min())
    return {tuple(map(str, row[:-1])): int(row[-1]) for row in firsts.rows()}


class Figures:
    """The figures' steps, each written up to its `next`. Not safe for threads: the collector has the lock."""

    def __init__(self, ledger: Ledger, writer: SeriesWriter, steps: Mapping[FamilyStep, OpenStep]) -> None:
        self._ledger, self._writer = ledger, writer
        self.steps = steps

    def write(self, step: OpenStep, end: int, now: float, floors: Floors | None) -> None:
        """Write the buckets before `end`; the step is not advanced here. Raises StoreError, SeriesError."""
        start = max(step.next, first_kept(step.family, step.step, now, step.zone))
        for begin, past in pieces(start, end):
            measured = self._measured(step.step, begin, past)
            for key, bucket in keys_in(measured).items():
                step.births.setdefault(key, bucket)
            births = {key: birth for key, birth in step.births.items() if birth < past}
            ended = Ended(begin, (past - begin) // step.step, births, measured)
            self._writer.write(step, ended, floors)

    def _measured(self, step: int, start: int, past: int) -> pl.DataFrame:
        return measure_figures(self._ledger.gauges(start - LOOK_BACK, past), step, start)

    def late(
        self, rows: pl.DataFrame, before: Mapping[FamilyStep, int] | None = None
    ) -> list[tuple[FamilyStep, pl.DataFrame]]:
        """The (key, bucket) pairs that some gauges change, and that are written: up to `before`, or each step's next.

        A reading of a counter also changes what the one after it has grown by.
        """
        if rows.is_empty():
            return []
        found = []
        readings = rows.select(*(_named(dimension) for dimension in _DIMENSIONS), "bucket", "kind").unique()
        for of, step in self.steps.items():
            seconds, written = step.step, step.next if before is None else before[of]
            first = pl.col("bucket") // seconds * seconds
            reach = pl.when(pl.col("kind") == "counter").then(pl.col("bucket") + LOOK_BACK).otherwise(pl.col("bucket"))
            pairs = (
                readings.filter(first < written)
                .select(*_DIMENSIONS, pl.int_ranges(first, reach + 1, seconds).alias("bucket"))
                .explode("bucket")
                .filter(pl.col("bucket") < written)
                .unique()
            )
            if len(pairs):
                found.append((of, pairs))
                for key, bucket in keys_in(pairs).items():
                    step.births.setdefault(key, bucket)
        return found

    def recomputed(self, of: FamilyStep, pairs: pl.DataFrame) -> pl.DataFrame:
        """The values of such pairs, from the ledger. Raises StoreError."""
        step = self.steps[of].step
        buckets = pairs["bucket"]
        found = [_NOTHING]
        for begin, past in pieces(int(str(buckets.min())), int(str(buckets.max())) + step):
            if buckets.is_between(begin, past, closed="left").any():
                measured = self._measured(step, begin, past)
                found.append(measured.join(pairs, on=[*_DIMENSIONS, "bucket"], how="semi"))
        return pl.concat(found)

    def open_rows(self, step: OpenStep, mark: float, keys: Sequence[Key] | None) -> LiveRows:
        """Rows from the first bucket not written to the one of the watermark or the last reading. Raises StoreError."""
        measured = self._measured(step.step, step.next, _FAR)
        births = {**keys_in(measured), **dict(step.births)}  # a copy: another thread may be writing
        last = max(measured["bucket"].to_list(), default=step.next)
        count = (max(floor_bucket(mark, step.step, step.zone), last) - step.next) // step.step + 1
        wanted = sorted(births) if keys is None else [key for key in keys if key in births]
        if count <= 0 or not wanted:
            return LiveRows(mark, MappingProxyType({}))
        tables = dense(measured, step.family, wanted, step.next, step.step, count)
        rows = {
            key: Rows(step.next, step.step, step.family.sources, table)
            for key, table in zip(wanted, tables, strict=True)
        }
        return LiveRows(mark, MappingProxyType(rows))


def pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch of time in pieces of two days at most, on their grid: of any figures' step whole buckets."""
    grid = _DAYS_AT_ONCE * 86_400
    while start < end:
        past = min(end, (start // grid + 1) * grid)
        yield start, past
        start = past
