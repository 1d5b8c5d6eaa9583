"""Counting events into cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from domain.bins import bins_of
from domain.cells import BUCKET_SECONDS, DIMENSIONS, KEY, SCHEMA, add
from domain.codes import CLASSES, SIDES
from logwatch.events import EventBlock
from logwatch.registry import Registry
from logwatch.times import US


def count(blocks: Sequence[EventBlock], registry: Registry) -> pl.DataFrame:
    """The cells of some events (schema of `domain.cells`, sorted by key)."""
    if not any(len(block) for block in blocks):
        return SCHEMA.to_frame()
    names = {key: dictionary.values for key, dictionary in registry.dictionaries.items()}
    names |= {"class": list(CLASSES), "side": list(SIDES)}
    cells = _count(_joined(blocks))
    return cells.with_columns(
        pl.Series(key, names[key], dtype=pl.String).gather(cells[key]) for key in DIMENSIONS
    ).select(SCHEMA.names()).sort(KEY)  # fmt: skip


def _joined(blocks: Sequence[EventBlock]) -> EventBlock:
    """All events as one block: a tick brings a few of each file, and each call of polars costs what 100 lines cost."""
    if len(blocks) == 1:
        return blocks[0]
    return EventBlock(
        np.concatenate([block.time_us for block in blocks]),
        np.concatenate([block.duration_us for block in blocks]),
        {key: np.concatenate([block.ids[key] for block in blocks]) for key in DIMENSIONS},
    )


def _count(block: EventBlock) -> pl.DataFrame:
    """Cells of one block with numbers for keys: strings are put in once a cell, not once a call."""
    timed = block.duration_us >= 0
    frame = pl.DataFrame(
        {
            "bucket": block.time_us // (BUCKET_SECONDS * US) * BUCKET_SECONDS,
            **{key: block.ids[key] for key in DIMENSIONS},
            "bin": bins_of(block.duration_us),
            "calls": 1,
            "sum_us": block.duration_us * timed,
            "max_us": block.duration_us * timed,
        },
        schema_overrides={"calls": pl.Int64, "bin": pl.Int16},
    )
    return add([frame])
