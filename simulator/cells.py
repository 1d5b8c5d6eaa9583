"""Calls into cells, as the log watcher would make them of the calls' lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from domain.bins import bins_of
from domain.cells import BUCKET_SECONDS, DIMENSIONS, SCHEMA, add
from domain.codes import CLASSES, SIDES
from simulator.faults import ORDINARY, Scenario
from simulator.traffic import Calls, calls_between
from simulator.world import World

_HOUR = 3_600
_BUCKET_US = BUCKET_SECONDS * 1_000_000


def cells_of(world: World, parts: Sequence[Calls]) -> pl.DataFrame:
    """The cells of some calls, with the schema of `domain.cells`."""
    columns = [_columns(world, calls) for calls in parts if len(calls)]
    if not columns:
        return SCHEMA.to_frame()
    # Grouped by small integers first: named only once a cell, not once a call.
    numbered = add([pl.DataFrame(part) for part in columns], by=("bucket", *DIMENSIONS, "bin"))
    names = {
        "hub": world.hubs,
        "endpoint": world.endpoints,
        "vendor": world.vendors,
        "version": world.versions,
        "pharmacy": world.pharmacies,
        "server": world.server_names,
        "code": world.codes,
        "class": CLASSES,
        "side": SIDES,
    }
    return numbered.with_columns(
        pl.Series(column, values, pl.String).gather(numbered[column]).alias(column) for column, values in names.items()
    ).select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def recent(world: World, start: float, end: float, scenario: Scenario = ORDINARY) -> Iterator[pl.DataFrame]:
    """The cells of the calls that completed in a span, an hour of completions at a time.

    A call of an access log may lie in a bucket up to a second before its completion: that is what its line
    tells. Together with the lines of the calls from `end` on, every call is counted once.
    """
    begin = start
    while begin < end:
        stop = min(end, (begin // _HOUR + 1) * _HOUR)
        yield cells_of(world, list(calls_between(world, scenario, begin, stop)))
        begin = stop


def _columns(world: World, calls: Calls) -> dict[str, npt.NDArray[np.int64] | npt.NDArray[np.int16]]:
    hub = world.operation_hub[calls.operation]
    version = world.pharmacy_version[calls.pharmacy]
    return {
        "bucket": calls.seen_us // _BUCKET_US * BUCKET_SECONDS,
        "hub": hub,
        "endpoint": calls.operation,
        "vendor": world.version_vendor[version],
        "version": version,
        "pharmacy": calls.pharmacy,
        "server": world.server_first[hub] + calls.server,
        "code": calls.code,
        "class": world.code_class[calls.code],
        "side": world.code_side[calls.code],
        "bin": bins_of(calls.duration_us),
        "calls": np.ones(len(calls), dtype=np.int64),
        "sum_us": calls.duration_us,
        "max_us": calls.duration_us,
    }
