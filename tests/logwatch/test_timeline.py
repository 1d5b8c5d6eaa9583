"""Calls over time: every call is in a step, however long the steps had to become."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.events import EventBlock
from logwatch.timeline import STEPS, Timeline
from logwatch.times import US

BEGIN = 1_795_340_000


def block(times: list[float], classes: list[int] | None = None, durations: list[int] | None = None) -> EventBlock:
    count = len(times)
    return EventBlock(
        np.array([int(time * US) for time in times], dtype=np.int64),
        np.array(durations or [-1] * count, dtype=np.int64),
        {"class": np.array(classes or [0] * count, dtype=np.int32)},
    )


def test_steps_hold_classes_and_quantiles() -> None:
    timeline = Timeline()
    timeline.add(block([BEGIN, BEGIN + 1, BEGIN + 25], [0, 2, 1], [10_000, 30_000, -1]))
    step, steps, outside = timeline.steps(100)
    assert (step, outside) == (10, 0)
    assert [(one.start - BEGIN, one.calls, one.functional, one.technical) for one in steps] == [
        (0, 2, 0, 1), (10, 0, 0, 0), (20, 1, 1, 0),
    ]  # fmt: skip
    assert steps[0].p50_us == pytest.approx(10_000, rel=0.03)
    assert steps[0].p95_us == pytest.approx(30_000, rel=0.03)
    assert (steps[1].p50_us, steps[2].p95_us) == (None, None)
    assert timeline.latency().sum() == 2


@pytest.mark.parametrize("days", [0.1, 3, 40, 900])
@pytest.mark.parametrize("most", [2, 24, 240])
def test_no_call_is_lost_when_steps_become_longer(days: float, most: int) -> None:
    timeline, chance = Timeline(), np.random.default_rng(4)
    total = 0
    for _ in range(5):
        times = BEGIN + chance.random(4_000) * days * 86_400
        timeline.add(block(times.tolist()))
        total += len(times)
    step, steps, outside = timeline.steps(most)
    assert step >= min(STEPS)
    assert sum(one.calls for one in steps) + outside == total
    assert len(steps) <= most + 1
    assert [one.start for one in steps] == list(range(steps[0].start, steps[-1].start + 1, step))


def test_stray_times_do_not_stretch_the_drawing() -> None:
    timeline = Timeline()
    timeline.add(block([1_000.0, *(BEGIN + number for number in range(5_000))]))
    _, steps, outside = timeline.steps(240)
    assert outside == 1
    assert steps[0].start >= BEGIN - 60


def test_nothing_is_nothing() -> None:
    timeline = Timeline()
    timeline.add(block([]))
    assert timeline.steps(10) == (STEPS[0], [], 0)
