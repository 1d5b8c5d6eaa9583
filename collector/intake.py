"""What comes in: each arrival is booked in the ledger, and only then counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from collector.stats import Stats
from domain.batch import Counts
from domain.errors import WireError
from domain.ports import Ledger, Receiver
from domain.wire import decode_batch

# A tick takes in at most about this many rows, so that the rest of its work is never far.
ROWS_A_TICK = 200_000


def take_in(receiver: Receiver, ledger: Ledger, stats: Stats, count: Callable[[Counts], None]) -> bool:
    """Book arrivals, and count those that are new; whether some were left for the next tick.

    Raises TransportError, StoreError; what was booked by then is counted all the same.
    """
    booked: list[Counts] = []
    rows = 0
    try:
        for arrival in receiver.arrivals():
            if rows >= ROWS_A_TICK:
                return True
            try:
                counts = decode_batch(arrival.payload).counts
                new = ledger.book(arrival)
            except WireError as error:
                receiver.refuse(arrival.name, str(error))
                stats.refused += 1
                continue
            stats.came(new, len(counts.cells))
            if new:
                booked.append(counts)
                rows += len(counts.cells) + len(counts.gauges) + len(counts.sketches)
            receiver.done(arrival.name)
    finally:
        if booked:
            count(_together(booked))
    return False


def _together(booked: Sequence[Counts]) -> Counts:
    """All cells and all gauges; sketches are for the ledger only."""
    return Counts(pl.concat([one.cells for one in booked]), pl.concat([one.gauges for one in booked]))
