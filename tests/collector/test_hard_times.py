"""Full disks, wrong clocks and lost batches at the collector: nothing is counted twice, and it goes on by itself."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from domain.errors import SeriesError
from domain.series import Rows, SeriesKey
from tests.collector.world import START, Call, MemorySeries, World


class FullWhenTold(MemorySeries):
    """Series on a disk that is full when told so."""

    full = False

    def write(self, series: SeriesKey, rows: Rows) -> None:
        if self.full:
            raise SeriesError(f"{series}: No space left on device")
        super().write(series, rows)


def test_a_disk_that_fills_while_open_buckets_are_remade_counts_nothing_twice(tmp_path: Path) -> None:
    series = FullWhenTold()
    world = World(tmp_path, series, most_bins=30)
    world.step(10, [Call(START)])
    # More is open at once than is held: the buckets stay in the ledger until the watermark moves.
    for i in range(1, 60):
        world.clock.advance(10)
        world.send([Call(START + 10 * i, pharmacy=f"{i:08}", duration_us=100 * i)])
        world.collector.tick()
    series.full = True
    failed = 0
    for _ in range(5):
        world.clock.advance(61)
        world.beat(world.clock.now() - 2)
        try:
            world.collector.tick()
        except SeriesError:
            failed += 1
    assert failed >= 2
    series.full = False
    world.step(600)
    world.step(3_600)
    assert world.check() > 500


def test_an_agent_ahead_of_time_completes_nothing_that_has_not_been(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(10, [Call(START)])
    world.beat(world.clock.now() + 365 * 86_400)
    world.collector.tick()
    assert world.collector.complete_up_to() == world.clock.now()


def test_a_clock_set_back_does_not_put_off_what_is_due(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(600, [Call(START)])
    world.step(100)
    world.clock.advance(-365 * 86_400)
    world.send([Call(START - 300)])
    for _ in range(3):
        world.clock.advance(100)
        world.collector.tick()
    assert not list((tmp_path / "ledger" / "arrived").iterdir())


def test_lost_batches_that_hold_everything_back_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path)
    world.step(10, [Call(START)])
    with caplog.at_level(logging.WARNING):
        for _ in range(30):
            world.clock.advance(10)
            world.beat(world.clock.now() - 2, sequence=7)
            world.collector.tick()
    [told] = caplog.messages
    assert "agent" in told and "up to 7" in told
    for _ in range(6):
        world.send([Call(START)])
    world.step(10)
    assert world.collector.complete_up_to() == world.clock.now() - 2
