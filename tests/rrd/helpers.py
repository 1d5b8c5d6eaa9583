"""Rows to write, and what rrdtool itself says is in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rrdtool

from domain.series import DAY, FAMILIES, Rows, SeriesKey, Values

T = 1_700_006_400 // DAY * DAY
HUB = SeriesKey("hub", ("dpp",))
PHARMACY = SeriesKey("pharmacy", ("00012371",))
NAN = float("nan")


def numbered(series: SeriesKey, step: int, start: int, count: int, first: int = 0) -> Rows:
    """Rows whose values are all different: `first + row * 10 + source`."""
    sources = FAMILIES[series.family].sources
    values = first + 10 * np.arange(count)[:, None] + np.arange(len(sources))[None, :]
    return Rows(start, step, sources, values.astype(np.float64))


def rows_of(series: SeriesKey, step: int, start: int, values: Sequence[Sequence[float]]) -> Rows:
    return Rows(start, step, FAMILIES[series.family].sources, np.array(values, dtype=np.float64))


def same(left: Values, right: Values) -> bool:
    return left.shape == right.shape and bool(np.array_equal(left, right, equal_nan=True))


def fetched(path: Path, start: int, end: int) -> Values:
    """What librrd gives for the buckets from `start` to `end`: its own row is named by the bucket's end."""
    (_, _, _), _, rows = rrdtool.fetch(str(path), "AVERAGE", "--start", str(start), "--end", str(end))
    return np.array([[NAN if value is None else value for value in row] for row in rows[:-1]], dtype=np.float64)
