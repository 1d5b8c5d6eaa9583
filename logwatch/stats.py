"""What the log watcher is at, for its metrics and its health."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.batch import Accounting
from domain.health import Pulse

# A tick reads a few megabytes of each file; with a cold disk and hundreds of files that takes seconds.
STUCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source: where its lines went, up to when it is read, its open files, what is not read of them."""

    name: str
    accounting: Accounting
    watermark: float | None
    open_files: int
    unread_bytes: int


@dataclass(slots=True)
class Stats:
    """Written by the thread that ticks, read by any.

    `not_kept` and `not_handed_over` say what keeps the outbox or the transport from taking what was read, "" while
    they do. `sources` and `waiting` (batches the receiver does not have yet) are as of the last heartbeat, `looked`.
    """

    pulse: Pulse = field(default_factory=lambda: Pulse("watching", STUCK_SECONDS))
    not_kept: str = ""
    not_handed_over: str = ""
    sources: tuple[SourceFigures, ...] = ()
    waiting: int = 0
    looked: float | None = None
