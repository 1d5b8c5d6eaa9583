"""The ledger: the collector's durable book of what was counted, and the set of batches it has (DESIGN 3).

Flows in: encoded batches. Flows out: cells, gauges and sketches of a time span, whether every sequence up to one is
held.

Booking is one rename: the synced batch becomes a file in `arrived/`. Arrived files and the hour files that the
manifest lists *are* the ledger, and their names and the manifest's sequences *are* the set. Compaction swaps
arrived batches for hour files in one transaction of the manifest; a reader takes its list of both under the
lock, and files that a swap made superfluous stay until no reader holds a list that may name them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import polars as pl

from domain.batch import BatchName, Counts
from domain.errors import StoreError, WireError
from domain.ports import Arrival
from domain.wire import decode_batch
from store.arrived import Arrived, ArrivedBatch, pieces
from store.files import Claim, sync_directory
from store.hours import HOUR, HourFiles, split_by_hour
from store.kinds import CELLS, GAUGES, KINDS, SKETCHES, Kind
from store.manifest import Compacted, Manifest, Part
from store.stretches import stretches

# An hour in more parts than this is made one. A part a minute merged by eights writes each cell about four times.
MOST_PARTS = 8
# Rows moved in one go: bounds the memory of a compaction after a long backfill.
ROWS_AT_ONCE = 200_000
# An hour is settled when the newest cells are this far past it: few late ones are to be expected then.
SETTLED_SECONDS = 2 * HOUR

_log = logging.getLogger(__name__)


def open_ledger(directory: Path) -> FileLedger:
    """The ledger in `directory`, made when there is none. Raises StoreError."""
    return FileLedger(directory)


class FileLedger:
    """A Ledger in a directory, which one process holds at a time; its threads may share it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        arrived, unfinished, bad = directory / "arrived", directory / "unfinished", directory / "bad"
        self._lock = threading.RLock()
        self._compacting = threading.Lock()
        self._readers = 0
        self._superfluous: list[Path] = []
        with self._told():
            self._hours = HourFiles(directory)
            for folder in (arrived, unfinished, bad):
                folder.mkdir(exist_ok=True)
            sync_directory(directory)
            self._claim = Claim(directory / "lock", "ledger")
        try:
            self._manifest = Manifest(directory / "manifest.sqlite")
            self._arrived = Arrived(arrived, unfinished, bad)
            with self._told():
                for leftover in unfinished.iterdir():
                    leftover.unlink()
                self._hours.check(self._manifest.parts)
                self._arrived.load(Compacted(self._manifest))
        except BaseException:
            self._claim.close()
            raise

    def book(self, arrival: Arrival) -> bool:
        """Keep a batch durably; False when its sequence was known already. Raises WireError, StoreError."""
        name = arrival.name
        with self._lock:
            if self._holds(name):
                return False
        batch = decode_batch(arrival.payload)
        if batch.name != name:
            raise WireError(f"a batch that came as {name} and says it is {batch.name}")
        with self._lock, self._told():
            if self._holds(name):
                return False
            self._arrived.keep(name, arrival.payload, batch.counts)
        return True

    def _holds(self, name: BatchName) -> bool:
        return name in self._arrived or name in Compacted(self._manifest)

    def holds_up_to(self, agent: str, incarnation: str, sequence: int) -> bool:
        """Whether every sequence from 1 to `sequence` is held."""
        with self._lock:
            held = self._manifest.held.get((agent, incarnation), ())
            first = 1
            for low, high in held:
                if low > first:
                    break
                first = max(first, high + 1)
            return all(self._holds(BatchName(agent, incarnation, number)) for number in range(first, sequence + 1))

    def cells(self, start: int, end: int) -> pl.DataFrame:
        """All cells of the buckets from `start` up to but not including `end`, schema of cells. Raises StoreError."""
        return self._rows(CELLS, start, end)

    def gauges(self, start: int, end: int) -> pl.DataFrame:
        """All gauges of those buckets, schema of gauges: rows of one key are not added. Raises StoreError."""
        return self._rows(GAUGES, start, end)

    def sketches(self, start: int, end: int) -> pl.DataFrame:
        """All sketches of the hours that begin in that time, schema of sketches, not added. Raises StoreError."""
        return self._rows(SKETCHES, start, end)

    def _rows(self, kind: Kind, start: int, end: int) -> pl.DataFrame:
        with self._reading():
            with self._lock:
                listed = self._manifest.parts.values()
                parts = [p for p in listed if p.kind == kind.name and p.last >= start and p.first < end]
                batches = self._arrived.batches_with(kind, start, end)
            with self._told():
                return self._read(kind, sorted(parts), batches, start, end)

    def _read(
        self, kind: Kind, parts: Sequence[Part], batches: Sequence[ArrivedBatch], start: int, end: int
    ) -> pl.DataFrame:
        rows = self._hours.read(kind, parts, start, end)
        if not batches:
            return rows
        return pl.concat([rows, *(kind.of(batch.read()).filter(kind.within(start, end)) for batch in batches)])

    def arrived(self) -> Iterator[Counts]:
        """What the batches counted that no compaction has moved yet, rows not added. Raises StoreError.

        In pieces of about ROWS_AT_ONCE rows: after a collector was away, all of it is more than memory should hold.
        """
        with self._reading():
            with self._lock:
                batches = self._arrived.batches()
            for piece in pieces(batches, ROWS_AT_ONCE):
                with self._told():
                    counted = [batch.read() for batch in piece]
                    together = Counts(*(pl.concat([kind.of(counts) for counts in counted]) for kind in KINDS))
                yield together

    def span(self) -> tuple[int, int] | None:
        """The first bucket with a cell or a gauge and the end of the last; None while there is none."""
        with self._lock:
            spans = stretches(self._manifest.parts.values(), self._arrived.batches(), (CELLS, GAUGES))
        return (min(s for s, _, _ in spans), max(e for _, e, _ in spans)) if spans else None

    def extents(self, start: int, end: int) -> Sequence[tuple[int, int, int]]:
        """The stretches between `start` and `end` that hold cells: (from, to exclusive, at most how many)."""
        with self._lock:
            spans = stretches(self._manifest.parts.values(), self._arrived.batches(), (CELLS,))
        return [one for one in spans if one[0] < end and one[1] > start]

    def coverage(self) -> tuple[int, int] | None:
        """From when and up to when (epoch seconds) the calls are known to be complete; None before that."""
        with self._lock:
            return self._manifest.coverage

    def cover(self, start: int, end: int) -> None:
        """Extend the coverage so that it holds `start` to `end`. Raises StoreError."""
        with self._lock:
            self._manifest.cover(start, end)

    def written(self) -> Mapping[tuple[str, int], int]:
        """Up to which bucket, exclusive, every series of a (family, step) is written."""
        with self._lock:
            return dict(self._manifest.written)

    def set_written(self, written: Mapping[tuple[str, int], int]) -> None:
        """Record that all series of these (family, step) are written up to these buckets. Raises StoreError."""
        with self._lock:
            self._manifest.set_written(written)

    def compact(self) -> int:
        """Move arrived batches into hour files; the number of batches moved. Raises StoreError; then none was lost.

        Whole batches only, and at most about ROWS_AT_ONCE rows a transaction.
        """
        moved = 0
        with self._compacting:
            while names := self._next_batches():
                self._compact(names)
                moved += len(names)
            self._settle_an_hour()
        return moved

    def _next_batches(self) -> Sequence[BatchName]:
        names: list[BatchName] = []
        rows = 0
        with self._lock:
            for name in self._arrived:
                rows += self._arrived.get(name).rows
                if names and rows > ROWS_AT_ONCE:
                    break
                names.append(name)
        return names

    def _compact(self, names: Sequence[BatchName]) -> None:
        with self._lock:
            batches = [self._arrived.get(name) for name in names]
            parts = list(self._manifest.parts.values())
        gone: list[Part] = []
        # A swap that fails removes nothing: a disk that failed may have kept it all the same.
        with self._told(), self._hours.adding() as new:
            counted = [batch.read() for batch in batches if batch.rows]
            for kind in KINDS:
                for hour, frame in split_by_hour(kind, [kind.of(counts) for counts in counted]).items():
                    old = [part for part in parts if part.kind == kind.name and part.hour == hour]
                    if len(old) < MOST_PARTS:
                        new.append(self._hours.write(kind, hour, frame))
                    else:
                        gone += old
                        new.append(self._hours.merge(kind, hour, old, frame))
        self._swap(names, gone, new)

    def _settle_an_hour(self) -> None:
        """Make one part of the oldest settled hour that has several: one hour a compaction is soon all of them."""
        with self._lock:
            parts = sorted(self._manifest.parts.values(), key=lambda part: (part.kind, part.hour))
        newest = max((part.last for part in parts), default=0)
        several = [
            a.hour
            for a, b in pairwise(parts)
            if (a.kind, a.hour) == (b.kind, b.hour) and a.hour + HOUR + SETTLED_SECONDS <= newest
        ]
        if not several:
            return
        hour = min(several)
        gone: list[Part] = []
        with self._told(), self._hours.adding() as merged:
            for kind in KINDS:
                old = [part for part in parts if part.kind == kind.name and part.hour == hour]
                if len(old) > 1:
                    gone += old
                    merged.append(self._hours.merge(kind, hour, old, kind.schema.to_frame()))
        self._swap((), gone, merged)

    def _swap(self, names: Sequence[BatchName], gone: Sequence[Part], new: Sequence[Part]) -> None:
        with self._lock:
            self._manifest.swap(names, gone, new)
            self._superfluous += self._arrived.forget(names)
            self._superfluous += [self._hours.path(part) for part in gone]
        self._tidy()

    def drop_before(self, time: int) -> int:
        """Forget the rows of whole hours before `time` (their sequences stay known); the number of files removed.

        Raises StoreError.
        """
        with self._compacting:
            with self._lock:
                gone = [part for part in self._manifest.parts.values() if part.hour + HOUR <= time]
            if gone:
                self._swap((), gone, ())
        return len(gone)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """While this lasts, no file of a list taken under the lock is removed."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
            self._tidy()

    def _tidy(self) -> None:
        """Remove files that nothing names any more, unless somebody reads; what stays is removed later."""
        with self._lock:
            if self._readers:
                return
            files, self._superfluous = self._superfluous, []
        for path in files:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("%s is not needed any more and cannot be removed: %s", path, error)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what the file system or polars says as a StoreError."""
        try:
            yield
        except (OSError, pl.exceptions.PolarsError) as error:
            raise StoreError(f"{self._directory}: {error}") from error

    def close(self) -> None:
        """Close the manifest and let another process have the ledger."""
        with self._lock:
            self._manifest.close()
            self._claim.close()
