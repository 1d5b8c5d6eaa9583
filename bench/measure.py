"""One process measured: processor time of it and all it started, and the memory of them together."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_EVERY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process took. `peak_bytes` is memory in RAM at the highest, of all its processes together."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    status: int
    error: str


def measure(command: Sequence[str], output: Path) -> Measured:
    """Run a command to its end, its standard output into a file.

    Processor time is user and system time as the kernel booked it (wait4), which includes the processes it
    started and waited for. A single process' peak is the kernel's; of several, which the kernel does not add
    up, the highest sum seen while they ran.
    """
    errors = output.with_suffix(".err")
    with output.open("wb") as out, errors.open("wb") as err:
        begin = os.times().elapsed
        process = subprocess.Popen(command, stdout=out, stderr=err)  # noqa: S603 (our own commands)
        watch = _MemoryWatch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = os.times().elapsed - begin
        watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Measured(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        wall_seconds=wall,
        peak_bytes=max(usage.ru_maxrss * 1024, watch.highest_of_several),
        status=process.returncode,
        error=errors.read_text("utf-8", "replace").strip(),
    )


class _MemoryWatch:
    """Adds up the memory of a process and its descendants every few milliseconds, shared pages once."""

    def __init__(self, pid: int) -> None:
        self.highest_of_several = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid,))
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._done.set()
        self._thread.join()

    def _watch(self, pid: int) -> None:
        while not self._done.wait(_LOOK_EVERY_SECONDS):
            family = _family(pid)
            if len(family) > 1:
                self.highest_of_several = max(self.highest_of_several, sum(map(_proportional_bytes, family)))


def _family(pid: int) -> list[int]:
    """A process and its descendants; those that ended meanwhile are left out."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(descendant for child in children for descendant in _family(child))]


def _proportional_bytes(pid: int) -> int:
    """The memory of a process with its part of what it shares; 0 once it has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
