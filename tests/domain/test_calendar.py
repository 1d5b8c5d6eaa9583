from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import (
    BRUSSELS,
    Comparison,
    at_local_time,
    belgian_holidays,
    comparable_day,
    comparable_time,
    day_class,
    holiday_name,
    iso,
    local_midnight,
)

LEGAL_2026 = [
    date(2026, 1, 1), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14), date(2026, 5, 25),
    date(2026, 7, 21), date(2026, 8, 15), date(2026, 11, 1), date(2026, 11, 11), date(2026, 12, 25),
]  # fmt: skip


def local(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp()


def test_the_ten_legal_holidays() -> None:
    assert set(LEGAL_2026) <= set(belgian_holidays(2026))


@pytest.mark.parametrize(
    ("day", "expected"),
    [(date(2026, 5, 25), "holiday"), (date(2026, 11, 21), "saturday"), (date(2026, 11, 22), "sunday"),
     (date(2026, 11, 23), "working"), (date(2026, 8, 15), "holiday")],
)  # fmt: skip
def test_the_class_of_a_day(day: date, expected: str) -> None:
    assert day_class(day) == expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [("last week", date(2026, 11, 16)), ("last month", date(2026, 10, 26)), ("last year", date(2025, 11, 24))],
)
def test_comparable_days_are_the_same_weekday(comparison: Comparison, expected: date) -> None:
    assert comparable_day(date(2026, 11, 23), comparison) == expected
    assert expected.weekday() == 0


def test_a_holiday_compares_with_the_same_holiday() -> None:
    whit_monday = date(2026, 5, 25)
    other = comparable_day(whit_monday, "last year")
    assert (other, holiday_name(other)) == (date(2025, 6, 9), holiday_name(whit_monday))


def test_a_comparison_over_a_dst_day_keeps_the_wall_clock() -> None:
    now = local("2026-03-30T10:00")
    assert comparable_time(now, "last week", BRUSSELS) == local("2026-03-23T10:00")
    assert now - comparable_time(now, "last week", BRUSSELS) == 7 * 86_400 - 3_600


def test_a_time_that_dst_skips_or_doubles_is_placed() -> None:
    skipped = at_local_time(local("2026-03-28T02:30"), date(2026, 3, 29), BRUSSELS)
    assert datetime.fromtimestamp(skipped, BRUSSELS).isoformat() == "2026-03-29T03:30:00+02:00"
    doubled = at_local_time(local("2026-10-24T02:30"), date(2026, 10, 25), BRUSSELS)
    assert datetime.fromtimestamp(doubled, BRUSSELS).isoformat() == "2026-10-25T02:30:00+02:00"


def test_midnight_is_local() -> None:
    assert local_midnight(local("2026-10-25T23:59"), BRUSSELS) == local("2026-10-25T00:00")
    assert local_midnight(0.0, ZoneInfo("UTC")) == 0.0


def test_times_for_machines() -> None:
    assert iso(1_795_336_572.9) == "2026-11-22T08:36:12Z"
