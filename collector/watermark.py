"""The watermark: up to when all calls are known, from what the agents say of themselves.

A heartbeat counts once every sequence up to its own is held; of those that count, each agent's newest stays.
The watermark is the earliest of all sources of all agents heard, and a source that has none yet holds it back,
unless none of its files was ever found.
It never moves backwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from domain.batch import Heartbeat

# Whether every sequence of an agent's incarnation from 1 up to one is held: Ledger.holds_up_to.
Holds = Callable[[str, str, int], bool]


class Watermark:
    """The newest heartbeats that count, and the watermark they give."""

    def __init__(self, complete_up_to: float | None = None) -> None:
        """`complete_up_to` is the watermark known from before a restart."""
        self._complete_up_to = complete_up_to
        self._newest: dict[str, Heartbeat] = {}
        self._counting: dict[str, Heartbeat] = {}

    @property
    def complete_up_to(self) -> float | None:
        """Up to when (epoch seconds) all calls are known; None before that is known at all."""
        return self._complete_up_to

    @property
    def heard(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent, whether it counts or not."""
        return tuple(self._newest[agent] for agent in sorted(self._newest))

    @property
    def incomplete(self) -> Mapping[str, Heartbeat]:
        """The newest heartbeat of each agent whose batches up to it are not all held."""
        return {agent: newest for agent, newest in self._newest.items() if self._counting.get(agent) is not newest}

    def hear(self, heartbeats: Iterable[Heartbeat], holds: Holds, now: float = math.inf) -> None:
        """Take in heartbeats, and move on as far as they allow, but not beyond `now`: an agent's clock may be ahead."""
        for heartbeat in heartbeats:
            self._newest[heartbeat.agent] = heartbeat
            if holds(heartbeat.agent, heartbeat.incarnation, heartbeat.sequence):
                self._counting[heartbeat.agent] = heartbeat
        lowest = earliest(self._newest, self._counting)
        if lowest is not None:
            lowest = min(lowest, now)
            if self._complete_up_to is None or lowest > self._complete_up_to:
                self._complete_up_to = lowest


def earliest(newest: Mapping[str, Heartbeat], counting: Mapping[str, Heartbeat]) -> float | None:
    """The earliest watermark of all sources; None where one is not known, or nobody was heard."""
    if newest.keys() != counting.keys():
        return None  # an agent was heard whose batches are not here yet
    sources = [source for heartbeat in counting.values() for source in heartbeat.sources]
    marks = [source.watermark for source in sources if not source.is_absent]
    known = [mark for mark in marks if mark is not None]
    return min(known) if known and len(known) == len(marks) else None
