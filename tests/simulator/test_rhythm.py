"""The rhythm at the wall clock: peaks, dip, nights, weekends, holidays, seasons, DST."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from domain.calendar import BRUSSELS, belgian_holidays
from domain.series import DAY, bucket_span
from simulator import rhythm


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp())


def day_share(day: date) -> float:
    start = at(day.isoformat())
    end = at((day + timedelta(days=1)).isoformat())
    return float(rhythm.intensity(np.arange(start + 30, end, 60)).total.sum()) * 60


def local_hour_of_peak(day: str, begin: int, end: int) -> float:
    minutes = at(day) + np.arange(begin * 60, end * 60) * 60
    peak = int(minutes[rhythm.intensity(minutes).total.argmax()])
    local = datetime.fromtimestamp(peak, BRUSSELS)
    return local.hour + local.minute / 60


# The working days around both changes of the clock, and one far from them.
@pytest.mark.parametrize("day", ["2026-03-27", "2026-03-30", "2026-10-23", "2026-10-26", "2026-06-16"])
def test_peaks_and_dip_keep_to_the_wall_clock(day: str) -> None:
    assert 9.5 <= local_hour_of_peak(day, 0, 13) <= 11.5
    assert 16 <= local_hour_of_peak(day, 13, 24) <= 18.5
    morning, noon, afternoon, night = rhythm.intensity(
        np.array([at(f"{day}T{hour}") for hour in ("10:30", "13:05", "17:00", "03:00")])
    ).total
    assert noon < 0.5 * morning
    assert noon < 0.5 * afternoon
    assert night < 0.02 * morning


def test_an_ordinary_working_day_is_one() -> None:
    shares = [day_share(date(2026, 4, 20) + timedelta(days=d)) for d in range(5)]
    assert np.mean(shares) == pytest.approx(1, rel=0.03)


def test_saturday_is_about_half_and_mostly_morning() -> None:
    assert day_share(date(2026, 4, 25)) == pytest.approx(0.5, rel=0.05)
    minutes = at("2026-04-25") + np.arange(1440) * 60
    total = rhythm.intensity(minutes).total
    assert total[: 13 * 60].sum() > 0.65 * total.sum()


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_sundays_and_all_ten_holidays_are_on_call(year: int) -> None:
    days = [*belgian_holidays(year), date(year, 6, 1) - timedelta(days=date(year, 6, 1).isoweekday())]
    assert len(days) > 10
    for day in days:
        assert 0.02 <= day_share(day) <= 0.04
        hours = at(day.isoformat()) + np.arange(24) * 3_600
        assert not rhythm.intensity(hours).open.any()


def test_flu_and_summer() -> None:
    usual, flu, summer = (rhythm.season(date(2026, month, 3)) for month in (4, 2, 8))
    assert flu > 1.1 * usual
    assert summer < 0.9 * usual
    assert rhythm.season(date(2027, 4, 3)) == pytest.approx(usual * 1.0356, rel=0.005)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_day_of_23_or_25_hours_has_as_much_as_a_sunday(day: str) -> None:
    bucket = int(datetime.fromisoformat(f"{day}T00:00+00:00").timestamp())
    start, end = bucket_span(bucket, DAY, BRUSSELS)
    assert (end - start) in (23 * 3_600, 25 * 3_600)
    assert 0.02 <= day_share(date.fromisoformat(day)) <= 0.04


def test_smooth_all_year_round() -> None:
    minutes = at("2026-01-01") + np.arange(0, 365 * 1440, 2) * 60
    total = rhythm.intensity(minutes).total
    assert np.abs(np.diff(total)).max() < 0.1 * rhythm.PEAK


def test_on_call_groups_change_at_eight() -> None:
    before, after, next_morning = rhythm.on_call_group(
        np.array([at("2026-04-20T07:59:59"), at("2026-04-20T08:00"), at("2026-04-21T07:00")])
    )
    assert after == next_morning == (before + 1) % rhythm.ON_CALL_GROUPS
