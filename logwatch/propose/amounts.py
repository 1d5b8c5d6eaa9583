"""Which field holds how long a call took, and in which unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from statistics import median

from logwatch.propose.columns import Column
from logwatch.propose.search import Search, or_others, picked
from logwatch.propose.words import NO_DURATION_WORDS, TOOK_WORDS

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_WITH_UNIT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(ns|us|µs|ms|msec|s|sec)")
_UNITS = {
    "ns": "ns", "nanos": "ns", "nano": "ns", "nanoseconds": "ns", "us": "us", "µs": "us", "micros": "us",
    "microseconds": "us", "usec": "us", "ms": "ms", "millis": "ms", "milliseconds": "ms", "msec": "ms",
    "msecs": "ms", "s": "s", "sec": "s", "secs": "s", "seconds": "s",
}  # fmt: skip
_UNIT_US = {"ns": 0.001, "us": 1.0, "ms": 1_000.0, "s": 1_000_000.0}
# Beyond it a duration in ms would be above a minute for most calls: it is in a smaller unit.
_LONG_MS = 60_000


def duration(search: Search) -> None:
    """Decide on the duration: numbers whose name says so, or that stand with their unit."""

    def rank(column: Column) -> float:
        plain, unit = column.share(_NUMBER.fullmatch), column.share(_WITH_UNIT.fullmatch)
        if max(plain, unit) < 0.9:
            return 0.0
        if unit > plain:
            return 1 + column.coverage + column.named(TOOK_WORDS)
        units = column.words & (_UNITS.keys() - {"s"})
        if column.named(NO_DURATION_WORDS) or not (column.named(TOOK_WORDS) or units):
            return 0.0
        return column.coverage + (2 if column.named(TOOK_WORDS) else 0) + bool(units)

    column, others = search.best(rank)
    if column is None:
        return
    if column.share(_WITH_UNIT.fullmatch) >= 0.9:
        units = [_UNITS[match[2]] for value in column.there if (match := _WITH_UNIT.fullmatch(value))]
        unit = max(set(units), key=units.count)
        written = next(
            match[2] for value in column.there if (match := _WITH_UNIT.fullmatch(value)) and _UNITS[match[2]] == unit
        )
        spec = picked(column, rf"^([0-9.]+) ?{written}$")
        sure = "the unit stands there"
    else:
        spec, (unit, sure) = column.spec, _unit(column, search.spans_us)
    search.take(f"duration_{unit}", column, f"{sure}{or_others(others)}", spec)


def _unit(column: Column, spans_us: Sequence[float]) -> tuple[str, str]:
    """The unit of a duration, and how it was found."""
    last = [word for word in re.split(r"[^a-z]+", column.name.lower()) if word]
    by_name = next((_UNITS[word] for word in reversed(last) if word in _UNITS), None)
    camel = next((_UNITS[word] for word in column.words if word in _UNITS), None)
    if by_name or camel:
        return by_name or camel or "ms", "the unit is in its name"
    middle = median(float(value) for value in column.there if _NUMBER.fullmatch(value))
    if spans_us and middle > 0 and (span := median(spans_us)) > 0:
        unit = min(_UNIT_US, key=lambda one: abs(math.log(span / (middle * _UNIT_US[one]))))
        return unit, "the unit is that by which it is the time between start and end"
    if column.share(lambda value: "." in value) > 0.5 and middle < 100:
        return "s", f"the unit is a guess by its size (middle {middle:g}): check it"
    for unit, most in (("ms", _LONG_MS), ("us", _LONG_MS * 1_000)):
        if middle <= most:
            return unit, f"the unit is a guess by its size (middle {middle:g}): check it"
    return "ns", f"the unit is a guess by its size (middle {middle:g}): check it"
