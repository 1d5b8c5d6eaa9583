"""How the log watcher stands, as one object: for `logwatch --status`, and what of it is amiss, in words.

While it runs the object comes from the process itself; while it does not, from what it kept (`resting`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from domain.batch import Accounting, Position, SourceState, Trouble
from domain.errors import InputError
from domain.redact import mask_patients
from domain.troubles import source_amiss
from logwatch.stats import FileFigures, Stats

# What becomes of a line, but for those that are pending.
FATES = ("events", "continuations", "ignored", "malformed", "future")
# A watcher that did not come round for so long is held up.
LOOKED_SECONDS = 60.0
_PACKED = (".gz", ".zst")


class FileStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One file: `state` is open, asleep (read, and closed until it changes), waiting, or gone."""

    path: str
    state: str
    offset: int
    size: int
    unread_bytes: int
    accounting: Accounting
    behind_seconds: float = 0.0
    last_event: float | None = None


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One source; `each` are its files, the newest first."""

    source: str
    accounting: Accounting
    watermark: float | None
    files: int
    open_files: int
    unread_bytes: int
    behind_seconds: float
    skew_seconds: float | None
    troubles: tuple[Trouble, ...]
    unknown_codes: dict[str, int]
    each: tuple[FileStatus, ...]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The whole. `amiss` says in sentences what somebody should look at; `looked` is as of when all this is known."""

    agent: str
    running: bool
    at: float
    looked: float | None
    waiting_batches: int
    waiting_bytes: int
    not_kept: str
    not_handed_over: str
    held_back: str
    sources: tuple[SourceStatus, ...]
    amiss: tuple[str, ...] = ()


def running(agent: str, stats: Stats, now: float) -> Status:
    """The status of an agent that runs, from its own figures."""
    sources = tuple(
        SourceStatus(
            source=one.name, accounting=one.accounting, watermark=one.watermark, files=one.files,
            open_files=one.open_files, unread_bytes=one.unread_bytes, behind_seconds=one.behind_seconds,
            skew_seconds=one.skew_seconds, unknown_codes=dict(one.unknown_codes),
            troubles=tuple(msgspec.structs.replace(trouble, file=mask_patients(trouble.file),
                                                   detail=mask_patients(trouble.detail)) for trouble in one.troubles),
            each=tuple(_file(file) for file in one.each),
        )
        for one in stats.sources
    )  # fmt: skip
    return judged(
        Status(
            agent=agent, running=True, at=now, looked=stats.looked, waiting_batches=stats.waiting,
            waiting_bytes=stats.waiting_bytes, not_kept=stats.not_kept, not_handed_over=stats.not_handed_over,
            held_back=stats.held_back, sources=sources,
        )
    )  # fmt: skip


def _file(file: FileFigures) -> FileStatus:
    return FileStatus(
        path=mask_patients(file.path), state=file.state, offset=file.offset, size=file.size,
        unread_bytes=file.unread_bytes, accounting=file.accounting, behind_seconds=file.behind_seconds,
        last_event=file.last_event,
    )  # fmt: skip


def resting(
    agent: str,
    sources: Iterable[str],
    totals: dict[str, Accounting],
    positions: Sequence[Position],
    waiting: tuple[int, int],
    size_of: Callable[[str], int | None],
    now: float,
) -> Status:
    """The status of an agent that does not run, from what it kept: totals, positions, (batches, bytes) that wait.

    `size_of` tells how large a file is now, None where it is not there any more.
    """
    made = tuple(
        _resting(name, totals.get(name, Accounting()), [one for one in positions if one.source == name], size_of)
        for name in sources
    )
    return judged(
        Status(
            agent=agent, running=False, at=now, looked=None, waiting_batches=waiting[0], waiting_bytes=waiting[1],
            not_kept="", not_handed_over="", held_back="", sources=made,
        )
    )  # fmt: skip


def _resting(
    name: str, total: Accounting, positions: Sequence[Position], size_of: Callable[[str], int | None]
) -> SourceStatus:
    each = []
    for position in reversed(positions):  # the last that grew stands last
        size = size_of(position.path)
        packed = position.path.endswith(_PACKED)
        unread = 0 if size is None or packed else max(0, size - position.offset)
        each.append(
            FileStatus(
                path=mask_patients(position.path), state="gone" if size is None else "asleep",
                offset=position.offset, size=size or 0, unread_bytes=unread, accounting=position.accounting,
            )
        )  # fmt: skip
    there = sum(file.state != "gone" for file in each)
    return SourceStatus(
        source=name, accounting=total, watermark=None, files=there, open_files=0,
        unread_bytes=sum(file.unread_bytes for file in each), behind_seconds=0.0, skew_seconds=None, troubles=(),
        unknown_codes={}, each=tuple(each),
    )  # fmt: skip


def judged(status: Status) -> Status:
    """The status with what is amiss in it."""
    found: list[str] = []
    if not status.running:
        found.append("the log watcher does not run: this is what it kept; start it (pharmapulse logwatch)")
    elif status.looked is None or status.at - status.looked > LOOKED_SECONDS:
        since = "since it began" if status.looked is None else f"for {status.at - status.looked:.0f} s"
        found.append(f"it did not come round {since}: a disk or a file holds it up")
    for reason, meaning in (
        (status.not_kept, "nothing is kept"),
        (status.held_back, "nothing is read"),
        (status.not_handed_over, "nothing is handed over"),
    ):
        if reason:
            found.append(f"{meaning}: {reason}")
    if not status.running and status.waiting_batches:
        found.append(f"{status.waiting_batches:,} batches wait to be handed over")
    for source in status.sources:
        found += source_amiss(_state(source), status.at)
    return msgspec.structs.replace(status, amiss=tuple(map(mask_patients, found)))


def _state(source: SourceStatus) -> SourceState:
    return SourceState(
        source=source.source, watermark=source.watermark, accounting=source.accounting, files=source.files,
        unread_bytes=source.unread_bytes, behind_seconds=source.behind_seconds, skew_seconds=source.skew_seconds,
        troubles=source.troubles, unknown_codes=source.unknown_codes,
    )  # fmt: skip


def encode(status: Status) -> bytes:
    """As JSON."""
    return msgspec.json.encode(status)


def decode(data: bytes) -> Status:
    """From JSON. Raises InputError."""
    try:
        return msgspec.json.decode(data, type=Status)
    except msgspec.MsgspecError as error:
        raise InputError("the log watcher's answer", f"this is no status: {error}") from error
