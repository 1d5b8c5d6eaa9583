"""How large things are on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 60.0


def directory_bytes(directory: Path) -> int:
    """The size of all files below a directory, as their content counts; files that go meanwhile count nothing."""
    total = 0
    waiting = [str(directory)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += _size(entry)
        except FileNotFoundError:
            continue
    return total


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def now_and_then(
    look: Callable[[], int], seconds: float = LOOK_SECONDS, steady: Callable[[], float] = time.monotonic
) -> Callable[[], int]:
    """A figure that is costly to find, looked at again only after some time."""
    known: list[tuple[float, int]] = []

    def figure() -> int:
        now = steady()
        if not known or now - known[0][0] >= seconds:
            known[:] = [(now, look())]
        return known[0][1]

    return figure
