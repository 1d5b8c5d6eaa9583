"""Telling what waits to be told: a message with a picture, again and again for a day where a channel is down."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np

from alerts.blame import calls_by_vendor, vendor_behind
from alerts.detect import usual_of
from alerts.message import Figures, body, hub_names, link_base, place, title
from alerts.stats import Stats
from domain import figures
from domain.clock import Clock, Waker
from domain.errors import NotifyError, PharmapulseError, SeriesError
from domain.incident import Incident, JournalEntry, Notification
from domain.ports import Delivery, IncidentStore, Notifier
from domain.series import DAY, floor_bucket
from domain.settings import Settings
from rrd.graph import Mark, picture
from rrd.present import Reader, Snapshot

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3_600.0
GIVE_UP_SECONDS = float(DAY)
AT_ONCE = 50
WAIT_SECONDS = 2.0

_log = logging.getLogger(__name__)


def next_try(attempts: int, since: float, now: float) -> float | None:
    """When to try again after `attempts` that failed, the first due at `since`; None: a day is enough."""
    at = now + min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return None if at - since > GIVE_UP_SECONDS else at


class Teller:
    """Takes notifications out of the store and tells them. For one thread, which a slow channel may hold up."""

    def __init__(
        self, reader: Reader, incidents: IncidentStore, notifier: Notifier, settings: Settings, clock: Clock,
        waker: Waker, stats: Stats,
    ) -> None:  # fmt: skip
        self._reader, self._incidents, self._notifier = reader, incidents, notifier
        self._settings, self._clock, self._waker, self._stats = settings, clock, waker, stats
        self._names: Mapping[str, str] = hub_names(settings)
        self._zone = ZoneInfo(settings.site.zone)

    def run(self, stop: threading.Event) -> None:
        """Tell until `stop` is set. What may work later (a locked database) is told once and tried again."""
        failing = False
        while not stop.is_set():
            try:
                self.tick()
                if failing:
                    _log.warning("telling again")
                failing, self._stats.telling_fails = False, ""
            except PharmapulseError as error:
                if not failing:
                    _log.error("cannot tell anybody, and goes on trying: %s", error)
                failing, self._stats.telling_fails = True, str(error)
            self._waker.wait(WAIT_SECONDS)

    def tick(self) -> int:
        """Tell all that is due; how many were told. Raises StoreError."""
        made: dict[int, Delivery] = {}
        told = 0
        self._stats.telling.beat()
        for notification in self._incidents.to_tell(self._clock.now(), AT_ONCE):
            self._stats.telling.beat()
            incident = self._incidents.incident(notification.incident)
            entry = next(
                (one for one in self._incidents.journal(notification.incident) if one.id == notification.entry), None
            )
            if incident is None or entry is None:
                self._incidents.not_told(notification, "the incident is gone", None)
                continue
            if entry.id not in made:
                made[entry.id] = self.delivery(incident, entry)
            told += self._tell(notification, made[entry.id], entry)
        return told

    def _tell(self, notification: Notification, delivery: Delivery, entry: JournalEntry) -> bool:
        try:
            self._notifier.tell(notification.person, delivery)
        except NotifyError as error:
            self._stats.tellings_failed += 1
            now = self._clock.now()
            at = next_try(notification.attempts + 1, entry.at, now) if error.retry else None
            self._incidents.not_told(notification, str(error), at)
            what = "is given up" if at is None else f"is tried again at {figures.clock_time(at, self._zone)}"
            _log.error("incident %d: %s; this %s", notification.incident, error, what)
            return False
        self._incidents.told(notification, self._clock.now())
        self._stats.told += 1
        return True

    def delivery(self, incident: Incident, entry: JournalEntry) -> Delivery:
        """The message of a journal entry, its picture as of now."""
        now = self._clock.now()
        snapshot = self._reader.snapshot()
        link = f"{link_base(self._settings)}/incident/{incident.id}"
        heading = title(incident, entry.event, self._names)
        seen, drawn = None, None
        try:
            seen = figures_of(snapshot, incident)
            since = f"since {figures.moment(incident.since, self._zone, now)}: {incident.reason}"
            drawn = picture(snapshot, incident.series, heading, incident.since, marks_of(incident, since, self._zone))
        except SeriesError as error:
            # Better told without a picture than not at all.
            _log.error("incident %d is told without its picture: %s", incident.id, error)
        text = body(incident, entry.event, seen, self._names, self._zone, now, link)
        if entry.event != "recovered" and not incident.is_open:
            text = f"{place(incident, self._names)} is as expected again meanwhile.\n\n{text}"
        return Delivery(heading, text, drawn)


def marks_of(incident: Incident, since: str, zone: ZoneInfo) -> list[Mark]:
    """What is marked in the picture: its beginning, and its end."""
    marks = [Mark(incident.since, since)]
    if not incident.is_open:
        marks.append(Mark(incident.seen, f"over at {figures.hour_minute(incident.seen, zone)}"))
    return marks


def figures_of(snapshot: Snapshot, incident: Incident) -> Figures | None:
    """The last minute's figures, and whose calls fail; None before anything is complete. Raises SeriesError."""
    if snapshot.complete_up_to is None:
        return None
    mark = int(snapshot.complete_up_to // 10) * 10
    rows = snapshot.read(incident.series, 10, mark - 60, mark)
    known = ~np.isnan(rows.column("calls"))
    scale = 6 / known.sum() if known.any() else float("nan")
    usual = usual_of(snapshot, incident.series, floor_bucket(mark, 60, snapshot.zone))
    vendor = ""
    if incident.endpoint and incident.kind == "failing":
        vendor = vendor_behind(calls_by_vendor(snapshot, incident.hub, incident.endpoint, incident.since))
    return Figures(
        calls_minute=float(np.nansum(rows.column("calls")) * scale),
        calls_minute_week=usual.week_per_second * 60,
        technical_minute=float(np.nansum(rows.column("technical")) * scale),
        complete_up_to=snapshot.complete_up_to,
        vendor=vendor,
    )
