"""Whether a target is asked at all: while it is down, by one probe at a time, ever less often. Pure.

A call that did not reach it, or three troubled answers in a row, open the circuit; one good answer closes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from deferred.verdict import LONGEST_RETRY_AFTER, Trouble

STRIKES = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """Troubled answers in a row, how often was paused since the last good one, and until when."""

    strikes: int = 0
    pauses: int = 0
    until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the target is taken to be down."""
        return self.pauses > 0

    def may_probe(self, now: float) -> bool:
        """Whether, being open, one call may try it."""
        return now >= self.until


def after(circuit: Circuit, trouble: Trouble, now: float, retry_after: float | None) -> Circuit:
    """The circuit after an answer."""
    if not trouble:
        return Circuit()
    asked = now + min(retry_after or 0.0, LONGEST_RETRY_AFTER)
    if circuit.is_open and now < circuit.until:
        # One of those that were under way when it opened: no news, unless it asks for more time.
        return Circuit(circuit.strikes, circuit.pauses, max(circuit.until, asked))
    strikes = circuit.strikes + 1
    if trouble == "busy" and strikes < STRIKES and not circuit.is_open:
        return Circuit(strikes)
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(circuit.pauses, 20))
    return Circuit(strikes, circuit.pauses + 1, max(now + pause, asked))


def retry_at(circuit: Circuit, pause: float, now: float) -> float:
    """When a call that met trouble is tried again, `pause` being its own.

    While the target is down a call waits little longer than the target's own pause does; but always longer in the
    end, so that a call the target chokes on is not its only probe for ever.
    """
    return now + min(pause, LONGEST_PAUSE) * 1.1 if circuit.is_open else now + pause
