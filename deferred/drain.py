"""The drain of one target: what goes out, and what becomes of it.

A step settles what came back, then sends the next calls: of each lane the first that waits, and its next only after
it was delivered or buried. What is under way when the process is killed is sent again by the next one, under the
same idempotency key. Nothing more is sent while the store cannot keep what came back.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

from deferred import circuit, pacing, tempo
from deferred.carrier import Carrier
from deferred.circuit import Circuit
from deferred.pacing import Pace
from deferred.verdict import Answer, Verdict, judge, pause_of
from domain.errors import StoreError
from domain.ports.calls import DeferredStore, Waiting

# Calls under way at once; each is one thread and one connection.
PARALLEL = 32
# Held and resumed, or a new call, is seen after so long.
LOOK_SECONDS = 0.2
_LEAST_SECONDS = 0.001
_NOT_OPENED = "cannot be opened"
_log = logging.getLogger(__name__)


class Executor(Protocol):
    """Runs work elsewhere: a pool of threads."""

    def submit(self, work: Callable[[], None], /) -> object:
        """Run it soon."""
        ...


@dataclass
class DrainStats:
    """What one target's drain did since it started."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    seconds: float = 0.0


class TargetDrain:
    """Takes calls of one target out of the store and hands them over. `step` is for one thread."""

    def __init__(
        self, name: str, rate: float, store: DeferredStore, carrier: Carrier, executor: Executor,
        wake: Callable[[], None], now: float, parallel: int = PARALLEL,
    ) -> None:  # fmt: skip
        """`wake` is called by the threads when something came back; `rate` is calls a second at most."""
        self.name, self.stats = name, DrainStats()
        self._store, self._carrier, self._executor, self._wake = store, carrier, executor, wake
        self._parallel = parallel
        self._pace, self._tempo, self._circuit = Pace(now), tempo.begin(rate, now), Circuit()
        self._sent_last = now
        self._under_way: set[int] = set()
        self._back: SimpleQueue[tuple[Waiting, Answer | BaseException]] = SimpleQueue()
        # What came back and is not kept yet.
        self._delivered: list[Waiting] = []
        self._others: list[tuple[Waiting, Verdict, float]] = []

    @property
    def rate(self) -> float:
        """Calls a second that are allowed now."""
        return self._tempo.rate

    @property
    def is_down(self) -> bool:
        """Whether the target is taken to be down."""
        return self._circuit.is_open

    @property
    def under_way(self) -> int:
        """Calls that were sent, and what became of them is not kept yet."""
        return len(self._under_way)

    def step(self, now: float) -> float:
        """Settle what came back, send what may go; seconds until the next step, unless woken. Raises StoreError."""
        self.settle(now)
        changed, reason = tempo.judged(self._tempo, now)
        if changed.rate < self._tempo.rate:
            _log.info("%s: %s, %.1f calls a second from now on", self.name, reason, changed.rate)
        self._tempo = changed
        if now - self._sent_last > tempo.IDLE_SECONDS and not self._under_way:
            self._tempo = tempo.begin_again(self._tempo, now)
        self._pace = pacing.refilled(self._pace, self._tempo.rate, now)
        room = self._room(now)
        sent = self._send(now, room) if room else 0
        if sent < room or self._circuit.is_open or len(self._under_way) >= self._parallel:
            return LOOK_SECONDS  # nothing is due, or it is woken when something comes back
        return min(LOOK_SECONDS, max(_LEAST_SECONDS, pacing.wait_for_one(self._pace, self._tempo.rate)))

    def _room(self, now: float) -> int:
        """How many calls may go out."""
        if self._circuit.is_open:
            return int(not self._under_way and self._circuit.may_probe(now) and self._pace.tokens >= 1)
        return max(0, min(self._parallel - len(self._under_way), math.floor(self._pace.tokens)))

    def _send(self, now: float, room: int) -> int:
        due = self._store.due(self.name, now, room + len(self._under_way))
        chosen = [waiting for waiting in due if waiting.number not in self._under_way][:room]
        for waiting in chosen:
            self._under_way.add(waiting.number)
            self._executor.submit(lambda waiting=waiting: self._carry(waiting))  # type: ignore[misc]
        if chosen:
            self._pace, self._sent_last = pacing.take(self._pace, len(chosen)), now
            self.stats.sent += len(chosen)
        return len(chosen)

    def _carry(self, waiting: Waiting) -> None:
        """Open and send one call, in a thread of its own; whatever happens comes back to `step`."""
        back: Answer | BaseException
        try:
            back = self._carrier.send(self._store.open(waiting))
        except BaseException as error:  # noqa: BLE001 (raised again by the step that takes it back)
            back = error
        self._back.put((waiting, back))
        self._wake()

    def _take_back(self, now: float) -> None:
        while True:
            try:
                waiting, back = self._back.get_nowait()
            except Empty:
                return
            if isinstance(back, StoreError):
                _log.error("%s: call %d cannot be opened: %s", self.name, waiting.number, back)
                verdict, again = Verdict("later", _NOT_OPENED), now + pause_of(waiting.attempts + 1, None)
                self._others.append((waiting, verdict, again))
                continue
            if isinstance(back, BaseException):
                raise back
            self._judge(waiting, back, now)

    def _judge(self, waiting: Waiting, answer: Answer, now: float) -> None:
        verdict, was_open = judge(answer, waiting.attempts), self._circuit.is_open
        self._circuit = circuit.after(self._circuit, verdict.trouble, now, answer.retry_after)
        self._tempo = tempo.answered(self._tempo, answer.seconds, verdict.trouble)
        self.stats.seconds += answer.seconds
        if self._circuit.is_open != was_open:
            word = "does not take calls" if self._circuit.is_open else "takes calls again"
            _log.warning("%s %s (%s)", self.name, word, verdict.reason)
        if verdict.outcome == "delivered":
            self._delivered.append(waiting)
            return
        pause = pause_of(waiting.attempts + 1, answer.retry_after)
        again = circuit.retry_at(self._circuit, pause, now) if verdict.trouble else now + pause
        self._others.append((waiting, verdict, again))

    def settle(self, now: float) -> None:
        """Take back what came back, and keep it. Raises StoreError; what could not be kept is kept the next time."""
        self._take_back(now)
        if self._delivered:
            self._store.delivered(self._delivered, now)
            self.stats.delivered += len(self._delivered)
            self._under_way.difference_update(waiting.number for waiting in self._delivered)
            self._delivered = []
        dead, told = self.stats.dead, ""
        while self._others:
            waiting, verdict, again = self._others[0]
            if verdict.outcome == "dead":
                self._store.bury(waiting, verdict.reason, now)
                self.stats.dead += 1
                told = verdict.reason
            else:
                self._store.failed(waiting, verdict.reason, again)
                self.stats.failed += 1
            del self._others[0]
            self._under_way.discard(waiting.number)
        if self.stats.dead > dead:
            _log.warning("%s: set aside as dead: %d (the last: %s)", self.name, self.stats.dead - dead, told)
