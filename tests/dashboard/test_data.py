"""The written past joined with the open present, over real series files."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.data import Reader, Snapshot
from dashboard.windows import named_window
from domain.clock import ManualClock
from domain.series import DAY, Key, SeriesKey
from rrd.store import RrdSeriesStore
from tests.dashboard.traffic import COMPLETE, NOW, ZONE, OpenPresent, rows_of, written_end

HUB = SeriesKey("hub", ("dpp",))


@pytest.fixture
def live() -> OpenPresent:
    return OpenPresent()


@pytest.fixture
def snapshot(store: RrdSeriesStore, live: OpenPresent) -> Snapshot:
    return Reader(store, live, ManualClock(NOW), ZONE).snapshot()


@pytest.mark.parametrize("step", [10, 60, 300, 3_600])
def test_open_buckets_continue_the_written_ones_up_to_the_last_complete(snapshot: Snapshot, step: int) -> None:
    rows = snapshot.read(HUB, step, NOW - 2 * step - 1_200, NOW + 600)
    calls = rows.column("calls")
    complete = int(COMPLETE // step) * step
    known = rows.times[~np.isnan(calls)]
    assert known[-1] == complete - step, "the bucket that still grows is left unknown"
    assert (np.diff(known) == step).all(), "no gap between the past and the present"
    open_rows = rows_of(HUB, step, written_end(step), complete)
    if len(open_rows.values):
        np.testing.assert_array_equal(
            calls[rows.times >= written_end(step)][: len(open_rows.values)], open_rows.values[:, 0]
        )


def test_a_written_row_stands_where_the_open_one_is_unknown(snapshot: Snapshot, live: OpenPresent) -> None:
    alone = snapshot.read(HUB, 60, written_end(60) - 600, written_end(60))
    assert not np.isnan(alone.column("calls")).any()


def test_without_the_collector_the_written_past_is_shown(store: RrdSeriesStore, live: OpenPresent) -> None:
    live.answers = False
    snapshot = Reader(store, live, ManualClock(NOW), ZONE).snapshot()
    assert not snapshot.live_answers
    assert snapshot.complete_up_to == written_end(60)
    rows = snapshot.read(HUB, 60, NOW - 600, NOW)
    assert rows.times[~np.isnan(rows.column("calls"))][-1] == written_end(60) - 60


def test_a_collector_that_goes_away_meanwhile_is_asked_no_more(snapshot: Snapshot, live: OpenPresent) -> None:
    live.answers = False
    snapshot.read(HUB, 60, NOW - 600, NOW)
    asked = live.questions
    snapshot.read(HUB, 300, NOW - 600, NOW)
    assert not snapshot.live_answers
    assert live.questions == asked


def test_before_the_first_watermark_what_is_written_counts(store: RrdSeriesStore, live: OpenPresent) -> None:
    live.complete = None
    snapshot = Reader(store, live, ManualClock(NOW), ZONE).snapshot()
    assert snapshot.live_answers
    assert snapshot.complete_up_to == written_end(60)


def test_nothing_at_all_is_unknown(tmp_path_factory: pytest.TempPathFactory, live: OpenPresent) -> None:
    live.answers = False
    snapshot = Reader(RrdSeriesStore(tmp_path_factory.mktemp("none")), live, ManualClock(NOW), ZONE).snapshot()
    assert snapshot.complete_up_to is None
    assert snapshot.keys("hub") == ()
    assert np.isnan(snapshot.read(HUB, 60, NOW - 600, NOW).values).all()


def test_a_key_that_is_only_open_so_far_is_known(store: RrdSeriesStore, live: OpenPresent) -> None:
    fresh: Key = ("newhub",)
    rows = live.rows
    live.rows = lambda family, step, keys=None: (  # type: ignore[method-assign] # one more key, as after a first line
        found := rows(family, step, keys),
        type(found)(found.complete_up_to, {**found.rows, fresh: rows_of(HUB, step, written_end(step), int(NOW))}),
    )[1]
    snapshot = Reader(store, live, ManualClock(NOW), ZONE).snapshot()
    assert fresh in snapshot.keys("hub")


def test_last_week_lies_on_the_axis_of_now(snapshot: Snapshot, store: RrdSeriesStore) -> None:
    window = named_window("today", NOW, ZONE)
    line = snapshot.compared_line(HUB, window, "last week")
    past = store.read(HUB, 60, window.start - 7 * DAY, window.end - 7 * DAY)
    np.testing.assert_array_equal(line.column("calls"), past.column("calls"))
    np.testing.assert_array_equal(line.times, past.times + 7 * DAY)


def test_an_older_period_is_read_coarser_where_only_that_is_there(snapshot: Snapshot) -> None:
    line = snapshot.compared_line(HUB, named_window("today", NOW, ZONE), "last month")
    assert line.span == 300
    assert line.known


def test_the_days_of_a_year_end_with_the_last_whole_day(snapshot: Snapshot) -> None:
    line = snapshot.line(HUB, named_window("year", NOW, ZONE))
    assert line.span == DAY
    known = line.times[line.seconds > 0]
    assert known[-1] == named_window("today", NOW, ZONE).start - DAY
    assert set(line.seconds[line.seconds > 0].tolist()) == {82_800.0, 86_400.0, 90_000.0}, "DST days are 23 and 25 h"
