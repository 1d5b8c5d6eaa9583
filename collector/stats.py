"""What the collector did since it was started, counted on the way for its metrics and its health."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.health import Pulse

# A tick may write a bucket of thousands of series to a slow disk, and a start fills in hours; both beat on the way.
STUCK_SECONDS = 120.0


@dataclass(slots=True)
class Stats:
    """Written by the thread that ticks, read by any. `failing` is what keeps it from collecting, "" while it does."""

    pulse: Pulse = field(default_factory=lambda: Pulse("collecting", STUCK_SECONDS))
    failing: str = ""
    booked: int = 0
    known: int = 0
    refused: int = 0
    cells: int = 0
    rewritten: int = 0
    writes: int = 0
    write_seconds: float = 0.0

    def came(self, new: bool, cells: int) -> None:
        """A batch was booked, or its name was known already."""
        if new:
            self.booked += 1
            self.cells += cells
        else:
            self.known += 1

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Times the writing of one family's rows at one step."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.writes += 1
            self.write_seconds += time.monotonic() - begun
            self.pulse.beat()
