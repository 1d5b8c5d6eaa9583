"""What processes use, and how long a line takes: sampled while they run, summed up at the end."""

from __future__ import annotations

import bisect
import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from domain.clock import EventWaker
from domain.errors import LiveUnavailableError
from domain.ports import LiveBuckets
from tests.system.writing import HUBS, MARKER

_TICKS = os.sysconf("SC_CLK_TCK")
_POLL_SECONDS = 0.05


class Usage:
    """Memory and time of some processes, each known by a name that its successors take over."""

    def __init__(self) -> None:
        self._memory: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._spent: dict[str, dict[int, float]] = defaultdict(dict)
        self._begun = time.monotonic()

    def look(self, pids: Mapping[str, int]) -> None:
        """Take a sample of each; one that has ended meanwhile gives none."""
        now = time.monotonic() - self._begun
        for name, pid in pids.items():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError, IndexError):
                continue
            self._memory[name].append((now, pages * os.sysconf("SC_PAGE_SIZE") / 2**20))
            self._spent[name][pid] = (int(fields[11]) + int(fields[12])) / _TICKS

    def told(self) -> dict[str, Any]:
        """By process: the most memory, how it grew after a first fifth of the time, and the share of a core."""
        seconds = max(1e-9, time.monotonic() - self._begun)
        return {
            name: {
                "most_mb": round(max(size for _, size in samples), 1),
                "last_mb": round(samples[-1][1], 1),
                "mb_a_minute": round(_slope([sample for sample in samples if sample[0] >= seconds / 5]) * 60, 3),
                "share_of_a_core": round(sum(self._spent[name].values()) / seconds, 3),
            }
            for name, samples in self._memory.items()
        }


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    if len(samples) < 2:
        return 0.0
    times, sizes = zip(*samples, strict=True)
    return float(np.polyfit(times, sizes, 1)[0])


class Latency:
    """Looks at how many marker lines the collector's open buckets show, many times a second, in a thread.

    The n-th marker of a hub and bucket was seen when n of them were: markers of one hub are not told apart.
    """

    def __init__(self, buckets: LiveBuckets) -> None:
        self._buckets, self._stop = buckets, threading.Event()
        # By hub and bucket: when a count was seen first, both ascending.
        self._seen: dict[tuple[str, int], tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        self._thread = threading.Thread(target=self._run, name="latency")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pause, keys = EventWaker(), [(hub, MARKER) for hub in HUBS]
        while not self._stop.is_set():
            try:
                rows = self._buckets.rows("endpoint", 10, keys).rows
            except LiveUnavailableError:
                rows = {}
            now = time.time()
            for (hub, _), of in rows.items():
                for bucket, calls in zip(of.times.tolist(), of.column("calls").tolist(), strict=True):
                    counts, times = self._seen[hub, int(bucket)]
                    if calls == calls and calls > (counts[-1] if counts else 0):
                        counts.append(int(calls))
                        times.append(now)
            pause.wait(_POLL_SECONDS)

    def told(self, markers: Sequence[tuple[str, int, float]], begin: float, end: float) -> dict[str, Any]:
        """Seconds from the write of those markers that were written within a span; `unseen` never came."""
        found, unseen = [], 0
        places: dict[tuple[str, int], int] = defaultdict(int)
        for hub, bucket, written in markers:
            places[hub, bucket] += 1
            if not begin <= written < end:
                continue
            counts, times = self._seen[hub, bucket]
            at = bisect.bisect_left(counts, places[hub, bucket])
            if at == len(counts):
                unseen += 1
            else:
                found.append(max(0.0, times[at] - written))
        of = np.array(found) if found else np.array([float("nan")])
        return {
            "markers": len(found), "unseen": unseen, "p50_seconds": round(float(np.percentile(of, 50)), 3),
            "p99_seconds": round(float(np.percentile(of, 99)), 3), "max_seconds": round(float(of.max()), 3),
        }  # fmt: skip
