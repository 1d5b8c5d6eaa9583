"""What tailing costs: the real log watcher follows 40 files that 1,000 lines a second are written to.

Its processor time, as the kernel books it, is that of everything: looking at the files, reading, counting, sketches of
patients, commits into its outbox with their fsync, batches into a spool. Each file gets 25 lines a
second, four files at a time. What was counted is compared with what was written.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

FILES, LINES_A_SECOND, WRITES_A_SECOND = 40, 1_000, 10
MOST_SHARE = 0.015
_WARM_SECONDS = 10
_DEADLINE_SECONDS = 60.0
_ZONE = ZoneInfo("Europe/Brussels")
_TIME = len("ts=2026-11-16T06:00:00.004+01:00")
_TICKS = os.sysconf("SC_CLK_TCK")
_COMMAND = str(Path(sys.executable).parent / "pharmapulse")
_CONFIG = """\
[site]
name = "bench"
data = "{data}"

[agent]
name = "bench"

[[sources]]
name = "calls"
paths = ["{logs}/*.log"]
format = "hub-calls"
hub = "dpp"
"""


@dataclass(frozen=True, slots=True)
class Tailed:
    """What the log watcher took: a share of one core, for so many lines in so many seconds, and its memory."""

    share: float
    seconds: float
    lines: int
    counted: int
    peak_bytes: int


def tail(log: Path, seconds: int) -> Tailed:
    """Follow files that lines of `log` are written to, with the times at which they are."""
    with tempfile.TemporaryDirectory() as kept, ExitStack() as stack:
        directory = Path(kept)
        logs, config = directory / "logs", directory / "pharmapulse.toml"
        logs.mkdir()
        config.write_text(_CONFIG.format(data=directory / "data", logs=logs))
        lines = itertools.cycle(_lines(log))
        files = [
            stack.enter_context((logs / f"calls-{place:02d}.log").open("ab", buffering=0)) for place in range(FILES)
        ]
        out = stack.enter_context((directory / "out").open("wb"))
        process = subprocess.Popen([_COMMAND, "logwatch", "--config", str(config)], stdout=out, stderr=out)  # noqa: S603
        try:
            _write(files, lines, _WARM_SECONDS)
            before, begun = _cpu_seconds(process.pid), time.monotonic()
            _write(files, lines, seconds)
            took, passed = _cpu_seconds(process.pid) - before, time.monotonic() - begun
            peak = _peak_bytes(process.pid)
            written = (_WARM_SECONDS + seconds) * LINES_A_SECOND
            counted = _counted(config, written)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
        return Tailed(took / passed, passed, written, counted, peak)


def _lines(log: Path) -> Sequence[bytes]:
    """Lines without their times, only such as can be read."""
    with log.open("rb") as raw:
        some = raw.read(8 << 20).splitlines(keepends=True)[:-1]
    return [line[_TIME:] for line in some if line[_TIME : _TIME + 7] == b" level="]


def _write(files: Sequence[IO[bytes]], lines: Iterator[bytes], seconds: int) -> None:
    """Write lines as they would come: some to each file, several times a second."""
    begun = time.monotonic()
    turn = itertools.cycle(files)
    for step in range(seconds * WRITES_A_SECOND):
        time.sleep(max(0.0, begun + step / WRITES_A_SECOND - time.monotonic()))
        stamp = datetime.now(_ZONE).isoformat(timespec="milliseconds").encode()
        for _ in range(FILES // WRITES_A_SECOND):
            some = itertools.islice(lines, LINES_A_SECOND // FILES)
            next(turn).write(b"".join(b"ts=" + stamp + line for line in some))
    time.sleep(max(0.0, begun + seconds - time.monotonic()))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _counted(config: Path, expected: int) -> int:
    """How many events it counted, once it has come to the end, or has had time to."""
    until = time.monotonic() + _DEADLINE_SECONDS
    while True:
        command = [_COMMAND, "logwatch", "--config", str(config), "--status", "--json"]
        told = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (our own command)
        found: int = sum(source["accounting"]["events"] for source in json.loads(told.stdout)["sources"])
        if found >= expected or time.monotonic() > until:
            return found
        time.sleep(0.5)


def main() -> int:
    """Measure, print, and tell by the exit code whether it keeps within its bound."""
    parser = argparse.ArgumentParser(prog="python -m bench.tail", description=__doc__)
    parser.add_argument("--log", type=Path, default=Path("bench-data/hub-calls-1000000.log"))
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    found = tail(options.log, options.seconds)
    print(json.dumps({name: getattr(found, name) for name in Tailed.__dataclass_fields__}))  # noqa: T201
    return 0 if found.share <= MOST_SHARE and found.counted == found.lines else 1


if __name__ == "__main__":
    sys.exit(main())
