"""Which field holds what: by what its values are, and by its name where values do not tell.

Each decision says in a word why, and how sure it is, for whoever reads the proposal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from domain.codes import SHIPPED
from domain.formats import Fields, Template, TimeField
from domain.identifiers import valid_niss, valid_pharmacy
from logwatch.moments import Moments
from logwatch.propose.amounts import duration
from logwatch.propose.columns import Column
from logwatch.propose.naming import endpoint, vendor
from logwatch.propose.search import Search, or_others, picked
from logwatch.propose.times import is_clock, is_day, writing_of
from logwatch.propose.words import (
    CODE_WORDS,
    FAILED,
    HUB_WORDS,
    LEVELS,
    PATIENT_WORDS,
    PHARMACY_WORDS,
    SERVER_WORDS,
    START_WORDS,
    STATUS_WORDS,
    STATUSES,
    TIME_WORDS,
    words,
)

ZONE = "Europe/Brussels"
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Roles:
    """What the fields of a log hold, and why; `missing` says what was looked for in vain."""

    time: TimeField
    fields: Fields
    template: tuple[Template, ...] | None
    has_year: bool
    notes: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def roles_of(columns: Sequence[Column], now: float, *, joins: bool) -> Roles | None:
    """What the fields hold; None where none holds a time.

    `joins` says whether the kind finds two fields by one name with a blank between, as JSON and delimited do.
    """
    search = Search(columns)
    time = _time(search, now, joins=joins)
    if time is None:
        return None
    found, has_year = time
    for role, decide in _ORDER:
        column = decide(search)
        if column is not None:
            search.take(role, *column)
    template = endpoint(search, joins=joins)
    vendor(search)
    duration(search)
    _level(search)
    specs = {role: spec for role, spec in search.specs.items() if role != "time"}
    missing = tuple(
        role for role in ("endpoint", "code", "pharmacy", "vendor") if role not in specs
    ) + (() if any(role.startswith("duration") for role in specs) else ("duration",))  # fmt: skip
    return Roles(found, Fields(**specs), template, has_year, search.notes, missing)


def _time(search: Search, now: float, *, joins: bool) -> tuple[TimeField, bool] | None:
    def rank(column: Column) -> float:
        if column.coverage < 0.5 or (writing := writing_of(column.there, now)) is None:
            return 0.0
        number = not writing.layout and column.share(str.isdigit) > 0.5
        by_name = 1.0 if column.named(TIME_WORDS) else 0.4 if column.named(START_WORDS) else 0.0
        end = 0.3 if column.named(words("end endtime completed finished")) else 0.0
        return column.coverage + by_name + end - (0.8 if number and not by_name else 0.0)

    column, others = search.best(rank)
    name, values = "", []
    if column is not None:
        name, values = column.name, column.there
        search.take("time", column, "")
    elif joins:
        day = next((one for one in search.left if is_day(one.there)), None)
        clock = next((one for one in search.left if is_clock(one.there)), None)
        if day is not None and clock is not None:
            name = f"{day.name} {clock.name}"
            values = [f"{one} {other}" for one, other in zip(day.there, clock.there, strict=False)]
            search.take("time", day, "")
            search.take("time", clock, "")
    writing = writing_of(values, now) if values else None
    if writing is None:
        return None
    notes = [f"names no zone, so {ZONE} is meant"] if writing.local else []
    notes += [writing.note] if writing.note else []
    notes += ["names no year: the newest that fits is meant"] if not writing.has_year else []
    starts = column is not None and column.named(START_WORDS) and not column.named(words("end endtime"))
    notes.append("taken for the start of the call, by its name" if starts else "taken for the end of the call")
    notes += [f"another time stands in {', '.join(one.name for one in others[:3])}"] if others else []
    search.notes["time"] = "; ".join(notes)
    if column is not None and others and not writing.layout:
        search.spans_us = _spans(column, others[0], now)
    search.left = [one for one in search.left if one not in others]
    return (
        TimeField(field=name, zone=ZONE, marks="start" if starts else "end", layout=writing.layout), writing.has_year
    )  # fmt: skip


def _spans(column: Column, other: Column, now: float) -> list[float]:
    """The time between two times of each line in µs; none where they are not both in every line."""
    if len(column.there) != len(other.there):
        return []
    read = Moments(TimeField(field="time"), ZoneInfo(ZONE), "time").read
    pairs = ((read(one, now), read(two, now)) for one, two in zip(column.there, other.there, strict=True))
    return [float(abs(one[0] - two[0])) for one, two in pairs if one is not None and two is not None]


_Decision = tuple[Column, str]


def _bare_number(text: str) -> str:
    return re.sub(r"[ .\-/_]", "", text)


def _patient(search: Search) -> _Decision | None:
    def rank(column: Column) -> float:
        share = column.share(lambda value: valid_niss(_bare_number(value)))
        return share if share >= (0.2 if column.named(PATIENT_WORDS) else 0.5) else 0.0

    column, _ = search.best(rank)
    return (column, f"{_percent(rank(column))} are patients' numbers by their check digits") if column else None


def _pharmacy(search: Search) -> _Decision | None:
    def rank(column: Column) -> float:
        share = column.share(valid_pharmacy)
        return share if share >= (0.3 if column.named(PHARMACY_WORDS) else 0.8) else 0.0

    column, _ = search.best(rank)
    return (column, f"{_percent(rank(column))} are pharmacies' numbers by their check digits") if column else None


def _code(search: Search) -> _Decision | None:
    def rank(column: Column) -> float:
        if column.distinct > max(20, len(column.there) // 4) or column.share(lambda value: len(value) > 60) > 0.1:
            return 0.0
        if column.share(lambda value: len(value) == 3 and value.isdigit() and "100" <= value < "600") > 0.9:
            return 0.0  # HTTP statuses: those are the code where there is no other
        # Words of a level are codes, too, but what a level says is little.
        known = column.share(lambda value: value.upper() in SHIPPED and value.upper() not in LEVELS and len(value) > 1)
        by_name = column.named(CODE_WORDS) and column.share(lambda value: value.upper() in LEVELS) < 0.5
        texts = column.share(lambda value: " " in value) < 0.2
        return 2 * known if known > 0.2 else 0.5 + known if by_name and texts else 0.0

    column, others = search.best(rank)
    if column is None:
        return None
    known = column.share(lambda value: value.upper() in SHIPPED or value in STATUSES)
    why = f"{_percent(known)} of its codes are known; class the others with [[codes]]"
    return column, why + or_others(others)


def _status(search: Search) -> _Decision | None:
    def rank(column: Column) -> float:
        if column.named(STATUS_WORDS | CODE_WORDS):
            share = column.share(lambda value: len(value) == 3 and value.isdigit() and "100" <= value < "600")
            return 1 + share if share >= 0.9 else 0.0
        usual = column.share(lambda value: value in STATUSES)
        return usual if usual > 0.98 and column.distinct > 1 else 0.0

    column, others = search.best(rank)
    return (column, "its values are HTTP statuses" + or_others(others)) if column else None


def _bywords(words: frozenset[str], most: int) -> Callable[[Search], _Decision | None]:
    def decide(search: Search) -> _Decision | None:
        def rank(column: Column) -> float:
            few = column.distinct <= most and column.share(_NUMBER.fullmatch) < 0.5
            return column.coverage if column.named(words) and few else 0.0

        column, others = search.best(rank)
        return (column, f"by its name; {column.distinct} of them here{or_others(others)}") if column else None

    return decide


# What a status holds is no code of its own, and what a code is known by no operation: so in this order.
_ORDER: tuple[tuple[str, Callable[[Search], _Decision | None]], ...] = (
    ("patient", _patient),
    ("pharmacy", _pharmacy),
    ("status", _status),
    ("code", _code),
    ("hub", _bywords(HUB_WORDS, 20)),
    ("server", _bywords(SERVER_WORDS, 60)),
)


def _level(search: Search) -> None:
    """Without a code, a level tells of failures; without a code of its own, the status is the code."""
    if "code" in search.specs:
        return
    if "status" in search.specs:
        search.specs["code"], search.notes["code"] = search.specs["status"], "the status, where there is no other code"
        return
    column, _ = search.best(lambda one: one.share(lambda value: value.upper() in LEVELS))
    if column is not None and column.share(lambda value: value.upper() in LEVELS) > 0.9:
        search.take("code", column, "there is only a level: those that tell of a failure", picked(column, FAILED))


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
