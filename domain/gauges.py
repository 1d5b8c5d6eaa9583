"""Gauges: technical figures out of log lines, as polars frames of one fixed schema that add in any order.

One row is a figure in one 10 s bucket: how often it was read, the sum, the least and the most, and the last with its
time. Figures are integers in thousandths of their unit, so that any order of adding gives the same value. `counter`
figures only grow, or begin anew; a series' `value` is then what they grew by.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

GAUGES_VERSION = 1
PER_UNIT = 1_000
KEY = ("bucket", "source", "hub", "server", "name", "unit", "kind")
SCHEMA = pl.Schema(
    {
        "bucket": pl.Int64,
        "source": pl.String,
        "hub": pl.String,
        "server": pl.String,
        "name": pl.String,
        "unit": pl.String,
        "kind": pl.String,
        "count": pl.Int64,
        "sum": pl.Int64,
        "min": pl.Int64,
        "max": pl.Int64,
        "last_us": pl.Int64,
        "last": pl.Int64,
    }
)


def empty() -> pl.DataFrame:
    """No gauges, with their schema."""
    return SCHEMA.to_frame()


def add(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of one key added into one, sorted by key: of equal times the greatest value is the last."""
    if not frames:
        return empty()
    newest = pl.col("last_us") == pl.col("last_us").max()
    return (
        pl.concat(frames)
        .group_by(KEY)
        .agg(
            pl.col("count").sum(),
            pl.col("sum").sum(),
            pl.col("min").min(),
            pl.col("max").max(),
            pl.col("last_us").max(),
            pl.col("last").filter(newest).max(),
        )
        .sort(KEY)
    )
