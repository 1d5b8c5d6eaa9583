"""How far the clock that writes a source's lines is ahead of the agent's, from the lines themselves.

Measured only where a file had been read to its end: what comes then was written since the last look, so that its
newest call ended between that look and now, if both clocks agree. A call that is told late only looks older; so of
the newest calls of many looks the younger ones count: the ninth of ten, which one line with a wrong time does not
move. A writer that keeps every line back (a buffer of its own) looks like a clock that is behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

# A look back so far, at so many looks; of fewer nothing is said.
WINDOW_SECONDS = 300.0
LEAST_LOOKS = 5
_SHARE = 0.9
_MOST = 600


def ahead(samples: Sequence[float]) -> float | None:
    """The clock's lead in seconds, from how far ahead of the agent's clock the newest call of each look was."""
    if len(samples) < LEAST_LOOKS:
        return None
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * _SHARE))]


class Skew:
    """The samples of one source."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, float]] = deque(maxlen=_MOST)

    def saw(self, newest: float, now: float) -> None:
        """A look at a live file found a call that ended at `newest`."""
        if self._looks and now < self._looks[-1][0]:
            self._looks.clear()  # our own clock was set back: what was measured by it is void
        self._looks.append((now, newest - now))

    def seconds(self, now: float) -> float | None:
        """The lead now; None where too little was seen lately."""
        return ahead([sample for at, sample in self._looks if 0 <= now - at <= WINDOW_SECONDS])
