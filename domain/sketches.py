"""Sketches: how many distinct patients, without keeping any, as polars frames of one fixed schema.

One row is an hour of a hub and a pharmacy: the keyed hashes of the patients seen, in HyperLogLog (Flajolet et al.,
2007) registers. Registers add by their maximum, so any order of adding gives the same estimate. `uncounted` are calls
whose day's key is destroyed already: their patients are in no register.

How a hash is kept and what is estimated is said in `domain.hyperloglog`. Of a sketch only the registers that are not
empty are kept, each in two bytes (little-endian, the register's number times 16 plus its value) in the order of their
numbers: two bytes for each patient of a small pharmacy, 8 KiB at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from domain.hyperloglog import MOST, VALUE_BITS, Floats, Integers, estimates

SKETCHES_VERSION = 1
HOUR = 3_600
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

_PAIR_BITS = 16
_PAIR_BYTES = _PAIR_BITS // 8


def empty() -> pl.DataFrame:
    """No sketches, with their schema."""
    return SCHEMA.to_frame()


def packed(groups: Integers, pairs: Integers, count: int) -> list[bytes]:
    """The registers of `count` sketches: pair i belongs to the sketch numbered `groups[i]`."""
    codes = np.sort(groups << _PAIR_BITS | pairs)
    # Of one register's values, which stand side by side now, the greatest is the last.
    greatest = np.ones(len(codes), dtype=np.bool_)
    greatest[:-1] = codes[1:] >> VALUE_BITS != codes[:-1] >> VALUE_BITS
    codes = codes[greatest]
    ends = np.searchsorted(codes >> _PAIR_BITS, np.arange(count + 1)) * _PAIR_BYTES
    data = codes.astype("<u2").tobytes()
    return [data[begin:end] for begin, end in pairwise(ends.tolist())]


def _unpacked(registers: pl.Series) -> tuple[Integers, Integers]:
    """All pairs of some sketches, each with its sketch's place."""
    sizes = registers.bin.size().to_numpy() // _PAIR_BYTES
    pairs = np.frombuffer(b"".join(registers.to_list()), dtype="<u2").astype(np.int64)
    return np.repeat(np.arange(len(registers)), sizes), pairs


def well_formed(sketches: pl.DataFrame) -> bool:
    """Whether sketches from elsewhere are of whole hours and their registers such as `packed` gives."""
    if sketches.is_empty():
        return True
    registers = sketches["registers"]
    if (
        sum(sketches.null_count().row(0))
        or (registers.bin.size() % _PAIR_BYTES).max()
        or (sketches["hour"] % HOUR).max()
    ):
        return False
    places, pairs = _unpacked(registers)
    codes = places << _PAIR_BITS | pairs
    growing = (codes[1:] >> VALUE_BITS) > (codes[:-1] >> VALUE_BITS)
    return bool(growing.all()) and bool((pairs & MOST).all())


def add(frames: Sequence[pl.DataFrame], by: Sequence[str] = KEY) -> pl.DataFrame:
    """Sketches of one key added into one row, sorted by key.

    `by` may name fewer columns than KEY: that is a roll-up. Hours may be added within a day in UTC only: the
    patients of the next have other hashes.
    """
    whole = pl.concat([empty(), *frames])
    sums = whole.group_by(by).agg(pl.col("uncounted").sum()).sort(by).with_row_index("group")
    groups = whole.join(sums, on=by, how="left", maintain_order="left")["group"].to_numpy().astype(np.int64)
    places, pairs = _unpacked(whole["registers"])
    registers = pl.Series("registers", packed(groups[places], pairs, len(sums)), dtype=pl.Binary)
    return sums.with_columns(registers).select(*by, "registers", "uncounted")


def estimate(registers: pl.Series) -> Floats:
    """About how many distinct patients each sketch has seen."""
    places, pairs = _unpacked(registers)
    width = MOST + 1
    counts = np.bincount(places * width + (pairs & MOST), minlength=len(registers) * width)
    return estimates(counts.reshape(len(registers), width))
