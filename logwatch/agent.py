"""The agent: tick by tick from growing files to committed batches and heartbeats.

A tick reads what has come, counts it, and commits cells and positions in one transaction; then it hands
over what waits. Dying anywhere between loses nothing and counts nothing twice: what was not committed is
read again, what was not confirmed is sent again under its number.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from domain.batch import Accounting, Commit, Counts
from domain.clock import Clock, Waker
from domain.codes import Judgement
from domain.errors import StoreError
from domain.patients import PatientKeys
from domain.ports import Outbox, Sender
from domain.settings import AgentSettings, Format, Source
from logwatch.count import count
from logwatch.events import Tally
from logwatch.gathered import Gathered
from logwatch.gauging import gauge
from logwatch.handing import Handing
from logwatch.nudge import Nudging
from logwatch.reader import Reader
from logwatch.recent import Recent
from logwatch.registry import Registry
from logwatch.sketching import sketch
from logwatch.stats import Stats
from logwatch.turn import Turn
from logwatch.watch import Watch

log = logging.getLogger(__name__)

TALLY_SECONDS = 60.0
# What is live is read first, for so long at most before it is handed over; then what is old, for a little while.
LIVE_SECONDS, LIVE_BYTES = 2.0, 256 << 20
BACKLOG_SECONDS, BACKLOG_BYTES = 0.5, 64 << 20


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
        steady: Callable[[], float] = time.monotonic,
        patients: PatientKeys | None = None,
        nudge: Nudging | None = None,
    ) -> None:
        """Without keys for `patients` no number is looked for; without a `nudge` no change wakes it."""
        self._steady, self._nudge = steady, nudge
        self._settings, self._outbox, self._clock = settings, outbox, clock
        self._registry = Registry(settings.field_cap, outbox.registry())
        recent = Recent(self._registry) if settings.recent_lines > 0 else None
        self._gathered = Gathered(recent)
        self._declared = {source.name: formats[source.format].values for source in sources}
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
                    source=source.name,
                    secret=outbox.incarnation.encode(),
                    patients=patients,
                ),
                [position for position in positions if position.source == source.name],
                totals.get(source.name),
                self._gathered,
                self._commit,
            )
            for source in sources
        ]
        calls = outbox.open_calls()
        for watch in self._watches:
            if watch.reader.pairing is not None:
                own = [call for call in calls if call.source == watch.source.name]
                watch.reader.pairing.resume(own, clock.now())
        # Of which sources the outbox knows that they were seen.
        self._seen = set(totals)
        self._first = 0
        self._ticked = self._tallied = clock.now()
        self.stats = Stats()
        self._handing = Handing(outbox, sender, self._watches, self.stats, recent)

    @property
    def name(self) -> str:
        """The agent's name."""
        return self._outbox.agent

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
        if now < self._ticked:
            log.warning("the clock was set back by %.1f s", self._ticked - now)
            for watch in self._watches:
                watch.set_back(now)
        self._ticked = now
        try:
            behind = self._read_all(now)
            self.stats.not_kept = ""
        except StoreError as error:
            self.stats.not_kept = str(error)
            # The files are the buffer: what was read and not kept is read again when the store has room.
            log.error("not kept, and read again: %s", error)
            self._rewind(now)
            return False
        self._handing.hand_over(now)
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
            if self.stats.held_back:
                raise StoreError(self.stats.held_back)
            for watch in self._watches:
                watch.finish_all(now)
            self._commit(now)
            self._handing.send()
        self._handing.look(self._clock.now())
        self._handing.beat(self._clock.now())

    def close(self) -> None:
        """Let the files go."""
        for watch in self._watches:
            watch.files.close()

    def _read_all(self, now: float) -> bool:
        """Read what is live, then some of what is old, and commit it; whether there is more to read already.

        Raises StoreError.
        """
        for watch in self._watches:
            watch.look(now)
        if self._nudge is not None:
            # Asked for before reading: what comes after that is not overlooked.
            self._nudge.watch({directory for watch in self._watches for directory in watch.files.directories()})
        if not self._has_room():
            for watch in self._watches:
                watch.judge_files(now)
            return False
        turn = Turn(LIVE_SECONDS, LIVE_BYTES, self._steady)
        # Another source is the first each time, so that none waits for the same others.
        self._first = (self._first + 1) % len(self._watches) if self._watches else 0
        for watch in (*self._watches[self._first :], *self._watches[: self._first]):
            watch.read_live(now, turn)
        self._commit(now)
        for watch in self._watches:
            watch.judge_watermark(now)
        turn = Turn(BACKLOG_SECONDS, BACKLOG_BYTES, self._steady)
        backlog = [(file.modified(), place, watch, file) for place, watch in enumerate(self._watches)
                   for file in watch.backlog(now)]  # fmt: skip
        for _, _, watch, file in sorted(backlog, key=lambda one: one[:2]):
            if turn.is_over:
                break
            watch.read_file(file, now, BACKLOG_BYTES, turn)
        for watch in self._watches:
            watch.expire(now)
        self._commit(now)
        behind = False
        for watch in self._watches:
            behind |= watch.judge_files(now)
        return behind

    def _has_room(self) -> bool:
        """Whether the outbox takes more: where what waits in it grew to its limit, the files are the buffer."""
        waiting, most = self._outbox.waiting_bytes, self._settings.outbox_bytes
        held_back = ""
        if waiting >= most:
            held_back = f"{waiting:,} bytes wait for the receiver, and the outbox may hold {most:,}: nothing is read"
        if held_back and not self.stats.held_back:
            log.error("%s until it has taken some", held_back)
        if self.stats.held_back and not held_back:
            log.warning("the receiver has taken some: read again")
        self.stats.held_back = held_back
        return not held_back

    def _commit(self, now: float) -> None:
        """Keep what was gathered. Raises StoreError."""
        forget = [identity for watch in self._watches for identity in watch.files.known.forgettable(now)]
        placed = [position for watch in self._watches for position in watch.files.begin.placed.values()]
        is_first = any(watch.source.name not in self._seen for watch in self._watches)
        if self._gathered.is_empty and not forget and not placed and not is_first:
            return
        positions = [*placed, *self._gathered.positions()]
        totals = {watch.source.name: watch.total for watch in self._watches}
        events, registry = self._gathered.events, self._registry
        figures = gauge(self._gathered.figures, self._declared, registry)
        counts = Counts(count(events, registry), figures, sketch(events, registry))
        pairings = [watch.reader.pairing for watch in self._watches if watch.reader.pairing is not None]
        changes = [pairing.changes() for pairing in pairings]
        opened = [call for begun, _ in changes for call in begun]
        closed = [key for _, ended in changes for key in ended]
        self._outbox.commit(Commit(counts, positions, totals, self._registry.values(), forget, opened, closed))
        for pairing in pairings:
            pairing.kept()
        for watch in self._watches:
            watch.files.kept(position for position in positions if position.source == watch.source.name)
        self._gathered.clear()
        self._seen = set(totals)

    def _rewind(self, now: float) -> None:
        totals = self._outbox.totals()
        for watch in self._watches:
            watch.rewind(totals.get(watch.source.name, Accounting()), now)
        self._gathered.clear()

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
                ("patterns that ran away and were stopped", tally.runaway),
            ):
                if counts:
                    log.info("source %s: %s: %s", watch.source.name, what, counts)
