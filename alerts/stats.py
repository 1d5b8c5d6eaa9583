"""What the alerts process counts of itself, for its metrics and its health."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.health import Pulse

# Judging reads a few hundred series; telling waits for mail servers, each for a while.
JUDGING_STUCK_SECONDS, TELLING_STUCK_SECONDS = 120.0, 600.0


@dataclass(slots=True)
class Stats:
    """Counters since the start, and gauges of the last judgement; None before the first.

    `judging` and `telling` beat with the two loops, `failing` and `telling_fails` say what keeps them from their work.
    `changes` counts what became of incidents by event; `unsettled` counts incidents that are not closed by state.
    """

    judgements: int = 0
    judged_up_to: float | None = None
    judged_at: float | None = None
    judging_seconds: float = 0.0
    anomalies: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    unsettled: dict[str, int] = field(default_factory=dict)
    told: int = 0
    tellings_failed: int = 0
    published_at: float | None = None
    live_answers: bool = True
    ticked_at: float | None = None
    failing: str = ""
    telling_fails: str = ""
    judging: Pulse = field(default_factory=lambda: Pulse("judging", JUDGING_STUCK_SECONDS))
    telling: Pulse = field(default_factory=lambda: Pulse("telling", TELLING_STUCK_SECONDS))
