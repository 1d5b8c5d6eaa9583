"""From cells to rows: the one computation behind closing, catching up, late rewrites and live rows.

Two steps. `fold` adds cells into *bins*: for each key and bucket of a family and step, how many calls fell into
each latency bin. Adding bins (`merge`) is associative and commutative, all in integers, so any split of the same
calls into batches, orders and late arrivals gives the same bins. `measure` takes the values from bins: counts;
quantiles by the nearest rank over the merged bins, told as the bin's middle and at most the maximum; the
maximum; the mean in whole microseconds. Where no call has a duration, those are unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from domain.bins import MIDDLES, NO_BIN
from domain.series import COUNTS, DAY, Family, Key, Values

_PER_MILLE = {"p50": 500, "p95": 950, "p99": 990}
_ADDED = (
    pl.col("calls", "functional", "technical", "sum_us").sum(),
    pl.col("max_us").max(),
)


def bucket_of(step: int, zone: ZoneInfo) -> pl.Expr:
    """The `step` bucket of column `bucket`, as `domain.series.floor_bucket` gives it."""
    bucket = pl.col("bucket")
    if step != DAY:
        return bucket // step * step
    local = pl.from_epoch(bucket, "s").dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key)
    return (local.dt.date().cast(pl.Int32).cast(pl.Int64) * DAY).alias("bucket")


def categorised(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells with their dimensions as categories: seven families add them, and hash each text only once."""
    return cells.with_columns(pl.col(pl.String).cast(pl.Categorical))


def fold(cells: pl.DataFrame, family: Family, step: int, zone: ZoneInfo) -> pl.DataFrame:
    """Cells added into the bins of a family and step.

    Columns: the family's dimensions (categories), bucket, bin, calls, functional, technical, sum_us, max_us.
    Cells with an empty part of the key have no series of this family and are left out.
    """
    calls = pl.col("calls")
    return (
        categorised(cells)
        .lazy()
        .filter(*(pl.col(dimension) != "" for dimension in family.dimensions))
        .group_by(*family.dimensions, bucket_of(step, zone), "bin")
        .agg(
            calls.sum(),
            calls.filter(pl.col("class") == "functional").sum().alias("functional"),
            calls.filter(pl.col("class") == "technical").sum().alias("technical"),
            pl.col("sum_us").sum(),
            pl.col("max_us").max(),
        )
        .collect()
    )


def no_bins(family: Family) -> pl.DataFrame:
    """No bins, with their columns."""
    numbers = dict.fromkeys(("calls", "functional", "technical", "sum_us", "max_us"), pl.Int64)
    keys = dict.fromkeys(family.dimensions, pl.Categorical)
    return pl.DataFrame(schema={**keys, "bucket": pl.Int64, "bin": pl.Int16, **numbers})


def merge(bins: Sequence[pl.DataFrame], family: Family, step: int, zone: ZoneInfo) -> pl.DataFrame:
    """Bins of this step, or of finer ones, added into one frame of this step."""
    grouped = pl.concat(bins).lazy().group_by(*family.dimensions, bucket_of(step, zone), "bin")
    return grouped.agg(*_ADDED).collect()


def measure(bins: pl.DataFrame, family: Family) -> pl.DataFrame:
    """The values of merged bins, one row for each key and bucket with a call, in no order.

    `bins` is what `fold` or `merge` gives. Columns: the family's dimensions (text), bucket, and the family's
    sources as floats, NaN where unknown.
    """
    group = [*family.dimensions, "bucket"]
    counts = bins.group_by(group).agg(pl.col(COUNTS).sum().cast(pl.Float64)).with_row_index("group")
    timed = bins.filter(pl.col("bin") != NO_BIN).join(counts.select(*group, "group"), on=group)
    columns = _durations(timed.sort("group", "bin"), len(counts))
    wanted = [source for source in family.sources if source not in COUNTS]
    return counts.with_columns(pl.col(family.dimensions).cast(pl.String)).select(
        *group, *COUNTS, *(pl.Series(source, columns[source]) for source in wanted)
    )


def _durations(timed: pl.DataFrame, groups: int) -> dict[str, Values]:
    """The duration sources of each group; `timed` has the bins of calls with a duration, by group and bin."""
    columns = {source: np.full(groups, np.nan) for source in (*_PER_MILLE, "max", "mean")}
    if timed.is_empty():
        return columns
    group, bins = timed["group"].to_numpy(), timed["bin"].to_numpy()
    calls, sums = timed["calls"].to_numpy(), timed["sum_us"].to_numpy()
    firsts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    there = group[firsts]
    longest = np.maximum.reduceat(timed["max_us"].to_numpy(), firsts)
    counted = np.add.reduceat(calls, firsts)
    reached = np.cumsum(calls)
    before = reached[firsts] - calls[firsts]
    for source, per_mille in _PER_MILLE.items():
        # The nearest rank as domain.bins.nearest_rank has it, then the first bin whose running count reaches it.
        rank = np.maximum(1, -(-counted * per_mille // 1000))
        at = np.searchsorted(reached, before + rank, side="left")
        columns[source][there] = np.minimum(MIDDLES[bins[at]], longest)
    columns["max"][there] = longest
    columns["mean"][there] = np.add.reduceat(sums, firsts) // counted
    return columns


def blank(shape: tuple[int, ...], sources: tuple[str, ...]) -> Values:
    """Rows of buckets without calls: counts 0, durations unknown. `shape` is without the sources."""
    values = np.full((*shape, len(sources)), np.nan)
    values[..., [source in COUNTS for source in sources]] = 0.0
    return values


def dense(measured: pl.DataFrame, family: Family, keys: Sequence[Key], start: int, step: int, rows: int) -> Values:
    """What was measured as an array (keys, rows, sources); row i is the bucket `start + i * step`.

    Keys and buckets outside are left out; where nothing was measured the rows are `blank`.
    """
    values = blank((len(keys), rows), family.sources)
    if measured.is_empty() or not keys or not rows:
        return values
    places = pl.DataFrame(list(keys), schema=dict.fromkeys(family.dimensions, pl.String), orient="row")
    placed = measured.filter(pl.col("bucket").is_between(start, start + rows * step, closed="left")).join(
        places.with_row_index("place"), on=list(family.dimensions)
    )
    row = (placed["bucket"].to_numpy() - start) // step
    values[placed["place"].to_numpy(), row] = placed.select(family.sources).to_numpy()
    return values


def key_births(bins: pl.DataFrame, family: Family) -> list[tuple[Key, int]]:
    """Each key in the bins with its first bucket."""
    first = bins.group_by(family.dimensions).agg(pl.col("bucket").min())
    table = first.with_columns(pl.col(family.dimensions).cast(pl.String)).rows()
    return [(tuple(map(str, row[:-1])), int(row[-1])) for row in table]
