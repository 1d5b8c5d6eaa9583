"""Looking at what is stored without opening it for work: nothing is made, migrated or locked. For the doctor."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from domain.batch import Accounting, Position
from domain.errors import StoreError
from store import deferred_tables, manifest, outbox
from store.kinds import KINDS
from store.state import REVISIONS
from store.vault import KeyFile, key_trouble

_MOST_CHECKED_BYTES = 256 * 2**20
# The version of SQLite that Python has.
SQLITE = sqlite3.sqlite_version_info


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """A database: its version and the program's newest (numbers or revisions), and what SQLite finds damaged."""

    version: str
    newest: str
    known: bool
    damage: str


@dataclass(frozen=True, slots=True)
class OutboxFacts:
    """An outbox: whose it is, and how many batches wait for the receiver."""

    database: DatabaseFacts
    agent: str
    waiting: int


@dataclass(frozen=True, slots=True)
class OutboxContents:
    """What an agent kept: its totals by source, positions (the last that grew last), batches and bytes that wait."""

    agent: str
    totals: Mapping[str, Accounting]
    positions: Sequence[Position]
    waiting: int
    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """A ledger: its manifest, hour files it lists and those of them that are not there, batches set aside."""

    database: DatabaseFacts
    hours: int
    missing: Sequence[str]
    aside: int


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """A queue of deferred calls; `held_since` is None unless it is held."""

    target: str
    waiting: int
    dead: int
    held_since: float | None
    held_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock: its number and its command line, "" where this user may not see it."""

    pid: int
    command: str


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)) as database:
            yield database
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from error


def look_at_state(path: Path) -> DatabaseFacts:
    """The state in an SQLite file. Raises StoreError."""
    with _reading(path) as database:
        row = None
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        version = "" if row is None else str(row[0])
        return DatabaseFacts(version, REVISIONS[-1], version in ("", *REVISIONS), _damage(database))


def count_users(path: Path) -> int | None:
    """How many accounts are in the state that are not shut; None where its version knows none. Raises StoreError."""
    with _reading(path) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'users'").fetchone():
            return None
        return int(database.execute("SELECT count(*) FROM users WHERE disabled IS NULL").fetchone()[0])


def look_at_outbox(path: Path) -> OutboxFacts:
    """An outbox. Raises StoreError."""
    with _reading(path) as database:
        facts = _facts(database, outbox.VERSION)
        agent = database.execute("SELECT name FROM agent").fetchone()
        waiting = database.execute("SELECT count(*) FROM batches WHERE NOT delivered").fetchone()[0]
        return OutboxFacts(facts, "" if agent is None else str(agent[0]), int(waiting))


def read_outbox(path: Path) -> OutboxContents:
    """What an agent kept, also while it runs. Raises StoreError."""
    with _reading(path) as database:
        agent = database.execute("SELECT name FROM agent").fetchone()
        positions = database.execute("SELECT position FROM positions ORDER BY rowid").fetchall()
        totals = database.execute("SELECT source, accounting FROM totals").fetchall()
        waits = "SELECT count(*), coalesce(sum(length(payload)), 0) FROM batches WHERE NOT delivered"
        waiting, size = database.execute(waits).fetchone()
        try:
            return OutboxContents(
                "" if agent is None else str(agent[0]),
                {source: msgspec.json.decode(total, type=Accounting) for source, total in totals},
                [msgspec.json.decode(position, type=Position) for (position,) in positions],
                int(waiting),
                int(size),
            )
        except msgspec.MsgspecError as error:
            raise StoreError(f"{path}: what an agent kept here cannot be read: {error}") from error


def look_at_ledger(directory: Path) -> LedgerFacts:
    """A ledger. Raises StoreError."""
    with _reading(directory / "manifest.sqlite") as database:
        facts = _facts(database, manifest.VERSION)
        columns = {str(row[1]) for row in database.execute("PRAGMA table_info(parts)")}
        kind = "kind" if "kind" in columns else "'cells'"  # before the ledger kept others
        folders = {kind.name: directory / kind.folder for kind in KINDS}
        there = {(name, path.name) for name, folder in folders.items() if folder.exists() for path in folder.iterdir()}
        parts = database.execute(f"SELECT {kind}, file FROM parts ORDER BY file").fetchall()  # noqa: S608 (our words)
        missing = [str(file) for name, file in parts if (name, file) not in there]
        aside = sum(1 for _ in (directory / "bad").iterdir())
        return LedgerFacts(facts, len(parts), missing, aside)


def look_at_deferred(path: Path) -> tuple[DatabaseFacts, Sequence[QueueFacts], float | None]:
    """The deferred calls: the database, its queues, when the drain last said that it lives. Raises StoreError."""
    with _reading(path) as database:
        facts = _facts(database, len(deferred_tables.SCRIPTS))
        rows = database.execute("SELECT name, waiting, dead, held_since, held_by, reason FROM targets ORDER BY name")
        pulse = database.execute("SELECT max(at) FROM pulse").fetchone()
        return facts, [QueueFacts(*row) for row in rows], None if pulse is None else pulse[0]


def look_at_key(path: Path, target: str, source: KeyFile) -> str:
    """Why a target's deferred calls cannot be opened, "" where they can, or there were none. Raises StoreError."""
    with _reading(path) as database:
        row = database.execute("SELECT key_name, secret FROM targets WHERE name = ?", (target,)).fetchone()
    return "" if row is None else key_trouble(target, source, *row)


def _facts(database: sqlite3.Connection, newest: int) -> DatabaseFacts:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    return DatabaseFacts(str(version), str(newest), version <= newest, _damage(database))


def _damage(database: sqlite3.Connection) -> str:
    """What SQLite finds damaged, "" where nothing; a very large file is not read through for it."""
    pages, size = (int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    if pages * size > _MOST_CHECKED_BYTES:
        return ""
    told = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if told == "ok" else told


def lock_holder(path: Path) -> Holder | None:
    """Who holds the lock on a file, as the kernel tells; None where nobody does, or the file is not there."""
    try:
        status = path.stat()
        locks = Path("/proc/locks").read_text("ascii")
    except OSError:
        return None
    # "1: FLOCK  ADVISORY  WRITE 1234 fe:01:5678 0 EOF"
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in locks.splitlines():
        words = line.split()
        if "FLOCK" in words and place in words:
            return _holder(int(words[words.index(place) - 1]))
    return None


def _holder(pid: int) -> Holder:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        command = ""
    return Holder(pid, command)
