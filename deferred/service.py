"""The drain process: every target's drain in one loop, its pulse, and the tidying of the store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from deferred.drain import LOOK_SECONDS, TargetDrain
from domain.clock import Clock, Waker
from domain.errors import StoreError
from domain.ports.calls import DeferredStore

# A drain whose last pulse is older is taken to be dead.
PULSE_SECONDS, LATE_SECONDS = 2.0, 15.0
# What was destroyed is wiped out of the write-ahead log so often.
TIDY_SECONDS = 5.0
RETRY_SECONDS = 1.0
# So long a drain that is told to stop waits for answers that are under way.
STOP_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Drain:
    """Steps the drain of each target until told to stop."""

    def __init__(self, store: DeferredStore, targets: Sequence[TargetDrain], clock: Clock, waker: Waker) -> None:
        self.targets = targets
        self._store, self._clock, self._waker = store, clock, waker
        self._pulse_after = self._tidy_after = float("-inf")
        self._failing = False

    def run(self, stopped: Callable[[], bool]) -> None:
        """Drain until `stopped`; what is under way then is given a moment to come back."""
        for name, why in self._store.apart().items():
            _log.error("%s: nothing goes out until this is mended: %s", name, why)
        for target in self.targets:
            self._rewrap(target.name)
        while not stopped():
            self._waker.wait(self.tick())
        deadline = self._clock.now() + STOP_SECONDS
        while any(target.under_way for target in self.targets) and self._clock.now() < deadline:
            self._waker.wait(deadline - self._clock.now())
            for target in self.targets:
                target.settle(self._clock.now())

    def _rewrap(self, name: str) -> None:
        """Protect what waits by the newest key. What cannot be opened is told once, and stops no other target."""
        try:
            changed = self._store.rewrap(name)
        except StoreError as error:
            _log.error("%s: not all waiting calls are protected by the newest key: %s", name, error)
            return
        if changed:
            _log.info("%s: %d waiting calls are protected by the newest key now", name, changed)

    def tick(self) -> float:
        """One round; seconds until the next. A store that fails is told once, and asked again."""
        now = self._clock.now()
        try:
            self._look_after(now)
            wait = min((target.step(now) for target in self.targets), default=LOOK_SECONDS)
        except StoreError as error:
            if not self._failing:
                _log.error("nothing more goes out until this is mended: %s", error)
            self._failing = True
            return RETRY_SECONDS
        if self._failing:
            _log.info("the store works again")
        self._failing = False
        return wait

    def _look_after(self, now: float) -> None:
        if not 0 <= self._pulse_after - now <= PULSE_SECONDS:
            self._store.pulse(now)
            self._pulse_after = now + PULSE_SECONDS
        if not 0 <= self._tidy_after - now <= TIDY_SECONDS:
            self._tidy_after = now + TIDY_SECONDS
            forgotten = self._store.tidy(now)
            if forgotten:
                _log.info("%d calls that were settled a week ago are forgotten", forgotten)
