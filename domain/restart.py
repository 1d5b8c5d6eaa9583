"""A planned restart of a hub: one object that calls, alerts and the public page all go by.

Its life is a table in `alerts.restarts`. All times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Planned for later; holding its calls back; letting them go again; over, with nothing left waiting.
RestartState = Literal["planned", "holding", "draining", "ended", "cancelled"]


@dataclass(frozen=True, slots=True)
class Restart:
    """A restart of `hub`, whose deferred calls wait at `target` ("" where none are deferred).

    From `started` to `ended` the hub's calls are held or drained: nothing is told of what that explains.
    `id` is 0 until it is kept; `until` is when it is expected to be over.
    """

    id: int
    hub: str
    target: str
    reason: str
    by: str
    state: RestartState
    planned: float
    until: float
    started: float | None = None
    resumed: float | None = None
    ended: float | None = None

    @property
    def is_active(self) -> bool:
        """Whether calls are held or drained now."""
        return self.state in ("holding", "draining")
