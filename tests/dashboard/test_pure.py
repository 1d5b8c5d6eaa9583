"""What is decided without any port: windows, axes, figures, lines, states, the sentence."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.judge import Level, Minutes, State, failing_since, judge, minutes_of
from dashboard.answer import Cause, Judged, compose, explaining, focus
from dashboard.axes import decade_ticks, time_ticks, value_ticks
from dashboard.breakdown import Part
from dashboard.cache import Cache
from dashboard.drawing import Frame, Stroke, draw
from dashboard.lines import as_line, thin
from dashboard.spark import spark
from dashboard.windows import CHOICES, asked_window, custom_window, named_window
from domain import figures
from domain.comparable import comparable_buckets
from domain.errors import UsageError
from domain.series import DAY, FAMILIES, FIVE_SOURCES, SOURCES, Rows, Values
from tests.dashboard.traffic import NOW, ZONE

NAN = float("nan")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


# figures


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01, "<0.1"), (4.24, "4.2"), (9.96, "10"), (1310.4, "1,310"), (NAN, "–")]
)
def test_a_rate_has_no_false_precision(value: float, text: str) -> None:
    assert figures.rate(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.0001, "<0.1 %"), (0.2284, "22.8 %"), (0.9999, "100 %"), (1, "100 %"), (NAN, "–")]
)
def test_a_share_is_written_in_per_cent(share: float, text: str) -> None:
    assert figures.percent(share).replace(figures.NBSP, " ") == text


def test_a_little_is_never_written_as_none() -> None:
    assert figures.millis(3.0) == "<0.1"
    assert figures.millis(1_840_000.0) == "1,840"


# windows


def test_today_is_the_local_day_of_23_to_25_hours() -> None:
    assert named_window("today", NOW, ZONE).seconds == DAY
    assert named_window("today", at("2026-10-25T12:00"), ZONE).seconds == 25 * 3_600
    assert named_window("today", at("2026-03-29T12:00"), ZONE).seconds == 23 * 3_600


def test_a_rolling_window_ends_at_or_after_now_and_stays_put_between_buckets() -> None:
    first, later = named_window("6h", NOW, ZONE), named_window("6h", NOW + 30, ZONE)
    assert first == later
    assert first.end >= NOW


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_choice_is_read_within_the_limit_of_points(name: str, family: str) -> None:
    window = named_window(name, NOW, ZONE)
    assert window.seconds / window.resolution(FAMILIES[family], NOW) <= 2_500


def test_periods_that_overlap_the_window_are_not_compared() -> None:
    assert named_window("week", NOW, ZONE).comparisons == ("last week", "last month", "last year")
    assert named_window("month", NOW, ZONE).comparisons == ("last month", "last year")
    assert named_window("year", NOW, ZONE).comparisons == ("last year",)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"range": "fortnight"}, "fortnight"),
        ({"to": "2026-11-23T08:00"}, "to without from"),
        ({"from": "yesterday"}, "yesterday"),
        ({"from": "2026-11-23T08:00", "to": "2026-11-23T08:00"}, "a minute"),
        ({"from": "1990-01-01"}, "ten years"),
        ({"from": "2026-12-01", "to": "2026-12-02"}, "future"),
        ({"from": "9" * 30}, "no time"),
        ({"from": "0001-01-01T00:00"}, "from"),
    ],
)
def test_a_bad_range_is_told_with_its_mend(arguments: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        asked_window(arguments, NOW, ZONE)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_clear_error(text: str) -> None:
    try:
        asked_window({"from": text}, NOW, ZONE)
    except UsageError as error:
        assert str(error)


# axes


@given(st.floats(0.01, 1e9))
def test_ticks_are_round_and_within(top: float) -> None:
    ticks = value_ticks(top)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] <= top * (1 + 1e-6)


@given(st.floats(0.002, 3.6e6), st.floats(1, 1e5))
def test_decades_hold_every_value(low: float, factor: float) -> None:
    ticks = decade_ticks(low, low * factor)
    assert ticks[0] <= low
    assert ticks[-1] >= low * factor
    assert ticks == sorted(set(ticks))


@given(st.integers(at("2026-01-01T00:00"), at("2026-12-31T00:00")), st.integers(60, 800 * DAY), st.integers(4, 12))
def test_time_ticks_lie_inside_and_are_few(start: int, span: int, most: int) -> None:
    ticks = time_ticks(start, start + span, ZONE, most)
    assert len(ticks) <= 2 * most + 2
    assert all(start <= time < start + span for time, _ in ticks)
    assert [time for time, _ in ticks] == sorted(time for time, _ in ticks)


def test_ticks_keep_the_wall_clock_across_dst() -> None:
    window = named_window("today", at("2026-03-29T12:00"), ZONE)
    labels = [label for _, label in time_ticks(window.start, window.end, ZONE, 9)]
    assert labels == ["00:00", "04:00", "08:00", "12:00", "16:00", "20:00"]


# lines


def rows(calls: list[float], step: int = 60, start: int = 0, sources: tuple[str, ...] = FIVE_SOURCES) -> Rows:
    column = np.array(calls, dtype=np.float64)
    values: Values = np.column_stack([column, column * 0, column * 0, *[column * 1_000] * (len(sources) - 3)])
    return Rows(start, step, sources, values)


def test_thinning_adds_counts_keeps_the_slowest_and_rates_over_what_is_known() -> None:
    line = thin(as_line(rows([60, 120, NAN, 30, NAN, NAN]), ZONE), 3)
    assert line.span == 120
    np.testing.assert_array_equal(line.column("calls"), [180, 30, NAN])
    np.testing.assert_array_equal(line.column("p95"), [120_000, 30_000, NAN])
    np.testing.assert_array_equal(line.per_minute, [90, 30, NAN])


def test_comparison_keeps_the_wall_clock_over_dst() -> None:
    times = np.array([at("2026-10-26T09:00"), at("2026-10-26T09:05")])
    week = comparable_buckets(times, 300, "last week", ZONE)
    assert week.tolist() == [at("2026-10-19T09:00"), at("2026-10-19T09:05")]


def test_a_holiday_compares_with_the_same_holiday() -> None:
    monday = np.array([at("2026-04-06T10:00")])  # Easter Monday
    assert comparable_buckets(monday, 60, "last year", ZONE).tolist() == [at("2025-04-21T10:00")]


def test_days_compare_by_date() -> None:
    bucket = int(datetime.fromisoformat("2026-10-26T00:00+00:00").timestamp())
    assert comparable_buckets(np.array([bucket]), DAY, "last week", ZONE).tolist() == [bucket - 7 * DAY]


def test_six_hour_buckets_stay_on_their_grid_over_dst() -> None:
    times = np.arange(at("2026-10-26T01:00"), at("2026-10-30T01:00"), 21_600)
    assert (comparable_buckets(times, 21_600, "last week", ZONE) % 21_600 == 0).all()


def test_a_sparkline_has_gaps_and_ends_at_now() -> None:
    window = custom_window("0", "600", 600, ZONE)
    drawn = spark(as_line(rows([1, NAN, 2]), ZONE), as_line(rows([2, 2, 2]), ZONE), window)
    assert drawn.now.count("M") == 2
    assert drawn.week.endswith("Z")
    assert drawn.dot is not None
    assert spark(as_line(rows([NAN]), ZONE), as_line(rows([NAN]), ZONE), window).dot is None


# drawing


def test_a_drawing_holds_nothing_that_the_policy_forbids() -> None:
    frame = Frame(700, 170, 0, 600, 0, 10.4, [(300, "12:05")], [(0, "0"), (10, "10")], 'calls of "<script>"')
    svg = draw(frame, [Stroke("now", "<b>", [(0, 1.0), (60, None), (120, 2.0), (180, 3.0)])])
    for forbidden in ("<style", "<script", "style=", "href", "http://pygal", "<title", "Generated", "circle"):
        assert forbidden not in svg
    assert 'role="img"' in svg
    assert 'aria-label="calls of &quot;&lt;script&gt;&quot;"' in svg
    assert 'class="series now"' in svg
    assert svg.count("12:05") == 1


def test_a_drawing_of_nothing_says_so() -> None:
    frame = Frame(700, 170, 0, 600, 0, 1, [(300, "12:05")], [(0, "0"), (0.5, "1")], "calls")
    svg = draw(frame, [Stroke("now", "now", [(0, None)])])
    assert "nothing is known here" in svg
    box = [float(part) for part in svg.partition('data-plot="')[2].partition('"')[0].split()]
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*>12:05', svg)]
    assert places == [pytest.approx(box[2] / 2)], "the axis is as framed, data or not"


# states


def seen(**changes: float) -> Minutes:
    usual = {
        "seconds": 300.0, "calls": 500.0, "technical": 0.0, "functional": 5.0, "p95": 250e3,
        "calls_week": 520.0, "technical_week": 0.0, "p95_week": 240e3, "slow": 0,
    }  # fmt: skip
    given_ = {**usual, **changes}
    return Minutes(comparable=True, slow=int(given_.pop("slow")), **given_)


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, Level.OK),
        ({"technical": 120}, Level.FAILING),
        ({"calls": 4, "technical": 2, "calls_week": 5}, Level.OK),
        ({"calls": 4, "technical": 4, "calls_week": 5}, Level.FAILING),
        ({"technical": 15}, Level.SOME),
        ({"technical": 15, "technical_week": 14}, Level.OK),
        ({"calls": 0, "functional": 0, "p95": NAN}, Level.SILENT),
        ({"calls": 0, "functional": 0, "calls_week": 3}, Level.OK),
        ({"calls": 200}, Level.FEWER),
        ({"slow": 3, "p95": 900e3}, Level.SLOW),
        ({"slow": 2, "p95": 900e3}, Level.OK),
        ({"calls": NAN, "technical": NAN, "functional": NAN}, Level.UNKNOWN),
        ({"calls_week": NAN, "technical_week": NAN}, Level.OK),
        ({"technical": 15, "calls_week": NAN, "technical_week": NAN}, Level.SOME),
    ],
)
def test_a_state_follows_from_the_shares(changes: dict[str, float], level: Level) -> None:
    state = judge(seen(**changes))
    assert state.level is level
    assert state.word
    assert state.reason


def test_last_weeks_sums_are_of_the_same_minutes() -> None:
    minutes = minutes_of(rows([10, 20, NAN]), rows([NAN, 30, 40]), comparable=True)
    assert (minutes.calls, minutes.seconds) == (30, 120)
    assert minutes.calls_week == 60  # 30 in the one minute known on both sides, for two minutes


def test_a_slow_bucket_with_few_calls_says_nothing() -> None:
    week = rows([100] * 5)  # p95 is 100 ms
    slow = np.full(5, 900e3)

    def of(calls: float) -> Minutes:
        now = rows([calls] * 5)
        return minutes_of(Rows(0, 60, now.sources, np.column_stack([now.values[:, :4], slow])), week, comparable=True)

    assert (of(30).slow, of(10).slow) == (5, 0)
    assert judge(of(80)).level is Level.SLOW


def failing(pattern: str) -> Rows:
    calls = np.array([0.0 if sign == "-" else 10.0 for sign in pattern])
    technical = np.array([9.0 if sign == "x" else 0.0 for sign in pattern])
    return Rows(0, 60, FIVE_SOURCES, np.column_stack([calls, calls * 0, technical, calls, calls]))


@pytest.mark.parametrize(
    ("pattern", "minute"),
    [("....xxxx", 4), ("xx..xx.x", 4), ("x.xx--xx", 0), ("........", None), ("xxxx..", None), ("--", None)],
)
def test_failures_last_since_the_first_of_their_run(pattern: str, minute: int | None) -> None:
    assert failing_since(failing(pattern), Level.FAILING) == (None if minute is None else minute * 60)


# the sentence


def judged(hub: str, endpoint: str, level: Level) -> Judged:
    return Judged(hub, hub.upper(), endpoint, State(level, level.name.lower(), "40 % of the calls fail technically"))


def test_an_endpoint_is_named_rather_than_its_hub() -> None:
    all_ = [judged("a", "", Level.SOME), judged("a", "x", Level.FAILING), judged("a", "y", Level.OK)]
    about = focus(all_)
    cause = Cause("10:38", 1_310, "softc", 0.93, False, "ERR200054", "the vendor’s side")
    answer = compose(all_, about, cause, 1)
    assert answer.lead + answer.rest == "x is failing at A since 10:38."
    assert "softc explains 93\u00a0%" in " ".join(answer.details)
    assert (answer.hub, answer.endpoint) == ("a", "x")


def test_a_hub_is_named_when_most_of_it_fails() -> None:
    all_ = [judged("a", "", Level.FAILING), *(judged("a", name, Level.FAILING) for name in "xyz")]
    answer = compose(all_, focus(all_), None, 1)
    assert answer.lead == "A is failing"
    assert not any("other hubs" in detail for detail in answer.details), "there are none"


def test_endpoints_beyond_the_cap_read_as_a_name() -> None:
    all_ = [judged("a", "", Level.SOME), judged("a", "other", Level.SOME), judged("a", "y", Level.OK)]
    answer = compose(all_, focus(all_), None, 2)
    assert answer.lead == "Some “other” calls fail at A"
    assert "The other hubs are as usual." in answer.details


def test_the_second_trouble_is_not_hidden_by_the_first() -> None:
    all_ = [judged("a", "", Level.FAILING), judged("a", "x", Level.FAILING), judged("b", "y", Level.SLOW)]
    assert "Also: y at B (slow)." in compose(all_, focus(all_), None, 2).details


def test_nothing_wrong_and_nothing_known_are_told_apart() -> None:
    fine = [judged("a", "", Level.OK), judged("b", "", Level.UNKNOWN)]
    assert compose(fine, focus(fine), None, 2).level is Level.OK
    assert "Nothing is known of B." in compose(fine, focus(fine), None, 2).details
    blind = [judged("a", "", Level.UNKNOWN)]
    assert compose(blind, focus(blind), None, 1).level is Level.UNKNOWN
    assert compose([], None, None, 0).lead == "Nothing has been counted yet."


def part(name: str, calls: float, technical: float, of: float) -> Part:
    return Part((name,), calls, technical, 0, of)


def test_a_vendor_explains_only_what_exceeds_its_share_of_the_calls() -> None:
    assert explaining([part("v", 100, 90, 0.9), part("w", 400, 10, 0.1)])[0] is not None
    assert explaining([part("v", 900, 90, 0.9), part("w", 100, 10, 0.1)]) == (None, False)
    assert explaining([part("v", 50, 25, 0.5), part("w", 50, 25, 0.5)]) == (None, True)
    assert explaining([]) == (None, False)


# cache


def test_an_answer_is_kept_until_others_push_it_out() -> None:
    cache, made = Cache(2), list[str]()

    def make(name: str) -> str:
        def note() -> str:
            made.append(name)
            return name

        return cache.get(name, note)

    assert [make(name) for name in ("a", "b", "a", "c", "a", "b")] == ["a", "b", "a", "c", "a", "b"]
    assert made == ["a", "b", "c", "b"]


def test_a_failed_making_is_tried_again() -> None:
    cache = Cache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 1) == 1


def test_eight_sources_and_five_are_both_lines() -> None:
    assert not np.isnan(as_line(rows([1], sources=SOURCES), ZONE).column("p99")).any()
    assert np.isnan(as_line(rows([1]), ZONE).column("p99")).all()
