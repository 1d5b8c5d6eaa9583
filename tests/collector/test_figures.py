"""Series of technical figures: every row as an oracle has it, whatever the way there."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from collector.figures import LOOK_BACK, measure_figures
from domain.series import DAY, FAMILIES, Key, SeriesKey
from domain.settings import CollectorSettings
from rrd.store import RrdSeriesStore
from tests.collector.world import START, Call, Reading, World, gauges_of

FAMILY = FAMILIES["value"]
KEY = ("dpp", "gc", "web1", "heap", "bytes")


def told(readings: Sequence[Reading], step: int, past: int) -> dict[Key, dict[int, list[float]]]:
    """Every row before bucket `past` that is known, reading by reading."""
    rows: dict[Key, dict[int, list[float]]] = defaultdict(dict)
    of: dict[Key, list[Reading]] = defaultdict(list)
    for one in readings:
        of[one.key].append(one)
    for key, ones in of.items():
        buckets: dict[int, list[Reading]] = defaultdict(list)
        for one in ones:
            buckets[one.time // step * step].append(one)
        if ones[0].kind == "gauge":
            for bucket, there in buckets.items():
                values = [one.value for one in there]
                last = max((one.time, one.value) for one in there)[1]
                rows[key][bucket] = [last, min(values), max(values), sum(values) // len(values)]
        else:
            lasts: dict[int, tuple[int, int]] = {}
            for one in ones:
                lasts[one.time // 10 * 10] = max(lasts.get(one.time // 10 * 10, (0, 0)), (one.time, one.value))
            before: tuple[int, int] | None = None
            for at, (_, value) in sorted(lasts.items()):
                if before is not None and at - before[0] <= LOOK_BACK:
                    grown = value - before[1] if value >= before[1] else value
                    row = rows[key].setdefault(at // step * step, [0, math.nan, math.nan, math.nan])
                    row[0] += grown
                before = at, value
    return {key: {bucket: row for bucket, row in rows[key].items() if bucket < past} for key in of}


def check(world: World) -> int:
    """Every row of every figure is the oracle's; how many were compared."""
    written, compared = world.files.written(), 0
    for step in FAMILY.days:
        past = written.get(("value", step), 0)
        oldest = int(world.clock.now() - FAMILY.days[step] * DAY) // step * step
        for key, rows in told(world.read, step, past).items():
            if not rows:
                continue
            start = max(min(rows), oldest)
            got = world.series.read(SeriesKey("value", key), step, start, past)
            for time, row in zip(got.times.tolist(), got.values, strict=True):
                np.testing.assert_array_equal(row, rows.get(time, [math.nan] * 4), f"{key} {step} s at {time}")
                compared += 1
    return compared


def some_readings(rng: random.Random, now: int, many: int) -> list[Reading]:
    """Gauges and counters of the last minutes, some of them late, one of a server without a name."""
    found = []
    for _ in range(many):
        at = now - rng.choice([rng.randrange(60), rng.randrange(60), rng.randrange(3 * 3_600)])
        if rng.random() < 0.5:
            found.append(Reading(at, rng.randrange(-5_000, 5_000), rng.choice(["heap", "pause"])))
        else:
            seen = at % 5_000  # begins anew every now and then
            found.append(Reading(at, seen * 1_000, "seen", "counter", server=rng.choice(["web1", ""])))
    return found


@pytest.mark.parametrize(("seed", "real"), [(0, False), (1, False), (2, True)], ids=["memory", "again", "rrd"])
def test_every_row_is_the_oracles_through_lateness_and_restarts(tmp_path: Path, seed: int, real: bool) -> None:
    rng = random.Random(seed)
    world = World(tmp_path, settings=CollectorSettings(compact_seconds=97.0))
    if real:
        world.die()
        world.series = RrdSeriesStore(tmp_path / "series", durable=False)
        world.start()
    world.clock.advance(4 * 3_600)
    for place in range(50):
        now = int(world.clock.now())
        calls = [Call(now - 3)] if rng.random() < 0.3 else []
        world.step(rng.choice([7, 60, 601]), calls, some_readings(rng, now, rng.randrange(4)))
        if rng.random() < 0.08:
            world.die()
            world.start()
        if place == 25:
            assert check(world) > 20
    world.step(7_200)
    world.clock.advance(6)
    world.collector.tick()  # what is late is gathered for some seconds
    world.collector.close_all()
    assert check(world) > 100
    assert world.collector.open_bins() is not None


def test_all_series_removed_are_made_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(60, [Call(START)], [Reading(START + 5, 9)])
    world.step(7_200, [], [Reading(START + 60, -7)])
    world.step(7_200)
    assert check(world) > 2
    world.die()
    world.series = type(world.series)()
    world.start()
    world.step(10)
    assert check(world) > 2


def test_one_file_removed_is_made_again(tmp_path: Path) -> None:
    store = RrdSeriesStore(tmp_path / "series", durable=False)
    world = World(tmp_path, series=store)
    world.step(60, [], [Reading(START + 5, 9)])
    world.step(7_200)
    world.die()
    [file] = (tmp_path / "series" / "value").glob("*/300.rrd")
    file.unlink()
    world.start()
    world.step(10)
    assert store.read(SeriesKey("value", KEY), 300, START, START + 300).values.tolist() == [[9, 9, 9, 9]]


def test_the_open_present_is_served(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert dict(world.collector.rows("value", 60).rows) == {}
    world.step(100, [], [Reading(START + 5, 9), Reading(START + 70, 11)])
    live = world.collector.rows("value", 60)
    assert list(live.rows) == [KEY]
    rows = live.rows[KEY]
    assert (rows.start, rows.values.tolist()) == (START, [[9, 9, 9, 9], [11, 11, 11, 11]])
    assert dict(world.collector.rows("value", 60, [("x", "x", "x", "x", "x")]).rows) == {}
    world.step(400, [], [Reading(START + 480, 13)])
    rows = world.collector.rows("value", 60, [KEY]).rows[KEY]
    written = world.files.written()["value", 60]
    assert rows.start == written
    assert rows.column("last")[(START + 480 - written) // 60] == 13
    assert world.series.read(SeriesKey("value", KEY), 60, START, START + 120).column("last").tolist() == [9, 11]


def test_a_counter_begins_anew_and_is_not_compared_with_what_is_too_old() -> None:
    def grown(*readings: tuple[int, int]) -> list[float]:
        rows = gauges_of([Reading(START + at, value, "seen", "counter") for at, value in readings])
        measured = measure_figures(rows, 60, START).sort("bucket")
        return [float(value) for value in measured["last"]]

    assert grown((0, 100)) == []
    assert grown((0, 100), (60, 130)) == [30]
    assert grown((0, 100), (20, 110), (30, 125)) == [25]
    assert grown((0, 100), (60, 20)) == [20]
    assert grown((0, 100), (LOOK_BACK + 60, 200), (LOOK_BACK + 120, 201)) == [1]
    assert grown((0, 100), (LOOK_BACK, 200)) == [100]


def test_a_figure_that_is_larger_than_a_series_can_hold_is_the_largest() -> None:
    measured = measure_figures(gauges_of([Reading(START, 2**60), Reading(START + 60, -(2**60))]), 60, START)
    assert sorted(measured["last"]) == [-(2.0**53), 2.0**53]


def test_an_agent_that_reads_figures_only_is_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.advance(6 * 3_600)
    # Of five hours ago: the coverage reaches back to it, as it does for calls.
    world.step(1, [], [Reading(START + 3_600, 5)])
    world.step(200)
    assert world.series.read(SeriesKey("value", KEY), 60, START + 3_600, START + 3_660).column("last").tolist() == [5]
    assert check(world) > 1
