from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import SeriesError
from domain.series import DAY, FAMILIES, FIVE_SOURCES, Rows, SeriesKey
from rrd.store import RrdSeriesStore
from tests.rrd.helpers import HUB, NAN, PHARMACY, T, numbered, rows_of, same


def test_the_first_row_is_known(store: RrdSeriesStore) -> None:
    rows = numbered(HUB, 60, T, 1)
    store.write(HUB, rows)
    assert same(store.read(HUB, 60, T, T + 60).values, rows.values)
    assert store.last(HUB, 60) == T


def test_a_gap_is_unknown_and_what_follows_it_is_known(store: RrdSeriesStore) -> None:
    before, after = numbered(HUB, 60, T, 3), numbered(HUB, 60, T + 600, 2, first=1000)
    store.write(HUB, before)
    store.write(HUB, after)
    read = store.read(HUB, 60, T, T + 720)
    assert same(read.values[:3], before.values)
    assert np.isnan(read.values[3:10]).all()
    assert same(read.values[10:], after.values)


def test_rows_at_or_before_the_last_are_skipped(store: RrdSeriesStore) -> None:
    rows = numbered(HUB, 60, T, 4)
    store.write(HUB, rows)
    store.write(HUB, numbered(HUB, 60, T, 3, first=9_000))
    store.write(HUB, numbered(HUB, 60, T + 120, 3, first=5_000))
    read = store.read(HUB, 60, T, T + 300).values
    assert same(read[:4], rows.values)
    assert read[4, 0] == 5_020


def test_an_unknown_row_counts_as_written(store: RrdSeriesStore) -> None:
    store.write(PHARMACY, rows_of(PHARMACY, 300, T, [[NAN] * 5]))
    assert store.last(PHARMACY, 300) == T
    assert np.isnan(store.read(PHARMACY, 300, T, T + 300).values).all()


def test_known_and_unknown_stand_side_by_side(store: RrdSeriesStore) -> None:
    rows = rows_of(PHARMACY, 300, T, [[0, 0, 0, NAN, NAN], [7, 1, 0, 87_000, 91_000]])
    store.write(PHARMACY, rows)
    assert same(store.read(PHARMACY, 300, T, T + 600).values, rows.values)


def test_reading_outside_the_file_is_unknown(store: RrdSeriesStore) -> None:
    store.write(HUB, numbered(HUB, 60, T, 2))
    read = store.read(HUB, 60, T - 120, T + 240)
    assert (read.start, len(read.values)) == (T - 120, 6)
    assert np.isnan(read.values[[0, 1, 4, 5]]).all()
    assert not np.isnan(read.values[[2, 3]]).any()


def test_bounds_inside_a_bucket_take_the_whole_bucket(store: RrdSeriesStore) -> None:
    store.write(HUB, numbered(HUB, 60, T, 3))
    read = store.read(HUB, 60, T + 59, T + 61)
    assert (read.start, read.end) == (T, T + 120)


def test_an_empty_span_reads_as_no_rows(store: RrdSeriesStore) -> None:
    store.write(HUB, numbered(HUB, 60, T, 3))
    assert store.read(HUB, 60, T + 60, T + 60).values.shape == (0, 8)
    assert store.read(HUB, 60, T + 120, T).values.shape == (0, 8)


def test_a_series_that_is_not_there(store: RrdSeriesStore, tmp_path: Path) -> None:
    assert store.last(HUB, 60) is None
    assert np.isnan(store.read(HUB, 60, T, T + 120).values).all()
    assert store.keys("hub") == []
    assert not (tmp_path / "series").exists(), "a reader leaves nothing behind"


def test_no_rows_make_no_file(store: RrdSeriesStore) -> None:
    store.write(HUB, numbered(HUB, 60, T, 0))
    assert store.last(HUB, 60) is None


@pytest.mark.parametrize("count", [1, 499, 500, 501, 4_000])
def test_a_run_of_any_length_is_appended(store: RrdSeriesStore, count: int) -> None:
    first, second = numbered(PHARMACY, 300, T, 7), numbered(PHARMACY, 300, T + 7 * 300, count, first=10**6)
    store.write(PHARMACY, first)
    store.write(PHARMACY, second)
    assert same(store.read(PHARMACY, 300, second.start, second.end).values, second.values)
    assert store.last(PHARMACY, 300) == second.end - 300


def test_the_ring_keeps_as_many_rows_as_the_family_says(store: RrdSeriesStore) -> None:
    kept = FAMILIES["pharmacy"].days[300] * DAY // 300
    rows = numbered(PHARMACY, 300, T, kept + 800)
    for begin in range(0, kept + 800, 400):
        store.write(PHARMACY, Rows(T + begin * 300, 300, rows.sources, rows.values[begin : begin + 400]))
    read = store.read(PHARMACY, 300, T, rows.end)
    assert np.isnan(read.values[:800]).all()
    assert same(read.values[800:], rows.values[800:])


def test_a_history_longer_than_the_ring_keeps_its_end(store: RrdSeriesStore) -> None:
    kept = FAMILIES["pharmacy"].days[300] * DAY // 300
    rows = numbered(PHARMACY, 300, T, kept + 5)
    store.write(PHARMACY, rows)
    read = store.read(PHARMACY, 300, T, rows.end)
    assert np.isnan(read.values[:5]).all()
    assert same(read.values[5:], rows.values[5:])


def test_a_pause_longer_than_the_ring_leaves_nothing_old(store: RrdSeriesStore) -> None:
    kept = FAMILIES["pharmacy"].days[300] * DAY // 300
    store.write(PHARMACY, numbered(PHARMACY, 300, T, 10))
    after = numbered(PHARMACY, 300, T + (kept + 12_345) * 300, 2)
    store.write(PHARMACY, after)
    read = store.read(PHARMACY, 300, after.end - kept * 300, after.end)
    assert np.isnan(read.values[:-2]).all()
    assert same(read.values[-2:], after.values)


def test_a_local_day_is_stored_at_the_midnight_that_ends_it(store: RrdSeriesStore) -> None:
    rows = numbered(HUB, DAY, T, 3)
    store.write(HUB, rows)
    assert same(store.read(HUB, DAY, T, T + 3 * DAY).values, rows.values)
    assert store.last(HUB, DAY) == T + 2 * DAY


@pytest.mark.parametrize(("family", "step"), [(f.name, step) for f in FAMILIES.values() for step in f.days])
def test_every_file_there_can_be(store: RrdSeriesStore, family: str, step: int) -> None:
    series = SeriesKey(family, tuple(f"k{i}" for i in range(len(FAMILIES[family].dimensions))))
    rows = rows_of(
        series, step, T, np.random.default_rng(step).integers(0, 2**53, (9, len(FAMILIES[family].sources))).tolist()
    )
    store.write(series, rows)
    store.write(series, Rows(rows.end, step, rows.sources, rows.values))
    read = store.read(series, step, T, T + 18 * step)
    assert same(read.values, np.concatenate([rows.values, rows.values]))
    assert store.keys(family) == [series.key]


def test_rewriting_replaces_rows_and_leaves_the_others(store: RrdSeriesStore) -> None:
    rows = numbered(HUB, 60, T, 100)
    store.write(HUB, rows)
    late = numbered(HUB, 60, T + 20 * 60, 5, first=700_000)
    store.rewrite(HUB, late)
    read = store.read(HUB, 60, T, rows.end).values
    assert same(read[:20], rows.values[:20])
    assert same(read[20:25], late.values)
    assert same(read[25:], rows.values[25:])
    assert store.last(HUB, 60) == rows.end - 60


def test_rewriting_reaches_before_the_first_row_and_after_the_last(store: RrdSeriesStore) -> None:
    store.write(HUB, numbered(HUB, 60, T, 5))
    wide = numbered(HUB, 60, T - 300, 20, first=40_000)
    store.rewrite(HUB, wide)
    assert same(store.read(HUB, 60, T - 300, T + 900).values, wide.values)


def test_rewriting_drops_what_is_beyond_reach(store: RrdSeriesStore) -> None:
    kept = FAMILIES["pharmacy"].days[300] * DAY // 300
    rows = numbered(PHARMACY, 300, T, kept)
    store.write(PHARMACY, rows)
    store.rewrite(PHARMACY, numbered(PHARMACY, 300, T - 3_000, 12, first=90_000))
    store.rewrite(PHARMACY, numbered(PHARMACY, 300, T - 30_000, 12, first=95_000))
    read = store.read(PHARMACY, 300, T - 3_000, rows.end).values
    assert np.isnan(read[:10]).all()
    assert read[10, 0] == 90_100
    assert same(read[12:], rows.values[2:])


def test_rewriting_a_series_that_is_not_there_writes_it(store: RrdSeriesStore) -> None:
    rows = numbered(HUB, 60, T, 5)
    store.rewrite(HUB, rows)
    assert same(store.read(HUB, 60, T, rows.end).values, rows.values)


def test_a_restart_goes_on_where_it_was(store: RrdSeriesStore, tmp_path: Path) -> None:
    store.write(HUB, numbered(HUB, 60, T, 5))
    again = RrdSeriesStore(tmp_path / "series")
    assert again.last(HUB, 60) == T + 240
    again.write(HUB, numbered(HUB, 60, T, 8))
    assert same(again.read(HUB, 60, T, T + 480).values, numbered(HUB, 60, T, 8).values)
    assert again.keys("hub") == [("dpp",)]


counts = st.one_of(st.just(NAN), st.integers(0, 2**53).map(float))


class TestAgainstAPlainTable:
    """Whatever is written and rewritten, the file holds what a table in memory would."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.booleans(),
                st.integers(-30, 700),
                st.lists(st.lists(counts, min_size=5, max_size=5), min_size=1, max_size=6),
                st.integers(1, 120),
            ),
            max_size=12,
        )
    )
    def test_any_sequence(
        self, tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[bool, int, list[list[float]], int]]
    ) -> None:
        store = RrdSeriesStore(tmp_path_factory.mktemp("table") / "series", durable=False)
        table = np.full((5_000, 5), np.nan)
        last: int | None = None
        for overwrite, begin, pattern, repeat in calls:
            values = np.tile(np.array(pattern), (repeat, 1))
            rows = Rows(T + begin * 300, 300, FIVE_SOURCES, values)
            (store.rewrite if overwrite else store.write)(PHARMACY, rows)
            for i, row in enumerate(values, begin):
                if overwrite or last is None or i > last:
                    table[i + 100] = row
            last = max(begin + len(values) - 1, begin if last is None else last)
        read = store.read(PHARMACY, 300, T - 30_000, T + 4_900 * 300).values
        # The ring holds 4,032 rows; all of these lie within it.
        assert same(read, table)
        assert store.last(PHARMACY, 300) == (None if last is None else T + last * 300)


class TestRefused:
    def test_a_step_the_family_does_not_keep(self, store: RrdSeriesStore) -> None:
        with pytest.raises(SeriesError, match=r"pharmacy is not kept at 60 s; it is at 300, 3600, 86400"):
            store.write(PHARMACY, Rows(T, 60, FIVE_SOURCES, np.zeros((1, 5))))
        with pytest.raises(SeriesError, match="not kept"):
            store.read(PHARMACY, 60, T, T + 60)
        with pytest.raises(SeriesError, match="not kept"):
            store.last(PHARMACY, 10)

    def test_an_unknown_family(self, store: RrdSeriesStore) -> None:
        with pytest.raises(SeriesError, match=r'no family "hubs" of series; there are hub'):
            store.read(SeriesKey("hubs", ("dpp",)), 60, T, T + 60)
        with pytest.raises(SeriesError, match="no family"):
            store.keys("hubs")

    @pytest.mark.parametrize("key", [(), ("",), ("dpp", "x")])
    def test_a_key_that_is_not_the_familys(self, store: RrdSeriesStore, key: tuple[str, ...]) -> None:
        with pytest.raises(SeriesError, match="no key of hub"):
            store.write(SeriesKey("hub", key), numbered(HUB, 60, T, 1))

    def test_rows_of_other_sources(self, store: RrdSeriesStore) -> None:
        with pytest.raises(SeriesError, match="rows of calls"):
            store.write(HUB, Rows(T, 60, FIVE_SOURCES, np.zeros((1, 5))))

    def test_a_row_off_the_grid(self, store: RrdSeriesStore) -> None:
        with pytest.raises(SeriesError, match="not a multiple of 60 s"):
            store.write(HUB, numbered(HUB, 60, T + 7, 1))

    def test_figures_may_be_below_zero(self, store: RrdSeriesStore) -> None:
        figure = SeriesKey("value", ("dpp", "gc", "-", "temperature", "C"))
        values = [[-5.0, -7.0, 3.0, NAN], [-(2.0**53), NAN, NAN, NAN]]
        store.write(figure, rows_of(figure, 60, T, values))
        assert same(store.read(figure, 60, T, T + 120).values, np.array(values))
        with pytest.raises(SeriesError, match="not a whole number from -2"):
            store.write(figure, rows_of(figure, 60, T + 120, [[-(2.0**53) - 2, 0, 0, 0]]))

    @pytest.mark.parametrize("value", [0.5, -1.0, 2.0**53 + 2, float("inf"), float("-inf")])
    def test_a_value_that_is_no_count(self, store: RrdSeriesStore, value: float) -> None:
        with pytest.raises(SeriesError, match="not a whole number"):
            store.write(PHARMACY, rows_of(PHARMACY, 300, T, [[1, 2, 3, 4, value]]))
        assert store.last(PHARMACY, 300) is None
