"""One log file as it grows, whatever it is called by now.

A file is known by its device, its inode and a fingerprint of its first line that is no `#` heading (files share
those): a rename does not make it another file, a new file under an old inode is not taken for the old one. Offsets
count content (that is, decompressed bytes) and always stand behind a line end, so that reading can begin again at
any of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from domain.batch import Accounting, Position
from domain.errors import InputError
from logwatch.doubled import Passed
from logwatch.files import BLOCK, DAMAGED, compression, open_content
from logwatch.headings import Heading
from logwatch.joins import Tail
from logwatch.lines import LineCutter

_FINGERPRINT_BYTES = 1_024
# A fingerprint is found within so many bytes, and a copy is known by so many.
_HEAD_BYTES = 4_096
_COPY_BYTES = 65_536
_BOM = b"\xef\xbb\xbf"


def fingerprint(first_line: bytes) -> str:
    """What tells a file's content from another's: a hash of its first line (of 1 KiB of it)."""
    return hashlib.blake2b(first_line[:_FINGERPRINT_BYTES], digest_size=8).hexdigest()


def fingerprint_of(head: bytes, skip: int = 0) -> str:
    """The fingerprint of a content that begins with `head` (_HEAD_BYTES of it, or all); "" while it has none.

    The first `skip` lines that are no `#` headings are headings, too: of a CSV's columns.
    """
    at = 0
    while at < len(head):
        end = head.find(b"\n", at)
        if end < 0 and len(head) < _HEAD_BYTES:
            return ""
        line = head[at:] if end < 0 else head[at:end]
        if end < 0 or not line.removeprefix(_BOM).startswith(b"#"):
            if end < 0 or skip == 0:
                return fingerprint(line)
            skip -= 1
        at = end + 1
    return fingerprint(head) if len(head) >= _HEAD_BYTES else ""


class Seen(NamedTuple):
    """A file as a look finds it; while all of it stays, nothing came, and reading it would go as it went."""

    size: int
    modified_ns: int
    changed_ns: int  # its rights, too


def seen(status: os.stat_result) -> Seen:
    """How a file is seen."""
    return Seen(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class FollowedFile:
    """An open log file and how far it was read.

    `position` is what was counted and may be committed; `reached_end` says whether the last read found no more.
    """

    def __init__(self, source: str, path: Path, now: float, skip: int = 0) -> None:
        self.source, self.path, self._skip = source, path, skip
        self._opened_as = path
        self._raw: FileIO = path.open("rb", buffering=0)
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
        # Lines of an event that the next may continue, and since when the first of them is known.
        self.tail = Tail()
        self.held_since: float | None = None
        self._read = 0
        self.offset = 0
        self.accounting = Accounting()
        self.passed = Passed()
        self.heading: Heading | None = Heading()
        self.reached_end = False
        self.last_grown = now
        self.last_event: float | None = None
        # Whether the look before found no more: what comes now was written since.
        self.was_at_end = False
        # Since when there is more than was read.
        self.behind_since: float | None = None
        # Goes on where another file was left, and has no place in the checkpoint yet.
        self.adopted = False

    def _read_fingerprint(self) -> str:
        """The fingerprint; "" while there is none. Leaves the content at its start."""
        if self.turned_out_compressed:
            return ""
        head = self._take(_HEAD_BYTES)
        self._seek(0)
        return fingerprint_of(head, self._skip)

    @property
    def turned_out_compressed(self) -> bool:
        """Whether the file was empty when it was opened, and something is being compressed into it since."""
        return not self.compressed and compression(os.pread(self._raw.fileno(), 4, 0)) != ""

    @property
    def identity(self) -> str:
        """The file's name for the checkpoint; "" while its first line is not complete."""
        return self.identity_with(self.fingerprint) if self.fingerprint else ""

    def identity_with(self, fingerprint: str) -> str:
        """The name this file has with a fingerprint."""
        return f"{self.inode[0]:x}-{self.inode[1]:x}-{fingerprint}"

    def fingerprint_if_finished(self) -> str:
        """The fingerprint that `finish` gives a file without one. Leaves the content at its start."""
        self._seek(0)
        data = self._take(_HEAD_BYTES)
        self._seek(0)
        return fingerprint(data)

    def position(self) -> Position:
        """How far the file is counted."""
        return Position(
            source=self.source,
            # A name may be of no encoding; what is stored and sent is text.
            path=str(self.path).encode(errors="replace").decode(),
            identity=self.identity,
            offset=self.offset,
            accounting=self.accounting,
            doubled=(self.passed.change_us, self.passed.newest_us),
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

    def unread_bytes(self) -> int:
        """Bytes of a plain file that are not counted yet; what a compressed file holds is not known before."""
        return 0 if self.compressed else max(0, self.size() - self.offset)

    def seen(self) -> Seen:
        """The file as it is now."""
        return seen(os.fstat(self._raw.fileno()))

    def resume(self, offset: int, accounting: Accounting, doubled: tuple[int, int] = (0, 0)) -> None:
        """Go on where the checkpoint says that counting stopped."""
        self._seek(offset)
        self._cutter, self.tail, self.held_since = LineCutter(), Tail(), None
        self.reached_end = False
        self._read = self.offset = offset
        self.accounting = accounting
        self.passed = Passed(*doubled)
        # What stands before is not known: it is learnt from there before reading goes on.
        self.heading = None if offset else Heading()

    def _take(self, most: int) -> bytes:
        """The next bytes of content. Raises InputError for damaged content, OSError."""
        try:
            return self._content.read(most) or b""
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

    def is_copy_of(self, other: FollowedFile) -> bool:
        """Whether this compressed file was made from `other`, as far as both begin alike. Raises InputError."""
        if not self.compressed or other.compressed or other.fingerprint != self.fingerprint:
            return False
        mine, theirs = self._take(_COPY_BYTES), os.pread(other._raw.fileno(), _COPY_BYTES, 0)
        self._seek(0)
        common = min(len(mine), len(theirs))
        return mine[:common] == theirs[:common]

    def read_before(self) -> Iterator[bytes]:
        """The whole lines before the place where reading goes on, right after `resume`; to be taken to their end.

        Raises InputError for damaged content.
        """
        self._seek(0)
        cutter, left = LineCutter(), self.offset
        while left > 0 and (data := self._take(min(left, BLOCK))):
            left -= len(data)
            yield cutter.feed(data)

    @property
    def is_read(self) -> bool:
        """Whether nothing has come since the last read, which found the end."""
        return self.reached_end and (self.compressed != "" or self.size() <= self._read or not self.fingerprint)

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

    def whole(self, block: bytes, held: Callable[[bytes], int], now: float) -> list[bytes]:
        """The parts of the block just read, and of what was held back, that are whole events (see Tail.feed)."""
        parts = self.tail.feed(block, self._cutter.cuts, held)
        if parts or not self.tail.size or self.held_since is None:
            self.held_since = now if self.tail.size else None
        return parts

    def release(self) -> bytes:
        """The lines that were held back, as nothing continues them any more."""
        self.held_since = None
        return self.tail.release()

    def finish(self) -> bytes:
        """What is left of a file that will not grow any more. Raises InputError.

        That is the last line, which no line end closed, or all of a file too short to have a fingerprint.
        """
        if self.fingerprint:
            return self.release() + self._cutter.finish()
        self._seek(0)
        data = self._take(_HEAD_BYTES)
        self._read += len(data)
        self.fingerprint = fingerprint(data)
        return self._cutter.feed(data) + self._cutter.finish()

    @property
    def has_unfinished(self) -> bool:
        """Whether bytes were not counted because more may come: of the last event or line, or in a short file."""
        return self.tail.size > 0 or self._cutter.unfinished > 0 or (not self.fingerprint and self.size() > 0)

    def counted(self, accounting: Accounting) -> Accounting:
        """Take the accounting of what was read since the last time into the position; what it adds up to."""
        oversized, self._cutter.oversized = self._cutter.oversized, 0
        offset = self._read - self._cutter.unfinished - self.tail.size
        added = accounting + Accounting(lines=oversized, malformed=oversized, bytes=offset - self.offset)
        self.offset = offset
        self.accounting += added
        return added

    def close(self) -> None:
        """Let the file go."""
        self._raw.close()
