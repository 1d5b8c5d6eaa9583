"""Files that are there whole, and stay there: written aside, synced, renamed, their directory synced."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from domain.errors import StoreError


def sync_directory(directory: Path) -> None:
    """Make renames in `directory` durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the content of a file, written by somebody else, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, payload: bytes, aside: Path) -> None:
    """Put `payload` at `path` so that it is there whole after this returns, and not at all before.

    `aside` is a directory on the same file system where the unfinished file lies meanwhile. Raises OSError.
    """
    unfinished = aside / path.name
    with unfinished.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_directory(path.parent)


class Claim:
    """The right of one process to a store, held as a lock on a file until it is closed or the process ends."""

    def __init__(self, path: Path, what: str) -> None:
        """Take the right. Raises StoreError where another process has it."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._handle)
            raise StoreError(
                f"{path}: another process uses this {what}. Stop it first, or give this one a place of its own"
            ) from error

    def close(self) -> None:
        """Give the right back."""
        os.close(self._handle)
