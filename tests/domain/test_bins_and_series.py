from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bins import BIN_COUNT, EDGES, MIDDLES, NO_BIN, bin_of, bins_of, nearest_rank, nearest_ranks
from domain.calendar import BRUSSELS
from domain.series import (
    DAY,
    FAMILIES,
    MAX_POINTS,
    Rows,
    bucket_span,
    floor_bucket,
    pick_resolution,
    unknown_rows,
)


@given(st.integers(0, 10**12))
def test_a_duration_lies_in_its_bin(duration: int) -> None:
    place = bin_of(duration)
    assert EDGES[place] <= duration
    assert place == BIN_COUNT - 1 or duration < EDGES[place + 1]
    assert bins_of(np.array([duration]))[0] == place


@given(st.integers(0, 3_600_000_000 - 1))
def test_the_middle_of_a_bin_is_near(duration: int) -> None:
    assert abs(int(MIDDLES[bin_of(duration)]) - duration) <= max(0, duration * 0.026)


def test_no_duration_has_no_bin() -> None:
    assert bin_of(-1) == NO_BIN
    assert list(bins_of(np.array([-1, 0]))) == [NO_BIN, 0]


def test_the_edges_of_version_1_are_fixed() -> None:
    assert (BIN_COUNT, int(EDGES[202]), int(EDGES[-1])) == (422, 85_053, int(EDGES[-1]))
    assert (np.diff(EDGES) > 0).all()


@given(st.lists(st.integers(0, 1_000), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_the_nearest_rank(values: list[int], quantile: float) -> None:
    rank = nearest_rank(len(values), quantile)
    assert rank / len(values) >= quantile - 1e-12
    assert rank == 1 or (rank - 1) / len(values) < quantile
    assert nearest_ranks(np.array([len(values)]), quantile)[0] == rank


def test_a_day_is_the_local_one() -> None:
    late = datetime(2026, 11, 22, 0, 30, tzinfo=BRUSSELS).timestamp()
    bucket = floor_bucket(late, DAY, BRUSSELS)
    assert bucket == datetime(2026, 11, 22, tzinfo=ZoneInfo("UTC")).timestamp()
    begin, end = bucket_span(bucket, DAY, BRUSSELS)
    assert begin <= late < end
    assert end - begin == DAY


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)])
def test_days_of_dst_are_shorter_and_longer(date: tuple[int, int, int], hours: int) -> None:
    bucket = int(datetime(*date, tzinfo=ZoneInfo("UTC")).timestamp())
    begin, end = bucket_span(bucket, DAY, BRUSSELS)
    assert end - begin == hours * 3_600


@given(st.sampled_from(sorted(FAMILIES)), st.integers(60, 5 * 366 * DAY), st.integers(0, 5 * 366 * DAY))
def test_a_chart_reads_at_a_step_that_exists_and_not_too_many_points(name: str, span: int, ago: int) -> None:
    now = 1_800_000_000
    family = FAMILIES[name]
    step = pick_resolution(family, now - ago - span, now - ago, now)
    assert step in family.days
    assert span / step <= MAX_POINTS or step == max(family.days)


def test_today_is_drawn_by_the_minute_and_last_year_by_what_is_kept() -> None:
    now = 1_800_000_000.0
    hub = FAMILIES["hub"]
    assert pick_resolution(hub, now - 3_600, now, now) == 10
    assert pick_resolution(hub, now - DAY, now, now) == 60
    assert pick_resolution(hub, now - 364 * DAY, now - 363 * DAY, now) == 300
    assert pick_resolution(FAMILIES["pharmacy"], now - 20 * DAY, now - 19 * DAY, now) == 3_600


def test_rows_know_their_times() -> None:
    rows = Rows(600, 60, ("calls", "p50"), np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert (rows.end, rows.times.tolist()) == (720, [600, 660])
    assert rows.column("p50").tolist() == [2.0, 4.0]
    assert np.isnan(rows.column("p99")).all()
    assert np.isnan(unknown_rows(0, 120, 60, ("calls",)).values).all()
