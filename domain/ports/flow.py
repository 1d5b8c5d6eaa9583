"""The way of a line: senders, ledger, series, open buckets, and what keeps their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import polars as pl

from domain.batch import Accounting, BatchName, Commit, Counts, Heartbeat, OpenCall, Position, RecentLine
from domain.patients import PatientCount
from domain.series import Key, Rows, SeriesKey


class Sender(Protocol):
    """The agent's end of a transport."""

    def send(self, name: BatchName, payload: bytes) -> None:
        """Hand over an encoded batch; return once the receiver has it durably. Raises TransportError."""
        ...

    def beat(self, heartbeat: Heartbeat) -> None:
        """Hand over the newest heartbeat. Raises TransportError."""
        ...


@runtime_checkable
class BulkSender(Sender, Protocol):
    """A sender for which many batches at once are much cheaper than one after the other."""

    def send_all(self, batches: Iterable[tuple[BatchName, bytes]]) -> Iterator[BatchName]:
        """Hand over batches in their order; each name comes once the receiver has it durably. Raises TransportError."""
        ...


@runtime_checkable
class HandSender(Sender, Protocol):
    """A sender that takes heartbeats only: batches wait in the outbox until somebody carries them away."""

    by_hand: Literal[True]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch at the receiver's end, still encoded."""

    name: BatchName
    payload: bytes


class Receiver(Protocol):
    """The collector's end of a transport."""

    def arrivals(self) -> Iterator[Arrival]:
        """Batches that wait, oldest sequence first for each agent. One that is not `done` is seen again."""
        ...

    def done(self, name: BatchName) -> None:
        """The batch is booked (or was known): it need not be shown again."""
        ...

    def refuse(self, name: BatchName, reason: str) -> None:
        """The batch cannot be used: keep it aside for somebody to look at, and do not show it again."""
        ...

    def heartbeats(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent."""
        ...


class Ledger(Protocol):
    """The durable book of what was counted."""

    def book(self, arrival: Arrival) -> bool:
        """Keep a batch durably; False when its sequence was known already. Raises WireError, StoreError."""
        ...

    def holds_up_to(self, agent: str, incarnation: str, sequence: int) -> bool:
        """Whether every sequence from 1 to `sequence` is held."""
        ...

    def cells(self, start: int, end: int) -> pl.DataFrame:
        """All cells of the buckets from `start` up to but not including `end` (epoch seconds), schema of cells."""
        ...

    def gauges(self, start: int, end: int) -> pl.DataFrame:
        """All gauges of those buckets, schema of gauges; rows of one key are not added."""
        ...

    def sketches(self, start: int, end: int) -> pl.DataFrame:
        """All sketches of the hours that begin in that time, schema of sketches; rows of one key are not added."""
        ...

    def arrived(self) -> Iterator[Counts]:
        """What the batches counted that no compaction has moved yet, some batches at a time; rows are not added."""
        ...

    def extents(self, start: int, end: int) -> Sequence[tuple[int, int, int]]:
        """The stretches between `start` and `end` that hold cells: (from, to exclusive, at most how many)."""
        ...

    def span(self) -> tuple[int, int] | None:
        """The first bucket with a cell or a gauge and the end of the last; None while there is none."""
        ...

    def coverage(self) -> tuple[int, int] | None:
        """From when and up to when (epoch seconds) the calls are known to be complete; None before that."""
        ...

    def cover(self, start: int, end: int) -> None:
        """Extend the coverage so that it holds `start` to `end`."""
        ...

    def written(self) -> Mapping[tuple[str, int], int]:
        """Up to which bucket, exclusive, every series of a (family, step) is written."""
        ...

    def set_written(self, written: Mapping[tuple[str, int], int]) -> None:
        """Record that all series of these (family, step) are written up to these buckets."""
        ...

    def drop_before(self, time: int) -> int:
        """Forget the rows of whole hours before `time` (their sequences stay known); the number of files removed."""
        ...

    def compact(self) -> int:
        """Move arrived batches into hour files; the number of batches moved."""
        ...


class SeriesStore(Protocol):
    """Series on disk: one run of rows for each resolution of each series."""

    def write(self, series: SeriesKey, rows: Rows) -> None:
        """Append rows; those at or before the last one written are skipped, a gap before them is unknown."""
        ...

    def rewrite(self, series: SeriesKey, rows: Rows) -> None:
        """Replace rows that are written already, through a copy that is renamed over the file."""
        ...

    def read(self, series: SeriesKey, step: int, start: int, end: int) -> Rows:
        """Rows of the buckets from `start` up to but not including `end`, unknown where there are none."""
        ...

    def last(self, series: SeriesKey, step: int) -> int | None:
        """The last bucket written; None when there is no such file."""
        ...

    def keys(self, family: str) -> Sequence[Key]:
        """The keys of the family that have at least one file, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class LiveRows:
    """The open present: buckets that the collector holds and has not written as series yet.

    `rows` starts at the first bucket not written; the last may still grow. `complete_up_to` is the watermark.
    """

    complete_up_to: float | None
    rows: Mapping[Key, Rows]


class LiveBuckets(Protocol):
    """The collector's open buckets and what it knows of its sources."""

    def rows(self, family: str, step: int, keys: Sequence[Key] | None = None) -> LiveRows:
        """Open rows of the family at a step, of all its keys or of those named. Raises LiveUnavailableError."""
        ...

    def sources(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent that was heard. Raises LiveUnavailableError."""
        ...

    def complete_up_to(self) -> float | None:
        """The watermark in epoch seconds; None before the first. Raises LiveUnavailableError."""
        ...

    def patients(self, start: int, end: int) -> Sequence[PatientCount]:
        """Distinct patients of each hub and hour that begins in that time, a day at most. LiveUnavailableError."""
        ...

    def recent(
        self, *, source: str = "", hub: str = "", endpoint: str = "", code: str = "", limit: int = 100
    ) -> Sequence[RecentLine]:
        """The newest masked lines of a source, hub, endpoint and code ("": any), newest first.

        Raises LiveUnavailableError.
        """
        ...


class Outbox(Protocol):
    """The agent's checkpoint and the batches not handed over yet, kept in one transaction."""

    @property
    def agent(self) -> str:
        """The agent's name."""
        ...

    @property
    def incarnation(self) -> str:
        """This outbox's own name, made when it was created."""
        ...

    @property
    def sequence(self) -> int:
        """The last sequence given out; 0 before the first."""
        ...

    def positions(self) -> Sequence[Position]:
        """Where each known file stands, its accounting since its first byte."""
        ...

    def totals(self) -> Mapping[str, Accounting]:
        """The accounting of each source over all its files, forgotten ones included."""
        ...

    def registry(self) -> Mapping[str, Sequence[str]]:
        """The persisted distinct values of each capped field, in the order first seen."""
        ...

    def open_calls(self) -> Sequence[OpenCall]:
        """The starts of calls whose ends are awaited, in the order they were opened."""
        ...

    def commit(self, kept: Commit) -> BatchName | None:
        """Keep everything given in one durable transaction, or nothing of it; counts become the next batch.

        The batch's name, or None when there was nothing to make one of. Raises StoreError; then nothing was kept.
        """
        ...

    def waiting(self) -> Sequence[tuple[BatchName, bytes]]:
        """Encoded batches the receiver does not have yet, oldest first."""
        ...

    @property
    def waiting_bytes(self) -> int:
        """How many bytes the batches that wait hold."""
        ...

    def delivered(self, name: BatchName) -> None:
        """The receiver has this batch durably."""
        ...


class StateStore(Protocol):
    """What is neither cells nor series: floors, and how far a long fill has come."""

    def floor(self, series: SeriesKey) -> int:
        """Rows of the series before this epoch second exist only in its files; 0 when there are none such."""
        ...

    def set_floors(self, floors: Mapping[SeriesKey, int]) -> None:
        """Record floors."""
        ...

    def progress(self, name: str) -> tuple[int, int] | None:
        """How much of a long task is done, and of how much; None when it was never begun."""
        ...

    def set_progress(self, name: str, done: int, total: int) -> None:
        """Record how far a long task has come."""
        ...
