"""Log files that grow as the clock goes: appended every half second, rotated by rename every hour.

What is written is a pure function of the world and of time. So after a restart, however abrupt, the writer
renders again what follows the position it last noted, passes over as many bytes of it as the file has grown
since, and goes on: no line is lost, doubled or left in half, and nothing is ever cut off a file that a
reader may have read already.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from domain.clock import Clock, Waker
from domain.errors import StoreError, UsageError
from simulator.faults import Scenario
from simulator.files import usable_directory, write_atomically
from simulator.lines import SliceLines, file_name, render_slice
from simulator.traffic import SLICE_SECONDS, calls_of_slice
from simulator.world import World

POSITION_VERSION = 1
POSITION_FILE = ".simulator.json"
TICK_SECONDS = 0.5
KEPT_HOURS = 4
_US = 1_000_000
_SLICE_US = SLICE_SECONDS * _US
_HOUR_US = 3_600 * _US
_log = logging.getLogger("pharmapulse.simulator")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far was written: all calls before `time_us`, and each file's bytes at that moment.

    `world` and `scenario` tell apart what the files were written from.
    """

    version: int
    world: str
    scenario: str
    time_us: int
    sizes: dict[str, int]


class LiveWriter:
    """Writes the calls of a world into `out` as they complete.

    The first start writes calls from `start` on (epoch seconds; by default from now); later ones go on where
    the last left off, whatever `start` says. `step` is one tick; `run` ticks until told to stop.
    Raises UsageError when `out` cannot be written into or holds the logs of another world or scenario.
    """

    def __init__(
        self,
        out: Path,
        world: World,
        scenario: Scenario,
        clock: Clock,
        waker: Waker,
        start: float | None = None,
        kept_hours: int = KEPT_HOURS,
    ) -> None:
        self._out, self._world, self._scenario = out, world, scenario
        self._clock, self._waker, self._kept_hours = clock, waker, kept_hours
        self._slice: tuple[int, SliceLines] | None = None
        usable_directory(out)
        self._names = [file_name(world, hub) for hub in range(len(world.hubs))]
        self._made_of = f"seed {world.seed}, load {world.load:g}, {len(world.pharmacies)} pharmacies"
        self._faults = f"{scenario.name} {hashlib.sha256(repr(scenario.faults).encode()).hexdigest()[:16]}"
        position = self._read_position()
        if position is None:
            begin = round((clock.now() if start is None else start) * _US)
            position = self._position(begin, {name: _size(out / name) for name in self._names})
            self._note(position)
        self._written_us = position.time_us
        self._sizes = dict(position.sizes)

    @property
    def written_to(self) -> float:
        """Calls that completed before this epoch second are in the files."""
        return self._written_us / _US

    def run(self, stop: threading.Event) -> None:
        """Write until `stop` is set. A full disk is waited out: what was missed is written once there is room."""
        trouble = ""
        while not stop.is_set():
            try:
                self.step()
                trouble = ""
            except StoreError as error:
                if str(error) != trouble:  # told once, not twice a second
                    trouble = str(error)
                    _log.warning("%s", trouble)
            self._waker.wait(TICK_SECONDS)

    def step(self) -> None:
        """Write the calls that completed since the last step. Raises StoreError; the next step mends it."""
        now_us = int(self._clock.now() * _US)
        try:
            while self._written_us < now_us:
                # Spans end with their slice: catching up keeps one slice in memory, and an hour ends a span.
                slice_end = (self._written_us // _SLICE_US + 1) * _SLICE_US
                self._write(min(slice_end, now_us))
            self._prune()
        except OSError as error:
            raise StoreError(f"{self._out}: a log cannot be written ({error.strerror}); trying again") from error

    def _write(self, until_us: int) -> None:
        """Append one span that lies in one slice, rotate when it ends an hour, and note the position.

        The position in memory moves with the one noted, so that a failure half-way is as a restart.
        """
        hour = self._written_us // _HOUR_US
        sizes = {name: self._append(name, hour, data) for name, data in self._spans(until_us)}
        if until_us % _HOUR_US == 0:
            self._rotate(hour)
            sizes = dict.fromkeys(sizes, 0)
        self._note(self._position(until_us, sizes))
        self._written_us, self._sizes = until_us, sizes

    def _spans(self, until_us: int) -> Iterator[tuple[str, bytes]]:
        """Each file's name and the bytes of its lines from the position up to `until_us`."""
        number = self._written_us // _SLICE_US
        if self._slice is None or self._slice[0] != number:
            calls = calls_of_slice(self._world, self._scenario, number)
            self._slice = number, render_slice(self._world, number, calls)
        for name, lines in zip(self._names, self._slice[1].hubs, strict=True):
            first, last = np.searchsorted(lines.times, [self._written_us, until_us])
            yield name, b"".join(lines.lines[first:last])

    def _append(self, name: str, hour: int, data: bytes) -> int:
        """Make `data` follow what the file held at the position, of which a part may be there; its new size."""
        path = self._out / rotated_name(name, hour)
        if not path.exists():  # it exists already where a restart follows a rotation that was not noted
            path = self._out / name
        there = _size(path)
        rest = memoryview(data)[max(0, there - self._sizes.get(name, 0)) :]
        with path.open("ab", buffering=0) as file:
            while rest:
                rest = rest[file.write(rest) :]
        return _size(path)

    def _rotate(self, hour: int) -> None:
        for name in self._names:
            path, beside = self._out / name, self._out / rotated_name(name, hour)
            if path.exists() and not beside.exists():
                path.rename(beside)

    def _prune(self) -> None:
        oldest = self._written_us // _HOUR_US - self._kept_hours
        for name in self._names:
            for old in self._out.glob(f"{name}.*"):
                hour = rotated_hour(name, old.name)
                if hour is not None and hour < oldest:
                    old.unlink(missing_ok=True)

    def _position(self, time_us: int, sizes: dict[str, int]) -> Position:
        return Position(
            version=POSITION_VERSION, world=self._made_of, scenario=self._faults, time_us=time_us, sizes=sizes
        )

    def _note(self, position: Position) -> None:
        write_atomically(self._out / POSITION_FILE, msgspec.json.encode(position))

    def _read_position(self) -> Position | None:
        """The position noted in the directory; None in a new one."""
        path = self._out / POSITION_FILE
        try:
            position = msgspec.json.decode(path.read_bytes(), type=Position)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, OSError) as error:
            problem = f"{path}: not the position of simulated logs ({error}). Write to another directory"
            raise UsageError(problem) from error
        if position.version != POSITION_VERSION:
            raise UsageError(f"{path}: of version {position.version}, and this program reads {POSITION_VERSION}")
        for kept, asked in ((position.world, self._made_of), (position.scenario, self._faults)):
            if kept != asked:
                raise UsageError(f"{path}: these logs are of {kept}, not of {asked}. Write to another directory")
        return position


def rotated_name(name: str, hour: int) -> str:
    """The name of a log file once its hour (hours since the epoch) is over: `dpp-calls.log.2026112209`, UTC."""
    return f"{name}.{datetime.fromtimestamp(hour * 3_600, UTC):%Y%m%d%H}"


def rotated_hour(name: str, rotated: str) -> int | None:
    """The hour that `rotated_name` put into a name; None for another file."""
    stamp = rotated.removeprefix(f"{name}.")
    try:
        return int(datetime.strptime(f"{stamp}+0000", "%Y%m%d%H%z").timestamp()) // 3_600
    except ValueError:
        return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
