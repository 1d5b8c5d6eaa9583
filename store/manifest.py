"""The ledger's manifest: which hour files count, which sequences they hold, what is complete, what is written.

One SQLite file. The swap of arrived batches for hour files is one transaction here, so a batch is at every
moment either an arrived file or part of a listed hour file, and never both for a reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.batch import BatchName
from store.intervals import Intervals
from store.sqlite import open_database, stored, transaction

_SCRIPTS = (
    """
    CREATE TABLE parts (file TEXT PRIMARY KEY, hour INTEGER NOT NULL, first INTEGER NOT NULL,
                        last INTEGER NOT NULL, cells INTEGER NOT NULL);
    CREATE TABLE held (agent TEXT, incarnation TEXT, first INTEGER, last INTEGER NOT NULL,
                       PRIMARY KEY (agent, incarnation, first));
    CREATE TABLE coverage (one INTEGER PRIMARY KEY CHECK (one = 1), first INTEGER NOT NULL, past INTEGER NOT NULL);
    CREATE TABLE written (family TEXT, step INTEGER, past INTEGER NOT NULL, PRIMARY KEY (family, step))
    """,
    "ALTER TABLE parts ADD COLUMN kind TEXT NOT NULL DEFAULT 'cells'",
)
# The number of scripts: the version of the file.
VERSION = len(_SCRIPTS)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One file of one hour: its name, the hour's start, its first and last row's time, how many rows of which kind."""

    hour: int
    file: str
    first: int
    last: int
    rows: int
    kind: str = "cells"


class Manifest:
    """The manifest, read whole into memory and written through. Its owner has the lock."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises StoreError."""
        self._path = path
        self._database = open_database(path, _SCRIPTS)
        read = self._database.execute
        with stored(path):
            self.parts = {row[1]: Part(*row) for row in read("SELECT hour, file, first, last, cells, kind FROM parts")}
            self.held: dict[tuple[str, str], Intervals] = {}
            for agent, incarnation, first, last in read("SELECT * FROM held"):
                self.held.setdefault((agent, incarnation), Intervals()).add(first, last)
            row = read("SELECT first, past FROM coverage").fetchone()
            self.coverage: tuple[int, int] | None = None if row is None else (int(row[0]), int(row[1]))
            self.written = {(str(family), int(step)): int(past) for family, step, past in read("SELECT * FROM written")}

    def swap(self, names: Iterable[BatchName], gone: Sequence[Part], new: Sequence[Part]) -> None:
        """Batches and parts become other parts, in one durable transaction. Raises StoreError; then nothing changed."""
        held: dict[tuple[str, str], Intervals] = {}
        for name in names:
            of = (name.agent, name.incarnation)
            held.setdefault(of, Intervals(self.held.get(of, ()))).add(name.sequence, name.sequence)
        with transaction(self._database, self._path):
            write = self._database.executemany
            write("DELETE FROM parts WHERE file = ?", [(part.file,) for part in gone])
            write(
                "INSERT INTO parts (hour, file, first, last, cells, kind) VALUES (?, ?, ?, ?, ?, ?)",
                [(part.hour, part.file, part.first, part.last, part.rows, part.kind) for part in new],
            )
            write("DELETE FROM held WHERE agent = ? AND incarnation = ?", list(held))
            write(
                "INSERT INTO held VALUES (?, ?, ?, ?)",
                [(*of, first, last) for of, intervals in held.items() for first, last in intervals],
            )
        self.held |= held
        for part in gone:
            del self.parts[part.file]
        self.parts |= {part.file: part for part in new}

    def cover(self, start: int, end: int) -> None:
        """Extend the coverage to hold `start` to `end`. Raises StoreError."""
        if self.coverage is not None:
            start, end = min(start, self.coverage[0]), max(end, self.coverage[1])
        if (start, end) == self.coverage:
            return
        # Not synced: the agents tell their watermarks again.
        with transaction(self._database, self._path, durable=False):
            self._database.execute("REPLACE INTO coverage VALUES (1, ?, ?)", (start, end))
        self.coverage = start, end

    def set_written(self, written: Mapping[tuple[str, int], int]) -> None:
        """Record up to where series are written. Raises StoreError."""
        # Not synced: rows that are written again change nothing.
        with transaction(self._database, self._path, durable=False):
            rows = [(family, step, past) for (family, step), past in written.items()]
            self._database.executemany("REPLACE INTO written VALUES (?, ?, ?)", rows)
        self.written |= written

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class Compacted:
    """The batches whose cells are in hour files."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, BatchName):
            return False
        held = self._manifest.held.get((name.agent, name.incarnation))
        return held is not None and name.sequence in held
