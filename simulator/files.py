"""Small files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from domain.errors import UsageError


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file by one rename; its reader sees the old bytes or the new."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)


def usable_directory(path: Path) -> None:
    """Make a directory to write into. Raises UsageError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot be a directory to write logs into ({error.strerror})") from error
    if not os.access(path, os.W_OK):
        raise UsageError(f"{path}: this user may not write there")
