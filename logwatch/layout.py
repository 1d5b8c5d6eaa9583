"""Times in a layout that a format declares, in the words of strptime but by our own tables of names.

A blank in the layout stands for any number of blanks. Behind the seconds a fraction may stand, whether or not the
layout says so with `%f`. Numbers of one or two digits may lack the leading nought.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from domain.errors import ConfigError
from logwatch.names import month_of, zone_minutes
from logwatch.times import US, day_us

_TWO = "[0-9]{1,2}"
_FRACTION = "(?:[.,](?P<f>[0-9]{1,9}))?"
# Letters, also with accents of their own.
_NAME = r"(?:[^\W\d_]|[\u0300-\u036f]){3,12}\.?"
_WORDS = {
    "Y": "(?P<Y>[0-9]{4})", "y": "(?P<y>[0-9]{2})", "m": f"(?P<m>{_TWO})", "d": f"(?P<d>{_TWO})",
    "e": f" ?(?P<d>{_TWO})", "j": "(?P<j>[0-9]{1,3})", "b": f"(?P<b>{_NAME})", "B": f"(?P<b>{_NAME})",
    "a": r"[^\W\d_]{2,10}\.?", "A": r"[^\W\d_]{2,10}\.?", "H": f"(?P<H>{_TWO})", "I": f"(?P<I>{_TWO})",
    "M": "(?P<M>[0-9]{2})", "S": f"(?P<S>[0-9]{{2}}){_FRACTION}", "f": "(?P<f>[0-9]{1,9})",
    "p": r"(?P<p>[AaPp]\.?[Mm]\.?)", "z": "(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})", "Z": "(?P<z>[A-Z]{1,5})", "%": "%",
}  # fmt: skip
_TOKEN = re.compile(r"%S[.,]%f|%(.?)|\s+|[^%\s]+", re.DOTALL)
# A two-digit year is of this century below it, of the last one from it on, as in POSIX.
_CENTURY_TURNS = 69


@dataclass(frozen=True, slots=True)
class Written:
    """What a time's token says: the wall clock in µs as if UTC, and µs east of UTC, None where it names no zone.

    Without a year `wall_us` is counted from its 1 January, and `month_day` names the day.
    """

    wall_us: int
    offset_us: int | None
    month_day: tuple[int, int] | None = None


class Layout:
    """One layout, ready to read tokens."""

    def __init__(self, text: str, path: str) -> None:
        """Raises ConfigError with the place `path` when a time cannot be read by the layout."""
        self._pattern = re.compile(_pattern(text, path))
        has = self._pattern.groupindex
        day = "j" in has or ("d" in has and ("m" in has or "b" in has))
        if (
            not day
            or not ("H" in has or ("I" in has and "p" in has))
            or ("j" in has and not ("Y" in has or "y" in has))
        ):
            raise ConfigError(
                f'"{text}" leaves open which day or hour a time is',
                path=path,
                mend="Write at least %m or %b with %d, or %j with %Y; and %H, or %I with %p",
            )

    def read(self, token: str) -> Written | None:
        """What the token says; None when it is not written so, or no such time exists."""
        match = self._pattern.fullmatch(token)
        if match is None:
            return None
        found = {name: value for name, value in match.groupdict().items() if value is not None}
        clock = _clock_us(found)
        offset = zone_minutes(found["z"]) if "z" in found else None
        if clock is None or ("z" in found and offset is None):
            return None
        offset_us = None if offset is None else offset * 60 * US
        month = month_of(found["b"]) if "b" in found else int(found.get("m", "1"))
        if month is None:
            return None
        year = _year(found)
        if year is None:
            return Written(clock, offset_us, (month, int(found["d"])))
        day = day_us(year, month, int(found.get("d", "1")))
        if day is not None and "j" in found:
            day = _day_of_year(day, year, int(found["j"]))
        return None if day is None else Written(day + clock, offset_us)


def _pattern(text: str, path: str) -> str:
    parts: list[str] = []
    seen: set[str] = set()
    for match in _TOKEN.finditer(text):
        word = match.group()
        if word[0] != "%":
            parts.append(r"\s+" if word.isspace() else re.escape(word))
            continue
        name = "S" if len(word) > 2 else match[1]
        if name not in _WORDS:
            known = " ".join(f"%{known}" for known in _WORDS)
            raise ConfigError(f'"%{name}" is no word of a layout', path=path, mend=f"Write some of: {known}")
        parts.append(_WORDS[name])
        groups = set(re.findall(r"\?P<(\w)>", _WORDS[name]))
        if groups & seen:
            raise ConfigError(f'"{text}" says %{name} twice', path=path, mend="Write each part of the time once")
        seen |= groups
    return "".join(parts)


def _clock_us(found: dict[str, str]) -> int | None:
    hour, minute, second = (int(found.get(name, "0")) for name in "HMS")
    if "H" not in found:
        hour = int(found["I"])
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["p"][0] in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * US + int(found.get("f", "0").ljust(6, "0")[:6])


def _year(found: dict[str, str]) -> int | None:
    if "Y" in found:
        return int(found["Y"])
    if "y" not in found:
        return None
    year = int(found["y"])
    return year + (1900 if year >= _CENTURY_TURNS else 2000)


def _day_of_year(first_us: int, year: int, number: int) -> int | None:
    length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return first_us + (number - 1) * 86_400 * US if 1 <= number <= length else None
