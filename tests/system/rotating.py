"""One log file, and how its machine rotates it: renamed, compressed, copied and truncated, by the hour, deleted."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import zstandard

METHODS = ("rename", "gz", "zst", "copytruncate", "hourly", "delete")
# A rotated file is compressed so long after, half of it, and the rest a second later.
_COMPRESS_SECONDS = 2.0
# So many rotated files of a log are kept; of one whose method is to delete, none.
_KEPT = 3
# What nobody has read is never deleted. A reader's word is believed with so much to spare.
_SPARE_SECONDS = 3.0


@dataclass(slots=True)
class _Rotated:
    """A file that was rotated away: when, under which name, and the rest of what it is being compressed to."""

    path: Path
    at: float
    packed: bytes | None = None


class LogFile:
    """A growing file. It is rotated at `due` and every so many seconds from then on."""

    def __init__(self, path: Path, method: str, due: float, every: float) -> None:
        self.method, self.rotations = method, 0
        self._stem, self._due, self._every = path, due, every
        self._rest = b""
        self._rotated: list[_Rotated] = []
        self._path = self._name()
        self._file = self._open()

    def _name(self) -> Path:
        if self.method != "hourly":
            return self._stem
        return self._stem.with_name(f"{self._stem.stem}-{time.strftime('%Y%m%d')}-{self.rotations:04d}.log")

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    def write(self, data: bytes, cut: int | None = None) -> None:
        """Write `data` behind what was left; from `cut` on it is left for the next time."""
        cut = len(data) if cut is None else cut
        _write(self._file, self._rest + data[:cut])
        self._rest = data[cut:]

    def keep_house(self, now: float, read_up_to: float) -> None:
        """Rotate if it is time, compress what was rotated, delete what is old and read up to that moment."""
        if now >= self._due:
            self._due += self._every
            self._rotate(now)
        for old in self._rotated:
            self._compress(old, now)
        kept = 0 if self.method == "delete" else _KEPT
        while len(self._rotated) > kept and self._rotated[0].at < read_up_to - _SPARE_SECONDS:
            self._rotated.pop(0).path.unlink()

    def _rotate(self, now: float) -> None:
        self.rotations += 1
        away = self._path.with_name(f"{self._path.name}.{self.rotations}")
        if self.method == "copytruncate":
            # Who copies and truncates cannot but lose what is written meanwhile: the writer pauses, between lines.
            self.write(b"")
            shutil.copyfile(self._path, away)
            os.ftruncate(self._file, 0)
        elif self.method == "hourly":
            away, self._path = self._path, self._name()
            self._reopen()
        else:
            self._path.rename(away)
            self._reopen()
        self._rotated.append(_Rotated(away, now))

    def _reopen(self) -> None:
        """The writer ends its line in the old file before it goes on in the new one."""
        self.write(b"")
        os.close(self._file)
        self._file = self._open()

    def _compress(self, old: _Rotated, now: float) -> None:
        if self.method not in ("gz", "zst") or old.path.suffix in (".gz", ".zst"):
            return
        target = old.path.with_name(f"{old.path.name}.{self.method}")
        if old.packed is None and now - old.at >= _COMPRESS_SECONDS:
            content = old.path.read_bytes()
            old.packed = gzip.compress(content, 1) if self.method == "gz" else zstandard.compress(content, 1)
            target.write_bytes(old.packed[: len(old.packed) // 2])
        elif old.packed is not None and now - old.at >= _COMPRESS_SECONDS + 1:
            with target.open("ab") as file:
                file.write(old.packed[len(old.packed) // 2 :])
            old.path.unlink()
            old.path, old.packed = target, None

    def close(self) -> None:
        """End the last line."""
        self.write(b"")
        os.close(self._file)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
