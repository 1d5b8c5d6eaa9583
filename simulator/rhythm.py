"""When pharmacies call: the share of an ordinary working day's calls that falls in one second.

Working days have a morning and an afternoon peak with a dip between, Saturday is about half and mostly
morning, Sundays and holidays are 3 % on call, as is every night. Flu season is up, July and August are
down, and the whole grows 3.5 % a year. All shapes are of the local wall clock, so DST comes right by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import exp

import numpy as np
import numpy.typing as npt

from domain.calendar import BRUSSELS, DayClass, day_class
from domain.series import DAY

ON_CALL_GROUPS = 12  # a pharmacy is on call every twelfth day
_ON_CALL_DAY = 0.03
_SATURDAY = 0.5
_WEEKDAYS = (1.09, 1.0, 0.97, 0.95, 0.99)  # Monday to Friday; their mean is 1
_GROWTH = 0.035
_EPOCH = date(1970, 1, 1)
_EPOCH_OF_GROWTH = date(2026, 1, 1)
_SHIFT_CHANGE = 8 * 3_600

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Intensity:
    """Shares of a working day per second: of open pharmacies, and of those on call."""

    open: Floats
    on_call: Floats

    @property
    def total(self) -> Floats:
        """Both together."""
        return self.open + self.on_call


def _bell(hour: Floats, centre: float, width: float) -> Floats:
    bell: Floats = np.exp(-(((hour - centre) / width) ** 2) / 2)
    return bell


def _between(hour: Floats, opens: float, closes: float) -> Floats:
    between: Floats = 1 / (1 + np.exp((opens - hour) / 0.18)) / (1 + np.exp((hour - closes) / 0.2))
    return between


def _tables() -> tuple[dict[DayClass, Floats], dict[DayClass, Floats]]:
    """Shares per second at each whole minute of the wall clock, 0:00 to 24:00, by class of day."""
    hour = np.arange(1441) / 60
    working = _between(hour, 8.4, 18.8) * (0.6 + _bell(hour, 10.4, 1.4) + 0.85 * _bell(hour, 17.1, 1.5))
    working *= 1 - 0.25 * _bell(hour, 13.1, 0.6)
    saturday = _between(hour, 8.5, 17.5) * (0.12 + _bell(hour, 10.7, 1.2) + 0.2 * _bell(hour, 15, 1.3))
    # Midnight is the same from both sides, so that days join smoothly.
    call = 0.25 + 0.5 * _between(hour, 7.5, 22) + 0.9 * _bell(hour, 11, 1.7) + 0.7 * _bell(hour, 18, 1.6)
    call *= _ON_CALL_DAY / _day_sum(call)
    on_call: dict[DayClass, Floats] = {
        "working": call * (1 - _between(hour, 8.4, 18.8)),
        "saturday": call * (1 - _between(hour, 8.5, 17.5)),
        "sunday": call,
        "holiday": call,
    }
    opened: dict[DayClass, Floats] = {
        "working": working * (1 - _day_sum(on_call["working"])) / _day_sum(working),
        "saturday": saturday * (_SATURDAY - _day_sum(on_call["saturday"])) / _day_sum(saturday),
        "sunday": np.zeros(1441),
        "holiday": np.zeros(1441),
    }
    return opened, on_call


def _day_sum(table: Floats) -> float:
    return float(table[:-1].sum()) * 60


_CLASSES: tuple[DayClass, ...] = ("working", "saturday", "sunday", "holiday")
_OPEN_BY_CLASS, _CALL_BY_CLASS = _tables()
_OPEN = np.concatenate([_OPEN_BY_CLASS[klass] for klass in _CLASSES])
_CALL = np.concatenate([_CALL_BY_CLASS[klass] for klass in _CLASSES])

# The busiest second of an ordinary working day.
PEAK = float(_OPEN_BY_CLASS["working"].max())


def season(day: date) -> float:
    """How much more or less than usual is asked of pharmacies on a day: flu, summer, growth."""
    place = day.timetuple().tm_yday
    flu = min(abs(place - 32), 365 - abs(place - 32))
    years = (day - _EPOCH_OF_GROWTH).days / 365.25
    return (1 + 0.13 * exp(-((flu / 32) ** 4)) - 0.16 * exp(-(((place - 212) / 36) ** 4))) * exp(_GROWTH * years)


@lru_cache(maxsize=1024)
def _day(number: int) -> tuple[int, float, float]:
    """Of a local day, counted from 1970-01-01: its class, its factor when open, and the season's."""
    day = _EPOCH + timedelta(days=number)
    klass = day_class(day)
    return _CLASSES.index(klass), _WEEKDAYS[day.weekday()] if klass == "working" else 1.0, season(day)


@lru_cache(maxsize=16_384)
def _offset(hour: int) -> int:
    """Seconds between local time and UTC in one hour since the epoch; DST changes on the hour."""
    offset = datetime.fromtimestamp(hour * 3_600, BRUSSELS).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _distinct(values: Ints, of: Callable[[int], object]) -> tuple[list[object], Ints]:
    distinct, places = np.unique(values, return_inverse=True)
    return [of(int(value)) for value in distinct], places


def local_seconds(times: Ints) -> Ints:
    """What the wall clock shows at each epoch second, as seconds since 1970-01-01 00:00 of that clock."""
    offsets, places = _distinct(times // 3_600, _offset)
    return times + np.array(offsets, dtype=np.int64)[places]


def on_call_group(times: Ints) -> Ints:
    """Which of the groups of pharmacies is on call; they change at 8:00."""
    return ((local_seconds(times) - _SHIFT_CHANGE) // DAY) % ON_CALL_GROUPS


def intensity(times: Ints) -> Intensity:
    """The shares at each epoch second (whole seconds, any order)."""
    local = local_seconds(times)
    days, places = _distinct(local // DAY, _day)
    klass, factor, seasonal = (column[places] for column in np.array(days, dtype=np.float64).T)
    minute, second = np.divmod(local % DAY, 60)
    at, part = klass.astype(np.int64) * 1441 + minute, second / 60
    opened = (_OPEN[at] * (1 - part) + _OPEN[at + 1] * part) * factor * seasonal
    on_call = (_CALL[at] * (1 - part) + _CALL[at + 1] * part) * seasonal
    return Intensity(opened, on_call)
