"""Time and waking, injected everywhere so that a test steps the loop by hand.

All times are seconds since the epoch, UTC, as `float`.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from domain.errors import ConfigError


class Clock(Protocol):
    """What time it is, for everything that is counted, judged or shown."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


class Waker(Protocol):
    """How a loop pauses: until a time has gone by or somebody wakes it."""

    def wait(self, seconds: float) -> bool:
        """Pause for at most `seconds` of this site's time; True when `wake` ended the pause."""
        ...

    def wake(self) -> None:
        """End the pause that is under way, or the next one at once."""
        ...


class SystemClock:
    """The wall."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()


class ReplayClock:
    """A clock that starts at `start` when `origin` was on the wall and runs `speed` times as fast.

    Processes that share the specification and the origin agree on the time: the supervisor fixes
    the origin once and hands it down.
    """

    def __init__(self, start: float, speed: float, origin: float | None = None) -> None:
        self.start, self.speed = start, speed
        self.origin = time.time() if origin is None else origin

    def now(self) -> float:
        """Seconds since the epoch, UTC, in the replayed time."""
        return self.start + (time.time() - self.origin) * self.speed


class ManualClock:
    """A clock that moves only when told to, and its own waker: waiting moves it."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """The time it was last moved to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._now += seconds

    def wait(self, seconds: float) -> bool:
        """Pass `seconds` at once; never woken early."""
        self._now += seconds
        return False

    def wake(self) -> None:
        """Nothing waits here, so there is nothing to end."""


class EventWaker:
    """A waker on a `threading.Event`; `speed` shortens the pauses of a replayed site."""

    def __init__(self, speed: float = 1.0) -> None:
        self._event = threading.Event()
        self._speed = speed

    def wait(self, seconds: float) -> bool:
        """Pause for `seconds` of the site's time; True when woken."""
        woken = self._event.wait(max(0.0, seconds) / self._speed)
        self._event.clear()
        return woken

    def wake(self) -> None:
        """End the pause."""
        self._event.set()


def parse_clock(spec: str, zone: str, origin: float | None = None) -> tuple[Clock, Waker]:
    """The clock and waker that `site.clock` asks for: `wall`, or `START@SPEED`.

    START is a local date-time (`2026-03-02T06:00`) in `zone`, or one with an offset; SPEED a factor.
    Raises ConfigError for anything else.
    """
    if spec == "wall":
        return SystemClock(), EventWaker()
    begin, at, factor = spec.partition("@")
    try:
        when, speed = datetime.fromisoformat(begin), float(factor)
    except ValueError:
        at = ""
    if not at or not speed > 0:
        raise ConfigError(
            f'"{spec}" is not a clock',
            path="site.clock",
            mend='Write "wall", or START@SPEED such as "2026-03-02T06:00@60"',
        )
    if when.tzinfo is None:
        when = when.replace(tzinfo=ZoneInfo(zone))
    return ReplayClock(when.timestamp(), speed, origin), EventWaker(speed)
