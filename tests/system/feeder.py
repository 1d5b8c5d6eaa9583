"""Hub logs as their writers make them: lines at their time, cut anywhere, rotated by rename at any moment."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from domain.clock import Clock, EventWaker
from simulator.faults import ORDINARY
from simulator.lines import file_name, rendered
from simulator.world import World

_STEP_SECONDS = 0.05
_US = 1_000_000


class HubLog:
    """One growing file. `lines` are (epoch µs, line with its end), ascending."""

    def __init__(self, path: Path, lines: Sequence[tuple[int, bytes]], chance: random.Random) -> None:
        self.path, self._lines, self._chance = path, lines, chance
        self._file = path.open("ab", buffering=0)
        self._next = 0
        self._rest = b""
        self.rotations = 0

    def step(self, now: float) -> None:
        """Write what is due; now and then not to the end of its last line, now and then into a new file."""
        data = self._rest + self._due(now)
        if data and self._chance.random() < 0.5:
            cut = self._chance.randrange(len(data))
            self._file.write(data[:cut])
            data = data[cut:]
        if self._chance.random() < 0.015:
            self.rotate(data)
            data = b""
        elif self._chance.random() < 0.5:
            self._file.write(data)
            data = b""
        self._rest = data

    def _due(self, now: float) -> bytes:
        first = self._next
        while self._next < len(self._lines) and self._lines[self._next][0] <= now * _US:
            self._next += 1
        return b"".join(line for _, line in self._lines[first : self._next])

    def rotate(self, last_words: bytes = b"") -> None:
        """Rename the file; its writer finishes its line before it begins the new one."""
        self.rotations += 1
        self.path.rename(self.path.with_name(f"{self.path.name}.{self.rotations}"))
        self._file.write(last_words)
        self._file.close()
        self._file = self.path.open("ab", buffering=0)

    def close(self) -> None:
        """Finish the last line."""
        self._file.write(self._rest)
        self._rest = b""
        self._file.close()


class Feeder:
    """Writes the logs of some hubs of a world as the clock goes, in a thread, until it is stopped."""

    def __init__(
        self, folder: Path, world: World, hubs: Sequence[str], clock: Clock, seconds: float, seed: int
    ) -> None:
        """Lines of `seconds` of the clock's time from now on are made ready. They are all written by `stop`."""
        start, self._clock, self._chance = clock.now(), clock, random.Random(seed)
        ready: dict[int, list[tuple[int, bytes]]] = {world.hubs.index(hub): [] for hub in hubs}
        for part in rendered(world, ORDINARY, start, start + seconds):
            for hub in ready:
                ready[hub] += zip(part.hubs[hub].times, part.hubs[hub].lines, strict=True)
        folder.mkdir(parents=True, exist_ok=True)
        self.logs = [
            HubLog(folder / file_name(world, hub), [line for line in lines if line[0] >= start * _US], self._chance)
            for hub, lines in ready.items()
        ]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Write no more; the last lines are finished."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join()
            for log in self.logs:
                log.close()

    @property
    def rotations(self) -> int:
        """How often a file was renamed."""
        return sum(log.rotations for log in self.logs)

    def _run(self) -> None:
        pause = EventWaker()
        while not self._stop.is_set():
            for log in self.logs:
                log.step(self._clock.now())
            pause.wait(self._chance.random() * 2 * _STEP_SECONDS)
