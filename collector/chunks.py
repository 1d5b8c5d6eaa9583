"""Reading the ledger in pieces of about one size, however dense it is."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from domain.ports import Ledger

CELLS_AT_ONCE = 400_000
_HOUR = 3_600
_MOST_HOURS = 48


def chunks(ledger: Ledger, start: int, end: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """The cells from `start` to `end` in order of time: (where a piece ends, its cells). Raises StoreError."""
    hours = 1
    while start < end:
        past = min(end, (start // _HOUR + hours) * _HOUR)
        cells = ledger.cells(start, past)
        yield past, cells
        fitting = hours * CELLS_AT_ONCE // max(1, len(cells))
        hours = max(1, min(fitting, hours * 2, _MOST_HOURS))
        start = past
