"""Taking the patients of lines into sketches: their keyed hashes come in, and no hash comes out whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from domain.hyperloglog import pairs_of
from domain.patients import NO_PATIENT, UNCOUNTED
from domain.sketches import HOUR, SCHEMA, empty, packed
from logwatch.events import EventBlock
from logwatch.registry import Registry
from logwatch.times import US


def sketch(blocks: Sequence[EventBlock], registry: Registry) -> pl.DataFrame:
    """The sketches of some events (schema of `domain.sketches`, sorted by key)."""
    told = [
        (block, block.patients, there)
        for block in blocks
        if block.patients is not None and len(there := np.flatnonzero(block.patients != NO_PATIENT))
    ]
    if not told:
        return empty()
    hubs, pharmacies = (registry.dictionaries[key].values for key in ("hub", "pharmacy"))
    hours = np.concatenate([block.time_us[there] for block, _, there in told]) // (HOUR * US)
    first = hours.min()
    # One number for an hour, a hub and a pharmacy together: there are far fewer than 2^40 of them.
    codes = (hours - first) * len(hubs) + np.concatenate([block.ids["hub"][there] for block, _, there in told])
    codes = codes * len(pharmacies) + np.concatenate([block.ids["pharmacy"][there] for block, _, there in told])
    keys, groups = np.unique(codes, return_inverse=True)
    hashes = np.concatenate([patients[there] for _, patients, there in told])
    counted = hashes != UNCOUNTED
    of_hub, pharmacy = np.divmod(keys, len(pharmacies))
    hour, hub = np.divmod(of_hub, len(hubs))
    return pl.DataFrame(
        {
            "hour": (hour + first) * HOUR,
            "hub": pl.Series(hubs, dtype=pl.String).gather(hub),
            "pharmacy": pl.Series(pharmacies, dtype=pl.String).gather(pharmacy),
            "registers": packed(groups[counted], pairs_of(hashes[counted]), len(keys)),
            "uncounted": np.bincount(groups[~counted], minlength=len(keys)),
        },
        schema=SCHEMA,
    ).sort("hour", "hub", "pharmacy")
