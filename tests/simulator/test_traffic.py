"""Calls: drawn the same by everybody, cut anywhere, with the shape they should have."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.faults import ORDINARY
from simulator.traffic import Calls, calls_between, calls_of_slice
from simulator.world import build_world

from .helpers import start_of

WORLD = build_world(11, load=2, pharmacies=800)
MORNING = start_of("2026-11-23T10:00")


def joined(start: float, end: float) -> list[tuple[int, ...]]:
    parts = list(calls_between(WORLD, ORDINARY, start, end))
    return [tuple(row) for part in parts for row in zip(*(getattr(part, f.name).tolist() for f in fields(Calls)))]  # noqa: B905


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 300), max_size=6))
def test_a_span_is_the_sum_of_its_parts(cuts: list[float]) -> None:
    edges = [0.0, *sorted(cuts), 300.0]
    parts = [call for begin, end in pairwise(edges) for call in joined(MORNING + begin, MORNING + end)]
    assert parts == joined(MORNING, MORNING + 300)


def test_slices_come_out_the_same_in_any_order_and_differ_by_seed() -> None:
    number = int(MORNING // 60)
    first = calls_of_slice(WORLD, ORDINARY, number)
    calls_of_slice(WORLD, ORDINARY, number + 5)
    again = calls_of_slice(build_world.__wrapped__(11, 2, 800), ORDINARY, number)
    assert all((getattr(first, f.name) == getattr(again, f.name)).all() for f in fields(Calls))
    other = calls_of_slice(build_world(12, load=2, pharmacies=800), ORDINARY, number)
    assert len(other) != len(first) or (other.time_us != first.time_us).any()


def test_counts_are_poisson_about_the_rate() -> None:
    world = build_world(1, pharmacies=5_000)
    counts = np.array(
        [len(calls_of_slice(world, ORDINARY, int(start_of("2026-04-21T10:20") // 60) + i)) for i in range(30)]
    )
    assert 80 * 60 < counts.mean() < 125 * 60
    # Neighbours differ by noise more than by trend, and the difference of two Poisson counts has both variances.
    assert 0.3 < np.diff(counts).var() / 2 / counts.mean() < 2.5


def test_at_night_only_a_twelfth_calls() -> None:
    world = build_world(1, load=40)
    calls = list(calls_between(world, ORDINARY, start_of("2026-11-23T02:00"), start_of("2026-11-23T03:00")))
    seen = np.unique(np.concatenate([part.pharmacy for part in calls]))
    assert len(np.unique(world.pharmacy_group[seen])) <= 2  # the group on call, and who has no contract
    assert 250 < len(seen) < 600


def test_who_has_no_contract_is_always_the_same_few() -> None:
    world = build_world(1, load=10)
    calls = list(calls_between(world, ORDINARY, MORNING, MORNING + 240))
    codes, pharmacies = np.concatenate([c.code for c in calls]), np.concatenate([c.pharmacy for c in calls])
    without = world.code_no_contract[codes]
    assert without.sum() > 10
    assert set(pharmacies[without]) <= set(world.contractless)


@pytest.mark.parametrize("place", [0, 6, 30])
def test_durations_are_those_of_the_endpoint(place: int) -> None:
    world = build_world(1, load=5)
    calls = list(calls_between(world, ORDINARY, MORNING, MORNING + 120))
    durations = np.concatenate([part.duration_us[part.operation == place] for part in calls])
    assert 1.0 < np.median(durations) / world.median_us[place] < 1.6
    assert np.log(np.maximum(durations, 1)).std() == pytest.approx(world.sigma[place], rel=0.1)
