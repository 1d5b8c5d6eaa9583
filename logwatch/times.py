"""Reading times: the token of a line's time to microseconds since the epoch, UTC.

A token is read as a head to the second and a tail with fraction and zone, each understood by itself, so
that a block of lines costs one look a distinct head and one a distinct tail.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from logwatch.names import zone_minutes

US = 1_000_000
_ISO_DAY = re.compile(r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})")
_CLF_DAY = re.compile(r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4})")
_DATE_ENDS = ("T", " ")
# Hours, minutes and seconds as they are written; a leap second is none that a clock of ours knows.
_TWO_DIGITS = {f"{number:02d}": number for number in range(60)}
_TAIL = re.compile(r"(?:[.,]([0-9]{1,9}))? ?([A-Z]{1,5}|[+-][0-9]{2}:?[0-9]{2})?")
_EPOCH = re.compile(r"([0-9]{10})(?:\.([0-9]{1,9}))?|([0-9]{13})|([0-9]{16})|([0-9]{19})")
_SHORT = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_SHORT, 1)}
# A year beyond these is no log's, and could not be moved between zones.
_FIRST_YEAR, _LAST_YEAR = 1970, 9998
# Where a head such as 2026-11-22T10:36:12 has its digits, and what may stand between them.
ISO_LENGTH = 19
_DIGIT_PLACES = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]
_SEPARATORS = {4: list(b"-/"), 7: list(b"-/"), 10: list(b"T "), 13: list(b":"), 16: list(b":")}
_DAY_WEIGHTS = 10 ** np.arange(7, -1, -1)
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


def head_length(token: str) -> int:
    """How many characters of the token are date and time to the second: 20 in the Common Log Format, else 19."""
    return 20 if token[2:3] == "/" else 19


def read_head(head: str) -> int | None:
    """The second a head names, as if it were UTC, in µs; None when it is no date and time."""
    if head[2:3] == "/":
        day, separator, clock = head[:11], head[11:12], head[12:]
        date = _clf_day(day) if separator == ":" else None
    else:
        day, separator, clock = head[:10], head[10:11], head[11:]
        date = _iso_day(day) if separator in _DATE_ENDS else None
    if date is None or len(clock) != 8 or clock[2] != ":" or clock[5] != ":":
        return None
    hour, minute, second = _TWO_DIGITS.get(clock[:2]), _TWO_DIGITS.get(clock[3:5]), _TWO_DIGITS.get(clock[6:])
    if hour is None or minute is None or second is None or hour > 23:
        return None
    return date + ((hour * 60 + minute) * 60 + second) * US


def read_heads(heads: Sequence[str], none: int) -> npt.NDArray[np.int64]:
    """`read_head` of many heads at once; `none` where it gives None."""
    if not heads or any(len(head) != ISO_LENGTH or not head.isascii() for head in heads):
        return np.array([none if (value := read_head(head)) is None else value for head in heads], dtype=np.int64)
    return read_iso_heads(np.frombuffer("".join(heads).encode("ascii"), dtype=np.uint8).reshape(-1, ISO_LENGTH), none)


def read_iso_heads(marks: npt.NDArray[np.uint8], none: int) -> npt.NDArray[np.int64]:
    """`read_head` of many heads of ISO_LENGTH bytes, one a row; `none` where it gives None."""
    digits = marks[:, _DIGIT_PLACES].astype(np.int64) - ord("0")
    good = ((digits >= 0) & (digits <= 9)).all(axis=1)
    for place, allowed in _SEPARATORS.items():
        good &= np.isin(marks[:, place], allowed)
    hour, minute, second = (digits[:, place] * 10 + digits[:, place + 1] for place in (8, 10, 12))
    good &= (hour < 24) & (minute < 60) & (second < 60)
    # Days are few: each is looked at once, as `read_head` does.
    names, which = np.unique(digits[:, :8] @ _DAY_WEIGHTS, return_inverse=True)
    days = [day_us(number // 10_000, number // 100 % 100, number % 100) for number in names.tolist()]
    day = np.array([none if value is None else value for value in days], dtype=np.int64)[which]
    good &= day != none
    return np.where(good, day + ((hour * 60 + minute) * 60 + second) * US, none)


@lru_cache(maxsize=1_024)
def _iso_day(text: str) -> int | None:
    """The day of `2026-11-22` or `2026/11/22` in µs; None when there is no such day."""
    match = _ISO_DAY.fullmatch(text)
    return day_us(int(match[1]), int(match[2]), int(match[3])) if match else None


@lru_cache(maxsize=1_024)
def _clf_day(text: str) -> int | None:
    """The day of `22/Nov/2026` in µs; None when there is no such day."""
    match = _CLF_DAY.fullmatch(text)
    return day_us(int(match[3]), _MONTHS.get(match[2], 0), int(match[1])) if match else None


def day_us(year: int, month: int, day: int) -> int | None:
    """The day in µs since 1970; None when there is no such day, or its year is no log's."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return (datetime(year, month, day, tzinfo=UTC) - _EPOCH_START) // timedelta(microseconds=1)
    except ValueError:
        return None


def read_tail(tail: str) -> tuple[int, int | None] | None:
    """The fraction and the offset east of UTC, both in µs; the offset is None where the tail names no zone.

    None when the tail is neither.
    """
    match = _TAIL.fullmatch(tail)
    if match is None:
        return None
    fraction, zone = match.groups()
    part = int(fraction.ljust(6, "0")[:6]) if fraction else 0
    if zone is None:
        return part, None
    minutes = zone_minutes(zone)
    return None if minutes is None else (part, minutes * 60 * US)


def localise(head_us: int, zone: ZoneInfo) -> int:
    """A wall-clock second without a zone, read in `zone`, in µs UTC; of a doubled hour the first is meant."""
    naive = _EPOCH_START + timedelta(microseconds=head_us)
    local = naive.replace(tzinfo=zone)
    return (local.astimezone(UTC) - _EPOCH_START) // timedelta(microseconds=1)


def localise_all(heads_us: npt.NDArray[np.int64], zone: ZoneInfo) -> npt.NDArray[np.int64]:
    """`localise` of many, each distinct second once."""
    seconds, places = np.unique(heads_us, return_inverse=True)
    return np.array([localise(second, zone) for second in seconds.tolist()], dtype=np.int64)[places]


def split_head(token: str) -> tuple[str, str]:
    """A token as date and time to the second, and what follows."""
    cut = head_length(token)
    return token[:cut], token[cut:]


def read_epoch(token: str) -> int | None:
    """A number of seconds, ms, µs or ns since 1970, told by its digits, in µs; None when it is none."""
    match = _EPOCH.fullmatch(token)
    if match is None:
        return None
    seconds, fraction, ms, us, ns = match.groups()
    if seconds:
        return int(seconds) * US + int((fraction or "0").ljust(6, "0")[:6])
    return int(ms) * 1000 if ms else int(us) if us else int(ns) // 1000
