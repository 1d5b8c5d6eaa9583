"""A collector killed before and after every single thing it writes: after the restart the sums are exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.batch import Heartbeat
from domain.ports import Arrival
from domain.series import Rows, SeriesKey
from domain.settings import CollectorSettings
from tests.collector.test_figures import check as check_figures
from tests.collector.world import START, Call, MemorySeries, Reading, World
from transport.spool import SpoolReceiver

SETTINGS = CollectorSettings(grace_seconds=60, compact_seconds=120)


class Killed(BaseException):
    """Stands for the process that ends here; nothing of the collector may catch it."""


class Fuse:
    """Counts what is written and kills before or after the `at`-th."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.count = at, after, 0

    def __call__(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.at and not self.after:
                raise Killed
            result = write(*args, **kwargs)
            if self.count == self.at:
                raise Killed
            return result

        return guarded


class FusedReceiver:
    """A receiver whose `done` may kill."""

    def __init__(self, receiver: SpoolReceiver, fuse: Fuse) -> None:
        self._receiver = receiver
        self.done = fuse(receiver.done)
        self.refuse = receiver.refuse

    def arrivals(self) -> Iterator[Arrival]:
        return self._receiver.arrivals()

    def heartbeats(self) -> Sequence[Heartbeat]:
        return self._receiver.heartbeats()


class FusedSeries(MemorySeries):
    """Series in memory that survive, whose writes may kill."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse: Fuse | None = None

    def write(self, series: SeriesKey, rows: Rows) -> None:
        (self.fuse(super().write) if self.fuse else super().write)(series, rows)

    def rewrite(self, series: SeriesKey, rows: Rows) -> None:
        (self.fuse(super().rewrite) if self.fuse else super().rewrite)(series, rows)


class FusedWorld(World):
    """A world whose collector dies once, at the fuse."""

    def arm(self, fuse: Fuse) -> None:
        assert isinstance(self.series, FusedSeries)
        self.series.fuse = fuse
        for name in ("book", "cover", "set_written", "compact", "drop_before"):
            setattr(self.files, name, fuse(getattr(self.files, name)))
        # Inside a compaction too: between its hour files, its transaction and its removals.
        manifest = self.files._manifest
        manifest.swap = fuse(manifest.swap)  # type: ignore[method-assign]
        self.files._tidy = fuse(self.files._tidy)  # type: ignore[method-assign]
        self.collector = self.build(FusedReceiver(SpoolReceiver(self.root / "spool"), fuse), self.files, self.series)

    def disarm(self) -> None:
        assert isinstance(self.series, FusedSeries)
        self.series.fuse = None


def timetable() -> Mapping[int, list[Call]]:
    """Calls by the half minute in which they come: ordinary ones, a late one, a late first call, a new key."""
    table = {i: [Call(START + i * 30 + 7, duration_us=1_000 * i + 1)] for i in range(14)}
    table[6].append(Call(START + 12, duration_us=77))
    table[9].append(Call(START + 61, hub="recipe", endpoint="x", vendor="orion", code="E", pharmacy="00004255"))
    table[11].append(Call(START + 330, vendor="orion"))
    table[13] = [Call(START + 5), Call(START + 395)]
    return table


def readings(step: int) -> list[Reading]:
    """Figures of the half minute `step`: a gauge, a counter that begins anew, every third one late."""
    at = START + step * 30 + 4
    found = [Reading(at, 100 * step, "heap"), Reading(at, 1_000 * (step % 5), "seen", "counter")]
    return [*found, Reading(at - 90, -step, "heap")] if step % 3 == 0 and step > 3 else found


def live_through(root: Path, fuse: Fuse) -> FusedWorld:
    """The timetable, with a kill on the way and a restart at the next half minute; then an hour of quiet."""
    world = FusedWorld(root, FusedSeries(), SETTINGS)
    world.arm(fuse)
    steps = [(30, calls, readings(i)) for i, calls in timetable().items()]
    for seconds, calls, read in [*steps, *((seconds, [], []) for seconds in (200, 10, 10, 130))]:
        try:
            world.step(seconds, calls, read)
        except Killed:
            world.disarm()
            world.die()
            world.start()
    # Whatever happened: the last word is that of a process that starts, and is not killed.
    world.disarm()
    world.die()
    world.start()
    world.step(10)
    return world


def test_the_timetable_itself(tmp_path: Path) -> None:
    fuse = Fuse(-1, after=False)
    world = live_through(tmp_path, fuse)
    assert fuse.count > 200
    assert isinstance(world.series, MemorySeries)
    assert world.series.rewritten > 10
    assert world.check() > 300
    assert check_figures(world) > 20


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_each_write(tmp_path: Path, after: bool) -> None:
    """A sample of all writes: a stride that meets every kind of them."""
    counting = Fuse(-1, after=False)
    live_through(tmp_path / "whole", counting).die()
    for at in range(5 if after else 1, counting.count + 1, 41):
        world = live_through(tmp_path / str(at), Fuse(at, after=after))
        world.check()
        check_figures(world)
        world.die()
