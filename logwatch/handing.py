"""Handing over what an agent keeps: the batches that wait, and its heartbeat."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from domain.batch import Heartbeat
from domain.errors import StoreError, TransportError
from domain.ports import BulkSender, HandSender, Outbox, Sender
from domain.wire import WIRE_VERSION
from logwatch.figures import figures
from logwatch.recent import Recent
from logwatch.stats import Stats
from logwatch.watch import Watch

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0


class Handing:
    """Sends what waits in the outbox, and says every two seconds how the watches stand."""

    def __init__(
        self, outbox: Outbox, sender: Sender, watches: Sequence[Watch], stats: Stats, recent: Recent | None = None
    ) -> None:  # fmt: skip
        self._outbox, self._sender, self._watches, self._stats = outbox, sender, watches, stats
        self._recent = recent
        self._beaten = float("-inf")

    def hand_over(self, now: float) -> None:
        """Send what waits, then the heartbeat; a peer that is away is told of once a heartbeat."""
        due = not 0 <= now - self._beaten < HEARTBEAT_SECONDS  # also when the clock was set back
        try:
            if due:
                self.look(now)
            self.send()
            if not isinstance(self._sender, HandSender):
                self._stats.waiting = self._stats.waiting_bytes = 0
            if due:
                self.beat(now)
                self._beaten = now
            self._stats.not_handed_over = ""
        except (TransportError, StoreError) as error:
            self._stats.not_handed_over = str(error)
            if due:
                log.warning("not handed over yet: %s", error)
                self._beaten = now

    def send(self) -> None:
        """Send what waits, unless somebody carries it by hand. Raises TransportError, StoreError."""
        if isinstance(self._sender, HandSender):
            return
        if isinstance(self._sender, BulkSender):
            for name in self._sender.send_all(self._outbox.waiting()):
                self._outbox.delivered(name)
            return
        for name, payload in self._outbox.waiting():
            self._sender.send(name, payload)
            self._outbox.delivered(name)

    def beat(self, now: float) -> None:
        """Send a heartbeat, of what was last looked at. Raises TransportError."""
        self._sender.beat(self._heartbeat(now))

    def look(self, now: float) -> None:
        """Figures for whoever asks how it goes, with each heartbeat: taken by the thread that has the files."""
        self._stats.waiting, self._stats.waiting_bytes = len(self._outbox.waiting()), self._outbox.waiting_bytes
        self._stats.sources = tuple(figures(watch, now) for watch in self._watches)
        self._stats.looked = now

    def _heartbeat(self, now: float) -> Heartbeat:
        recent = () if self._recent is None else self._recent.take()
        self._stats.shown_lines += len(recent)
        return Heartbeat(
            version=WIRE_VERSION,
            agent=self._outbox.agent,
            incarnation=self._outbox.incarnation,
            sequence=self._outbox.sequence,
            at=now,
            sources=tuple(source.state() for source in self._stats.sources),
            recent=recent,
        )
