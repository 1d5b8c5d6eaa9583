"""Requests that a web process answered, counted for its metrics: by rule and status, and how long they took."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

# Upper bounds in seconds; what takes longer counts in the last, unbounded one.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A request that no rule matches: its path is whatever somebody writes, and must not become a label.
NO_RULE = "none"


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """What was counted: requests by (rule, status), and how many took how long (one more than BOUNDS)."""

    answered: dict[tuple[str, int], int]
    took: tuple[int, ...]
    seconds: float


class Requests:
    """Counts requests. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: Counter[tuple[str, int]] = Counter()
        self._took = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def count(self, rule: str | None, status: int, seconds: float) -> None:
        """A request was answered: by which rule (`/api/v1/series/<family>`, None where none matched), how, how fast."""
        with self._lock:
            self._answered[rule or NO_RULE, status] += 1
            self._took[bisect_left(BOUNDS, seconds)] += 1
            self._seconds += seconds

    def figures(self) -> RequestFigures:
        """What was counted so far."""
        with self._lock:
            return RequestFigures(dict(self._answered), tuple(self._took), self._seconds)
