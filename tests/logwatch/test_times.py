"""Times as they are written, to microseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.times import US, localise, read_time
from tests.logwatch.some import bounded

BRUSSELS = ZoneInfo("Europe/Brussels")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = 1_795_340_172 * US  # 2026-11-22T09:36:12Z


def wall_clock(days: int) -> st.SearchStrategy[datetime]:
    """Dates and times without a zone, so many days within the years that are read."""
    first, last = EPOCH.replace(tzinfo=None), EPOCH.replace(tzinfo=None, year=9999)
    return st.datetimes(first + timedelta(days), last - timedelta(days, microseconds=1))


@pytest.mark.parametrize(
    ("token", "us"),
    [
        ("2026-11-22T10:36:12+01:00", MOMENT),
        ("2026-11-22T10:36:12+0100", MOMENT),
        ("2026/11/22 09:36:12Z", MOMENT),
        ("2026-11-22 09:36:12 UTC", MOMENT),
        ("2026-11-22T10:36:12", MOMENT),
        ("2026-11-22T10:36:12,5", MOMENT + 500_000),
        ("2026-11-22T09:36:12.123456789Z", MOMENT + 123_456),
        ("2026-11-22T05:06:12-04:30", MOMENT),
        ("22/Nov/2026:10:36:12 +0100", MOMENT),
        ("22/Nov/2026:10:36:12", MOMENT),
        ("1795340172", MOMENT),
        ("1795340172.25", MOMENT + 250_000),
        ("1795340172250", MOMENT + 250_000),
        ("1795340172250001", MOMENT + 250_001),
        ("1795340172250001999", MOMENT + 250_001),
    ],
)
def test_a_time_in_each_way_of_writing_it(token: str, us: int) -> None:
    assert read_time(token, BRUSSELS) == us


@pytest.mark.parametrize(
    "token",
    [
        "", "-", "now", "2026-11-22", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T10:36:12+1", "2026-11-22T10:36:12.", "2026-11-22T10:36:12.1234567891Z", "22/Nov/2026 10:36:12",
        "22/nov/2026:10:36:12 +0100", "0001-01-01T00:00:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59",
        "179534017", "17953401722", "1795340172.", "-795340172", "١٧٩٥٣٤٠١٧٢", " 1795340172",
    ],
)  # fmt: skip
def test_what_is_no_time(token: str) -> None:
    assert read_time(token, BRUSSELS) is None


def test_an_hour_that_dst_doubles_is_read_as_the_first_and_one_it_skips_moves_on() -> None:
    assert read_time("2026-10-25T02:30:00", BRUSSELS) == read_time("2026-10-25T02:30:00+02:00", BRUSSELS)
    assert read_time("2026-03-29T02:30:00", BRUSSELS) == read_time("2026-03-29T03:30:00+02:00", BRUSSELS)


@given(moment=wall_clock(2), east=st.integers(-14 * 60, 14 * 60))
@bounded(200)
def test_any_time_with_an_offset_is_that_moment(moment: datetime, east: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=east)))
    expected = (aware - EPOCH) // timedelta(microseconds=1)
    assert read_time(aware.isoformat(), BRUSSELS) == expected
    assert read_time(aware.strftime("%d/%b/%Y:%H:%M:%S %z"), BRUSSELS) == expected - moment.microsecond


@given(moment=wall_clock(0), zone=st.timezones())
@bounded(200)
def test_any_wall_clock_time_has_a_moment_in_any_zone(moment: datetime, zone: ZoneInfo) -> None:
    wall = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    us = localise(wall, zone)
    assert abs(us - wall) <= 26 * 3_600 * US
    assert read_time(moment.isoformat(), zone) == localise(wall - moment.microsecond, zone) + moment.microsecond
