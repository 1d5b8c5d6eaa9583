"""The Belgian calendar: holidays, day classes, and which day compares with which.

All of it in local dates and local wall-clock time; a comparison across a DST change keeps the wall clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

DayClass = Literal["working", "saturday", "sunday", "holiday"]
Comparison = Literal["last week", "last month", "last year"]

COMPARISONS: dict[Comparison, int] = {"last week": 7, "last month": 28, "last year": 364}
BRUSSELS = ZoneInfo("Europe/Brussels")


@lru_cache(maxsize=64)
def belgian_holidays(year: int) -> dict[date, str]:
    """The ten legal holidays of a year with their English names."""
    import holidays

    return dict(holidays.country_holidays("BE", years=year, language="en_US").items())


def holiday_name(day: date) -> str:
    """The holiday's English name; "" on another day."""
    return belgian_holidays(day.year).get(day, "")


def day_class(day: date) -> DayClass:
    """What kind of day it is for the pharmacies."""
    if holiday_name(day):
        return "holiday"
    weekday = day.weekday()
    return "saturday" if weekday == 5 else "sunday" if weekday == 6 else "working"


def comparable_day(day: date, comparison: Comparison) -> date:
    """The day to draw beside `day`: 7, 28 or 364 days back, so the same weekday.

    A holiday compares with the same holiday of the year before, for `last year`.
    """
    if comparison == "last year" and (name := holiday_name(day)):
        for other, other_name in belgian_holidays(day.year - 1).items():
            if other_name == name:
                return other
    return day - timedelta(days=COMPARISONS[comparison])


def at_local_time(time: float, day: date, zone: ZoneInfo) -> float:
    """The epoch second at which `day` shows the same wall-clock time as `time` does.

    A time that DST skips on that day is moved on by the hour skipped; of a doubled one the first is meant.
    """
    local = datetime.fromtimestamp(time, zone)
    return datetime.combine(day, local.time(), tzinfo=zone).timestamp()


def comparable_time(time: float, comparison: Comparison, zone: ZoneInfo) -> float:
    """The comparable moment of `time`: same wall-clock time on the comparable day."""
    local = datetime.fromtimestamp(time, zone)
    return at_local_time(time, comparable_day(local.date(), comparison), zone)


def local_midnight(time: float, zone: ZoneInfo) -> float:
    """The epoch second at which the local day of `time` began."""
    local = datetime.fromtimestamp(time, zone)
    return datetime(local.year, local.month, local.day, tzinfo=zone).timestamp()


def iso(time: float) -> str:
    """A time as RFC 3339 in UTC, to the second, for machines."""
    return datetime.fromtimestamp(int(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
