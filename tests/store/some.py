"""Cells and batches to store."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import polars as pl

from domain.batch import Accounting, Batch, BatchName, Commit, Counts, Position
from domain.cells import SCHEMA, add, empty
from domain.ports import Arrival, Outbox
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


def arrival(sequence: int, cells: pl.DataFrame, agent: str = "agent") -> Arrival:
    name = BatchName(agent, INCARNATION, sequence)
    return Arrival(name, encode_batch(Batch(name, cells)))


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
