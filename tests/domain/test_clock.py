from __future__ import annotations

import threading
import time

import pytest

from domain.clock import EventWaker, ManualClock, ReplayClock, SystemClock, parse_clock
from domain.errors import ConfigError


def test_the_wall_is_the_wall() -> None:
    clock, _ = parse_clock("wall", "Europe/Brussels")
    assert isinstance(clock, SystemClock)
    assert clock.now() == pytest.approx(time.time(), abs=5)


def test_a_replay_starts_where_it_says_and_goes_as_fast() -> None:
    origin = time.time() - 10
    clock, _ = parse_clock("2026-03-02T06:00@60", "Europe/Brussels", origin)
    assert isinstance(clock, ReplayClock)
    assert clock.start == 1_772_427_600
    assert clock.now() == pytest.approx(clock.start + 600, abs=300)


def test_processes_with_one_origin_agree() -> None:
    first = ReplayClock(0.0, 1_000.0, origin=123.0)
    assert first.origin == ReplayClock(0.0, 1_000.0, origin=123.0).origin


@pytest.mark.parametrize(
    "text", ["", "now", "2026-03-02T06:00", "@60", "2026-03-02@0", "2026-03-02@-1", "2026-03-02@x"]
)
def test_what_is_no_clock_is_said_with_the_mend(text: str) -> None:
    with pytest.raises(ConfigError, match=r"site\.clock"):
        parse_clock(text, "Europe/Brussels")


def test_a_manual_clock_moves_when_told() -> None:
    clock = ManualClock(100.0)
    clock.advance(5)
    assert clock.wait(2.5) is False
    assert clock.now() == 107.5


def test_a_waker_is_woken() -> None:
    waker = EventWaker()
    threading.Timer(0.01, waker.wake).start()
    assert waker.wait(60) is True
    assert waker.wait(0) is False


def test_a_fast_site_pauses_shorter() -> None:
    begin = time.monotonic()
    assert EventWaker(speed=10_000).wait(60) is False
    assert time.monotonic() - begin < 30
