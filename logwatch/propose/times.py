"""How times are written: by themselves readable, in a layout, or as a number; and where in a line one stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.formats import TimeField
from logwatch.moments import Moments
from logwatch.times import US

# Of so many tokens of a field, so great a share must be times for it to be the time.
_LOOK_AT, _SHARE = 200, 0.9
_FIRST_US = int(datetime(1995, 1, 1, tzinfo=UTC).timestamp()) * US
_AHEAD_US = 2 * 86_400 * US
# Layouts that are tried, the likeliest first; days before months, as one writes in Belgium.
_DAYS = (
    "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%Y", "%Y.%m.%d", "%Y%m%d", "%d %b %Y", "%d-%b-%Y", "%a %d %b %Y",
    "%b %d, %Y", "%d/%m/%y", "%d-%m-%y", "%y%m%d", "%y/%m/%d", "%y-%m-%d", "%d%m%Y", "%Y-%m-%d", "%Y/%m/%d",
)  # fmt: skip
_CLOCKS = (
    " %H:%M:%S", " %H:%M:%S %z", " %H:%M:%S %Z", "T%H:%M:%S", "T%H:%M:%S%z", "_%H:%M:%S", "-%H:%M:%S", ", %H:%M:%S",
    " %I:%M:%S %p", ", %I:%M:%S %p", " %H.%M.%S", "-%H.%M.%S", " %H%M%S", "T%H%M%S", "_%H%M%S", "%H%M%S", " %H:%M",
)  # fmt: skip
_LAYOUTS = (
    *(f"{day}{clock}" for day in _DAYS for clock in _CLOCKS),
    "%H:%M:%S %d/%m/%Y", "%Y-%jT%H:%M:%S", "%d/%m %H:%M:%S", "%m-%d %H:%M:%S",
)  # fmt: skip
# As many digits as a time has, if it is none that is read by itself.
_FEWEST_DIGITS, _LONGEST = 8, 40

_CLOCK = r"[0-9]{2}[:.][0-9]{2}[:.][0-9]{2}(?:[.,][0-9]{1,9})?"
_ZONE = r"(?:Z| ?[+-][0-9]{2}:?[0-9]{2}| (?:UTC|GMT|CES?T|WES?T|MES?Z))?"
_MONTH = r"[^\W\d_]{3,9}\.?"
# What a time looks like within a line; the longest ways of writing first.
_SHAPES = tuple(
    re.compile(rf"(?<![0-9A-Za-z])(?:{text})(?![0-9])")
    for text in (
        rf"[0-9]{{4}}[-/.][0-9]{{2}}[-/.][0-9]{{2}}(?:T| +|_|-){_CLOCK}{_ZONE}",
        rf"[0-9]{{1,2}}/[A-Z][a-z]{{2}}/[0-9]{{4}}:{_CLOCK}{_ZONE}",
        rf"[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.](?:[0-9]{{4}}|[0-9]{{2}})(?:T|,? +|_|-){_CLOCK}(?: [AP]M)?{_ZONE}",
        rf"[0-9]{{1,2}}[- ]{_MONTH}[- ][0-9]{{4}},? {_CLOCK}{_ZONE}",
        rf"[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} +[0-9]{{1,2}} {_CLOCK}(?: [A-Z]{{3,4}})? [0-9]{{4}}",
        rf"[A-Z][a-z]{{2}} [0-9]{{1,2}}, [0-9]{{4}} {_CLOCK}(?: [AP]M)?",
        rf"[A-Z][a-z]{{2}} [ 0-9]?[0-9] {_CLOCK}(?: [0-9]{{4}})?",
        rf"[0-9]{{8}}[ T_-](?:{_CLOCK}|[0-9]{{6}}(?:[.,][0-9]{{1,9}})?){_ZONE}",
        rf"[0-9]{{6}} (?:{_CLOCK}|[0-9]{{6}})",
        r"1[0-9]{9}(?:\.[0-9]{1,9})?|1[0-9]{12}|1[0-9]{15}|1[0-9]{18}",
        r"20[0-9]{12}",
    )
)
_A_DAY = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]{8}")
_A_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Writing:
    """How a field's times are written: the layout, "" where they are read by themselves; whether they name no zone.

    `has_year` says whether they name their year, `note` what else may be meant.
    """

    layout: str
    local: bool
    has_year: bool
    note: str = ""


def writing_of(tokens: Sequence[str], now: float) -> Writing | None:
    """How most of the tokens are written as times; None when they are none."""
    looked = [token for token in tokens if token][:_LOOK_AT]
    if not looked:
        return None
    by_itself = _tried("", looked, now)
    if by_itself is not None or sum(map(str.isdigit, looked[0])) < _FEWEST_DIGITS or len(looked[0]) > _LONGEST:
        return by_itself
    for layout in _LAYOUTS:
        found = _tried(layout, looked, now)
        if found is not None:
            return found
    return None


@lru_cache(maxsize=len(_LAYOUTS) + 1)
def _moments(layout: str) -> Moments:
    return Moments(TimeField(field="time", layout=layout), ZoneInfo("Europe/Brussels"), "time")


def _tried(layout: str, looked: Sequence[str], now: float) -> Writing | None:
    moments = _moments(layout)
    least = len(looked) - int(len(looked) * (1 - _SHARE))
    read, local, missed = 0, 0, 0
    for token in looked:
        moment = moments.read(token, now)
        if moment is None or not _FIRST_US <= moment[0] <= int(now * US) + _AHEAD_US:
            missed += 1
            if missed > len(looked) - least:
                return None
            continue
        read, local = read + 1, local + moment[1]
    note = ""
    if layout.startswith("%d/%m/") and _tried(layout.replace("%d/%m", "%m/%d", 1), looked, now):
        note = f"days and months cannot be told apart here: it may be {layout.replace('%d/%m', '%m/%d', 1)}"
    later = moments.read(looked[0], now + 3 * 366 * 86_400)
    return Writing(layout, local * 2 > read, later == moments.read(looked[0], now), note) if read else None


def is_day(tokens: Sequence[str]) -> bool:
    """Whether the tokens are days without a time."""
    return bool(tokens) and all(_A_DAY.fullmatch(token) for token in tokens[:_LOOK_AT])


def is_clock(tokens: Sequence[str]) -> bool:
    """Whether the tokens are times without a day."""
    return bool(tokens) and all(_A_CLOCK.fullmatch(token) for token in tokens[:_LOOK_AT])


def find(lines: Sequence[str]) -> re.Pattern[str] | None:
    """What the times look like that stand in most of the lines; the foremost where several do. None for none."""
    best, best_rank = None, (0, 0.0)
    for pattern in _SHAPES:
        starts = [match.start() for line in lines if (match := pattern.search(line))]
        if not starts:
            continue
        # A way of writing that is found in about as many lines wins by where it stands.
        rank = (len(starts) * 10 // max(len(lines), 1), -sum(starts) / len(starts))
        if rank > best_rank or best is None:
            best, best_rank = pattern, rank
    return best
