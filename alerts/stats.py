"""What the alerts process counts of itself, for its metrics and its health."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Counters since the start, and gauges of the last judgement; None before the first.

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
