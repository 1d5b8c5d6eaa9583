"""What the gateway counts of itself since its start."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class GatewayStats:
    """What came in since the start: calls kept or known already, and refusals by status."""

    accepted: int = 0
    refused: dict[int, int] = field(default_factory=dict)
