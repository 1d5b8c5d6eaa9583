"""Cells: the additive unit (DESIGN 3), as polars frames of one fixed schema.

A cell is `(10 s bucket, hub, endpoint, vendor, version, pharmacy, server, code, class, side, bin)` with
`calls`, `sum_us` and `max_us`, all integers, so that any order of adding gives the same value.
`bucket` is the epoch second (UTC) at which the bucket starts. A missing dimension is "".
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

CELLS_VERSION = 1
BUCKET_SECONDS = 10
DIMENSIONS = ("hub", "endpoint", "vendor", "version", "pharmacy", "server", "code", "class", "side")
KEY = ("bucket", *DIMENSIONS, "bin")
SCHEMA = pl.Schema(
    {
        "bucket": pl.Int64,
        **dict.fromkeys(DIMENSIONS, pl.String),
        "bin": pl.Int16,
        "calls": pl.Int64,
        "sum_us": pl.Int64,
        "max_us": pl.Int64,
    }
)


def empty() -> pl.DataFrame:
    """No cells, with their schema."""
    return SCHEMA.to_frame()


def add(frames: Sequence[pl.DataFrame], by: Sequence[str] = KEY) -> pl.DataFrame:
    """Cells of one key added into one row; sorted by key, so that equal sets of calls give equal frames.

    `by` may name fewer columns than KEY: that is a roll-up.
    """
    if not frames:
        return empty().select(*by, "calls", "sum_us", "max_us")
    return (
        pl.concat(frames)
        .group_by(by)
        .agg(pl.col("calls").sum(), pl.col("sum_us").sum(), pl.col("max_us").max())
        .sort(by)
    )
