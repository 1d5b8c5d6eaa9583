"""The agent: tick by tick from growing files to committed batches and heartbeats.

A tick reads what has come, counts it, and commits cells and positions in one transaction; then it hands
over what waits. Dying anywhere between loses nothing and counts nothing twice: what was not committed is
read again, what was not confirmed is sent again under its number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from domain.batch import Accounting, Commit, Counts, Heartbeat, Position, SourceState
from domain.clock import Clock, Waker
from domain.codes import Judgement
from domain.errors import InputError, StoreError, TransportError
from domain.ports import BulkSender, Outbox, Sender
from domain.settings import AgentSettings, Format, Source
from domain.wire import WIRE_VERSION
from logwatch.count import count
from logwatch.events import EventBlock, Tally
from logwatch.follow import FollowedFile
from logwatch.headings import Heading
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.sources import SourceFiles
from logwatch.stats import SourceFigures, Stats
from logwatch.times import US

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0
BACKFILL_SECONDS = 600.0
# A batch is committed when it holds so many events, so that memory does not grow with what there is to read.
MOST_EVENTS = 200_000
# A file is read in such pieces, and not more than so much of it before the others have their turn.
PIECE_BYTES = 4 << 20
MOST_BYTES_A_TURN = 4 * PIECE_BYTES
TALLY_SECONDS = 60.0


class Watch:
    """One source with its reader and its files."""

    def __init__(self, source: Source, reader: Reader, known: Sequence[Position], total: Accounting) -> None:
        self.source, self.reader = source, reader
        # Files of which each begins with the same line are told apart by the next.
        self.files = SourceFiles(source, known, skip=1 if reader.headed == "first" else 0)
        self.total = total
        self.watermark: float | None = None
        self.tally = Tally()


class Agent:
    """Watches the sources of one site and hands batches to a sender."""

    def __init__(
        self,
        sources: Sequence[Source],
        formats: Mapping[str, Format],
        codes: Mapping[str, Judgement],
        settings: AgentSettings,
        outbox: Outbox,
        sender: Sender,
        clock: Clock,
    ) -> None:
        self._settings, self._outbox, self._sender, self._clock = settings, outbox, sender, clock
        self._registry = Registry(settings.field_cap, outbox.registry())
        positions, totals = outbox.positions(), outbox.totals()
        self._watches = [
            Watch(
                source,
                Reader(
                    formats[source.format],
                    self._registry,
                    fixed={"hub": source.hub, "server": source.server},
                    codes=codes,
                    path=f"formats.{source.format}",
                ),
                [position for position in positions if position.source == source.name],
                totals.get(source.name, Accounting()),
            )
            for source in sources
        ]
        self._events: list[EventBlock] = []
        self._count = 0
        self._touched: dict[tuple[str, str], FollowedFile] = {}
        self._beaten = float("-inf")
        self._tallied = clock.now()
        self.stats = Stats()

    def run(self, waker: Waker, stop: Callable[[], bool]) -> None:
        """Tick until told to stop."""
        while not stop():
            begun = self._clock.now()
            behind = self.tick()
            if not behind:
                # Of a clock that was set back meanwhile nothing is to be learnt.
                passed = max(0.0, self._clock.now() - begun)
                waker.wait(max(0.0, self._settings.tick_seconds - passed))

    def tick(self) -> bool:
        """Read, commit and hand over once; whether there is more to read already."""
        self.stats.pulse.beat()
        now = self._clock.now()
        try:
            behind = self._read_all(now)
            self.stats.not_kept = ""
        except StoreError as error:
            self.stats.not_kept = str(error)
            # The files are the buffer: what was read and not kept is read again when the store has room.
            log.error("not kept, and read again: %s", error)
            self._rewind(now)
            return False
        self._hand_over(now)
        self._tell_tallies(now)
        return behind

    def drain(self) -> None:
        """Read everything that is there to its end, unfinished last lines too, and hand it over.

        Raises StoreError, TransportError where some of it was not; then it is done by the next that tries.
        """
        behind = True
        while behind:
            now = self._clock.now()
            behind = self._read_all(now)
            for watch in self._watches:
                for file in watch.files.oldest_first():
                    if file.is_read:
                        self._finish(watch, file, now)
            self._commit(now)
            self._send()
        self._sender.beat(self._heartbeat(self._clock.now()))

    def close(self) -> None:
        """Let the files go."""
        for watch in self._watches:
            watch.files.close()

    # -- reading -----------------------------------------------------------------------------------------------

    def _read_all(self, now: float) -> bool:
        """Read each file's turn and commit it; whether there is more to read already. Raises StoreError."""
        behind = False
        for watch in self._watches:
            self._read(watch, now)
        self._commit(now)
        for watch in self._watches:
            unread = [file for file in watch.files.files.values() if not file.reached_end]
            behind |= bool(unread) or watch.files.crowded
            held_back = watch.files.crowded_by_live or not watch.files.ever_found
            if not held_back and all(self._is_backfill(file, now) for file in unread):
                watch.watermark = now - watch.source.disorder
        return behind

    def _read(self, watch: Watch, now: float) -> None:
        """Read the source's files, each at most one turn."""
        watch.files.look(now)
        for file in watch.files.oldest_first():
            try:
                if file.shrunk():
                    log.warning("source %s: %s was truncated and is read from its start", watch.source.name, file.path)
                    file.begin_anew()
                self._read_file(watch, file, now)
                if watch.files.is_over(file, now):
                    self._finish(watch, file, now)
            except (InputError, OSError) as error:
                log.warning("source %s: %s; read again when it changes", watch.source.name, error)
                watch.files.set_aside(file, error, now)

    def _read_file(self, watch: Watch, file: FollowedFile, now: float) -> None:
        read = 0
        file.reached_end = False
        if file.heading is None:
            file.heading = Heading()
            if watch.reader.headed:
                for block in file.read_before():
                    watch.reader.learn(block, file.heading)
        while not file.reached_end and read < MOST_BYTES_A_TURN:
            block = file.read(PIECE_BYTES, now)
            read += PIECE_BYTES
            self._add(watch, file, block, now)
            if self._count >= MOST_EVENTS:
                self._commit(now)

    def _finish(self, watch: Watch, file: FollowedFile, now: float) -> None:
        """Count the last line of a file that will not grow any more."""
        if file.has_unfinished:
            self._add(watch, file, file.finish(), now)

    def _add(self, watch: Watch, file: FollowedFile, block: bytes, now: float) -> None:
        accounting = Accounting()
        if block:
            reading = watch.reader.read(block, now, passed=file.passed, heading=file.heading)
            accounting = reading.accounting
            watch.tally.add(reading.tally)
            if len(reading.events):
                file.last_event = int(reading.events.time_us.max()) / US
                self._events.append(reading.events)
                self._count += len(reading.events)
        added = file.counted(accounting)
        if added != Accounting() or file.adopted:
            file.adopted = False
            watch.total += added
            self._touched[(file.source, file.identity)] = file

    def _is_backfill(self, file: FollowedFile, now: float) -> bool:
        """A file whose newest event read so far lies more than ten minutes back holds no watermark back."""
        return file.last_event is not None and now - file.last_event > BACKFILL_SECONDS

    # -- keeping and handing over ------------------------------------------------------------------------------

    def _commit(self, now: float) -> None:
        forget = [identity for watch in self._watches for identity in watch.files.forgettable(now)]
        if not self._touched and not forget:
            return
        positions = [file.position() for file in self._touched.values()]
        totals = {watch.source.name: watch.total for watch in self._watches}
        counts = Counts(count(self._events, self._registry))
        self._outbox.commit(Commit(counts, positions, totals, self._registry.values(), forget))
        for watch in self._watches:
            watch.files.kept(position for position in positions if position.source == watch.source.name)
        self._events, self._count, self._touched = [], 0, {}

    def _rewind(self, now: float) -> None:
        totals = self._outbox.totals()
        for watch in self._watches:
            watch.files.rewind(now)
            watch.total = totals.get(watch.source.name, Accounting())
        self._events, self._count, self._touched = [], 0, {}

    def _hand_over(self, now: float) -> None:
        """Send what waits, then the heartbeat; a peer that is away is told of once a heartbeat."""
        due = not 0 <= now - self._beaten < HEARTBEAT_SECONDS  # also when the clock was set back
        try:
            if due:
                self._look_at_ourselves(now)
            self._send()
            self.stats.waiting = 0
            if due:
                self._sender.beat(self._heartbeat(now))
                self._beaten = now
            self.stats.not_handed_over = ""
        except (TransportError, StoreError) as error:
            self.stats.not_handed_over = str(error)
            if due:
                log.warning("not handed over yet: %s", error)
                self._beaten = now

    def _send(self) -> None:
        if isinstance(self._sender, BulkSender):
            for name in self._sender.send_all(self._outbox.waiting()):
                self._outbox.delivered(name)
            return
        for name, payload in self._outbox.waiting():
            self._sender.send(name, payload)
            self._outbox.delivered(name)

    def _look_at_ourselves(self, now: float) -> None:
        """Figures for whoever asks how it goes, with each heartbeat: taken by the thread that has the files."""
        self.stats.waiting = len(self._outbox.waiting())
        self.stats.sources = tuple(
            SourceFigures(
                watch.source.name, watch.total, watch.watermark, len(watch.files.files), watch.files.unread_bytes()
            )
            for watch in self._watches
        )
        self.stats.looked = now

    def _heartbeat(self, now: float) -> Heartbeat:
        return Heartbeat(
            version=WIRE_VERSION,
            agent=self._outbox.agent,
            incarnation=self._outbox.incarnation,
            sequence=self._outbox.sequence,
            at=now,
            sources=tuple(
                SourceState(source=watch.source.name, watermark=watch.watermark, accounting=watch.total)
                for watch in self._watches
                if watch.files.ever_found
            ),
        )

    def _tell_tallies(self, now: float) -> None:
        """Once a minute: what was amiss in the lines, by field and code, never the lines themselves."""
        if 0 <= now - self._tallied < TALLY_SECONDS:
            return
        self._tallied = now
        for watch in self._watches:
            tally, watch.tally = watch.tally, Tally()
            for what, counts in (
                ("invalid keys", tally.invalid),
                ("unknown codes", tally.unknown_codes),
                ("values beyond the cap", tally.overflow),
            ):
                if counts:
                    log.info("source %s: %s: %s", watch.source.name, what, counts)
