"""Times as they are written, to microseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.redact import mask_patients
from domain.settings import TimeField
from logwatch.moments import Moments
from logwatch.times import US, localise
from tests.logwatch.some import NOW, bounded

BRUSSELS = ZoneInfo("Europe/Brussels")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = 1_795_340_172 * US  # 2026-11-22T09:36:12Z


def moments(zone: ZoneInfo = BRUSSELS, layout: str = "", unit: str = "") -> Moments:
    time = TimeField(field="t", layout=layout, unit=unit)  # type: ignore[arg-type]
    return Moments(time, zone, "formats.x.time")


def read_time(token: str, zone: ZoneInfo, now: float = NOW) -> int | None:
    moment = moments(zone).read(token, now)
    return None if moment is None else moment[0]


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
        ("22/nov./2026:10:36:12 +0100", MOMENT),
        ("2026-11-22 10:36:12,500 CET", MOMENT + 500_000),
        ("2026-11-22 04:36:12 EST", MOMENT),
        ("2026-11-22T09:36:12GMT", MOMENT),
        ("Nov 22 10:36:12", MOMENT),
        ("nov. 22 10:36:12.25", MOMENT + 250_000),
        ("Sun Nov 22 10:36:12.25 2026", MOMENT + 250_000),
        ("Sun Nov 22 09:36:12 UTC 2026", MOMENT),
        ("Sun, 22 Nov 2026 09:36:12 GMT", MOMENT),
        ("22 novembre 2026 10:36:12", MOMENT),
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
        "0001-01-01T00:00:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59",
        "179534017", "17953401722", "1795340172.", "2026-11-22T10:36:12 INFO", "Nov 31 10:36:12",
        "Foo 22 10:36:12", "-795340172", "١٧٩٥٣٤٠١٧٢", " 1795340172",
    ],
)  # fmt: skip
def test_what_is_no_time(token: str) -> None:
    assert read_time(token, BRUSSELS) is None


def test_an_hour_that_dst_doubles_is_read_as_the_first_and_one_it_skips_moves_on() -> None:
    assert read_time("2026-10-25T02:30:00", BRUSSELS) == read_time("2026-10-25T02:30:00+02:00", BRUSSELS)
    assert read_time("2026-03-29T02:30:00", BRUSSELS) == read_time("2026-03-29T03:30:00+02:00", BRUSSELS)


@pytest.mark.parametrize(
    ("layout", "token", "us"),
    [
        ("%a %b %d %H:%M:%S.%f %Y", "Sun Nov 22 10:36:12.103522 2026", MOMENT + 103_522),
        ("%a %b %d %H:%M:%S.%f %Y", "Sun Nov 22 10:36:12 2026", MOMENT),
        ("%d-%m-%Y %H:%M:%S", "22-11-2026 10:36:12,213", MOMENT + 213_000),
        ("%d/%m/%y %I:%M:%S %p", "22/11/26 10:36:12 AM", MOMENT),
        ("%d/%m/%y %I:%M %p", "22/11/26 12:36 a.m.", MOMENT - 36_012 * US),
        ("%Y%m%d%H%M%S", "20261122103612", MOMENT),
        ("%Y.%j %H:%M:%S %Z", "2026.326 09:36:12 UTC", MOMENT),
        ("%d %B %Y %H:%M:%S", "22  NOVEMBRE 2026 10:36:12", MOMENT),
        ("%b %e %H:%M:%S %z", "Nov 22 10:36:12 +0100", MOMENT),
        ("%Y-%m-%d %H:%M:%S %Z", "2026-11-22 11:36:12 CEST", MOMENT),
        ("100%% %Y-%m-%d %H", "100% 2026-11-22 10", MOMENT - 2_172 * US),
    ],
)
def test_a_declared_layout(layout: str, token: str, us: int) -> None:
    moment = moments(layout=layout).read(token, NOW)
    assert moment is not None
    assert moment[0] == us


@pytest.mark.parametrize(
    ("layout", "token"),
    [
        ("%d-%m-%Y %H:%M:%S", "2026-11-22 10:36:12"), ("%d-%m-%Y %H:%M:%S", "31-11-2026 10:36:12"),
        ("%d-%m-%Y %I %p", "22-11-2026 13 PM"), ("%d-%m-%Y %H", "22-11-2026 24"), ("%Y.%j %H", "2026.366 10"),
        ("%d-%m-%Y %H:%M:%S", "22-11-2026 10:36:60"), ("%d %b %Y %H", "22 Foo 2026 10"),
        ("%d-%m-%Y %H %Z", "22-11-2026 10 XYZ"), ("%d-%m-%Y %H", "22-11-2026 10\n"), ("%d-%m %H", "٢٢-11 10"),
    ],
)  # fmt: skip
def test_what_a_declared_layout_does_not_read(layout: str, token: str) -> None:
    assert moments(layout=layout).read(token, NOW) is None


@pytest.mark.parametrize(
    ("layout", "unit", "problem"),
    [
        ("%Q", "", '"%Q" is no word'), ("%", "", '"%" is no word'), ("%H %H", "", "says %H twice"),
        ("%S %f", "", "says %f twice"), ("%Y-%m %H", "", "leaves open"), ("%Y-%m-%d", "", "leaves open"),
        ("%I %d %m", "", "leaves open"), ("%j %H", "", "leaves open"), ("%d %m %H", "ms", "not both"),
    ],
)  # fmt: skip
def test_a_wrong_layout_is_told_with_its_place(layout: str, unit: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as error:
        moments(layout=layout, unit=unit)
    assert error.value.path in ("formats.x.time.layout", "formats.x.time.unit")


@pytest.mark.parametrize(
    ("unit", "token", "us"),
    [
        ("s", "1795340172", MOMENT), ("s", "1795340172.25", MOMENT + 250_000),
        ("ms", "1795340172250", MOMENT + 250_000),
        ("ms", "1795340172250.5", MOMENT + 250_500), ("us", "1795340172000001", MOMENT + 1),
        ("ns", "1795340172000001999", MOMENT + 1), ("ms", "5", 5_000), ("s", "99999999999999", None), ("s", "", None),
        ("s", "-5", None), ("s", "2026-11-22T10:36:12", None), ("s", "٥", None),
    ],
)  # fmt: skip
def test_a_number_of_a_declared_unit(unit: str, token: str, us: int | None) -> None:
    moment = moments(unit=unit).read(token, NOW)
    assert moment == (None if us is None else (us, False))


@pytest.mark.parametrize("digits", [13, 16, 19])
@given(us=st.integers(1_000_000_000 * US, 9_999_999_999 * US))
@bounded(300)
def test_a_stamp_is_never_taken_for_a_patient(digits: int, us: int) -> None:
    stamp = str(us * 1_000)[:digits]
    assert mask_patients(f"starttimestamp={stamp} - endtimestamp={stamp} - ") == (
        f"starttimestamp={stamp} - endtimestamp={stamp} - "
    )


@pytest.mark.parametrize(
    ("names", "month"),
    [
        ("January Jan. janvier janv. JANUARI Jänner", 1), ("February févr. fe\u0301vrier FEBRUARI Feb", 2),
        ("March mars maart mrt. März Mrz.", 3), ("April avril avr.", 4), ("May mai mei", 5), ("June juin juni", 6),
        ("July juillet juil. juli", 7), ("August août AOÛT augustus aug.", 8), ("September septembre sept. Sep", 9),
        ("October octobre oktober okt.", 10), ("November novembre nov.", 11),
        ("December décembre déc. Dezember Dez", 12),
    ],
)  # fmt: skip
def test_months_in_four_languages(names: str, month: int) -> None:
    layout = moments(ZoneInfo("UTC"), layout="%d %b %Y %H")
    for name in names.split():
        moment = layout.read(f"1 {name} 2026 00", NOW)
        assert moment is not None, name
        assert moment[0] == (datetime(2026, month, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("now", "token", "year"),
    [
        ("2026-11-22T12:00:00+00:00", "Nov 23 12:59:59", 2026), ("2026-11-22T12:00:00+00:00", "Nov 23 13:00:01", 2025),
        ("2026-12-31T23:30:00+00:00", "Jan  1 00:20:00", 2027), ("2027-01-01T00:10:00+00:00", "Dec 31 23:59:00", 2026),
        ("2026-11-22T12:00:00+00:00", "Feb 29 12:00:00", 2024), ("2103-11-22T12:00:00+00:00", "Feb 29 12:00:00", 2096),
    ],
)  # fmt: skip
def test_a_time_without_a_year_is_of_the_newest_year_not_more_than_a_day_ahead(now: str, token: str, year: int) -> None:
    us = read_time(token, BRUSSELS, datetime.fromisoformat(now).timestamp())
    assert us is not None
    assert (EPOCH + timedelta(microseconds=us)).astimezone(BRUSSELS).year == year


@given(token=st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9:/+., -]{0,40}"), unit=st.sampled_from(["", "s", "ns"]))
@bounded(300)
def test_no_token_raises(token: str, unit: str) -> None:
    moments(unit=unit).read(token, NOW)
    moments(layout="%a %d %b %y %I:%M:%S %p %Z").read(token, NOW)


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
