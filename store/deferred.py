"""Deferred calls in one SQLite file: durable before they are acknowledged, sealed, in order for each key.

Flows in: calls, what became of each. Flows out: the first waiting call of each lane, receipts, how long the queue is.
Gateways and the drain are processes of their own on the same file: one writes at a time, and waits for the other.
Deleted pages are overwritten (`secure_delete`), and the write-ahead log is emptied every few seconds (`tidy`), so
that a destroyed key is on no page of the file any more.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from domain.deferred import Call, CallState, QueueStatus, Receipt
from domain.errors import StoreError
from domain.ports.calls import Waiting
from domain.redact import lettered
from store import deferred_tables as sql
from store.files import wipe_file
from store.keys import KeyRing, KeyUnusableError, Sealed
from store.sqlite import open_database, stored, transaction
from store.vault import KeyFile, Vault

RECEIPT_DAYS = 7
RATE_SECONDS = 60
_SLOT_SECONDS = 5
_BUSY_MILLISECONDS = 30_000
_AT_ONCE = 1_000
_STATES: tuple[CallState, ...] = ("waiting", "delivered", "dead")
_encode, _decoder = msgspec.msgpack.encode, msgspec.msgpack.Decoder(Call)


def open_deferred(path: Path, keys: Mapping[str, KeyRing | KeyFile]) -> SqliteDeferred:
    """The deferred calls in the file `path`, made when there is none. Raises StoreError.

    `keys` holds those of each target whose calls are put in or taken out; to look at queues none is needed. A target
    whose keys do not open what is there stands `apart`.
    """
    with stored(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # gateway and drain start at the same moment, and one makes the tables
        with stored(path):
            _make(path)
        database = open_database(path, sql.SCRIPTS)
        try:
            _wipe_copies(path)
            return SqliteDeferred(path, database, keys)
        except BaseException:
            database.close()
            raise
    finally:
        os.close(lock)


def _make(path: Path) -> None:
    """An empty file for this user alone, whose free pages can be given back: both are settled before any table."""
    if path.exists() and path.stat().st_size:
        return
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("VACUUM")


def _wipe_copies(path: Path) -> None:
    """The copy made before a file is brought to a new version has done its work: it holds keys to be destroyed."""
    with stored(path):
        for number in range(2, len(sql.SCRIPTS) + 1):
            copy = path.with_name(f"{path.name}.before-{number}")
            if copy.exists():
                wipe_file(copy)


class SqliteDeferred:
    """A DeferredStore. Threads may share it: one connection writes, another reads beside it."""

    def __init__(self, path: Path, database: sqlite3.Connection, keys: Mapping[str, KeyRing | KeyFile]) -> None:
        self._path, self._database, self._keys = path, database, frozenset(keys)
        self._lock, self._reading = threading.Lock(), threading.Lock()
        with stored(path):
            self._prepare(database)
            database.execute("PRAGMA secure_delete = ON")
            self._reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare(self._reader)
            self._reader.execute("PRAGMA query_only = ON")
        self._targets: dict[str, int] = {}
        self._vault = Vault(path)
        for target, source in keys.items():
            with self._writing():
                self._vault.unlock(database, self._target(target), target, source)

    def _prepare(self, database: sqlite3.Connection) -> None:
        database.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS:d}")
        database.execute("PRAGMA temp_store = MEMORY")

    def apart(self) -> Mapping[str, str]:
        """The targets whose calls can be neither put in nor opened, each with the reason and the mend."""
        return self._vault.apart

    def put(self, calls: Sequence[Call], now: float) -> Sequence[Receipt]:
        """Keep calls durably, in order; one whose idempotency key its target has seen gives the first one's receipt.

        `same` in it is False where the first one was another call, and nothing was kept of this one. A call
        without an idempotency key gets its receipt's number as one.
        """
        with self._writing():
            return [self._put(call, now) for call in calls]

    def _put(self, call: Call, now: float) -> Receipt:
        ring, digest = self._vault.ring(call.target), self._vault.digest(call)
        receipt = lettered(secrets.token_bytes(16))
        if not call.idempotency_key:
            call = Call(call.target, call.method, call.path, call.headers, call.key, receipt, call.body)
        target, known = self._targets[call.target], self._vault.lookup(call.target, "known", call.idempotency_key)
        lane = self._vault.lookup(call.target, "lane", call.key) if call.key else None
        row = {"receipt": receipt, "target": target, "lane": lane, "known": known, "now": now, "digest": digest}
        cursor = self._database.execute(sql.PUT, row)
        if not cursor.rowcount:
            first, state, accepted, settled, other = self._database.execute(sql.KNOWN, (target, known)).fetchone()
            return _receipt(first, call.target, state, accepted, settled, same=other in (None, digest))
        sealed = ring.seal(receipt, _encode(call))
        self._database.execute(sql.CONTENT, (cursor.lastrowid, sealed.key_name, sealed.wrapped, sealed.content))
        self._database.execute("UPDATE targets SET waiting = waiting + 1 WHERE id = ?", (target,))
        return Receipt(receipt, call.target, "waiting", now)

    def receipt(self, number: str) -> Receipt | None:
        """What became of a call."""
        row = self._one(sql.RECEIPT, number)
        return None if row is None else _receipt(*row)

    def due(self, target: str, now: float, limit: int) -> Sequence[Waiting]:
        """The first waiting call of each lane that may go out now, oldest first; none while the target is held."""
        with self._reading, stored(self._path):
            rows = self._reader.execute(sql.DUE, (target, now, limit)).fetchall()
        return [
            Waiting(number, receipt, target, lane.hex() if lane else "", attempts, next_at)
            for number, receipt, lane, attempts, next_at in rows
        ]

    def open(self, waiting: Waiting) -> Call:
        """The content of a waiting call. Raises StoreError where its key is gone."""
        row = self._one(sql.OPEN, waiting.number)
        if row is None:
            raise StoreError(f"{self._path}: call {waiting.number} is not here any more")
        return _decoder.decode(self._vault.ring(waiting.target).unseal(waiting.receipt, Sealed(*row)))

    def delivered(self, done: Sequence[Waiting], now: float) -> None:
        """These reached their target: their keys and contents are destroyed, their receipts say so."""
        with self._writing() as database:
            for waiting in done:
                if not self._settle(waiting, sql.DELIVERED, now, ""):
                    continue  # it was settled before, and is counted
                target = self._target(waiting.target)
                database.execute("DELETE FROM contents WHERE number = ?", (waiting.number,))
                database.execute(
                    "UPDATE targets SET waiting = waiting - 1, delivered = delivered + 1 WHERE id = ?", (target,)
                )
                database.execute(sql.ADD_RATE, (target, int(now // _SLOT_SECONDS), 1))

    def failed(self, waiting: Waiting, error: str, next_at: float) -> None:
        """This one did not; when it is tried again. Its lane waits with it."""
        with self._writing() as database:
            database.execute(sql.FAILED, (error, next_at, waiting.number))

    def bury(self, waiting: Waiting, error: str, now: float) -> None:
        """This one will never be taken: set aside as dead, and its lane goes on."""
        with self._writing() as database:
            if self._settle(waiting, sql.DEAD, now, error):
                database.execute(
                    "UPDATE targets SET waiting = waiting - 1, dead = dead + 1 WHERE name = ?", (waiting.target,)
                )

    def _settle(self, waiting: Waiting, state: int, now: float, error: str) -> bool:
        if not self._database.execute(sql.SETTLE, (state, now, error, waiting.number)).rowcount:
            return False
        if waiting.lane:
            self._database.execute(sql.NEXT_OF_LANE, (self._target(waiting.target), bytes.fromhex(waiting.lane)))
        return True

    def hold(self, target: str, reason: str, by: str, now: float) -> None:
        """Let nothing of the target out."""
        change = "UPDATE targets SET held_by = ?, held_since = coalesce(held_since, ?), reason = ? WHERE id = ?"
        with self._writing() as database:
            database.execute(change, (by, now, reason, self._target(target)))

    def resume(self, target: str) -> None:
        """Let it out again."""
        change = "UPDATE targets SET held_by = '', held_since = NULL, reason = '' WHERE id = ?"
        with self._writing() as database:
            database.execute(change, (self._target(target),))

    def status(self, targets: Sequence[str], now: float) -> Sequence[QueueStatus]:
        """How the queues of these targets stand."""
        with self._reading, stored(self._path):
            return [self._status(target, now) for target in targets]

    def _status(self, target: str, now: float) -> QueueStatus:
        row = self._reader.execute(sql.STATUS, (target,)).fetchone()
        if row is None:
            return QueueStatus(target, False, "", None, "", 0, None, 0, 0, 0.0)
        number, held_by, since, reason, waiting, delivered, dead = row
        oldest = self._reader.execute(sql.OLDEST, (number,)).fetchone()
        slot = int(now // _SLOT_SECONDS)
        (lately,) = self._reader.execute(sql.LATELY, (number, slot - RATE_SECONDS // _SLOT_SECONDS, slot)).fetchone()
        held, first = since is not None, oldest[0] if oldest else None
        return QueueStatus(target, held, held_by, since, reason, waiting, first, delivered, dead, lately / RATE_SECONDS)

    def pulse(self, now: float) -> None:
        """The drain says that it lives."""
        with self._writing(durable=False) as database:
            database.execute("REPLACE INTO pulse VALUES (1, ?)", (now,))

    def pulsed(self) -> float | None:
        """When the drain last said so; None when it never did."""
        row = self._one("SELECT at FROM pulse")
        return None if row is None else float(row[0])

    def rewrap(self, target: str) -> int:
        """Wrap the keys of the target's calls with its first key, where another one does; how many there were.

        Raises StoreError; where some cannot be opened, after all others were wrapped.
        """
        ring, after, done, trouble = self._vault.ring(target), 0, 0, None
        while rows := self._read(sql.OTHER_KEYS, after, self._targets[target], ring.first, _AT_ONCE):
            changed = []
            for number, receipt, name, wrapped in rows:
                try:
                    changed.append((ring.first, ring.wrap(receipt, ring.unwrap(receipt, name, wrapped)), number))
                except KeyUnusableError as error:
                    trouble = error
            with self._writing() as database:
                database.executemany("UPDATE contents SET key_name = ?, wrapped = ? WHERE number = ?", changed)
            after, done = rows[-1][0], done + len(changed)
        if trouble is not None:
            raise trouble
        return done

    def tidy(self, now: float) -> int:
        """Forget calls that were settled more than RECEIPT_DAYS ago, with what is left of dead ones; how many.

        Empties the write-ahead log, which holds the last state of pages that were overwritten.
        """
        until = now - RECEIPT_DAYS * 86_400
        old = [row[0] for row in self._read("SELECT number FROM calls WHERE settled < ? LIMIT ?", until, _AT_ONCE)]
        if old:
            with self._writing() as database:
                database.executemany("DELETE FROM contents WHERE number = ?", [(number,) for number in old])
                database.executemany("DELETE FROM calls WHERE number = ?", [(number,) for number in old])
                database.execute("DELETE FROM rates WHERE slot < ?", (int(until // _SLOT_SECONDS),))
        with self._lock, stored(self._path):
            self._database.execute(f"PRAGMA incremental_vacuum({_AT_ONCE:d})").fetchall()
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return len(old)

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._reading:
            self._reader.close()
            self._database.close()

    @contextmanager
    def _writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock, transaction(self._database, self._path, durable=durable):
            yield self._database

    def _target(self, name: str) -> int:
        """A target's number in the file, given to it within the transaction that first names it."""
        number = self._targets.get(name)
        if number is None:
            self._database.execute("INSERT INTO targets (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
            number = int(self._database.execute("SELECT id FROM targets WHERE name = ?", (name,)).fetchone()[0])
            if name in self._keys:
                self._targets[name] = number
        return number

    def _one(self, query: str, *values: object) -> Any:
        rows = self._read(query, *values)
        return rows[0] if rows else None

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._reading, stored(self._path):
            return self._reader.execute(query, values).fetchall()


def _receipt(
    number: str, target: str, state: int, accepted: float, settled: float | None, *, same: bool = True
) -> Receipt:  # fmt: skip
    return Receipt(number, target, _STATES[state], accepted, settled if state == sql.DELIVERED else None, same)
