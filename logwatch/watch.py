"""One source as its agent reads it: its reader, its files, where its lines went."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.batch import Accounting, Position
from domain.errors import InputError
from domain.settings import Source
from logwatch.events import Tally
from logwatch.follow import FollowedFile
from logwatch.gathered import Gathered
from logwatch.headings import Heading
from logwatch.reader import Reader, Reading
from logwatch.skew import Skew
from logwatch.sources import SourceFiles
from logwatch.start import since, start_us
from logwatch.times import US
from logwatch.troubles import UNREAD_SECONDS, Troubles
from logwatch.turn import Turn
from logwatch.unknown import UnknownCodes

BACKFILL_SECONDS = 600.0
# A file is read in such pieces, and not more than so much of it before the others have their turn.
PIECE_BYTES = 4 << 20
MOST_BYTES_A_TURN = 4 * PIECE_BYTES
PROBE_BYTES = 1 << 16
# Blocks of several files up to this size each are read as one.
TOGETHER_BYTES = 1 << 16


class Watch:
    """One source with its reader and its files.

    `known` and `total` are what the checkpoint says of it, None where it was never seen. What is read goes to
    `gathered`; `make_room` is called whenever that is as much as one batch should hold.
    """

    def __init__(
        self,
        source: Source,
        reader: Reader,
        known: Sequence[Position],
        total: Accounting | None,
        gathered: Gathered,
        make_room: Callable[[float], None],
    ) -> None:
        self.source, self.reader = source, reader
        # Files of which each begins with the same line are told apart by the next.
        self.troubles = Troubles(source.name)
        at_end = source.start == "end" and total is None and not known
        skip = 1 if reader.headed == "first" else 0
        self.files = SourceFiles(
            source, known, self.troubles, self._release, skip, at_end=at_end, in_order=reader.pairing is not None
        )
        self._start_us = start_us(source.start)
        self.total = total or Accounting()
        self.watermark: float | None = None
        self.tally = Tally()
        self.unknown = UnknownCodes()
        self.skew = Skew()
        self._gathered, self._make_room = gathered, make_room
        # Blocks of files that are read together with those of others; None where each is read at once.
        self._together: dict[FollowedFile, bytes] | None = None

    def look(self, now: float) -> None:
        """Find what is there."""
        self.files.look(now)
        if self.files.ever_found:
            self.troubles.over("absent", "")
        else:
            self.troubles.has("absent", "", now, f"no file matches {', '.join(self.source.paths)}")

    def read_live(self, now: float, turn: Turn) -> None:
        """Read the files that may hold the present, those that waited longest for it first. Raises StoreError."""
        if self.reader.pairing is not None:
            self._read_in_order(now, turn)
            return
        self._together = {} if self.reader.reads_together else None
        self._read_each(now, turn)
        self._flush(now)
        self._together = None

    def _read_each(self, now: float, turn: Turn) -> None:
        files = [file for file in self.files.oldest_first() if not is_backfill(file, now)]
        for file in sorted(files, key=lambda file: file.read_at):
            if turn.is_over:
                file.reached_end = file.was_at_end = file.is_read
                continue
            # A little of a file tells whether it is an old one, which is not to keep the others waiting.
            if file.last_event is None:
                self.read_file(file, now, PROBE_BYTES, turn)
                if file.reached_end or is_backfill(file, now):
                    continue
            self.read_file(file, now, MOST_BYTES_A_TURN, turn)

    def _read_in_order(self, now: float, turn: Turn) -> None:
        """Read the files one after the other: a call may begin in one and end in the next."""
        behind = False
        for file in self.files.oldest_first():
            if behind or turn.is_over:
                file.reached_end = file.was_at_end = file.is_read
            else:
                self.read_file(file, now, MOST_BYTES_A_TURN, turn)
            behind |= not file.reached_end

    def backlog(self, now: float) -> list[FollowedFile]:
        """Files that are being caught up with, the oldest first."""
        if self.reader.pairing is not None:
            return []
        return [file for file in self.files.oldest_first() if is_backfill(file, now)]

    def read_file(self, file: FollowedFile, now: float, most: int, turn: Turn) -> None:
        """Read at most so many bytes of a file. Raises StoreError."""
        try:
            self._read_file(file, now, most, turn)
            if self.files.is_over(file, now):
                self._flush(now)
                self._finish(file, now)
                self._reconcile(file, now, is_over=True)
        except (InputError, OSError) as error:
            self._flush(now)
            self.files.set_aside(file, error, now)

    def finish_all(self, now: float) -> None:
        """Count the last lines of all files that are read to their end, as if none grew any more."""
        for file in self.files.oldest_first():
            if file.is_read:
                self._finish(file, now)

    def judge_watermark(self, now: float) -> None:
        """After what is live was read and kept: move the watermark if nothing holds it back."""
        live = [file for file in self.files.files.values() if not is_backfill(file, now)]
        if not self.files.holds_back and all(file.reached_end for file in live):
            # Nor does it pass an event that is known to be there and not read, as more lines of it may come.
            waiting = [file.held_since for file in live if file.held_since is not None]
            self.watermark = min([now, *waiting]) - self.source.disorder

    def judge_files(self, now: float) -> bool:
        """After the reading: which files are behind, and in danger; whether there is more to read."""
        files = self.files.files.values()
        for file in files:
            is_read = file.reached_end and file.is_read
            file.behind_since = None if is_read else min(now, file.behind_since or now)
            behind = 0.0 if file.behind_since is None else now - file.behind_since
            name = str(file.path)
            if behind >= UNREAD_SECONDS and file.moved:
                unread = file.unread_bytes()
                self.troubles.has("unread", name, now, "was rotated away and is not read to its end yet", unread)
            else:
                self.troubles.over("unread", name)
        self.troubles.keep_only("unread", {str(file.path) for file in files})
        return self.files.crowded or not all(file.reached_end for file in files)

    def set_back(self, now: float) -> None:
        """The clock was set back: nothing began later than now."""
        self.troubles.set_back(now)
        self.files.set_back(now)

    def rewind(self, total: Accounting, now: float) -> None:
        """Nothing was kept: read again from the last checkpoint, where the source's accounting was `total`."""
        self._together = None
        self.files.rewind(now)
        self.total = total
        if self.reader.pairing is not None:
            self.reader.pairing.rewind()

    def _read_file(self, file: FollowedFile, now: float, most: int, turn: Turn) -> None:
        read = 0
        file.was_at_end, file.reached_end, file.read_at = file.reached_end, False, now
        if file.heading is None:
            file.heading = Heading()
            if self.reader.headed:
                for block in file.read_before():
                    self.reader.learn(block, file.heading)
        while not file.reached_end and read < most:
            if read:
                self._flush(now)
            before = file.read_bytes
            block = file.read(min(PIECE_BYTES, most - read), now)
            read += PIECE_BYTES
            turn.read(file.read_bytes - before)
            for part in file.whole(block, self.reader.held, now) or [b""]:
                self._add(file, part, now)
            if self._gathered.is_full:
                self._flush(now)
                self._make_room(now)
            if turn.is_over:
                break
        if file.held.size and not 0 <= now - file.last_grown < self.reader.join_seconds:
            self._add(file, file.release(), now)
        if not self._together or file not in self._together:
            self._reconcile(file, now, is_over=False)

    def _reconcile(self, file: FollowedFile, now: float, *, is_over: bool) -> None:
        """What of a file's accounting does not add up is a trouble, once."""
        if not file.is_unbalanced and (detail := file.imbalance(is_over=is_over)):
            file.is_unbalanced = True
            self.troubles.has("unbalanced", str(file.path), now, f"does not add up: {detail}")

    def _release(self, file: FollowedFile, now: float) -> None:
        """Count what was held back of a file that was emptied, and keep it with the place it stood at."""
        if file.held.size:
            self._add(file, file.release(), now)
            self._flush(now)
            self._make_room(now)

    def _finish(self, file: FollowedFile, now: float) -> None:
        """Count the last line of a file that will not grow any more."""
        if file.has_unfinished:
            self._flush(now)
            file.was_at_end = False
            self._add(file, file.finish(), now)

    def _add(self, file: FollowedFile, block: bytes, now: float) -> None:
        if self._together is not None:
            if file in self._together:
                self._flush(now)
            # Of a file of which nothing is known yet it must be found out at once whether it is an old one.
            if file.last_event is not None and block.endswith(b"\n") and len(block) <= TOGETHER_BYTES:
                self._together[file] = block
                return
        self._count(file, block, now)

    def _flush(self, now: float) -> None:
        """Read the blocks that were put together."""
        if not self._together:
            return
        together, self._together = self._together, {}
        blocks = [(block, file.passed) for file, block in together.items()]
        for (file, block), reading in zip(together.items(), self.reader.read_together(blocks, now), strict=True):
            self._count(file, block, now, reading)
            self._reconcile(file, now, is_over=False)

    def _count(self, file: FollowedFile, block: bytes, now: float, reading: Reading | None = None) -> None:
        """Count a block of whole lines of a file: what its reading gave, which is done now where it was not yet."""
        accounting = Accounting()
        if block:
            reading = reading or self.reader.read(
                block, now, passed=file.passed, heading=file.heading, file=file.first_path, identity=file.identity
            )
            if self._start_us is not None:
                reading = since(reading, self._start_us)
            accounting = reading.accounting
            self._account_elsewhere(reading)
            self.tally.add(reading.tally)
            self.unknown.add(reading.tally.unknown_codes)
            if file.was_at_end and not len(reading.events) and reading.ahead_us is not None:
                # Of a clock that is far ahead nothing is counted, but that it is.
                self.skew.saw(reading.ahead_us / US, now)
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

    def expire(self, now: float) -> None:
        """Where all files are read to their end: count the calls whose end did not come for so long."""
        if self.files.crowded or not all(file.reached_end for file in self.files.files.values()):
            return
        reading = self.reader.silent(now)
        if reading is not None:
            self._account_elsewhere(reading)
            self._gathered.add(self.source.name, reading.events)

    def _account_elsewhere(self, reading: Reading) -> None:
        """What became of the starts of calls that stand in other files than the one read."""
        for identity, accounting in reading.elsewhere.items():
            self.total += accounting
            file = next((file for file in self.files.files.values() if file.identity == identity), None)
            if file is not None:
                file.accounting += accounting
                self._gathered.touch(file)
            elif (position := self.files.known.get(identity)) is not None:
                self._gathered.amend(position, accounting)


def is_backfill(file: FollowedFile, now: float) -> bool:
    """Whether a file is being caught up with, and holds no watermark back.

    That is when it was not read to its end, and the newest event so far lies more than ten minutes back. What comes in
    one that was read to its end is of the present, however quiet it was.
    """
    return not file.reached_end and file.last_event is not None and now - file.last_event > BACKFILL_SECONDS
