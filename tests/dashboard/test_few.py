"""Counts under five: what is told of them, in figures, shares, lines and lists."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from alerts.judge import Level, Minutes, State, judge
from dashboard.breakdown import Part, _shown
from dashboard.charts import _shares
from dashboard.few import few_places, masked, shown_line, shown_minutes, shown_state, told, without_figures
from dashboard.lines import Line
from domain import figures
from domain.figures import FEW

SEEN = Minutes(300.0, 100.0, 3.0, 0.0, 70_000.0, 90.0, 1.0, 65_000.0, 0, comparable=True)
NAN = float("nan")


@pytest.mark.parametrize(
    ("count", "shown"), [(0.0, "0"), (1.0, "<5"), (4.0, "<5"), (5.0, "5"), (1_234.0, "1,234"), (NAN, "–")]
)
def test_a_count_is_told_or_is_few(count: float, shown: str) -> None:
    assert figures.count(told(count, 5)) == shown
    assert told(count, 0) == count or math.isnan(count), "ops are told all"


def test_what_is_made_of_few_is_few() -> None:
    shown = shown_minutes(SEEN, 5)
    assert shown_minutes(SEEN, 0) == SEEN
    assert figures.rate(shown.per_minute) == "20"
    assert figures.percent(shown.technical_share) == "few"
    assert figures.percent(shown.functional_share).startswith("0")
    rare = shown_minutes(replace(SEEN, calls=3.0), 5)
    assert figures.rate(rare.per_minute) == "few"
    assert (figures.percent(rare.technical_share), figures.millis(rare.p95)) == ("–", "–")
    assert figures.whole_percent(FEW) == figures.millis(FEW) == "few"


def test_the_state_stays_true_and_its_reason_tells_no_small_share() -> None:
    seen = replace(SEEN, calls=10.0, technical=4.0)
    state = judge(seen)
    assert (state.level, "40.0" in state.reason) == (Level.FAILING, True)
    assert shown_state(state, seen, 5) == State(Level.FAILING, "failing", "counts under five are not told")
    assert shown_state(state, seen, 0) == state
    many = replace(seen, calls=100.0, technical=40.0, technical_week=0.0)
    assert shown_state(judge(many), many, 5) == judge(many)


def test_a_row_of_few_calls_tells_no_quantile_and_few_failures_are_a_gap() -> None:
    sources = ("calls", "functional", "technical", "p50", "p95")
    values = np.array([[3, 0, 0, 7, 9], [50, 2, 7, 7, 9], [0, 0, 0, NAN, NAN], [NAN] * 5], dtype=np.float64)
    assert few_places(values, sources, 5) == {"calls": [0], "functional": [1], "p50": [0], "p95": [0]}
    gaps = masked(values, sources, 5)
    assert np.isnan(gaps[0]).tolist() == [True, False, False, True, True]
    assert gaps[1].tolist()[2:] == [7.0, 7.0, 9.0]
    assert values[0, 0] == 3, "what was read stays as it is"
    line = Line(np.arange(4, dtype=np.int64) * 60, 60, sources, values, np.array([60.0, 60.0, 60.0, 0.0]))
    assert figures.count(shown_line(line, 5, FEW).column("calls")[0]) == "<5"


def test_a_line_of_shares_has_no_point_of_few_failures() -> None:
    sources = ("calls", "functional", "technical")
    values = np.array([[100, 0, 2], [100, 0, 2], [100, 0, 2], [100, 0, 0], [100, 0, 3]], dtype=np.float64)
    line = Line(np.arange(5, dtype=np.int64) * 60, 60, sources, values, np.full(5, 60.0))
    assert [share for _, share in _shares(line, "technical", 0)] == [2.0, 2.0, 2.0, 0.0, 3.0]
    assert [share for _, share in _shares(line, "technical", 5)] == [2.0, 0.0], "added up until they may be told"


@pytest.mark.parametrize(
    ("technical", "functional", "failed"), [(3.0, 0.0, FEW), (3.0, 9.0, 9.0), (7.0, 9.0, 16.0), (0.0, 0.0, 0.0)]
)
def test_a_part_adds_what_may_be_told(technical: float, functional: float, failed: float) -> None:
    part = _shown(Part(("x",), 100.0, technical, functional, 0.5), 5, shares=True)
    assert part.failed == failed
    assert part.of_failures == (FEW if 0 < technical < 5 else 0.5)
    assert _shown(Part(("x",), 100.0, 7.0, 0.0, 0.5), 5, shares=False).of_failures == FEW


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"{figures.percent(0.228)} of the calls fail technically ({figures.percent(1e-5)} last week), mostly E5",
         "some of the calls fail technically, mostly E5"),
        (f"no call for {figures.duration(1_200)}, {figures.rate(2.4)} a minute last week",
         f"no call for {figures.duration(1_200)}"),
        (f"{figures.rate(0.2)} calls a minute, {figures.rate(1_310.0)} a minute four weeks ago",
         "fewer calls than usual"),
        ("seen again: 100 % of the calls fail technically", "seen again: some of the calls fail technically"),
        ("as expected again", "as expected again"),
    ],
)  # fmt: skip
def test_what_is_said_of_an_incident_without_its_figures(said: str, told: str) -> None:
    assert without_figures(said) == told
