"""What an answer of a target means for the call that was sent: a decision with its reason. Pure.

A reason never holds what the target said: it may repeat the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

Outcome = Literal["delivered", "later", "dead"]
Trouble = Literal["", "busy", "down"]

# 409 is told by hubs that still work on a call that was sent before, and by those that will never take it. So long
# it is tried again.
CONFLICT_ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
LONGEST_RETRY_AFTER = 3_600.0
# A kept connection that the target closed a moment ago breaks, too: once is no sign that it is down.
BROKE = "the connection broke"
_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, in `seconds`: a status, or the `problem` that kept one from coming."""

    status: int | None
    seconds: float
    retry_after: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the call, why, and whether the target itself is in trouble: "busy" or "down"."""

    outcome: Outcome
    reason: str
    trouble: Trouble = ""


def judge(answer: Answer, attempts: int) -> Verdict:
    """What becomes of a call that was tried `attempts` times before this one."""
    status = answer.status
    if status is None:
        return Verdict("later", answer.problem, "busy" if answer.problem == BROKE else "down")
    told = f"HTTP {status}"
    if 200 <= status < 300:
        return Verdict("delivered", told)
    if status in _AGAIN or status >= 500:
        return Verdict("later", told, "busy")
    if status == 409 and attempts < CONFLICT_ATTEMPTS:
        return Verdict("later", f"{told}: perhaps still at work on it")
    if 400 <= status < 500:
        return Verdict("dead", f"{told}: refused for good")
    # A redirection, or what no server should answer last: the target's address is wrong, not the call.
    return Verdict("later", f"{told}: not an answer to a call", "busy")


def pause_of(attempts: int, retry_after: float | None) -> float:
    """Seconds until a call is tried again that was tried `attempts` times, this one included."""
    doubled = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts - 1, 20))
    return max(doubled, min(retry_after or 0.0, LONGEST_RETRY_AFTER))


def parse_retry_after(text: str | None, now: float) -> float | None:
    """The seconds of a Retry-After header, which holds a number or a date; None where it holds neither."""
    if text is None:
        return None
    word = text.strip()
    if word.isascii() and word.isdigit() and len(word) < 10:
        return float(word)
    try:
        return max(0.0, parsedate_to_datetime(word).timestamp() - now)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
