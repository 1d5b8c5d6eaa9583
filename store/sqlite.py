"""Plain SQLite databases with a version: opened, brought up to date, written in whole transactions.

The version is SQLite's `user_version`: the number of scripts applied. A file of an older version is copied
beside itself and brought forward; one that is newer than the program is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from domain.errors import StoreError


def open_database(path: Path, scripts: Sequence[str]) -> sqlite3.Connection:
    """Open `path`, creating it, after the scripts it lacks were run. Raises StoreError.

    Write-ahead log with a sync at each commit, so a transaction that was committed survives a power cut.
    The connection may be used from several threads, one at a time: its owner has a lock.
    """
    with stored(path):
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            version = int(database.execute("PRAGMA user_version").fetchone()[0])
            if version > len(scripts):
                raise StoreError(
                    f"{path}: this file has version {version}, and this program reads up to {len(scripts)}. "
                    "Install the newer program again, or restore the copy made before it was installed"
                )
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            if 0 < version < len(scripts):
                copy_database(path, path.with_name(f"{path.name}.before-{len(scripts)}"))
            for number, script in enumerate(scripts[version:], start=version + 1):
                with transaction(database, path):
                    for statement in script.split(";"):
                        database.execute(statement)
                    database.execute(f"PRAGMA user_version = {number:d}")
        except BaseException:
            database.close()
            raise
        return database


@contextmanager
def stored(path: Path) -> Iterator[None]:
    """Tell what SQLite or the file system says about `path` as a StoreError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from error


@contextmanager
def transaction(database: sqlite3.Connection, path: Path, *, durable: bool = True) -> Iterator[None]:
    """All that is done inside, or nothing of it. Raises StoreError.

    Without `durable` a power cut (not a killed process) may undo it: for what is merely done again then.
    """
    with stored(path):
        if not durable:
            database.execute("PRAGMA synchronous = NORMAL")
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
        finally:
            if not durable:
                database.execute("PRAGMA synchronous = FULL")


def copy_database(source: Path, target: Path) -> None:
    """A copy of a database, its write-ahead log included. Raises sqlite3.Error."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
