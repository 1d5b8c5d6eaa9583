"""The lines that agents show: the newest of each hub, endpoint and code, in memory and within a bound."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from domain.batch import Heartbeat, RecentLine

# Over all endpoints and codes. A line is at most some 400 characters long.
MOST_LINES, MOST_CHARACTERS = 2_000, 1_000_000

Pair = tuple[str, str, str]
_newest = attrgetter("at_us")


class RecentLines:
    """Keeps lines out of heartbeats: `each` of a hub, endpoint and code. What was not heard of longest goes first.

    Threads may share it.
    """

    def __init__(self, each: int) -> None:
        self._each = each
        self._lock = threading.RLock()
        # The pairs in the order in which they were last heard of.
        self._lines: dict[Pair, deque[RecentLine]] = {}
        self._count = self._characters = 0
        self._heard: dict[str, tuple[str, float]] = {}

    def __len__(self) -> int:
        return self._count

    def hear(self, heartbeats: Iterable[Heartbeat]) -> list[Heartbeat]:
        """The heartbeats without their lines, which are kept; each heartbeat is heard once however often it comes."""
        with self._lock:
            return [self._one(heartbeat) for heartbeat in heartbeats]

    def _one(self, heartbeat: Heartbeat) -> Heartbeat:
        name = heartbeat.incarnation, heartbeat.at
        if heartbeat.recent and self._heard.get(heartbeat.agent) != name:
            for line in heartbeat.recent:
                self.keep(line)
        self._heard[heartbeat.agent] = name
        return msgspec.structs.replace(heartbeat, recent=()) if heartbeat.recent else heartbeat

    def keep(self, line: RecentLine) -> None:
        """Keep a line, dropping older ones where there is no room."""
        if self._each < 1:
            return
        pair = line.hub, line.endpoint, line.code
        lines = self._lines.pop(pair, None) or deque[RecentLine]()
        self._lines[pair] = lines
        lines.append(line)
        self._count += 1
        self._characters += len(line.text)
        if len(lines) > self._each:
            self._drop(lines)
        while self._count > MOST_LINES or self._characters > MOST_CHARACTERS:
            oldest = next(iter(self._lines))
            self._drop(self._lines[oldest])
            if not self._lines[oldest]:
                del self._lines[oldest]

    def _drop(self, lines: deque[RecentLine]) -> None:
        self._count -= 1
        self._characters -= len(lines.popleft().text)

    def find(
        self, *, source: str = "", hub: str = "", endpoint: str = "", code: str = "", limit: int = 100
    ) -> Sequence[RecentLine]:
        """The newest lines of a source, hub, endpoint and code, newest first; "" is any."""
        with self._lock:
            found = [
                line
                for (of_hub, of_endpoint, of_code), lines in self._lines.items()
                if hub in ("", of_hub) and endpoint in ("", of_endpoint) and code in ("", of_code)
                for line in lines
                if source in ("", line.source)
            ]
        return sorted(found, key=_newest, reverse=True)[: max(0, limit)]
