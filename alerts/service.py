"""The alerts: what happens at each tick, and in which order.

1. What is open and written is judged up to the watermark, whenever another bucket is complete. 2. Incidents are
opened and moved, each with its journal entry and its notifications in one transaction. 3. The published document is
written, at each change and every ten seconds. A thread of its own tells people, so that a slow channel holds up
nothing, and each of them by another one.

What a `kill -9` leaves at any of these: an incident moved or not, with all that is to be told of it; everything
else is read again from the series and the state. Told twice is only what was told and not yet written down as told.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts import sources
from alerts.blind import Sight, everybody, tell_apart
from alerts.detect import SECONDS, STEP, Detector
from alerts.publish import DAYS, Queues, document, hubs_of, known_of, write
from alerts.routes import route
from alerts.stats import Stats
from alerts.step import SETTLE, Change, restart_words, step
from alerts.tell import Teller
from domain.clock import Clock, Waker
from domain.codes import Judgement
from domain.errors import LiveUnavailableError, PharmapulseError
from domain.incident import Incident
from domain.ports import IncidentStore, Notifier, RestartStore
from domain.restart import Restart
from domain.series import DAY
from domain.settings import Settings
from rrd.present import Reader, Snapshot

PUBLISH_SECONDS = 10.0
_STOP_SECONDS, _PAUSE_SECONDS = 2.0, 1.0
_MANY = 2_000
BY = "pharmapulse"

_log = logging.getLogger(__name__)


class Alerts:
    """Series and open buckets in, incidents and the published document out. `tick` is for one thread."""

    def __init__(
        self,
        reader: Reader,
        incidents: IncidentStore,
        restarts: RestartStore,
        notifier: Notifier,
        settings: Settings,
        codes: Mapping[str, Judgement],
        published: Path,
        clock: Clock,
        waker: Waker,
        *,
        tell_waker: Waker | None = None,
        queues: Queues | None = None,
        advance: Callable[[], object] | None = None,
    ) -> None:
        """`tell_waker` paces the telling thread; `queues` says how the deferred queues stand.

        `advance` ends the restarts whose backlog is empty.
        """
        self._reader, self._incidents, self._restarts = reader, incidents, restarts
        self._settings, self._published, self._queues = settings, published, queues
        self._advance = advance
        self._clock, self._waker = clock, waker
        self._notifier, self._sight = notifier, Sight(clock.now())
        self._zone = ZoneInfo(settings.site.zone)
        self._detector = Detector(settings.alerts, codes)
        self._judged: int | None = None
        self._published_at: float | None = None
        self._change = -1
        self.stats = Stats()
        self.teller = Teller(
            reader, incidents, notifier, settings, clock, waker if tell_waker is None else tell_waker, self.stats
        )

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set, while a thread tells. What may work later is told once and tried again."""
        faults: list[BaseException] = []
        telling = threading.Thread(target=self._tell, args=(stop, faults), name="tell", daemon=True)
        telling.start()
        while not stop.is_set():
            if faults:
                raise faults[0]  # better started again than judging what nobody is told
            self.round()
            self._pause(stop)
        self.teller.wake()
        telling.join(_STOP_SECONDS)

    def round(self) -> None:
        """A tick that may fail, and whether anything is judged at all."""
        try:
            self.tick()
            if self.stats.failing:
                _log.warning("judging again")
            self.stats.failing = ""
        except PharmapulseError as error:
            if not error.retry:
                raise
            if not self.stats.failing:
                _log.error("cannot judge, and goes on trying: %s", error)
            self.stats.failing = str(error)
        stats = self.stats
        problem = stats.failing or ("" if stats.live_answers else "the collector does not answer")
        said = self._sight.message(stats.judged_up_to, self._clock.now(), problem, self._zone)
        if said is not None:
            _log.log(logging.ERROR if self._sight.told else logging.WARNING, "%s", said.title)
            tell_apart(self._notifier, everybody(self._settings), said)

    def _tell(self, stop: threading.Event, faults: list[BaseException]) -> None:
        try:
            self.teller.run(stop)
        except BaseException as error:  # noqa: BLE001 (raised again by `run`)
            faults.append(error)

    def _pause(self, stop: threading.Event) -> None:
        """Until the next tick, in short pieces: a stop is not kept waiting."""
        until = self._clock.now() + self._settings.alerts.every_seconds
        while not stop.is_set() and 0 < (left := until - self._clock.now()) <= self._settings.alerts.every_seconds:
            self._waker.wait(min(left, _PAUSE_SECONDS))

    def once(self) -> None:
        """Judge, publish and tell what is due, once. Raises StoreError, SeriesError."""
        self.tick()
        self.teller.tick()

    def tick(self) -> None:
        """Everything that is due now but the telling. Raises StoreError, SeriesError; the next one goes on."""
        self.stats.judging.beat()
        now = self._clock.now()
        snapshot = self._reader.snapshot()
        self._hear(snapshot)
        if self._advance is not None:
            self._advance()
        changed = self._look_at_sources(snapshot, now) | self._judge(snapshot, now)
        self.stats.ticked_at = now
        self._publish(snapshot, now, changed=changed)

    def _hear(self, snapshot: Snapshot) -> None:
        """Say once that the collector does not answer, and once that it does again."""
        if snapshot.live_answers != self.stats.live_answers:
            if snapshot.live_answers:
                _log.warning("the collector answers again: judging goes on")
            else:
                _log.warning("the collector does not answer: nothing is judged until it does")
        self.stats.live_answers = snapshot.live_answers

    def _judge(self, snapshot: Snapshot, now: float) -> bool:
        """Judge where another bucket is complete; whether anything changed."""
        if not snapshot.live_answers or snapshot.complete_up_to is None:
            return False
        mark = int(snapshot.complete_up_to // STEP) * STEP
        if mark == self._judged:
            return False
        unsettled = [one for one in self._incidents.unsettled() if not one.is_of_source]
        findings = self._detector.findings(snapshot, mark, {one.series for one in unsettled})
        if not snapshot.live_answers:
            return False  # it fell silent half way: what was read is no whole
        restarts = self._under_way(now)
        done = step(
            unsettled,
            findings,
            mark,
            now,
            endpoints_of=Counter(key[0] for key in snapshot.keys("endpoint")),
            restarts=restarts,
            noted=self._noted(unsettled, restarts),
        )
        for change in done.changes:
            self._keep(change, now)
        self._incidents.touch({number: (float(mark), reason) for number, reason in done.seen.items()})
        self._judged = mark
        self._note(mark, now, len(findings))
        return bool(done.changes)

    def _look_at_sources(self, snapshot: Snapshot, now: float) -> bool:
        """Keep incidents of what the log watchers say is amiss; whether anything changed. The watermark may stand."""
        if not snapshot.live_answers:
            return False
        try:
            found, heard = sources.found_in(self._reader.live.sources(), now)
        except LiveUnavailableError:
            return False  # it fell silent since the snapshot: the next tick says so
        changed = False
        # What is sure at once is told at once: a second look sees what the first one opened.
        for _ in range(2):
            mine = [one for one in self._incidents.unsettled() if one.is_of_source]
            done = sources.step(mine, found, heard, now)
            for change in done.changes:
                self._keep(change, now)
            self._incidents.touch({number: (now, reason) for number, reason in done.seen.items()})
            changed |= bool(done.changes)
        return changed

    def _note(self, mark: int, now: float, anomalies: int) -> None:
        stats = self.stats
        stats.judgements += 1
        stats.judged_up_to, stats.judged_at, stats.anomalies = float(mark), now, anomalies
        stats.judging_seconds = self._clock.now() - now
        stats.unsettled = dict(Counter(one.state for one in self._incidents.unsettled()))

    def _under_way(self, now: float) -> list[Restart]:
        """Restarts that explain what is seen: active ones, and those that ended a moment ago."""
        active = [one for one in self._restarts.unfinished() if one.is_active]
        over = [one for one in self._restarts.restarts(now - SECONDS - SETTLE, _MANY) if one.state == "ended"]
        return [*active, *over]

    def _noted(self, unsettled: Sequence[Incident], restarts: Sequence[Restart]) -> set[tuple[int, int]]:
        """Which incidents' journals tell of which restart already."""
        found: set[tuple[int, int]] = set()
        for incident in unsettled:
            for restart in restarts:
                if restart.hub != incident.hub:
                    continue
                words = f"{restart_words(restart)}:"
                if any(entry.text.startswith(words) for entry in self._incidents.journal(incident.id)):
                    found.add((incident.id, restart.id))
        return found

    def _keep(self, change: Change, now: float) -> None:
        text, people = change.text, tuple[str, ...]()
        if change.tell:
            told = route(change.after, self._settings.routes, self._settings.alerts)
            text, people = f"{text} ({told.reason})", told.people
        kept = self._incidents.keep(change.after, change.before, change.event, BY, text, now, people)
        if kept is None:
            return  # somebody was quicker; the next judgement goes by what they did
        self.stats.changes[change.event] = self.stats.changes.get(change.event, 0) + 1
        _log.info("incident %d, %s: %s: %s", kept.id, kept.series, change.event, text)

    def _publish(self, snapshot: Snapshot, now: float, *, changed: bool) -> None:
        """Write the document where it is due. Somebody else may have changed an incident, too."""
        entry = self._incidents.last_entry()
        since = self._published_at
        if not changed and entry == self._change and since is not None and 0 <= now - since < PUBLISH_SECONDS:
            return
        begin = now - DAYS * DAY
        hubs = {hub: known_of(snapshot, hub, now) for hub in hubs_of(self._settings, snapshot)}
        # What lasts may have changed long ago.
        of_old = {one.id: one for one in self._incidents.unsettled()}
        recent = {one.id: one for one in self._incidents.incidents(begin, _MANY)}
        unfinished = {one.id: one for one in self._restarts.unfinished()}
        restarts = {one.id: one for one in self._restarts.restarts(begin, _MANY)} | unfinished
        made = document(
            self._settings,
            snapshot.complete_up_to,
            now,
            hubs,
            list((recent | of_old).values()),
            list(restarts.values()),
            () if self._queues is None else self._queues(),
        )
        write(self._published, made)
        self._published_at, self._change = now, entry
        self.stats.published_at = now
