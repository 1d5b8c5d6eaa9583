"""How many calls may go out now: never more than `rate` in any second, whatever came before.

Pure. A bucket of tokens that holds a twentieth of a second's calls (one at least), so that a held queue does not
leave at once when it is resumed. What the bucket may give in one go is taken off what flows into it: a full bucket
and a second's inflow together are `rate`.
"""

from __future__ import annotations

from dataclasses import dataclass

_BURST_SHARE = 1 / 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How full the bucket was at `at`."""

    at: float
    tokens: float = 0.0


def burst(rate: float) -> float:
    """Calls that may go out in one go."""
    return max(1.0, float(int(rate * _BURST_SHARE)))


def refilled(pace: Pace, rate: float, now: float) -> Pace:
    """The bucket at `now`. A clock that went back fills nothing."""
    most = burst(rate)
    flow = rate - (most - 1)
    return Pace(now, min(most, pace.tokens + max(0.0, now - pace.at) * flow))


def take(pace: Pace, calls: int) -> Pace:
    """The bucket after `calls` went out."""
    return Pace(pace.at, pace.tokens - calls)


def wait_for_one(pace: Pace, rate: float) -> float:
    """Seconds until the next call may go out."""
    return max(0.0, (1.0 - pace.tokens) / (rate - (burst(rate) - 1)))
