"""An open log file and its content, whatever it is called by now: what is asked of the file itself.

Places are those of the content, that is, of decompressed bytes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

from domain.errors import InputError
from logwatch.files import BLOCK, DAMAGED, compression, open_content
from logwatch.fingerprint import TAIL_BYTES, Seen, seen, tail_of

_BACK_BYTES = 65_536


class OpenFile:
    """A log file held open for reading."""

    def __init__(self, path: Path) -> None:
        self.path = self._opened_as = path
        # When it was renamed or went out of sight: its writer may be about to finish its last line.
        self._seen_as: Path | None = path
        self.moved_at = float("-inf")
        self._raw = FileIO(path, opener=_without_waiting)
        try:
            status = os.fstat(self._raw.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(str(path), "is no regular file any more")
            self.inode = (status.st_dev, status.st_ino)
            self.compressed = compression(self._raw.read(4))
            self._raw.seek(0)
            self._content = open_content(self._raw, self.compressed)
        except BaseException:
            self._raw.close()
            raise

    @property
    def turned_out_compressed(self) -> bool:
        """Whether the file was empty when it was opened, and something is being compressed into it since."""
        return not self.compressed and compression(os.pread(self._raw.fileno(), 4, 0)) != ""

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

    @property
    def first_path(self) -> str:
        """Where the file was found first, as text."""
        return str(self._opened_as).encode(errors="replace").decode()

    def moved_to(self, path: Path | None, now: float) -> None:
        """The file is found under this path now, or under none any more."""
        if path != self._seen_as:
            self._seen_as, self.moved_at = path, now
        self.path = path or self.path

    def modified(self) -> float:
        """When the file was last written to, in epoch seconds of this machine's wall."""
        return os.fstat(self._raw.fileno()).st_mtime

    def size(self) -> int:
        """The file's size on disk."""
        return os.fstat(self._raw.fileno()).st_size

    def seen(self) -> Seen:
        """The file as it is now."""
        return seen(os.fstat(self._raw.fileno()))

    def head(self, most: int) -> bytes:
        """The first bytes of content; of a compressed file only before it is read. Raises InputError."""
        if not self.compressed:
            return os.pread(self._raw.fileno(), most, 0)
        self._seek(0)
        data = self._take(most)
        self._seek(0)
        return data

    def before(self, offset: int) -> bytes:
        """The last bytes before a place of a plain file."""
        wanted = min(TAIL_BYTES, offset)
        return os.pread(self._raw.fileno(), wanted, offset - wanted)

    def stands_at(self, data: bytes, offset: int) -> bool:
        """Whether these bytes stand at this place of a plain file."""
        return os.pread(self._raw.fileno(), len(data), offset) == data

    def last_line_end(self) -> int:
        """The place behind a plain file's last line end; 0 where there is none."""
        at = self.size()
        while at > 0:
            begin = max(0, at - _BACK_BYTES)
            found = os.pread(self._raw.fileno(), at - begin, begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            at = begin
        return 0

    def tails_at(self, offsets: Iterable[int]) -> dict[int, str]:
        """The digests of the last bytes before some places, found in one pass; none of places beyond the content.

        Leaves a compressed content at its start. Raises InputError.
        """
        if not self.compressed:
            size = self.size()
            return {offset: tail_of(self.before(offset)) for offset in offsets if offset <= size}
        self._seek(0)
        found, at, before = {}, 0, b""
        for offset in sorted(set(offsets)):
            while at < offset and (data := self._take(min(offset - at, BLOCK))):
                at += len(data)
                before = end_of(before, data, len(data))
            if at < offset:
                break
            found[offset] = tail_of(before)
        self._seek(0)
        return found

    def close(self) -> None:
        """Let the file go."""
        self._raw.close()

    def _take(self, most: int) -> bytes:
        """The next bytes of content. Raises InputError for damaged content, OSError."""
        try:
            return self._content.read(most) or b""
        except DAMAGED as error:
            raise InputError(str(self.path), f"is damaged or not complete yet: {error}") from error

    def _seek(self, offset: int) -> bytes | None:
        """Go to a place in the content; the last bytes before it, None where the content is shorter."""
        if not self.compressed:
            self._raw.seek(offset)
            before = self.before(offset)
            return before if len(before) == min(TAIL_BYTES, offset) else None
        self._raw.seek(0)
        self._content = open_content(self._raw, self.compressed)
        before = b""
        while offset > 0:
            skipped = self._take(min(offset, BLOCK))
            if not skipped:
                return None
            offset -= len(skipped)
            before = end_of(before, skipped, len(skipped))
        return before


def _without_waiting(path: str, flags: int) -> int:
    """Open a file that was a regular one when it was looked at: a pipe that took its place would wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def end_of(before: bytes, data: bytes, cut: int) -> bytes:
    """The last TAIL_BYTES of `before` and the first `cut` bytes of `data`."""
    return data[cut - TAIL_BYTES : cut] if cut >= TAIL_BYTES else (before + data[:cut])[-TAIL_BYTES:]
