"""Sketches: how many distinct patients, without keeping any, as polars frames of one fixed schema.

One row is an hour of a hub and a pharmacy: the keyed hashes of the patients seen, in HyperLogLog (Flajolet et al.,
2007) registers. Registers add by their maximum, so any order of adding gives the same estimate. `uncounted` are calls
whose day's key is destroyed already: their patients are in no register.
"""

from __future__ import annotations

import polars as pl

SKETCHES_VERSION = 1
KEY = ("hour", "hub", "pharmacy")
SCHEMA = pl.Schema(
    {
        "hour": pl.Int64,
        "hub": pl.String,
        "pharmacy": pl.String,
        "registers": pl.Binary,
        "uncounted": pl.Int64,
    }
)


def empty() -> pl.DataFrame:
    """No sketches, with their schema."""
    return SCHEMA.to_frame()
