"""The collector: what happens at each tick, and in which order.

1. Arrivals are booked in the ledger, their cells then added to the open buckets. 2. Heartbeats move the watermark; the
coverage follows it. 3. Every row whose bucket ended the grace before the watermark is written. 4. Late cells are
computed again from the ledger into their series. 5. Arrived batches are compacted and old hours forgotten.

What a `kill -9` leaves at any of these: a batch is booked or still in the transport, and its name tells which;
rows are written or not, and writing them again changes nothing; late cells stay among the arrived batches until
their rows are rewritten (compaction comes after), and at the start all arrived cells of written rows are compared.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from zoneinfo import ZoneInfo

import polars as pl

from collector.buckets import FamilyStep, OpenBuckets
from collector.catchup import stand
from collector.chunks import CELLS_AT_ONCE, chunks
from collector.figures import Figures
from collector.floors import Floors
from collector.intake import take_in
from collector.late import LateCells, late_pairs
from collector.missing import Missing
from collector.openrows import open_rows
from collector.patients import patients
from collector.recent import RecentLines
from collector.stats import Stats
from collector.watermark import Watermark
from collector.writer import SeriesWriter
from domain.batch import Counts, Heartbeat
from domain.clock import Clock, Waker
from domain.errors import PharmapulseError, UsageError
from domain.patients import PatientCount
from domain.ports import Ledger, LiveRows, Receiver, SeriesStore, StateStore
from domain.series import DAY, FAMILIES, Key, floor_bucket
from domain.settings import CollectorSettings

# Late cells are gathered this long, and at least three times as long as rewriting them took the last time.
LATE_SECONDS = 5.0
LATE_SHARE = 3.0
# Bins held open at most, over all families and steps; beyond (a watermark that stands still for long) the open
# buckets are dropped and made again from the ledger once the watermark moves, at most once in RETRY_SECONDS.
MOST_BINS = 6_000_000
RETRY_SECONDS = 60.0
# A batch is looked for so often: most of what a call waits for is not here but in the agent. A tick that finds nothing
# costs some hundredths of a millisecond.
TICK_SECONDS = 0.25
RECENT_LINES = 5

_log = logging.getLogger(__name__)


class Collector:
    """Batches in, series out; also the LiveBuckets of this process. `tick` is for one thread, the rest for any."""

    def __init__(
        self,
        receiver: Receiver,
        ledger: Ledger,
        series: SeriesStore,
        state: StateStore,
        clock: Clock,
        waker: Waker,
        zone: ZoneInfo,
        settings: CollectorSettings,
        *,
        most_bins: int = MOST_BINS,
        recent_lines: int = RECENT_LINES,
    ) -> None:
        """`recent_lines` are how many lines of each endpoint and code are kept to be looked at."""
        self._receiver, self._ledger, self._series, self._state = receiver, ledger, series, state
        self._clock, self._waker, self._zone, self._settings = clock, waker, zone, settings
        self._most_bins = most_bins
        self._lock = threading.RLock()
        self._writer = SeriesWriter(series, zone)
        self._figures = Figures(ledger, self._writer, {})
        self._late = LateCells(ledger, series, state, zone)
        coverage, span = ledger.coverage(), ledger.span()
        self._oldest = None if span is None else span[0]
        self._watermark = Watermark(None if coverage is None else float(coverage[1]))
        self._buckets: OpenBuckets | None = None
        self._filled = False
        self._fill_after = self._late_after = float("-inf")
        self._ticked = clock.now()
        self._compact_after = self._ticked + settings.compact_seconds
        self._missing, self._lines = Missing(), RecentLines(recent_lines)
        self.recent = self._lines.find
        self.stats = Stats()
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set. What may work later (a full disk) is told and tried again."""
        self._stop = stop
        failing = False
        while not stop.is_set():
            more = False
            try:
                more = self.tick()
                if failing:
                    _log.warning("collecting again")
                failing, self.stats.failing = False, ""
            except PharmapulseError as error:
                if not error.retry:
                    raise
                if not failing:
                    _log.error("cannot collect, and goes on trying: %s", error)
                failing, self.stats.failing = True, str(error)
            if not more and not stop.is_set():
                self._waker.wait(TICK_SECONDS)

    def tick(self) -> bool:
        """Everything that is due now; whether more batches wait already.

        Raises TransportError, StoreError, SeriesError; the next tick goes on from there.
        """
        self.stats.pulse.beat()
        now = self._clock.now()
        if now < self._ticked:  # set back: what was put off until a time that may be far is due
            self._fill_after = self._late_after = self._compact_after = now
        self._ticked = now
        self._catch_up(now)
        more = take_in(self._receiver, self._ledger, self.stats, self._count)
        self._hear(now)
        self._catch_up(now)
        self._close(now, self._settings.grace_seconds)
        if self._late and now >= self._late_after:
            self._rewrite_late(now)
        if now >= self._compact_after:
            self._compact(now)
        return more

    def close_all(self) -> None:
        """Take in what waits, and write all that is complete by the watermark, without the grace. Raises as `tick`."""
        while self.tick():
            pass
        now = self._clock.now()
        self._close(now, 0)
        self._compact(now)

    def _count(self, counts: Counts) -> None:
        """Count what is booked, each once."""
        for rows in (counts.cells, counts.gauges):
            if not rows.is_empty():
                oldest = int(str(rows["bucket"].min()))
                self._oldest = oldest if self._oldest is None else min(oldest, self._oldest)
        if self._buckets is not None and not counts.cells.is_empty():
            self._add(self._buckets, counts.cells)
        self._late.add(self._figures.late(counts.gauges))

    def _add(self, buckets: OpenBuckets, cells: pl.DataFrame) -> None:
        with self._lock:
            late = buckets.add(cells, keep=self._filled)
            if buckets.size > self._most_bins:
                _log.warning(
                    "too much is open at once: the open buckets are kept in the ledger only, until the "
                    "watermark moves on"
                )
                buckets.forget()
                self._filled = False
                self._fill_after = self._clock.now() + RETRY_SECONDS
        self._late.add(late)

    def _hear(self, now: float) -> None:
        with self._lock:
            heartbeats = self._lines.hear(self._receiver.heartbeats())
            self._watermark.hear(heartbeats, self._ledger.holds_up_to, now)
        self._missing.tell(self._watermark.incomplete, now)
        mark = self._watermark.complete_up_to
        if mark is not None:
            self._ledger.cover(int(mark) if self._oldest is None else min(int(mark), self._oldest), int(mark))

    def _catch_up(self, now: float) -> None:
        """Fill the open buckets from the ledger, writing what ended on the way."""
        coverage = self._ledger.coverage()
        if self._filled or coverage is None or now < self._fill_after:
            return
        floors = Floors(self._state)
        buckets, ahead = self._buckets, dict[FamilyStep, int]()
        if buckets is None:
            standing = stand(self._ledger, self._series, floors, coverage, now, self._zone)
            buckets, ahead = standing.buckets, dict(standing.ahead)
            self._figures = Figures(self._ledger, self._writer, standing.figures)
        else:
            # What an attempt before this one added and could not write is read again.
            with self._lock:
                buckets.forget()
        limit = coverage[1] - self._settings.grace_seconds
        span = self._ledger.span() or coverage
        for past, cells in chunks(self._ledger, buckets.begins(), max(span[1], limit)):
            if self._stop.is_set():
                return  # the next start goes on from what is written, as after a kill
            self.stats.pulse.beat()
            with self._lock:
                buckets.add(cells)
            self._write(buckets, min(limit, past), now, ahead={}, floors=floors)
        self._write(buckets, limit, now, ahead=ahead, floors=floors)
        if self._buckets is None:
            rows = 0
            for arrived in self._ledger.arrived():
                rows += len(arrived.cells)
                self._late.add(late_pairs(arrived.cells, ahead, self._zone))
                self._late.add(self._figures.late(arrived.gauges, ahead))
            if rows > CELLS_AT_ONCE:
                # At once: a collector that never runs for long would leave ever more to be compared.
                self._compact_after = now
        with self._lock:
            self._buckets, self._filled = buckets, True
            if buckets.size > self._most_bins:
                buckets.forget()
                self._filled = False
        self._fill_after = now + RETRY_SECONDS

    def _close(self, now: float, grace: int) -> None:
        """Write the rows whose bucket ended `grace` seconds before the watermark."""
        mark = self._watermark.complete_up_to
        if self._buckets is not None and self._filled and mark is not None:
            self._write(self._buckets, mark - grace, now, ahead={}, floors=None)

    def _write(
        self, buckets: OpenBuckets, limit: float, now: float, *, ahead: Mapping[FamilyStep, int], floors: Floors | None
    ) -> None:
        """Write all buckets that ended by `limit` and those that some file has already (`ahead`)."""
        written: dict[FamilyStep, int] = {}
        for of, step in buckets.steps.items():
            end = max(floor_bucket(limit, step.step, self._zone), ahead.get(of, 0))
            if end <= step.next:
                continue
            with self._lock:
                buckets.settle()
                ready = self._writer.ended_rows(step, end, now)
            with self.stats.writing():
                self._writer.write(step, ready, floors)
            with self._lock:
                step.advance(end)
            written[of] = end
        for of, step in self._figures.steps.items():
            end = max(floor_bucket(limit, step.step, self._zone), ahead.get(of, 0))
            if end > step.next:
                with self.stats.writing():
                    self._figures.write(step, end, now, floors)
                with self._lock:
                    step.advance(end)
                written[of] = end
        if written:
            self._ledger.set_written(written)

    def _rewrite_late(self, now: float) -> None:
        if self._buckets is None:
            return
        self.stats.rewritten += self._late.flush(self._buckets.steps, self._figures, now)
        done = self._clock.now()
        self._late_after = done + max(LATE_SECONDS, LATE_SHARE * (done - now))

    def _compact(self, now: float) -> None:
        """Late cells first: until they are rewritten, their batches stay among the arrived."""
        # Also when it fails: what reads and writes so much is not tried again at once.
        self._compact_after = now + self._settings.compact_seconds
        if self._late:
            self._rewrite_late(now)
        self._ledger.compact()
        self._ledger.drop_before(int(now - self._settings.retention_days * DAY))

    def open_bins(self) -> int | None:
        """How many bins are held open; None while they are being filled from the ledger."""
        with self._lock:
            return self._buckets.size if self._buckets is not None and self._filled else None

    # LiveBuckets

    def rows(self, family: str, step: int, keys: Sequence[Key] | None = None) -> LiveRows:
        """Open rows of the family at a step, of all its keys or of those named. Raises UsageError for no such step."""
        if family not in FAMILIES or step not in FAMILIES[family].days:
            raise UsageError(f"there is no family {family} with a step of {step} s")
        mark = self._watermark.complete_up_to
        with self._lock:
            if self._buckets is None or not self._filled or mark is None:
                return LiveRows(mark, MappingProxyType({}))
            if not FAMILIES[family].of_calls:
                return self._figures.open_rows(self._figures.steps[family, step], mark, keys)
            self._buckets.settle()
            return open_rows(self._buckets.steps[family, step], self._buckets.last, mark, keys)

    def patients(self, start: int, end: int) -> Sequence[PatientCount]:
        """Distinct patients of each hub and hour that begins in that time. Raises UsageError, StoreError."""
        return list(patients(self._ledger, start, end))

    def sources(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent that was heard."""
        with self._lock:
            return self._watermark.heard

    def complete_up_to(self) -> float | None:
        """The watermark in epoch seconds; None before the first."""
        return self._watermark.complete_up_to
