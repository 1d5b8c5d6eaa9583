"""Telling what waits to be told: a message with a picture, again and again for a day where a channel is down.

Messages are made here, and each person is told by a lane of their own (`alerts.lanes`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np

from alerts.blame import calls_by_vendor, vendor_behind
from alerts.detect import usual_of
from alerts.lanes import Due, Lanes
from alerts.message import Figures, body, hub_names, link_base, place, title
from alerts.stats import Stats
from domain import figures
from domain.clock import Clock, Waker
from domain.errors import PharmapulseError, SeriesError
from domain.incident import Incident, JournalEntry, Notification
from domain.ports import Delivery, IncidentStore, Notifier
from domain.series import floor_bucket
from domain.settings import Settings
from rrd.graph import Mark, picture
from rrd.present import Reader, Snapshot

AT_ONCE = 50
WAIT_SECONDS = 2.0

_log = logging.getLogger(__name__)


class Teller:
    """Takes notifications out of the store and tells them. For one thread."""

    def __init__(
        self, reader: Reader, incidents: IncidentStore, notifier: Notifier, settings: Settings, clock: Clock,
        waker: Waker, stats: Stats,
    ) -> None:  # fmt: skip
        self._reader, self._incidents, self._notifier = reader, incidents, notifier
        self._settings, self._clock, self._waker, self._stats = settings, clock, waker, stats
        self._names: Mapping[str, str] = hub_names(settings)
        self._zone = ZoneInfo(settings.site.zone)
        self._lanes = Lanes(incidents, notifier, clock, stats, self._zone)

    def run(self, stop: threading.Event) -> None:
        """Tell until `stop` is set. What may work later (a locked database) is told once and tried again."""
        failing = False
        while not stop.is_set():
            try:
                self._begin(stop)
                if failing:
                    _log.warning("telling again")
                failing, self._stats.telling_fails = False, ""
            except PharmapulseError as error:
                if not failing:
                    _log.error("cannot tell anybody, and goes on trying: %s", error)
                failing, self._stats.telling_fails = True, str(error)
            self._waker.wait(WAIT_SECONDS)
        self._lanes.join()

    def wake(self) -> None:
        """End its pause."""
        self._waker.wake()

    def tick(self) -> int:
        """Tell all that is due, and wait for it; how many were told. Raises StoreError."""
        before = self._stats.told
        self._begin(threading.Event())
        self._lanes.join()
        self._lanes.keep()
        return self._stats.told - before

    def _begin(self, stop: threading.Event) -> None:
        """Begin to tell what is due to those who are not being told. Raises StoreError."""
        self._stats.telling.beat()
        # Asked for before what they could not keep is kept: who is not busy then has nothing left to keep.
        busy = self._lanes.busy()
        self._lanes.keep()
        made: dict[int, Delivery | None] = {}
        since: dict[int, float] = {}
        of_person: dict[str, list[Due]] = {}
        for notification in self._incidents.to_tell(self._clock.now(), AT_ONCE, busy):
            self._stats.telling.beat()
            if notification.entry not in made:
                made[notification.entry], since[notification.entry] = self._made(notification)
            delivery = made[notification.entry]
            if delivery is None:
                self._incidents.not_told(notification, "the incident is gone", None)
            else:
                due = Due(notification, delivery, since[notification.entry])
                of_person.setdefault(notification.person, []).append(due)
        for person, theirs in of_person.items():
            self._lanes.begin(person, theirs, stop)

    def _made(self, notification: Notification) -> tuple[Delivery | None, float]:
        """The message of a notification, None where its incident is gone; and when it was due first."""
        incident = self._incidents.incident(notification.incident)
        journal = self._incidents.journal(notification.incident)
        entry = next((one for one in journal if one.id == notification.entry), None)
        if incident is None or entry is None:
            return None, 0.0
        return self.delivery(incident, entry), entry.at

    def delivery(self, incident: Incident, entry: JournalEntry) -> Delivery:
        """The message of a journal entry, its picture as of now."""
        now = self._clock.now()
        snapshot = self._reader.snapshot()
        link = f"{link_base(self._settings)}/incident/{incident.id}"
        heading = title(incident, entry.event, self._names)
        seen, drawn = (None, None) if incident.is_of_source else self._shown(snapshot, incident, heading, now)
        text = body(incident, entry.event, seen, self._names, self._zone, now, link)
        if entry.event != "recovered" and not incident.is_open:
            text = f"{place(incident, self._names)} is as expected again meanwhile.\n\n{text}"
        return Delivery(heading, text, drawn)

    def _shown(
        self, snapshot: Snapshot, incident: Incident, heading: str, now: float
    ) -> tuple[Figures | None, bytes | None]:  # fmt: skip
        """The figures and the picture; None where they cannot be had."""
        seen, drawn = None, None
        try:
            seen = figures_of(snapshot, incident)
            since = f"since {figures.moment(incident.since, self._zone, now)}: {incident.reason}"
            drawn = picture(snapshot, incident.series, heading, incident.since, marks_of(incident, since, self._zone))
        except SeriesError as error:
            # Better told without a picture than not at all.
            _log.error("incident %d is told without its picture: %s", incident.id, error)
        return seen, drawn


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
