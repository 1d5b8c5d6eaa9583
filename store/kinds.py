"""The kinds of rows that a ledger keeps, each in hour files of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from domain import cells, gauges, sketches
from domain.batch import Counts


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rows: its folder, its column of times and how many seconds a row covers, how its rows add.

    `of` takes its rows out of what was counted.
    """

    name: str
    folder: str
    version: int
    schema: pl.Schema
    time: str
    seconds: int
    add: Callable[[Sequence[pl.DataFrame]], pl.DataFrame]
    of: Callable[[Counts], pl.DataFrame]

    def within(self, start: int, end: int) -> pl.Expr:
        """Rows that begin from `start` up to but not including `end`."""
        return pl.col(self.time).is_between(start, end, closed="left")

    def span(self, rows: pl.DataFrame) -> tuple[int, int]:
        """The first and the last time of some rows, which are not none."""
        first, last = rows.select(pl.col(self.time).min().alias("first"), pl.col(self.time).max().alias("last")).row(0)
        return int(first), int(last)


CELLS = Kind(
    "cells", "hours", cells.CELLS_VERSION, cells.SCHEMA, "bucket", cells.BUCKET_SECONDS, cells.add,
    lambda counts: counts.cells,
)  # fmt: skip
GAUGES = Kind(
    "gauges", "gauges", gauges.GAUGES_VERSION, gauges.SCHEMA, "bucket", cells.BUCKET_SECONDS, gauges.add,
    lambda counts: counts.gauges,
)  # fmt: skip
SKETCHES = Kind(
    "sketches", "sketches", sketches.SKETCHES_VERSION, sketches.SCHEMA, "hour", sketches.HOUR, sketches.add,
    lambda counts: counts.sketches,
)  # fmt: skip
KINDS = (CELLS, GAUGES, SKETCHES)
