"""Our files are rrdtool's files: librrd reads, updates, draws and dumps them, and agrees on every value."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import rrdtool

from domain.series import DAY, FAMILIES, SeriesKey
from rrd.store import RrdSeriesStore
from tests.rrd.helpers import HUB, PHARMACY, T, fetched, numbered, rows_of, same


@pytest.mark.parametrize(("family", "step"), [(f.name, step) for f in FAMILIES.values() for step in f.days])
def test_fetch_gives_what_was_written(store: RrdSeriesStore, tmp_path: Path, family: str, step: int) -> None:
    series = SeriesKey(family, tuple(f"k{i}" for i in range(len(FAMILIES[family].dimensions))))
    values = np.random.default_rng(step).integers(0, 2**53, (700, len(FAMILIES[family].sources))).astype(float)
    values[::7, 3:] = np.nan
    store.write(series, rows_of(series, step, T, values[:600].tolist()))
    store.write(series, rows_of(series, step, T + 610 * step, values[600:].tolist()))
    store.rewrite(series, rows_of(series, step, T + 40 * step, values[:20].tolist()))
    (path,) = (tmp_path / "series" / family).glob(f"*/{step}.rrd")
    end = T + 710 * step
    assert same(fetched(path, T - 5 * step, end), store.read(series, step, T - 5 * step, end).values)
    assert rrdtool.last(str(path)) == end


def test_fetch_agrees_all_round_the_ring(store: RrdSeriesStore, tmp_path: Path) -> None:
    kept = FAMILIES["pharmacy"].days[DAY]
    path = tmp_path / "series" / "pharmacy" / "00012371" / f"{DAY}.rrd"
    start = T
    for count in (1, 499, kept, 250, 3, 490):
        store.write(PHARMACY, numbered(PHARMACY, DAY, start, count, first=start))
        start += count * DAY
        begin = start - kept * DAY
        assert same(fetched(path, begin, start), store.read(PHARMACY, DAY, begin, start).values)


def test_an_update_by_rrdtool_is_read_and_continued(store: RrdSeriesStore, tmp_path: Path) -> None:
    store.write(HUB, numbered(HUB, 60, T, 10))
    path = tmp_path / "series" / "hub" / "dpp" / "60.rrd"
    rrdtool.update(str(path), f"{T + 660}:1:2:3:4:5:6:7:8", f"{T + 720}:U:2:3:4:5:6:7:8")
    assert store.last(HUB, 60) == T + 660
    read = store.read(HUB, 60, T + 600, T + 720).values
    assert same(read, np.array([[1.0, 2, 3, 4, 5, 6, 7, 8], [np.nan, 2, 3, 4, 5, 6, 7, 8]]))
    store.write(HUB, numbered(HUB, 60, T + 720, 3))
    assert same(fetched(path, T, T + 900), store.read(HUB, 60, T, T + 900).values)


def test_the_rrdtool_program_draws_and_dumps_a_file(store: RrdSeriesStore, tmp_path: Path) -> None:
    store.write(HUB, numbered(HUB, 60, T, 200))
    path = tmp_path / "series" / "hub" / "dpp" / "60.rrd"
    picture = tmp_path / "hub.png"
    drawn = subprocess.run(
        ["rrdtool", "graph", picture, "-s", str(T), "-e", str(T + 12_000), f"DEF:c={path}:calls:AVERAGE",
         "LINE1:c#2266aa", "PRINT:c:MAX:%.0lf"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert drawn.stdout.split()[-1] == "1990"
    assert picture.read_bytes().startswith(b"\x89PNG")
    dumped = subprocess.run(["rrdtool", "dump", path], capture_output=True, text=True, check=True).stdout
    assert dumped.count("<row>") == FAMILIES["hub"].days[60] * DAY // 60
