"""Files that are there whole, and stay there: written aside, synced, renamed, their directory synced."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from domain.errors import StoreError

_PIECE = 1 << 20


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


def wipe_file(path: Path) -> None:
    """Overwrite a file and remove it, durably. Raises OSError."""
    with path.open("r+b") as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(bytes(min(left, _PIECE)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_directory(path.parent)


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


def made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """What the file `path` holds, made by whoever asks first; readable by this user alone. Raises StoreError.

    Processes that ask at once all get what one of them made: a link is made to a whole file, or fails.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # of mode 0600
            unfinished = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(make())
                    file.flush()
                    os.fsync(file.fileno())
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(unfinished)
                sync_directory(path.parent)
            finally:
                unfinished.unlink()
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


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
