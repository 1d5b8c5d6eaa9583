"""Batches that are missing for long: told once of each agent, for nothing later is complete until they come."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from domain.batch import Heartbeat

# Batches that are missing so long are told of.
TELL_SECONDS = 120.0

_log = logging.getLogger(__name__)


class Missing:
    """Since when each agent's batches are missing."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def tell(self, incomplete: Mapping[str, Heartbeat], now: float) -> None:
        """Note the agents whose batches are not all here, and say once of each that it lasts."""
        self._since = {agent: self._since.get(agent, now) for agent in incomplete}
        for agent, heartbeat in incomplete.items():
            if now - self._since[agent] >= TELL_SECONDS:
                _log.warning(
                    "agent %s has sent its batches up to %d and not all of them are here: nothing later is complete "
                    "before they are. Look for them on their way, and among those set aside",
                    agent,
                    heartbeat.sequence,
                )
                self._since[agent] = float("inf")
