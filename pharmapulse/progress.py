"""Progress on a terminal, and silence where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from zstandard import ZstdError, frame_content_size

from logwatch.files import GZIP, ZSTD

if TYPE_CHECKING:
    from tqdm import tqdm


# Where gzip keeps how long its content is, modulo 4 GiB; and as much of a zstd file as its first frame's head takes.
_GZIP_LENGTH, _GZIP_MODULO, _ZSTD_HEAD = 4, 1 << 32, 18


def content_bytes(files: Sequence[Path]) -> int | None:
    """How much there is to read in some files, compressed ones by their content; None where that is not known.

    What compressed files say of their length is taken as it is: it is for a bar, and nothing is counted by it.
    """
    total = 0
    for file in files:
        length = _content_bytes(file)
        if length is None:
            return None
        total += length
    return total


def _content_bytes(file: Path) -> int | None:
    try:
        size = file.stat().st_size
        if not file.is_file():
            return None
        with file.open("rb") as raw:
            head = raw.read(_ZSTD_HEAD)
            if head.startswith(GZIP):
                raw.seek(max(size - _GZIP_LENGTH, 0))
                length = int.from_bytes(raw.read(_GZIP_LENGTH), "little")
                # Less than is in the file itself: it was more than gzip can say, or is several members long.
                return length if size < length or size * 1_000 < _GZIP_MODULO else None
            if head.startswith(ZSTD):
                length = frame_content_size(head)
                return length if length > 0 else None
    except (OSError, ZstdError):
        return None  # reading it will tell of it
    return size


class Progress:
    """A bar on standard error while something long is done; nothing when that is no terminal."""

    def __init__(self, what: str, unit: str, total: int | None = None) -> None:
        self._bar: tqdm[NoReturn] | None = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(desc=what, unit=unit, total=total, unit_scale=unit != "file", leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, amount: int) -> None:
        """So much more is done."""
        if self._bar is not None:
            self._bar.update(amount)

    def reach(self, done: int, total: int) -> None:
        """So much of so much is done."""
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
