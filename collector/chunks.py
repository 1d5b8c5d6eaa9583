"""Reading the ledger in pieces of about one size, however dense it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from domain.cells import BUCKET_SECONDS
from domain.ports import Ledger

CELLS_AT_ONCE = 400_000
_LONGEST = 48 * 3_600


def chunks(ledger: Ledger, start: int, end: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """The cells from `start` to `end` in order of time: (where a piece ends, its cells). Raises StoreError."""
    known = sorted(ledger.extents(start, end))
    while start < end:
        known = [extent for extent in known if extent[1] > start]
        past = start + _length(known, start, end)
        yield past, ledger.cells(start, past)
        start = past


def _length(extents: Sequence[tuple[int, int, int]], start: int, end: int) -> int:
    """How long a piece from `start` on may be: one bucket at least, for less than that is never told apart."""
    seconds = min(end - start, _LONGEST)
    while seconds > BUCKET_SECONDS and _about(extents, start, start + seconds) > CELLS_AT_ONCE:
        seconds = max(BUCKET_SECONDS, seconds // 2 // BUCKET_SECONDS * BUCKET_SECONDS)
    return seconds


def _about(extents: Sequence[tuple[int, int, int]], start: int, end: int) -> float:
    """About how many cells lie between two moments, were they spread evenly over each stretch."""
    total = 0.0
    for begins, ends, rows in extents:
        if begins >= end:
            break
        total += rows * max(0, min(end, ends) - max(start, begins)) / (ends - begins)
    return total
