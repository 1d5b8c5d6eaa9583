"""Rows before they are put into a file: whether they can be, and which of them are new to it."""

from __future__ import annotations

import numpy as np

from domain.errors import SeriesError
from domain.series import FAMILIES, Rows, SeriesKey, Values

_MOST = 2.0**53


def check_rows(series: SeriesKey, rows: Rows, sources: tuple[str, ...]) -> None:
    """Raise SeriesError unless the rows have these sources, lie on their grid and hold whole numbers or NaN.

    Figures may be below zero; counts and durations are not.
    """
    if rows.sources != sources or rows.values.shape[1:] != (len(sources),):
        raise SeriesError(f"{series}: rows of {', '.join(rows.sources)}, not of {', '.join(sources)}")
    if rows.start % rows.step:
        raise SeriesError(f"{series}: a row at {rows.start}, which is not a multiple of {rows.step} s")
    values = rows.values
    # NaN compares as False with everything: only a known value can be wrong.
    least = 0.0 if FAMILIES[series.family].of_calls else -_MOST
    if ((values < least) | (values > _MOST) | (np.floor(values) < values)).any():
        raise SeriesError(f"{series}: a value that is not a whole number from {'-2^53' if least else 0} to 2^53")


def split_rows(rows: Rows, last: int) -> tuple[Values, Values]:
    """The values of the buckets that end at or before `last`, and of all buckets after it.

    The latter begin right after `last`, with unknown rows for a gap before the rows given.
    """
    cut = min(len(rows.values), max(0, (last - rows.start) // rows.step))
    written, new = rows.values[:cut], rows.values[cut:]
    gap = max(0, (rows.start - last) // rows.step)
    return written, np.concatenate([np.full((gap, len(rows.sources)), np.nan), new]) if gap else new
