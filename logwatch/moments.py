"""From a time's token to its moment, as a format declares its times.

What needs more than the token is settled here: the year of a time that names none, by the clock; the zone of one
that names none, by the format.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.errors import ConfigError
from domain.settings import TimeField
from logwatch.layout import Layout, Written
from logwatch.times import US, day_us, localise, read_epoch, read_head, read_tail, split_head

_UNITS_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_NUMBER = re.compile(r"([0-9]{1,19})(?:[.,]([0-9]{1,9}))?")
_LAST_US = 250_000_000_000 * US
# A time without a year is of the newest year in which it lies no further ahead than this.
AHEAD_SECONDS = 86_400
# 29 February came last within so many years, also around 2100.
_YEARS_BACK = 9
# Ways of writing that need no layout, beside ISO 8601 and the Common Log Format: syslog's, ctime's, and the latter
# with the month's name in another language.
_USUAL = tuple(
    Layout(text, "")
    for text in (
        "%b %e %H:%M:%S", "%a %b %e %H:%M:%S %Y", "%a %b %e %H:%M:%S %Z %Y", "%b %e %Y %H:%M:%S",
        "%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y:%H:%M:%S", "%e %b %Y %H:%M:%S", "%a, %e %b %Y %H:%M:%S %Z",
        "%a, %e %b %Y %H:%M:%S %z",
    )
)  # fmt: skip

# The moment in µs UTC, and whether the token named no zone.
Moment = tuple[int, bool]


class Moments:
    """Reads the times of one format."""

    def __init__(self, time: TimeField, zone: ZoneInfo, path: str) -> None:
        """Raises ConfigError below `path` where layout and unit cannot be."""
        if time.layout and time.unit:
            raise ConfigError(
                "a time has a layout or a unit, not both", path=f"{path}.unit", mend="Take one of the two out"
            )
        self._layout = Layout(time.layout, f"{path}.layout") if time.layout else None
        self._unit_ns = _UNITS_NS[time.unit] if time.unit else 0
        self._zone = zone

    @property
    def declared(self) -> bool:
        """Whether the format says how its times are written, so that only what it says is read."""
        return self._layout is not None or self._unit_ns > 0

    def read(self, token: str, now: float) -> Moment | None:
        """The moment a token names; None when it is no time. Of a doubled hour the first is meant.

        `now` (epoch seconds) gives the year to a time that names none.
        """
        if self._unit_ns:
            us = _of_unit(token, self._unit_ns)
            return None if us is None else (us, False)
        if self._layout is not None:
            written = self._layout.read(token)
            return None if written is None else self._moment(written, now)
        return self._by_itself(token, now)

    def _by_itself(self, token: str, now: float) -> Moment | None:
        before, behind = split_head(token)
        head = read_head(before)
        if head is not None:
            tail = read_tail(behind)
            return None if tail is None else self._moment(Written(head + tail[0], tail[1]), now)
        epoch = read_epoch(token)
        if epoch is not None:
            return epoch, False
        for layout in _USUAL:
            written = layout.read(token)
            if written is not None:
                return self._moment(written, now)
        return None

    def _moment(self, written: Written, now: float) -> Moment | None:
        if written.month_day is None:
            return self._in_zone(written.wall_us, written.offset_us)
        latest = (int(now) + AHEAD_SECONDS) * US
        newest = datetime.fromtimestamp(int(now) + AHEAD_SECONDS, UTC).year + 1
        for year in range(newest, newest - _YEARS_BACK, -1):
            day = day_us(year, *written.month_day)
            if day is not None:
                moment = self._in_zone(day + written.wall_us, written.offset_us)
                if moment[0] <= latest:
                    return moment
        return None

    def _in_zone(self, wall_us: int, offset_us: int | None) -> Moment:
        if offset_us is not None:
            return wall_us - offset_us, False
        fraction = wall_us % US
        return localise(wall_us - fraction, self._zone) + fraction, True


def _of_unit(token: str, unit_ns: int) -> int | None:
    """A number of units since 1970 in whole µs; in integers, so that nothing is rounded."""
    match = _NUMBER.fullmatch(token)
    if match is None:
        return None
    part = int((match[2] or "0").ljust(9, "0"))
    us = (int(match[1]) * unit_ns + part * unit_ns // 10**9) // 1_000
    return us if us < _LAST_US else None
