"""Beside the agent: batches taken out of its outbox to be carried by hand, and what became of them.

Flows out: batches that wait. Flows in: that they were exported, that the collector holds them.

The agent may run meanwhile. Only it counts: positions, sequences and totals, which it keeps in memory, are its own, and
never touched here. Which batches somebody has is in the file alone, and SQLite lets a second process read and mark that
in transactions of its own. Whatever comes between a bundle's renaming and its mark, a batch is at worst carried twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from domain.carried import Kept
from domain.errors import StoreError
from store.files import Claim
from store.intervals import Intervals
from store.outbox import DELIVERED, EXPORTED, KEPT_BYTES, SCRIPTS, VERSION, WAITING
from store.sqlite import open_database, stored, transaction

# Exported batches of which no receipt came are kept for so many bytes; then the oldest are dropped, and that is told.
UNCONFIRMED_BYTES = 1 << 30
# A mark writes its batch anew. So much is marked in one transaction, for which the agent waits.
_AT_ONCE_BYTES = 8 << 20


class Carrying:
    """A second hand at an outbox. One at a time, beside the agent or without it."""

    def __init__(
        self, path: Path, agent: str, kept_bytes: int = KEPT_BYTES, unconfirmed_bytes: int = UNCONFIRMED_BYTES
    ) -> None:
        """Open. Raises StoreError: no outbox, another agent's, one of another version, another hand at it."""
        self._path, self._kept_bytes, self._unconfirmed_bytes = path, kept_bytes, unconfirmed_bytes
        if not path.exists():
            raise StoreError(f"{path}: there is no outbox yet: it is made when the log watcher first runs")
        with stored(path):
            self._claim = Claim(path.with_name(f"{path.name}.carrying"), "outbox to carry batches")
        try:
            with stored(path):
                self._database = sqlite3.connect(path, isolation_level=None)
            try:
                self._load(agent)
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._claim.close()
            raise

    def _load(self, agent: str) -> None:
        if self._version() < VERSION:
            self._bring_forward()
        if (version := self._version()) != VERSION:
            raise StoreError(
                f"{self._path}: the log watcher that runs has made it version {version}, and this program reads "
                f"{VERSION}. Start the log watcher again, so that both are the same program"
            )
        with stored(self._path):
            self._database.execute("PRAGMA synchronous = FULL")
            row = self._database.execute("SELECT name, incarnation FROM agent").fetchone()
        if row is None:
            raise StoreError(f"{self._path}: nothing was counted into it yet")
        self.agent, self.incarnation = str(row[0]), str(row[1])
        if self.agent != agent:
            raise StoreError(f"{self._path}: this outbox belongs to the agent {self.agent}, not {agent}")

    def _version(self) -> int:
        with stored(self._path):
            return int(self._database.execute("PRAGMA user_version").fetchone()[0])

    def _bring_forward(self) -> None:
        """Have an older file brought up to date, unless an agent has it: a running one would have done that itself."""
        try:
            right = Claim(self._path.with_name(f"{self._path.name}.lock"), "outbox")
        except StoreError:
            return
        try:
            open_database(self._path, SCRIPTS).close()
        finally:
            right.close()

    def waiting(self) -> Sequence[Kept]:
        """The batches that nobody took yet, in order. Raises StoreError."""
        return self._in_state(WAITING)

    def unconfirmed(self) -> Sequence[Kept]:
        """The batches that were exported and of which no receipt came, in order. Raises StoreError."""
        return self._in_state(EXPORTED)

    def _last_sequence(self) -> int:
        with stored(self._path):
            return int(self._database.execute("SELECT sequence FROM agent").fetchone()[0])

    def _in_state(self, state: int) -> Sequence[Kept]:
        with stored(self._path):
            rows = self._database.execute(
                "SELECT sequence, length(payload) FROM batches WHERE delivered = ? ORDER BY sequence", (state,)
            )
            return [Kept(*row) for row in rows]

    def read(self, sequence: int) -> bytes | None:
        """One batch; None where the agent has handed it over and dropped it meanwhile. Raises StoreError."""
        with stored(self._path):
            row = self._database.execute("SELECT payload FROM batches WHERE sequence = ?", (sequence,)).fetchone()
        return None if row is None else bytes(row[0])

    def exported(self, batches: Iterable[Kept]) -> None:
        """These are in a bundle that is there durably. Raises StoreError.

        Not synced: a mark lost to a power cut makes a batch be carried again, and the collector knows it.
        """
        self._mark(batches, EXPORTED, (WAITING,))

    def confirmed(self, intervals: Iterable[tuple[int, int]]) -> Sequence[Kept]:
        """The collector holds these sequences; the batches of which that was not known. Raises StoreError.

        What is confirmed stays within the bound of delivered batches, the oldest make room.
        """
        held = Intervals(intervals)
        if held.last > self._last_sequence():
            raise StoreError(
                f"{self._path}: the collector holds batch {held.last}, and this outbox has given out none after "
                f"{self._last_sequence()}: it is an old copy, whose next batches would be taken for known. Remove it, "
                "and let the log watcher begin where the other ended (sources.start)"
            )
        known = sorted([*self.waiting(), *self.unconfirmed()], key=lambda batch: batch.sequence)
        news = [batch for batch in known if batch.sequence in held]
        self._mark(news, DELIVERED, (WAITING, EXPORTED))
        self._drop(beyond(self._in_state(DELIVERED), self._kept_bytes))
        return news

    def drop_unconfirmed(self) -> Sequence[Kept]:
        """Keep the bound of exported batches without a receipt: what had to be dropped, to be told. Raises StoreError.

        To be asked before more is exported, so that each export's batches are here until the next.
        """
        gone = beyond(self.unconfirmed(), self._unconfirmed_bytes)
        self._drop(gone)
        return gone

    def _mark(self, batches: Iterable[Kept], state: int, among: Sequence[int]) -> None:
        places = ", ".join("?" * len(among))
        for part in _in_parts(batches):
            with transaction(self._database, self._path, durable=False):
                self._database.executemany(
                    f"UPDATE batches SET delivered = ? WHERE sequence = ? AND delivered IN ({places})",  # noqa: S608 (question marks only)
                    [(state, batch.sequence, *among) for batch in part],
                )

    def _drop(self, batches: Iterable[Kept]) -> None:
        for part in _in_parts(batches):
            with transaction(self._database, self._path, durable=False):
                self._database.executemany(
                    "DELETE FROM batches WHERE sequence = ?", [(batch.sequence,) for batch in part]
                )

    def close(self) -> None:
        """Close the file and let another hand have it."""
        with contextlib.closing(self._database):
            self._claim.close()


def beyond(batches: Sequence[Kept], most_bytes: int) -> Sequence[Kept]:
    """The oldest of some batches in order, without which the rest is within a bound."""
    left = sum(batch.bytes for batch in batches)
    gone = 0
    while left > most_bytes:
        left -= batches[gone].bytes
        gone += 1
    return batches[:gone]


def _in_parts(batches: Iterable[Kept]) -> Iterator[Sequence[Kept]]:
    """Batches in such numbers as are marked at once."""
    part: list[Kept] = []
    size = 0
    for batch in batches:
        part.append(batch)
        size += batch.bytes
        if size >= _AT_ONCE_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
