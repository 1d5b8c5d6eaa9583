"""One log file as it grows, whatever it is called by now.

A file is known by its device, its inode and a fingerprint of its first line: a rename does not make it
another file, a new file under an old inode is not taken for the old one. Offsets count content (that is,
decompressed bytes) and always stand behind a line end, so that reading can begin again at any of them.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO

from domain.batch import Accounting, Position
from domain.errors import InputError
from logwatch.files import BLOCK, DAMAGED, compression, open_content
from logwatch.lines import LineCutter

_FINGERPRINT_BYTES = 1_024


def fingerprint(first_line: bytes) -> str:
    """What tells a file's content from another's: a hash of its first line (of 1 KiB of it)."""
    return hashlib.blake2b(first_line[:_FINGERPRINT_BYTES], digest_size=8).hexdigest()


class FollowedFile:
    """An open log file and how far it was read.

    `position` is what was counted and may be committed; `reached_end` says whether the last read found no more.
    """

    def __init__(self, source: str, path: Path, now: float) -> None:
        self.source, self.path = source, path
        self._opened_as = path
        self._raw: IO[bytes] = path.open("rb", buffering=0)
        try:
            status = os.fstat(self._raw.fileno())
            self.inode = (status.st_dev, status.st_ino)
            self.compressed = compression(self._raw.read(4))
            self._raw.seek(0)
            self._content = open_content(self._raw, self.compressed)
            self.fingerprint = self._read_fingerprint()
        except BaseException:
            self._raw.close()
            raise
        self._cutter = LineCutter()
        self._read = 0
        self.offset = 0
        self.accounting = Accounting()
        self.reached_end = False
        self.last_grown = now
        self.last_event: float | None = None

    def _read_fingerprint(self) -> str:
        """The fingerprint of the first line; "" while there is none. Leaves the content at its start."""
        head = self._take(_FINGERPRINT_BYTES + 1)
        self._seek(0)
        end = head.find(b"\n")
        if end < 0 and len(head) <= _FINGERPRINT_BYTES:
            return ""
        return fingerprint(head if end < 0 else head[:end])

    @property
    def identity(self) -> str:
        """The file's name for the checkpoint; "" while its first line is not complete."""
        if not self.fingerprint:
            return ""
        return f"{self.inode[0]:x}-{self.inode[1]:x}-{self.fingerprint}"

    def position(self) -> Position:
        """How far the file is counted."""
        return Position(
            source=self.source,
            path=str(self.path),
            identity=self.identity,
            offset=self.offset,
            accounting=self.accounting,
        )

    @property
    def moved(self) -> bool:
        """Whether the file is no longer found where it was opened: renamed, or deleted."""
        if self.path != self._opened_as:
            return True
        try:
            status = self.path.stat()
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self.inode

    def moved_to(self, path: Path) -> None:
        """The file is found under this path now."""
        self.path = path

    def modified(self) -> float:
        """When the file was last written to, in epoch seconds of this machine's wall."""
        return os.fstat(self._raw.fileno()).st_mtime

    def size(self) -> int:
        """The file's size on disk."""
        return os.fstat(self._raw.fileno()).st_size

    def resume(self, offset: int, accounting: Accounting) -> None:
        """Go on where the checkpoint says that counting stopped."""
        self._seek(offset)
        self._cutter = LineCutter()
        self._read = self.offset = offset
        self.accounting = accounting

    def _take(self, most: int) -> bytes:
        """The next bytes of content. Raises InputError for damaged content, OSError."""
        try:
            return self._content.read(most)
        except DAMAGED as error:
            raise InputError(str(self.path), f"is damaged or not complete yet: {error}") from error

    def _seek(self, offset: int) -> None:
        if not self.compressed:
            self._raw.seek(offset)
            return
        self._raw.seek(0)
        self._content = open_content(self._raw, self.compressed)
        while offset > 0:
            skipped = len(self._take(min(offset, BLOCK)))
            if skipped == 0:
                raise InputError(str(self.path), "holds less than was read of it before it was compressed")
            offset -= skipped

    def shrunk(self) -> bool:
        """Whether the file is shorter than what was read of it: it was truncated and begins anew."""
        return not self.compressed and self.size() < self._read

    def begin_anew(self) -> None:
        """Start over at the first byte, as another file."""
        self.fingerprint = ""
        self.resume(0, Accounting())

    def read(self, most: int, now: float) -> bytes:
        """The next whole lines, from reading about `most` bytes of content. Raises InputError for damaged content."""
        if not self.fingerprint:
            self._seek(0)
            self.fingerprint = self._read_fingerprint()
            if not self.fingerprint:
                self.reached_end = True
                return b""
        data = self._take(most)
        self._read += len(data)
        self.last_grown = now if data else self.last_grown
        self.reached_end = len(data) < most
        return self._cutter.feed(data)

    def finish(self) -> bytes:
        """The last line of a file that will not grow any more, which no line end closed."""
        return self._cutter.finish()

    @property
    def has_unfinished(self) -> bool:
        """Whether bytes stand after the last line end."""
        return self._cutter.unfinished > 0

    def counted(self, accounting: Accounting) -> Accounting:
        """Take the accounting of what was read since the last time into the position; what it adds up to."""
        oversized, self._cutter.oversized = self._cutter.oversized, 0
        offset = self._read - self._cutter.unfinished
        added = accounting + Accounting(lines=oversized, malformed=oversized, bytes=offset - self.offset)
        self.offset = offset
        self.accounting += added
        return added

    def close(self) -> None:
        """Let the file go."""
        self._raw.close()
