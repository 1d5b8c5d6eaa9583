"""Dividing files among processes: contiguous shares of about one size, cut where a line ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from logwatch.files import compression

_STEP = 1 << 16
# Compressed files are about so much longer than they look.
_UNPACKED = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a file: its bytes from `begin` to `end`, all that follow where that is None.

    `place` is that of the file among all.
    """

    place: int
    file: Path
    begin: int = 0
    end: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole file."""
        return not self.begin and self.end is None


def divide(files: Sequence[Path], count: int, within: bool) -> list[list[Stretch]] | None:
    """The files as `count` shares, in their order; None where some cannot be divided or there is nothing to divide.

    Only plain files are divided `within`, and only where that is asked for.
    """
    if not all(file.is_file() for file in files):
        return None
    packed = [_is_packed(file) for file in files]
    weights = [file.stat().st_size * (_UNPACKED if small else 1) for file, small in zip(files, packed, strict=True)]
    total = sum(weights)
    shares: list[list[Stretch]] = [[] for _ in range(count)]
    before = 0
    for place, (file, weight, whole) in enumerate(zip(files, weights, packed, strict=True)):
        if whole or not within:
            # It goes where its middle lies.
            shares[min((before + weight // 2) * count // max(total, 1), count - 1)].append(Stretch(place, file))
        else:
            _cut(shares, Stretch(place, file), before, weight, total)
        before += weight
    return [share for share in shares if share] if sum(map(bool, shares)) > 1 else None


def _cut(shares: list[list[Stretch]], file: Stretch, before: int, size: int, total: int) -> None:
    begin = 0
    for number, share in enumerate(shares, 1):
        # What of the file lies before the end of this share, up to the end of a line.
        until = min(max(total * number // len(shares) - before, 0), size)
        end = size if until >= size else _line_end(file.file, until) if until > begin else begin
        if end > begin:
            share.append(Stretch(file.place, file.file, begin, None if end >= size else end))
        begin = max(begin, end)


def _line_end(file: Path, at: int) -> int:
    """Where the line that byte `at` stands in ends, its line end included; the file's end for its last one."""
    with file.open("rb") as raw:
        raw.seek(at)
        while piece := raw.read(_STEP):
            found = piece.find(b"\n")
            if found >= 0:
                return at + found + 1
            at += len(piece)
    return at


def _is_packed(file: Path) -> bool:
    with file.open("rb") as raw:
        return bool(compression(raw.read(4)))
