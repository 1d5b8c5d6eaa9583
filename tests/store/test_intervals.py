"""Intervals against a plain set."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from store.intervals import Intervals

RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)), max_size=30)


@given(RANGES)
def test_intervals_are_a_set(ranges: list[tuple[int, int]]) -> None:
    intervals, numbers = Intervals(), set[int]()
    for first, more in ranges:
        intervals.add(first, first + more)
        numbers |= set(range(first, first + more + 1))
    assert {n for first, last in intervals for n in range(first, last + 1)} == numbers
    assert [n in intervals for n in range(75)] == [n in numbers for n in range(75)]
    kept = list(intervals)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(kept))
    for first in range(1, 70, 7):
        assert intervals.covers(first, first + 5) == (set(range(first, first + 6)) <= numbers)
    assert intervals.covers(5, 4)
    assert list(Intervals(intervals)) == kept


def test_gaps_are_what_is_missing_up_to_a_number() -> None:
    held = Intervals([(3, 5), (9, 9)])
    assert held.gaps(12) == [(1, 2), (6, 8), (10, 12)]
    assert held.gaps(9) == [(1, 2), (6, 8)]
    assert held.gaps(8) == [(1, 2), (6, 8)]
    assert held.gaps(4) == [(1, 2)]
    assert held.gaps(0) == []
    assert (held.last, Intervals().last, Intervals().gaps(2)) == (9, 0, [(1, 2)])
