"""Each person is told apart from the others: a channel that hangs holds up nobody but whose it is.

What became of a notification is kept in memory until the store has it. While the store takes nothing (a full disk,
a lock) nobody is told anything, and nobody what they were told before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alerts.stats import Stats
from domain import figures
from domain.clock import Clock
from domain.errors import NotifyError, StoreError
from domain.incident import Notification
from domain.ports import Delivery, IncidentStore, Notifier
from domain.series import DAY

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3_600.0
GIVE_UP_SECONDS = float(DAY)

_log = logging.getLogger(__name__)


def next_try(attempts: int, since: float, now: float) -> float | None:
    """When to try again after `attempts` that failed, the first due at `since`; None: a day is enough."""
    at = now + min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return None if at - since > GIVE_UP_SECONDS else at


@dataclass(frozen=True, slots=True)
class Due:
    """A notification with its message; `since` is when it was due first."""

    notification: Notification
    delivery: Delivery
    since: float


class Lanes:
    """A thread for each person who is being told. Its methods are for one thread."""

    def __init__(
        self, incidents: IncidentStore, notifier: Notifier, clock: Clock, stats: Stats, zone: ZoneInfo
    ) -> None:  # fmt: skip
        self._incidents, self._notifier, self._clock, self._stats = incidents, notifier, clock, stats
        self._zone = zone
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        # What became of notifications, by their number, until it is kept.
        self._unkept: dict[int, Callable[[], None]] = {}
        self._fault: BaseException | None = None

    def busy(self) -> frozenset[str]:
        """Who is being told now."""
        self._threads = {person: thread for person, thread in self._threads.items() if thread.is_alive()}
        return frozenset(self._threads)

    def keep(self) -> None:
        """Keep what could not be kept before. Raises StoreError, and what no lane expected."""
        with self._lock:
            if self._fault is not None:
                raise self._fault
            for number, keep in list(self._unkept.items()):
                keep()
                del self._unkept[number]

    def begin(self, person: str, due: Sequence[Due], stop: threading.Event) -> None:
        """Tell somebody who is not being told all this, in its order; the rest comes again after one that fails."""
        thread = threading.Thread(target=self._run, args=(due, stop), name=f"tell {person}", daemon=True)
        self._threads[person] = thread
        thread.start()

    def join(self) -> None:
        """Wait until everybody is told, or could not be."""
        for thread in self._threads.values():
            thread.join()

    def _run(self, due: Sequence[Due], stop: threading.Event) -> None:
        try:
            for one in due:
                if stop.is_set() or not self._tell(one):
                    return
        except BaseException as error:  # noqa: BLE001 (raised again by `keep`, in the thread that looks after lanes)
            with self._lock:
                self._fault = error

    def _tell(self, one: Due) -> bool:
        """Tell one; whether the next one may follow."""
        notification = one.notification
        try:
            self._notifier.tell(notification.person, one.delivery)
        except NotifyError as error:
            now, told = self._clock.now(), str(error)
            at = next_try(notification.attempts + 1, one.since, now) if error.retry else None
            what = "is given up" if at is None else f"is tried again at {figures.clock_time(at, self._zone)}"
            _log.error("incident %d: %s; this %s", notification.incident, told, what)
            with self._lock:
                self._stats.tellings_failed += 1
            kept = self._kept(notification, lambda: self._incidents.not_told(notification, told, at))
            return kept and at is None
        now = self._clock.now()
        with self._lock:
            self._stats.told += 1
        return self._kept(notification, lambda: self._incidents.told(notification, now))

    def _kept(self, notification: Notification, keep: Callable[[], None]) -> bool:
        try:
            keep()
        except StoreError:
            with self._lock:
                self._unkept[notification.id] = keep  # `keep` tells why when it fails again
            return False
        return True
