"""Running one target for a while: in rounds of hypothesis, each of its own seed, with a watch on every input."""

from __future__ import annotations

import faulthandler
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.targets import Target

# An input of some thousand bytes is done in milliseconds. What hangs in code that asks for no signals is ended.
HANG_SECONDS, LOST_SECONDS = 10.0, 60.0
_ROUND = 100


class HangError(Exception):
    """An input took so long that a process would stand still over it."""


class Outcome(msgspec.Struct, kw_only=True):
    """What came of fuzzing a target; `crash` tells of the smallest input found that broke something."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    seed: int = 0
    crash: str = ""


@contextmanager
def watched() -> Iterator[None]:
    """Raise HangError in what takes too long; end the process, with where it stands, where that is of no use."""

    def ring(_: int, frame: FrameType | None) -> None:
        raise HangError(f"more than {HANG_SECONDS:.0f} s in one input")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
    faulthandler.dump_traceback_later(LOST_SECONDS, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(name: str, target: Target, seconds: float, first_seed: int) -> Outcome:
    """Feed a target for so long, or until something breaks, whose input is then made as small as it goes."""
    outcome = Outcome(target=name, seed=first_seed)
    begun = time.monotonic()

    def one(data: st.DataObject) -> None:
        start = time.monotonic()
        with watched():
            target(data)
        outcome.executions += 1
        outcome.slowest_ms = max(outcome.slowest_ms, (time.monotonic() - start) * 1_000)

    # Rounds are short, so that the time is kept, and each has its own seed, so that its crash is found again.
    while not outcome.crash and time.monotonic() - begun < seconds:
        rounds = settings(
            max_examples=_ROUND, deadline=None, database=None, print_blob=False,
            suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
        )(seed(outcome.seed)(given(st.data())(one)))  # fmt: skip
        try:
            rounds()
        except Exception as error:  # noqa: BLE001 (whatever it is: it is what is looked for)
            notes = "\n".join(getattr(error, "__notes__", ()))
            outcome.crash = f"{type(error).__name__}: {str(error)[:2_000]}\n{notes[:6_000]}"
        else:
            outcome.seed += 1
    outcome.seconds = round(time.monotonic() - begun, 1)
    return outcome
