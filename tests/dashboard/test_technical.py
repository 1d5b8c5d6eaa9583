"""Technical figures and patients' counts over the API: for ops, each as it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dashboard.technical import figure
from dashboard.windows import named_window
from domain.series import Rows, SeriesKey
from rrd.store import RrdSeriesStore
from tests.dashboard.conftest import Build
from tests.dashboard.traffic import COMPLETE, NOW, ZONE

KEY = ("dpp", "gc", "web-1", "heap", "MB/s")
PATH = "/api/v1/series/value/dpp/gc/web-1/heap/MB/s"


@pytest.fixture
def store(tmp_path: Path) -> RrdSeriesStore:
    """One figure of the last two hours by the minute, and of the days before by five."""
    store = RrdSeriesStore(tmp_path / "series", durable=False)
    for step, rows in ((60, 120), (300, 8 * 288), (3_600, 8 * 24), (21_600, 32)):
        end = int(COMPLETE) // step * step
        last = np.arange(rows, dtype=np.float64) * 1_000 - 5_000
        values = np.column_stack([last, last - 500, last + 500, last])
        values[3] = np.nan
        store.write(SeriesKey("value", KEY), Rows(end - rows * step, step, ("last", "min", "max", "mean"), values))
    return store


def test_a_figure_is_read_as_any_series_is(store: RrdSeriesStore, build: Build) -> None:
    client = build(store).app.test_client()
    assert client.get("/api/v1/keys/value").get_json() == {
        "family": "value",
        "dimensions": ["hub", "source", "server", "name", "unit"],
        "keys": [list(KEY)],
    }
    answer = client.get(f"{PATH}?range=1h").get_json()
    assert (answer["sources"], answer["resolution"]) == (["last", "min", "max", "mean"], 60)
    known = [value for value in answer["values"]["last"] if value is not None]
    assert known[-1] == 114_000
    assert known == sorted(known)
    assert len(known) >= 58
    assert answer["few"] == {}
    week = client.get(f"{PATH}?range=6h&compare=week").get_json()["compare"][0]
    assert any(value is not None for value in week["values"]["min"])
    for window in ("today", "week", "month", "year"):
        assert client.get(f"{PATH}?range={window}").status_code == 200
    assert client.get("/api/v1/series/value/dpp/gc").status_code == 404


def test_a_figure_has_a_page_with_a_chart(store: RrdSeriesStore, build: Build) -> None:
    house = build(store)
    listed = house.get("/figures")
    assert "1 technical figure." in listed
    assert 'href="/figure/dpp/gc/web-1/heap/MB/s"' in listed
    for window in ("1h", "today", "year"):
        page = house.get(f"/figure/dpp/gc/web-1/heap/MB/s?range={window}")
        assert page.count("<svg") >= 2
        assert "heap, MB/s" in page
    assert "114" in house.get("/figure/dpp/gc/web-1/heap/MB/s?range=1h")
    house.get("/figure/dpp/gc/web-1/heap/nosuch", 404)
    house.get("/figure/dpp/gc/web-1/heap/MB/s?range=nosuch", 400)
    assert "Technical figures</a>" in house.get("/sources")


def test_negative_values_counters_and_nothing_are_drawn() -> None:
    window = named_window("1h", NOW, ZONE)
    start = window.start // 60 * 60
    for values in ([[-5_000.0] * 4, [7_000.0] * 4], [[3_000.0, np.nan, np.nan, np.nan]] * 2, [[np.nan] * 4] * 2):
        rows = Rows(start, 60, ("last", "min", "max", "mean"), np.array(values))
        page = figure(("dpp", "gc", "-", "heap", "-"), rows, window, ZONE, NOW)
        assert (page.unit, page.beside) == ("", "dpp, gc")
        assert "<svg" in page.wide
    assert page.rows == ()


def test_patients_by_hub_and_hour(store: RrdSeriesStore, build: Build) -> None:
    house = build(store)
    client = house.app.test_client()
    answer = client.get("/api/v1/patients?range=6h").get_json()
    assert answer["to"] - answer["from"] == 6 * 3_600
    assert answer["hours"][-1] == {
        "hour": int(NOW) // 3_600 * 3_600, "hub": "dpp", "patients": 1_204, "uncounted": 3,
    }  # fmt: skip
    assert client.get("/api/v1/patients?range=week").status_code == 400
    house.live.answers = False
    assert client.get("/api/v1/patients").status_code == 503
