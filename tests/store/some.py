"""Cells and batches to store."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from domain import gauges, sketches
from domain.batch import Accounting, Batch, BatchName, Commit, Counts, Position
from domain.cells import SCHEMA, add, empty
from domain.hyperloglog import pairs_of
from domain.ports import Arrival, Outbox
from domain.sketches import packed
from domain.wire import encode_batch

START = 1_772_409_600
INCARNATION = "0123456789abcdef"


def some_cells(seed: int, first: int = START, seconds: int = 7_200, many: int = 50) -> pl.DataFrame:
    rng = random.Random(seed)
    rows = [
        {
            "bucket": (first + rng.randrange(seconds)) // 10 * 10,
            "hub": rng.choice(["dpp", "recipe"]),
            "endpoint": "e",
            "vendor": "v",
            "version": "1",
            "pharmacy": rng.choice(["00000196", ""]),
            "server": "s",
            "code": "c",
            "class": "ok",
            "side": "",
            "bin": rng.randrange(100),
            "calls": 1 + rng.randrange(5),
            "sum_us": rng.randrange(10_000),
            "max_us": rng.randrange(1_000),
        }
        for _ in range(many)
    ]
    return add([pl.DataFrame(rows, schema=SCHEMA)])


def some_gauges(seed: int, first: int = START, seconds: int = 7_200, many: int = 20) -> pl.DataFrame:
    rng = random.Random(seed)
    rows = [
        {
            "bucket": (at := first + rng.randrange(seconds)) // 10 * 10,
            "source": "gc",
            "hub": "dpp",
            "server": rng.choice(["s1", ""]),
            "name": rng.choice(["heap", "pause"]),
            "unit": "bytes",
            "kind": "gauge",
            "count": 1,
            "sum": (value := rng.randrange(-9_000, 9_000)),
            "min": value,
            "max": value,
            "last_us": at * 1_000_000,
            "last": value,
        }
        for _ in range(many)
    ]
    return gauges.add([pl.DataFrame(rows, schema=gauges.SCHEMA)])


def some_sketches(seed: int, first: int = START, hours: int = 2, many: int = 40) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        (first // 3_600 * 3_600 + 3_600 * hour, "dpp", pharmacy, registers, seed)
        for hour in range(hours)
        for pharmacy in ("00000196", "")
        for registers in packed(
            np.zeros(many, dtype=np.int64), pairs_of(rng.integers(2, 2**64, many, dtype=np.uint64)), 1
        )
    ]
    return sketches.add([pl.DataFrame(rows, schema=sketches.SCHEMA, orient="row")])


def arrival(sequence: int, cells: pl.DataFrame, agent: str = "agent") -> Arrival:
    return full_arrival(sequence, Counts(cells), agent)


def full_arrival(sequence: int, counts: Counts, agent: str = "agent") -> Arrival:
    name = BatchName(agent, INCARNATION, sequence)
    return Arrival(name, encode_batch(Batch(name, counts.cells, (), counts.gauges, counts.sketches)))


def commit(
    outbox: Outbox,
    cells: pl.DataFrame | None,
    positions: Sequence[Position],
    totals: Mapping[str, Accounting],
    registry: Mapping[str, Sequence[str]],
    forget: Sequence[str] = (),
) -> BatchName | None:
    return outbox.commit(Commit(Counts(empty() if cells is None else cells), positions, totals, registry, forget))


def position(path: str = "/var/log/a.log", identity: str = "1:2", offset: int = 10, lines: int = 1) -> Position:
    return Position(
        source="calls", path=path, identity=identity, offset=offset, accounting=Accounting(lines=lines, events=lines)
    )
