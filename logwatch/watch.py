"""One source as its agent reads it: its reader, its files, where its lines went."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from domain.batch import Accounting, Position
from domain.errors import InputError
from domain.settings import Source
from logwatch.events import Tally
from logwatch.follow import FollowedFile
from logwatch.gathered import Gathered
from logwatch.headings import Heading
from logwatch.reader import Reader
from logwatch.skew import Skew
from logwatch.sources import SourceFiles
from logwatch.times import US
from logwatch.troubles import Troubles
from logwatch.unknown import UnknownCodes

log = logging.getLogger(__name__)

BACKFILL_SECONDS = 600.0
# A file is read in such pieces, and not more than so much of it before the others have their turn.
PIECE_BYTES = 4 << 20
MOST_BYTES_A_TURN = 4 * PIECE_BYTES


class Watch:
    """One source with its reader and its files.

    What is read goes to `gathered`; `make_room` is called whenever that is as much as one batch should hold.
    """

    def __init__(
        self,
        source: Source,
        reader: Reader,
        known: Sequence[Position],
        total: Accounting,
        gathered: Gathered,
        make_room: Callable[[float], None],
    ) -> None:
        self.source, self.reader = source, reader
        # Files of which each begins with the same line are told apart by the next.
        self.files = SourceFiles(source, known, skip=1 if reader.headed == "first" else 0)
        self.total = total
        self.watermark: float | None = None
        self.tally = Tally()
        self.unknown = UnknownCodes()
        self.troubles = Troubles(source.name)
        self.skew = Skew()
        self._gathered, self._make_room = gathered, make_room

    def read(self, now: float) -> None:
        """Read the source's files, each at most one turn. Raises StoreError."""
        self.files.look(now)
        if self.files.ever_found:
            self.troubles.over("absent", "")
        else:
            self.troubles.has("absent", "", now, f"no file matches {', '.join(self.source.paths)}")
        for file in self.files.oldest_first():
            try:
                if file.shrunk():
                    log.warning("source %s: %s was truncated and is read from its start", self.source.name, file.path)
                    self._release(file, now)
                    file.begin_anew()
                self._read_file(file, now)
                if self.files.is_over(file, now):
                    self._finish(file, now)
            except (InputError, OSError) as error:
                log.warning("source %s: %s; read again when it changes", self.source.name, error)
                self.files.set_aside(file, error, now)

    def finish_all(self, now: float) -> None:
        """Count the last lines of all files that are read to their end, as if none grew any more."""
        for file in self.files.oldest_first():
            if file.is_read:
                self._finish(file, now)

    def judge_watermark(self, now: float) -> bool:
        """After what was read is kept: move the watermark if nothing holds it back; whether there is more to read."""
        unread = [file for file in self.files.files.values() if not file.reached_end]
        for file in self.files.files.values():
            file.behind_since = None if file.reached_end else file.behind_since or now
        held_back = self.files.crowded_by_live or not self.files.ever_found
        if not held_back and all(_is_backfill(file, now) for file in unread):
            # Nor does it pass an event that is known to be there and not read, as more lines of it may come.
            waiting = [file.held_since for file in self.files.files.values() if not _is_backfill(file, now)]
            self.watermark = min([now, *(since for since in waiting if since is not None)]) - self.source.disorder
        return bool(unread) or self.files.crowded

    def rewind(self, total: Accounting, now: float) -> None:
        """Nothing was kept: read again from the last checkpoint, where the source's accounting was `total`."""
        self.files.rewind(now)
        self.total = total

    def _read_file(self, file: FollowedFile, now: float) -> None:
        read = 0
        file.was_at_end, file.reached_end = file.reached_end, False
        if file.heading is None:
            file.heading = Heading()
            if self.reader.headed:
                for block in file.read_before():
                    self.reader.learn(block, file.heading)
        while not file.reached_end and read < MOST_BYTES_A_TURN:
            block = file.read(PIECE_BYTES, now)
            read += PIECE_BYTES
            for part in file.whole(block, self.reader.held, now) or [b""]:
                self._add(file, part, now)
            if self._gathered.is_full:
                self._make_room(now)
        if file.tail.size and not 0 <= now - file.last_grown < self.reader.join_seconds:
            self._add(file, file.release(), now)

    def _release(self, file: FollowedFile, now: float) -> None:
        """Count what was held back of a file that goes on as another, and keep it with the place it stood at."""
        if file.tail.size:
            self._add(file, file.release(), now)
            self._make_room(now)

    def _finish(self, file: FollowedFile, now: float) -> None:
        """Count the last line of a file that will not grow any more."""
        if file.has_unfinished:
            file.was_at_end = False
            self._add(file, file.finish(), now)

    def _add(self, file: FollowedFile, block: bytes, now: float) -> None:
        accounting = Accounting()
        if block:
            reading = self.reader.read(block, now, passed=file.passed, heading=file.heading)
            accounting = reading.accounting
            self.tally.add(reading.tally)
            self.unknown.add(reading.tally.unknown_codes)
            if len(reading.events):
                file.last_event = int(reading.events.time_us.max()) / US
                if file.was_at_end:
                    self.skew.saw(file.last_event, now)
                self._gathered.add(self.source.name, reading.events)
                if self._gathered.recent is not None:
                    self._gathered.recent.look(self.source.name, self.reader, block, reading, now)
        added = file.counted(accounting)
        if added != Accounting() or file.adopted:
            file.adopted = False
            self.total += added
            self._gathered.touch(file)


def _is_backfill(file: FollowedFile, now: float) -> bool:
    """A file whose newest event read so far lies more than ten minutes back holds no watermark back."""
    return file.last_event is not None and now - file.last_event > BACKFILL_SECONDS
