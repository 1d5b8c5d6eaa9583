"""Thirteen months of past series, written straight below their floor: no lines, no cells, the same rhythm.

Hubs, endpoints and vendors come first, so that the first pages are whole within seconds; then endpoints by
vendor, codes and servers, then pharmacies. A hub's counts are the sum of its endpoints', a vendor's, code's
or server's are shared out of what they belong to, and coarse rows are the sum of fine ones.
"""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import numpy as np

from domain.errors import UsageError
from domain.ports import SeriesStore, StateStore
from domain.series import DAY, FAMILIES, Rows, SeriesKey
from simulator.grid import SIX_HOURS
from simulator.latency import draw_quantiles, draw_sums
from simulator.past_series import Drawn, kept_days, past_series, stages
from simulator.world import World, generator

PROGRESS = "history"
DAYS = 396
_TOLD_EVERY = 20


def plan(world: World) -> list[SeriesKey]:
    """Every series of the world that has a past, in the order in which it is written."""
    return [series for stage in stages(world) for series in stage]


def fill(
    series: SeriesStore,
    state: StateStore,
    world: World,
    floor: int,
    *,
    days: int = DAYS,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Write the rows of `days` local days before `floor`, and the whole of the day that holds it.

    `floor` is an epoch second on a whole six hours UTC, 48 h to 54 h before now; the rows from it on are the
    collector's. All floors are set in `state` before the first row; its progress `history` counts series. A
    fill that was cut short goes on where it was, with the floor it began with. True when all is written,
    False when `stop` said so first. Raises UsageError for another floor, SeriesError, StoreError.
    """
    if floor % SIX_HOURS:
        raise UsageError(f"the floor of past series is on a whole six hours UTC, and {floor} is not")
    order = plan(world)
    begun = state.progress(PROGRESS)
    if begun is None:
        state.set_floors(dict.fromkeys(order, floor))
        state.set_progress(PROGRESS, 0, len(order))
    else:
        floor = state.floor(order[0])
    done = begun[0] if begun else 0
    for number, (key, drawn) in enumerate(past_series(world, floor, days, done), done + 1):
        if stop():
            return False
        _write(series, key, world.seed, drawn)
        if number % _TOLD_EVERY == 0 or number == len(order):
            state.set_progress(PROGRESS, number, len(order))
    return True


def _write(store: SeriesStore, key: SeriesKey, seed: int, drawn: Drawn) -> None:
    """All resolutions of one series, each for as long as its family keeps it."""
    family, grid = FAMILIES[key.family], drawn.grid
    random = generator(seed, 30, crc32(str(key).encode()))
    calls = drawn.counts.sum(axis=1)
    longest = total = None
    if "max" in family.sources:
        longest, total = draw_sums(random, drawn.latency, calls, drawn.slower)
    seconds = grid.steps.astype(np.float64)
    weighed = drawn.slower * seconds
    for step in sorted(step for step in family.days if step >= grid.fine):
        start, counts = grid.roll(drawn.counts, np.add, step)
        kept = max(0, (grid.floor - kept_days(family.name, step) * DAY - start) // step)
        start, counts = start + kept * step, counts[kept:]
        columns = {"calls": counts.sum(axis=1), "functional": counts[:, 1], "technical": counts[:, 2]}
        slower = grid.roll(weighed, np.add, step)[1][kept:] / grid.roll(seconds, np.add, step)[1][kept:]
        peak = None
        if longest is not None and total is not None:
            peak = grid.roll(longest, np.maximum, step)[1][kept:]
            known = np.where(columns["calls"] > 0, columns["calls"], np.nan)
            columns["max"] = np.where(columns["calls"] > 0, peak, np.nan)
            columns["mean"] = grid.roll(total, np.add, step)[1][kept:] // known
        quantiles = tuple(name for name in family.sources if name.startswith("p"))
        columns |= draw_quantiles(random, drawn.latency, columns["calls"], slower, peak, quantiles)
        values = np.column_stack([columns[source] for source in family.sources])
        _put(store, key, Rows(start, step, family.sources, values))


def _put(store: SeriesStore, key: SeriesKey, rows: Rows) -> None:
    """Rows that come before some that the collector wrote already go in at their place."""
    last = store.last(key, rows.step)
    if last is None or last < rows.start:
        store.write(key, rows)
    else:
        store.rewrite(key, rows)
