"""Files for others' hands: they are there whole and durably, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from domain.errors import TransportError

_UNFINISHED = ".unfinished"


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, at `path` once the block has ended without an error, and synced then. Raises TransportError."""
    unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync_directory(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the error itself is told; what is left goes with the next attempt
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise TransportError(f"{path}: {error.strerror or error}") from error
        raise


def remove_unfinished(folder: Path, begins: str) -> None:
    """Remove what a killed process left of files whose names begin so. Raises TransportError."""
    try:
        for path in folder.glob(f".{begins}*{_UNFINISHED}"):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise TransportError(f"{folder}: {error.strerror or error}") from error


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Shares of other systems, where such a file may well be put, have no such thing.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
