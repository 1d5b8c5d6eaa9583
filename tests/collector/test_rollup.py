"""The roll-up's rules, one by one."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl

from collector.rollup import bucket_of, dense, fold, measure, merge, no_bins
from domain.bins import EDGES, MIDDLES, bin_of
from domain.series import CALL_FAMILIES, DAY, FAMILIES, floor_bucket
from tests.collector.world import BRUSSELS, START, Call, cells_of

HUB, PAIR = FAMILIES["hub"], FAMILIES["endpoint_vendor"]


def test_bins_without_calls_have_the_columns_of_those_with() -> None:
    for family in CALL_FAMILIES:
        bins = fold(cells_of([Call(START)]), family, family.finest, BRUSSELS)
        assert no_bins(family).schema == bins.schema
        assert merge([no_bins(family), bins], family, 3_600, BRUSSELS).height == 1


def test_buckets_are_those_of_the_vocabulary() -> None:
    year = range(START, START + 366 * DAY, 3_590)
    frame = pl.DataFrame({"bucket": [time // 10 * 10 for time in year]})
    for step in (10, 300, 21_600, DAY):
        got = frame.select(bucket_of(step, BRUSSELS))["bucket"].to_list()
        assert got == [floor_bucket(time, step, BRUSSELS) for time in frame["bucket"]]
    assert datetime.fromtimestamp(got[0], UTC).hour == 0


def test_a_quantile_is_never_above_the_maximum() -> None:
    low = int(EDGES[bin_of(1_000_000)])
    calls = [Call(START, duration_us=us) for us in (low, low + 1)]
    row = measure(fold(cells_of(calls), HUB, 10, BRUSSELS), HUB).row(0, named=True)
    assert int(MIDDLES[bin_of(low)]) > low + 1
    assert (row["p50"], row["p99"], row["max"], row["mean"]) == (low + 1, low + 1, low + 1, low)


def test_durations_are_unknown_where_no_call_has_one() -> None:
    calls = [Call(START, duration_us=None, klass="technical"), Call(START + 10, duration_us=0)]
    values = dense(measure(fold(cells_of(calls), HUB, 10, BRUSSELS), HUB), HUB, [("dpp",)], START, 10, 3)[0]
    assert values[0, :3].tolist() == [1, 0, 1]
    assert np.isnan(values[0, 3:]).all()
    assert values[1].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert values[2, :3].tolist() == [0, 0, 0]
    assert np.isnan(values[2, 3:]).all()


def test_an_empty_part_of_the_key_has_no_series() -> None:
    cells = cells_of([Call(START, vendor=""), Call(START)])
    assert measure(fold(cells, PAIR, 60, BRUSSELS), PAIR)["calls"].to_list() == [1]
    assert measure(fold(cells, HUB, 60, BRUSSELS), HUB)["calls"].to_list() == [2]
