"""What the log watcher is at, for its metrics and its health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from domain.batch import Accounting, SourceState, Trouble
from domain.health import Pulse

# A tick reads a few megabytes of each file; with a cold disk and hundreds of files that takes seconds.
STUCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class FileFigures:
    """One file: how far its content is counted (`offset`), its size on disk, what of it is not counted, its lines.

    `asleep` are files read to their end and closed until they change, `waiting` those not opened yet, `gone` those
    that are not there any more and are remembered. What a compressed file holds is not known before it is read: its
    `unread_bytes` are 0. `behind_seconds` is how long what is not read has waited; `last_event` is the newest call
    in it, None where none was read since the agent began.
    """

    path: str
    state: Literal["open", "asleep", "waiting", "gone"]
    offset: int
    size: int
    unread_bytes: int
    accounting: Accounting
    behind_seconds: float = 0.0
    last_event: float | None = None


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source: where its lines went, up to when it is read, its files, what is not read of them.

    `files` are those that are there, `open_files` those held open; the rest as in `SourceState`. `unknown_codes` count
    since the agent began. `each` are the files, the newest first and not more than a status can show.
    """

    name: str
    accounting: Accounting
    watermark: float | None
    open_files: int
    unread_bytes: int
    files: int = 0
    behind_seconds: float = 0.0
    skew_seconds: float | None = None
    troubles: Sequence[Trouble] = ()
    unknown_codes: Mapping[str, int] = field(default_factory=dict)
    each: Sequence[FileFigures] = ()

    def state(self) -> SourceState:
        """What of it travels with the heartbeat."""
        return SourceState(
            source=self.name,
            watermark=self.watermark,
            accounting=self.accounting,
            files=self.files,
            unread_bytes=self.unread_bytes,
            behind_seconds=self.behind_seconds,
            skew_seconds=self.skew_seconds,
            troubles=tuple(self.troubles),
            unknown_codes=dict(self.unknown_codes),
        )


@dataclass(slots=True)
class Stats:
    """Written by the thread that ticks, read by any.

    `not_kept` and `not_handed_over` say what keeps the outbox or the transport from taking what was read, "" while
    they do; `held_back` says why nothing is read although files grow, "" while all is. `sources`, `waiting` and
    `waiting_bytes` (batches the receiver does not have yet) are as of the last heartbeat, `looked`.
    `shown_lines` were sent with heartbeats, masked, to be looked at.
    """

    pulse: Pulse = field(default_factory=lambda: Pulse("watching", STUCK_SECONDS))
    not_kept: str = ""
    not_handed_over: str = ""
    held_back: str = ""
    sources: tuple[SourceFigures, ...] = ()
    waiting: int = 0
    waiting_bytes: int = 0
    shown_lines: int = 0
    looked: float | None = None
