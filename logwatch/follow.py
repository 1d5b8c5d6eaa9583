"""One log file as it grows, whatever it is called by now.

A file is known by its device, its inode and a fingerprint of its first line that is no `#` heading (files share
those): a rename does not make it another file, a new file under an old inode is not taken for the old one. Offsets
count content (that is, decompressed bytes) and always stand behind a line end, so that reading can begin again at
any of them. The last bytes before them are remembered: where they are others now, the file was emptied and filled
again, and what was read of it is not its content any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from domain.batch import Accounting, Position
from domain.redact import fit_name
from logwatch.balance import imbalance
from logwatch.doubled import Passed
from logwatch.files import BLOCK
from logwatch.fingerprint import HEAD_BYTES, TAIL_BYTES, Identity, fingerprint, fingerprint_of, tail_of
from logwatch.headings import Heading
from logwatch.joins import Tail
from logwatch.lines import LineCutter
from logwatch.opened import OpenFile

# Of a last line or event that grows longer, the end alone is kept.
_MOST_UNCOUNTED = 1 << 20


class FollowedFile(OpenFile):
    """An open log file and how far it was read.

    `position` is what was counted and may be committed; `reached_end` says whether the last read found no more.
    """

    def __init__(self, source: str, path: Path, now: float, skip: int = 0) -> None:
        super().__init__(path)
        self.source, self._skip = source, skip
        try:
            self.fingerprint = self._read_fingerprint()
        except BaseException:
            self.close()
            raise
        # Which content of this beginning it is: a file that is emptied and filled again may begin alike.
        self.generation = 0
        self._cutter = LineCutter()
        # Lines of an event that the next may continue, and since when the first of them is known.
        self.held = Tail()
        self.held_since: float | None = None
        self._read = self._begun = self.offset = 0
        self._largest = 0
        # The last bytes that were read, back to TAIL_BYTES before the offset; what was read since; those before it.
        self._window = self._piece = self._tail = b""
        self._whole = 0
        self.line_ends = 0
        self.accounting = Accounting()
        self.passed = Passed()
        self.heading: Heading | None = Heading()
        self.reached_end = False
        self.last_grown = now
        self.last_event: float | None = None
        # When it was read last; whether that found no more: what comes now was written since.
        self.read_at = float("-inf")
        self.was_at_end = False
        # Since when there is more than was read.
        self.behind_since: float | None = None
        # Goes on where another file was left, and has no place in the checkpoint yet.
        self.adopted = False
        # Nothing of it is to be read: all was counted, or is counted elsewhere.
        self.is_done = False
        self.is_unbalanced = False
        # Nobody writes to it any more, whatever it is called: a copy, or a name that says so.
        self.is_put_by = False

    def _read_fingerprint(self) -> str:
        """The fingerprint; "" while there is none. Leaves the content at its start."""
        return "" if self.turned_out_compressed else fingerprint_of(self.head(HEAD_BYTES), self._skip)

    def learn_fingerprint(self) -> bool:
        """Whether its first line is complete by now, by which it is known from here on."""
        self.fingerprint = self._read_fingerprint()
        return self.fingerprint != ""

    @property
    def identity(self) -> str:
        """The file's name for the checkpoint; "" while its first line is not complete."""
        return self.identity_with(self.fingerprint) if self.fingerprint else ""

    def identity_with(self, fingerprint: str) -> str:
        """The name this file has with a fingerprint."""
        return str(Identity(f"{self.inode[0]:x}", f"{self.inode[1]:x}", fingerprint, self.generation))

    def fingerprint_if_finished(self) -> str:
        """The fingerprint that `finish` gives a file without one. Leaves the content at its start."""
        return fingerprint(self.head(HEAD_BYTES))

    def position(self) -> Position:
        """How far the file is counted."""
        return Position(
            source=self.source,
            path=fit_name(self.path),
            identity=self.identity,
            offset=self.offset,
            accounting=self.accounting,
            doubled=(self.passed.change_us, self.passed.newest_us),
            begun=self._begun,
            tail=tail_of(self._tail),
            line_ends=self._counted_ends,
            whole=0 if self.held.size else self._whole,
        )

    @property
    def read_bytes(self) -> int:
        """How much of its content was read, counted or not."""
        return self._read

    def unread_bytes(self) -> int:
        """Bytes of a plain file that are not counted yet; what a compressed file holds is not known before."""
        return 0 if self.compressed else max(0, self.size() - self.offset)

    # -- where reading begins and goes on --------------------------------------------------------------------------

    def resume(self, position: Position) -> bool:
        """Go on where counting stopped; False where this is not the content that was counted. Raises InputError."""
        before = self._seek(position.offset)
        if before is None or (position.tail and tail_of(before) != position.tail):
            self._seek(0)
            return False
        self._cutter, self.held, self.held_since = LineCutter(), Tail(), None
        self.reached_end = False
        self._read = self.offset = position.offset
        self._window = self._tail = before
        self._begun, self.accounting, self.line_ends = position.begun, position.accounting, position.line_ends
        self.passed = Passed(*position.doubled)
        # What stands before is not known: it is learnt from there before reading goes on.
        self.heading = None if position.offset else Heading()
        return True

    def begin_again(self) -> None:
        """Start over at the first byte, as when it was opened."""
        self._seek(0)
        self._cutter, self.held, self.held_since, self.reached_end = LineCutter(), Tail(), None, False
        self._read = self._begun = self.offset = self._whole = 0
        self._window = self._tail = b""
        self.line_ends, self.accounting = 0, Accounting()
        self.passed, self.heading = Passed(), Heading()

    def begin_at_end(self) -> None:
        """Count nothing of what is there: go on behind its last line end."""
        if self.compressed:
            self._whole = self.size()
            return
        self._begun = self._read = self.offset = self.last_line_end()
        self._window = self._tail = self._seek(self.offset) or b""
        self.heading = None

    def uncounted(self) -> int:
        """Bytes that were seen to be in the file and are not counted, whatever it holds now."""
        return max(self._largest, self._read) - self.offset

    def is_same(self) -> bool:
        """Whether the file still holds what was read of it, and was not emptied, or emptied and filled again."""
        if self.compressed:
            return True
        last = self._last
        if not last:  # nothing was read, but it is known how it began
            head = self.head(HEAD_BYTES)
            return self.fingerprint in (fingerprint_of(head, self._skip), fingerprint(head))
        same = self.stands_at(last, self._read - len(last))
        if same:
            self._largest = max(self._largest, self.size())
        return same

    def is_copy_of_emptied(self, other: FollowedFile) -> bool:
        """Whether this holds what was read of a file that was emptied since."""
        if self.fingerprint != other.fingerprint:
            return False
        last = other._last
        return self.compressed != "" or self.stands_at(last, other._read - len(last))

    @property
    def _last(self) -> bytes:
        """The last bytes that were read."""
        return self._window[-TAIL_BYTES:]

    # -- reading ----------------------------------------------------------------------------------------------------

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

    def read(self, most: int, now: float) -> bytes:
        """The next whole lines, from reading about `most` bytes of content. Raises InputError for damaged content.

        A file without a fingerprint gives nothing before the next look finds one. One that was emptied meanwhile gives
        nothing more, and has not reached its end: the next look sees to that, too.
        """
        if not self.fingerprint:
            self.reached_end = True
            return b""
        size = self.size() if self.compressed else 0
        data = self._take(most)
        # Looked at after reading: had it been emptied before, this would not be so any more.
        if not self.is_same():
            self._raw.seek(self._read)
            return b""
        self.last_grown = now if data else self.last_grown
        self.reached_end = len(data) < most
        block = self._cutter.feed(data)
        self._piece = data
        self._read += len(data)
        self._count_lines(data.count(b"\n"))
        if self.compressed and self.reached_end and not self._cutter.unfinished:
            self._whole = size
        return block

    def whole(self, block: bytes, held: Callable[[bytes], int], now: float) -> list[bytes]:
        """The parts of the block just read, and of what was held back, that are whole events (see Tail.feed)."""
        parts = self.held.feed(block, self._cutter.cuts, held)
        if parts or not self.held.size or self.held_since is None:
            self.held_since = now if self.held.size else None
        return parts

    def release(self) -> bytes:
        """The lines that were held back, as nothing continues them any more."""
        self.held_since = None
        return self.held.release()

    def finish(self) -> bytes:
        """What is left of a file that will not grow any more. Raises InputError.

        That is the last line, which no line end closed, or all of a file too short to have a fingerprint.
        """
        if self.fingerprint:
            self._count_lines(self._cutter.unfinished > 0)
            block = self.release() + self._cutter.finish()
        else:
            self._seek(0)
            data = self._take(HEAD_BYTES)
            self._read += len(data)
            self.fingerprint = fingerprint(data)
            self._piece = data
            block = self._cutter.feed(data)
            self._count_lines(data.count(b"\n") + (self._cutter.unfinished > 0))
            block += self._cutter.finish()
        if self.compressed:
            self._whole = self.size()
        return block

    def _count_lines(self, ends: int) -> None:
        """Lines counted by their ends alone, beside what the reader says of them; -1 for a beginning without."""
        if self.line_ends >= 0:
            self.line_ends += ends

    @property
    def _counted_ends(self) -> int:
        """Line ends but for those of lines that are held back."""
        return self.line_ends - self.held.lines if self.line_ends >= 0 else self.line_ends

    @property
    def has_unfinished(self) -> bool:
        """Whether bytes were not counted because more may come: of the last event or line, or in a short file."""
        return self.held.size > 0 or self._cutter.unfinished > 0 or (not self.fingerprint and self.size() > 0)

    def counted(self, accounting: Accounting) -> Accounting:
        """Take the accounting of what was read since the last time into the position; what it adds up to."""
        oversized, self._cutter.oversized = self._cutter.oversized, 0
        offset = self._read - self._cutter.unfinished - self.held.size
        added = accounting + Accounting(lines=oversized, malformed=oversized, bytes=offset - self.offset)
        self._move_window(moved=offset != self.offset, uncounted=self._read - offset)
        self.offset = offset
        self.accounting += added
        return added

    def _move_window(self, *, moved: bool, uncounted: int) -> None:
        """Keep the last bytes that were read, and those before the offset."""
        wanted = TAIL_BYTES + min(uncounted, _MOST_UNCOUNTED)
        enough = len(self._piece) >= wanted
        window = self._piece[-wanted:] if enough else (self._window + self._piece)[-wanted:]
        if moved:
            whole = window if uncounted <= _MOST_UNCOUNTED else self._window + self._piece
            self._tail = whole[: len(whole) - uncounted][-TAIL_BYTES:]
        self._window, self._piece = window, b""

    def imbalance(self, *, is_over: bool) -> str:
        """What of the accounting does not add up; "" for nothing. Of a file that is over, all must be counted."""
        size = self.size() if is_over and not self.compressed else None
        return imbalance(self.accounting, self._counted_ends, self._begun, self.offset, size)
