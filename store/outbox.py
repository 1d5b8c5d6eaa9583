"""The outbox: the agent's checkpoint and its batches in one SQLite file.

Flows in: cells, the file positions they reach, the accounting. Flows out: batches that wait for the receiver.
Cells and positions are kept in one transaction, so a call is in a batch exactly when its bytes are behind
the checkpoint. A batch the receiver has stays on disk, within a bound, so that it can be sent again.

One process counts into it. Another may take batches out to carry them by hand beside it (`store.carrying`).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from domain.batch import Accounting, Batch, BatchName, Commit, OpenCall, Position
from domain.errors import StoreError
from domain.wire import encode_batch
from store.files import Claim
from store.sqlite import open_database, stored, transaction
from store.waiting import Waiting

KEPT_BYTES = 64 * 2**20
# What `batches.delivered` says: the receiver does not have it, has it, or it was carried away by hand and nobody has
# said yet that it arrived.
WAITING, DELIVERED, EXPORTED = 0, 1, 2

SCRIPTS = (
    """
    CREATE TABLE agent (name TEXT NOT NULL, incarnation TEXT NOT NULL, sequence INTEGER NOT NULL);
    CREATE TABLE positions (source TEXT, identity TEXT, position BLOB NOT NULL, PRIMARY KEY (source, identity));
    CREATE TABLE totals (source TEXT PRIMARY KEY, accounting BLOB NOT NULL);
    CREATE TABLE registry (field TEXT, place INTEGER, value TEXT NOT NULL, PRIMARY KEY (field, place));
    CREATE TABLE batches (sequence INTEGER PRIMARY KEY, delivered INTEGER NOT NULL, payload BLOB NOT NULL);
    CREATE INDEX waiting ON batches (delivered, sequence)
    """,
    "CREATE TABLE open_calls (source TEXT, id TEXT, call BLOB NOT NULL, PRIMARY KEY (source, id))",
)
# The number of scripts: the version of the file.
VERSION = len(SCRIPTS)


def open_outbox(path: Path, agent: str, kept_bytes: int = KEPT_BYTES) -> SqliteOutbox:
    """The outbox in the file `path`, made for `agent` when there is none. Raises StoreError.

    `kept_bytes` bounds the delivered batches that stay on disk; those that wait are never dropped.
    """
    return SqliteOutbox(path, agent, kept_bytes)


@dataclass(frozen=True, slots=True)
class _News:
    """What of a commit is not kept yet."""

    moved: Mapping[tuple[str, str], Position]
    counted: Mapping[str, Accounting]
    known: Mapping[str, Sequence[str]]
    dropped: Sequence[tuple[str, str]]
    opened: Sequence[OpenCall]
    closed: Sequence[tuple[str, str]]

    @classmethod
    def of(
        cls,
        kept: Commit,
        positions: Mapping[tuple[str, str], Position],
        totals: Mapping[str, Accounting],
        registry: Mapping[str, Mapping[str, None]],
    ) -> _News:
        """What a commit brings beside its counts, to what is kept."""
        moved = {(p.source, p.identity): p for p in kept.positions if positions.get((p.source, p.identity)) != p}
        forgotten = set(kept.forget)
        return cls(
            moved,
            {source: total for source, total in kept.totals.items() if totals.get(source) != total},
            {
                field: [v for v in dict.fromkeys(values) if v not in registry.get(field, {})]
                for field, values in kept.registry.items()
            },
            [key for key in {**positions, **moved} if key[1] in forgotten],
            kept.opened,
            kept.closed,
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        lists = (self.moved, self.counted, self.dropped, self.opened, self.closed)
        return not any(lists) and not any(self.known.values())


class SqliteOutbox:
    """An Outbox in one SQLite file, which one process holds at a time."""

    def __init__(self, path: Path, agent: str, kept_bytes: int = KEPT_BYTES) -> None:
        self._path, self._kept_bytes = path, kept_bytes
        self._lock = threading.RLock()
        BatchName.parse(f"{agent}.00000000.1")
        with stored(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._claim = Claim(path.with_name(path.name + ".lock"), "outbox")
        try:
            self._database = open_database(path, SCRIPTS)
            self._load(agent)
        except BaseException:
            self._claim.close()
            raise

    def _load(self, agent: str) -> None:
        with stored(self._path):
            row = self._database.execute("SELECT name, incarnation, sequence FROM agent").fetchone()
            if row is None:
                row = (agent, secrets.token_hex(8), 0)
                with transaction(self._database, self._path):
                    self._database.execute("INSERT INTO agent VALUES (?, ?, ?)", row)
            self._agent, self._incarnation, self._sequence = str(row[0]), str(row[1]), int(row[2])
            if self._agent != agent:
                raise StoreError(
                    f"{self._path}: this outbox belongs to the agent {self._agent}, not {agent}. "
                    "Call the agent by that name again, or give it an outbox of its own"
                )
            read = self._database.execute
            self._positions = {
                (source, identity): msgspec.json.decode(position, type=Position)
                for source, identity, position in read(
                    "SELECT source, identity, position FROM positions ORDER BY rowid"
                )
            }
            self._totals = {
                source: msgspec.json.decode(accounting, type=Accounting)
                for source, accounting in read("SELECT source, accounting FROM totals")
            }
            self._registry: dict[str, dict[str, None]] = {}
            for field, value in read("SELECT field, value FROM registry ORDER BY field, place"):
                self._registry.setdefault(field, {})[value] = None
            self._delivered_bytes, self._changes = self._measure(), self._changes_of_others()
            self._waiting_bytes, self._waiting_as_of = self._measure(WAITING), self._changes

    def _measure(self, mark: int = DELIVERED) -> int:
        """The bytes of the batches that are kept under a mark."""
        kept = "SELECT coalesce(sum(length(payload)), 0) FROM batches WHERE delivered = ?"
        return int(self._database.execute(kept, (mark,)).fetchone()[0])

    def _changes_of_others(self) -> int:
        """A number that is another one after each change that another process made."""
        return int(self._database.execute("PRAGMA data_version").fetchone()[0])

    @property
    def agent(self) -> str:
        """The agent's name."""
        return self._agent

    @property
    def incarnation(self) -> str:
        """This outbox's own name, made when it was created."""
        return self._incarnation

    @property
    def sequence(self) -> int:
        """The last sequence given out; 0 before the first."""
        return self._sequence

    def positions(self) -> Sequence[Position]:
        """Where each known file stands, its accounting since its first byte; the last that moved stands last."""
        return tuple(self._positions.values())

    def totals(self) -> Mapping[str, Accounting]:
        """The accounting of each source over all its files, forgotten ones included."""
        return dict(self._totals)

    def open_calls(self) -> Sequence[OpenCall]:
        """The starts of calls whose ends are awaited, in the order they were opened. Raises StoreError."""
        with self._lock, stored(self._path):
            rows = self._database.execute("SELECT call FROM open_calls ORDER BY rowid").fetchall()
        return [msgspec.json.decode(call, type=OpenCall) for (call,) in rows]

    def registry(self) -> Mapping[str, Sequence[str]]:
        """The persisted distinct values of each capped field, in the order first seen."""
        return {field: tuple(values) for field, values in self._registry.items()}

    def commit(self, kept: Commit) -> BatchName | None:
        """Keep everything given in one durable transaction, or nothing of it (see the port). Raises StoreError."""
        name = payload = None
        if not kept.counts.is_empty:
            name = BatchName(self._agent, self._incarnation, self._sequence + 1)
            counts = kept.counts
            payload = encode_batch(Batch(name, counts.cells, tuple(kept.positions), counts.gauges, counts.sketches))
        news = _News.of(kept, self._positions, self._totals, self._registry)
        with self._lock:
            if payload is None and news.is_empty:
                return None
            with transaction(self._database, self._path):
                self._write(payload, news)
            self._sequence += payload is not None
            self._waiting_bytes += len(payload or b"")
            for key in news.moved:
                self._positions.pop(key, None)
            self._positions |= news.moved
            for key in news.dropped:
                del self._positions[key]
            self._totals |= news.counted
            for field, values in news.known.items():
                self._registry.setdefault(field, {}).update(dict.fromkeys(values))
        return name

    def _write(self, payload: bytes | None, news: _News) -> None:
        write, writes, encode = self._database.execute, self._database.executemany, msgspec.json.encode
        if payload is not None:
            write("INSERT INTO batches VALUES (?, ?, ?)", (self._sequence + 1, WAITING, payload))
            write("UPDATE agent SET sequence = ?", (self._sequence + 1,))
        writes("REPLACE INTO positions VALUES (?, ?, ?)", [(*key, encode(p)) for key, p in news.moved.items()])
        writes("REPLACE INTO totals VALUES (?, ?)", [(source, encode(total)) for source, total in news.counted.items()])
        for field, values in news.known.items():
            first = len(self._registry.get(field, {}))
            writes("INSERT INTO registry VALUES (?, ?, ?)", [(field, first + i, v) for i, v in enumerate(values)])
        writes("DELETE FROM positions WHERE source = ? AND identity = ?", news.dropped)
        writes("REPLACE INTO open_calls VALUES (?, ?, ?)", [(c.source, c.id, encode(c)) for c in news.opened])
        writes("DELETE FROM open_calls WHERE source = ? AND id = ?", news.closed)

    def waiting(self) -> Sequence[tuple[BatchName, bytes]]:
        """Encoded batches the receiver does not have yet, oldest first; each is read when it is asked for.

        Also which there are is only looked up then: who carries batches by hand may let very many wait.
        """
        return Waiting(self.count_waiting, self.waiting_sequences, self.read)

    @property
    def waiting_bytes(self) -> int:
        """How many bytes the batches that wait hold. Raises StoreError."""
        with self._lock, stored(self._path):
            changes = self._changes_of_others()
            if changes != self._waiting_as_of:
                self._waiting_bytes, self._waiting_as_of = self._measure(WAITING), changes
            return self._waiting_bytes

    def count_waiting(self) -> int:
        """How many batches wait. Raises StoreError."""
        with self._lock, stored(self._path):
            count = "SELECT count(*) FROM batches WHERE delivered = ?"
            return int(self._database.execute(count, (WAITING,)).fetchone()[0])

    def waiting_sequences(self) -> Sequence[int]:
        """The sequences of the batches that wait, in order. Raises StoreError."""
        with self._lock, stored(self._path):
            rows = self._database.execute(
                "SELECT sequence FROM batches WHERE delivered = ? ORDER BY sequence", (WAITING,)
            )
            return [row[0] for row in rows.fetchall()]

    def read(self, sequence: int) -> tuple[BatchName, bytes]:
        """One batch that is still on disk. Raises StoreError where it is not."""
        with self._lock, stored(self._path):
            row = self._database.execute("SELECT payload FROM batches WHERE sequence = ?", (sequence,)).fetchone()
        if row is None:
            raise StoreError(f"{self._path}: batch {sequence} is not here any more")
        return BatchName(self._agent, self._incarnation, sequence), bytes(row[0])

    def delivered(self, name: BatchName) -> None:
        """The receiver has this batch durably. A repeated call changes nothing. Raises StoreError."""
        if (name.agent, name.incarnation) != (self._agent, self._incarnation):
            raise StoreError(f"{self._path}: {name} is not a batch of this outbox")
        # Not synced: a mark lost to a power cut makes the batch be sent again, and the receiver knows it.
        with self._lock, transaction(self._database, self._path, durable=False):
            changes = self._changes_of_others()
            kept = self._delivered_bytes if changes == self._changes else self._measure()
            read = "SELECT delivered, length(payload) FROM batches WHERE sequence = ?"
            mark, size = self._database.execute(read, (name.sequence,)).fetchone() or (DELIVERED, 0)
            if mark != DELIVERED:
                write = "UPDATE batches SET delivered = ? WHERE sequence = ?"
                self._database.execute(write, (DELIVERED, name.sequence))
                kept += size
            while kept > self._kept_bytes:
                [dropped] = self._database.execute(
                    "DELETE FROM batches WHERE sequence = (SELECT min(sequence) FROM batches WHERE delivered = ?)"
                    " RETURNING length(payload)",
                    (DELIVERED,),
                ).fetchone()
                kept -= dropped
        self._delivered_bytes, self._changes = kept, changes
        self._waiting_bytes -= size if mark == WAITING else 0

    def close(self) -> None:
        """Close the file and let another process have it."""
        with self._lock:
            self._database.close()
            self._claim.close()
