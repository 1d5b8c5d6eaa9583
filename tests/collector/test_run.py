"""The loop: what may work later is tried again, anything else ends it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from domain.errors import SeriesError, WireError
from domain.series import Rows, SeriesKey
from tests.collector.world import START, Call, MemorySeries, World


class FullDisk(MemorySeries):
    """Series on a disk that is full for some writes."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def write(self, series: SeriesKey, rows: Rows) -> None:
        if self.failures:
            self.failures -= 1
            raise SeriesError(f"{series}: No space left on device")
        super().write(series, rows)


def test_a_full_disk_is_told_once_and_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path, FullDisk(5))
    world.step(10, [Call(START), Call(START + 3)])
    world.clock.advance(300)
    world.beat(START + 308)
    stop = threading.Event()
    waits = 0
    wait = world.clock.wait

    def waiting(seconds: float) -> bool:
        nonlocal waits
        waits += 1
        if waits == 8:
            stop.set()
        return wait(seconds)

    world.clock.wait = waiting  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING):
        world.collector.run(stop)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "No space left on device" in caplog.text
    assert world.check() > 20


def test_what_no_retry_can_mend_ends_the_loop(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(10, [Call(START)])
    [arrived] = (tmp_path / "ledger" / "arrived").iterdir()
    arrived.write_bytes(b"rotten")
    world.clock.advance(100)
    with pytest.raises(WireError):
        world.collector.run(threading.Event())


def test_batches_beyond_a_tick_wait_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.intake.ROWS_A_TICK", 3)
    world = World(tmp_path)
    for i in range(10):
        world.send([Call(START + 10 * i)])
    world.clock.advance(300)
    world.beat(START + 298)
    assert world.collector.tick()
    assert world.collector.complete_up_to() is None
    world.collector.close_all()
    assert world.check() > 20
