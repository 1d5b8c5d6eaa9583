"""The collector through its ports: what is written, when, and that late cells and restarts change nothing."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import UsageError
from domain.series import DAY, Rows, SeriesKey
from rrd.store import RrdSeriesStore
from tests.collector.world import START, Call, MemorySeries, World

HUB = SeriesKey("hub", ("dpp",))


def some_calls(rng: random.Random, first: int, seconds: int, many: int) -> list[Call]:
    return [
        Call(
            time=first + rng.randrange(seconds),
            hub=rng.choice(["dpp", "recipe"]),
            endpoint=rng.choice(["a", "b", ""]),
            vendor=rng.choice(["nova", "orion"]),
            pharmacy=rng.choice(["00000196", "00004255", ""]),
            code=rng.choice(["TIP_200", "ERR1"]),
            klass=rng.choice(["ok", "ok", "functional", "technical"]),
            duration_us=rng.choice([None, rng.randrange(2_000_000)]),
        )
        for _ in range(many)
    ]


@pytest.mark.parametrize("real", [False, True])
def test_rows_are_written_once_the_grace_is_over(tmp_path: Path, real: bool) -> None:
    series = RrdSeriesStore(tmp_path / "rrd", durable=False) if real else MemorySeries()
    world = World(tmp_path, series)
    rng = random.Random(1)
    for minute in range(70):
        now = int(world.clock.now())
        world.step(60, some_calls(rng, now, 55, 9))
        assert minute < 3 or series.last(HUB, 10) == now + 60 - 2 - 120 - (now + 60 - 2) % 10 - 10
    assert world.check() > 3_000


def test_a_silent_series_goes_on_with_zero_rows(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(10, [Call(START)])
    world.step(600, [Call(START + 600, hub="recipe")])
    rows = world.series.read(HUB, 60, START, START + 480)
    assert rows.column("calls").tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert np.isnan(rows.column("p50")).tolist() == [False, True, True, True, True, True, True, True]
    assert world.series.last(SeriesKey("hub", ("recipe",)), 60) is None


def test_nothing_is_written_beyond_the_watermark(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(10, [Call(START)])
    for _ in range(30):
        world.clock.advance(60)
        world.collector.tick()
    assert world.series.last(HUB, 10) is None
    world.beat(None)
    world.collector.tick()
    assert world.collector.complete_up_to() == START + 8


def test_a_heartbeat_waits_for_its_batches(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(10, [Call(START)])
    world.clock.advance(300)
    world.beat(START + 308, sequence=2)
    world.collector.tick()
    assert world.collector.complete_up_to() == START + 8
    world.send([Call(START + 100)])
    world.collector.tick()
    assert world.collector.complete_up_to() == START + 308
    world.check()


def test_late_cells_change_rows_that_are_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(20):
        world.step(60, [Call(int(world.clock.now()) + 5)])
    world.step(1, [Call(START + 65, duration_us=5_000), Call(START + 30, vendor="late-only", pharmacy="00004255")])
    world.step(10)
    assert isinstance(world.series, MemorySeries)
    assert world.series.rewritten
    world.check()
    world.step(60)
    world.check()


def test_a_late_first_call_makes_the_rows_between_known(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(600, [Call(START + 590)])
    world.step(600)
    world.step(1, [Call(START + 5)])
    world.step(10)
    calls = world.series.read(HUB, 60, START, START + 600).column("calls")
    assert calls.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    world.check()


def test_a_first_read_of_an_old_log_is_written_whole(tmp_path: Path) -> None:
    world = World(tmp_path)
    rng = random.Random(2)
    calls = some_calls(rng, START - 3 * DAY, 3 * DAY, 2_000)
    for at in range(0, len(calls), 500):
        world.send(calls[at : at + 500])
        world.beat(None)
        world.collector.tick()
        assert not world.series.keys("hub")
    world.step(2)
    assert world.check() > 20_000


@pytest.mark.parametrize("night", [1_774_742_400, 1_792_886_400], ids=["spring", "autumn"])
def test_days_are_local_days(tmp_path: Path, night: int) -> None:
    world = World(tmp_path)
    world.clock.advance(night - START - DAY)
    for _ in range(20):
        now = int(world.clock.now())
        world.step(3 * 3_600, [Call(now + hour * 3_600) for hour in range(3)])
    assert world.check() > 1_000
    days = world.series.read(HUB, DAY, night // DAY * DAY - DAY, night // DAY * DAY + 2 * DAY).column("calls")
    assert {23.0, 25.0} & set(days.tolist())


@pytest.mark.parametrize("real", [False, True])
def test_a_restart_changes_nothing(tmp_path: Path, real: bool) -> None:
    world = World(tmp_path, RrdSeriesStore(tmp_path / "rrd", durable=False) if real else MemorySeries())
    rng = random.Random(3)
    for minute in range(60):
        now = int(world.clock.now())
        late = some_calls(rng, now - 900, 900, 1) if minute > 15 and rng.random() < 0.2 else []
        world.step(60, [*some_calls(rng, now, 60, 4), *late])
        if rng.random() < 0.1:
            world.die()
            world.start()
    world.step(60)
    world.step(60)
    assert world.check() > 2_000


def test_a_watermark_that_stands_still_is_caught_up_from_the_ledger(tmp_path: Path) -> None:
    world = World(tmp_path, most_bins=400)
    rng = random.Random(4)
    for minute in range(90):
        now = int(world.clock.now())
        world.clock.advance(60)
        world.send(some_calls(rng, now, 60, 8))
        if not 10 < minute < 60:
            world.beat(world.clock.now() - 2)
        world.collector.tick()
    assert world.check() > 3_000


def test_series_that_are_gone_are_made_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(70):
        world.step(60, [Call(int(world.clock.now()))])
    before = world.check()
    world.die()
    world.series = MemorySeries()
    world.start()
    world.step(1)
    assert world.check() >= before


@pytest.mark.parametrize("step", [10, 60, 300, 3_600])
def test_a_file_that_was_removed_is_written_again(tmp_path: Path, step: int) -> None:
    world = World(tmp_path)
    assert isinstance(world.series, MemorySeries)
    for minute in range(150):
        late_born = [Call(int(world.clock.now()), endpoint="born.late")] if minute > 140 else []
        world.step(60, [Call(int(world.clock.now())), *late_born])
    before = world.check()
    world.die()
    for key in [key for key in world.series.rows if key[1] == step]:
        del world.series.rows[key]
    world.start()
    world.step(1)
    assert world.check() >= before


def test_a_stop_does_not_wait_for_a_long_catch_up(tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopping(MemorySeries):
        """Series that stop the collector at the first row written."""

        def write(self, series: SeriesKey, rows: Rows) -> None:
            stop.set()
            super().write(series, rows)

    world = World(tmp_path, Stopping())
    world.send([Call(START + place * 600) for place in range(600)])
    world.clock.advance(400_000)
    world.beat(world.clock.now() - 2)
    world.collector.run(stop)
    written = world.series.last(HUB, 60)
    assert written is None or written < START + 300_000
    world.die()
    world.start()
    world.step(1)
    world.step(130)
    assert world.check() > 600


def test_rows_below_the_floor_are_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    floor = START + 600
    assert isinstance(world.series, MemorySeries)
    world.series.rows[HUB, 60] = {START + i * 60: [7.0] * 8 for i in range(10)}
    world.state.set_floors({HUB: floor})
    world.send([Call(START + i) for i in range(1_200)])
    world.clock.advance(2_000)
    world.step(1)
    world.step(10, [Call(START + 30), Call(START + 700)])
    world.step(10)
    calls = world.series.read(HUB, 60, START, START + 1_200).column("calls").tolist()
    assert calls == [7.0] * 10 + [60.0, 61.0] + [60.0] * 8


def test_close_all_writes_what_is_complete(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(62, [Call(START + 5)])
    world.collector.close_all()
    assert world.series.last(HUB, 10) == START + 50
    world.check()


def test_open_rows_continue_the_written_ones(tmp_path: Path) -> None:
    world = World(tmp_path)
    rng = random.Random(5)
    for _ in range(30):
        world.step(20, some_calls(rng, int(world.clock.now()), 15, 6))
    live = world.collector.rows("hub", 60)
    assert live.complete_up_to == START + 598
    rows = live.rows["dpp",]
    assert rows.start == START + 420
    assert rows.end == START + 600
    total = world.series.read(HUB, 60, START, rows.start).column("calls").sum() + rows.column("calls").sum()
    assert total == sum(call.hub == "dpp" for call in world.sent)
    one = world.collector.rows("vendor", 10, [("nova",), ("nobody",)])
    assert list(one.rows) == [("nova",)]
    np.testing.assert_array_equal(one.rows["nova",].values, world.collector.rows("vendor", 10).rows["nova",].values)
    with pytest.raises(UsageError):
        world.collector.rows("hub", 7)


def test_a_damaged_batch_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step(10, [Call(START)])
    (tmp_path / "spool" / "batches" / "other.0123456789abcdef.1.ppb").write_bytes(b"PPB\x01garbage")
    world.step(300, [Call(START + 20)])
    assert [path.name for path in (tmp_path / "spool" / "bad").iterdir()] == ["other.0123456789abcdef.1.ppb"]
    world.check()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_any_split_and_order_gives_the_same_values(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, seed: int
) -> None:
    rng = random.Random(seed)
    calls = some_calls(rng, START, 1_500, 60)
    if data.draw(st.booleans()):
        calls = [replace(call, duration_us=rng.randrange(200)) for call in calls]
    world = World(tmp_path_factory.mktemp("world"))
    left = calls.copy()
    rng.shuffle(left)
    while left:
        many = data.draw(st.integers(1, 20))
        world.step(data.draw(st.sampled_from([1, 30, 200])), left[:many])
        del left[:many]
        if data.draw(st.integers(0, 4)) == 0:
            world.die()
            world.start()
    world.step(3_000)
    world.step(60)
    world.step(60)
    world.check(calls)
    world.die()
