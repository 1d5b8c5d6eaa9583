"""Each event of a real log laid beside what its origin tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import msgspec

from domain.settings import Format, TimeField
from logwatch.lines import lines_in
from logwatch.meaning import path_of
from logwatch.plan import plan
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.rows import CONTINUED, IGNORED
from logwatch.sorting import Sorter
from tests.logwatch.expectations import Told
from tests.logwatch.some import NOW, as_values


@dataclass(frozen=True)
class Event:
    """One event as we read it: the line it begins in, when the call began and ended, and its keys."""

    line: int
    begun_us: int
    ended_us: int
    duration_us: int
    endpoint: str
    code: str


def in_zone(form: Format, zone: str) -> Format:
    """The format with times that name no zone read in this one."""
    time = form.time or TimeField(field=plan(form, {}, "f").time.field, marks=plan(form, {}, "f").time.marks)
    return msgspec.structs.replace(form, time=msgspec.structs.replace(time, zone=zone))


def events_of(form: Format, content: bytes) -> list[Event]:
    """The events of a log."""
    registry = Registry(100_000)
    reader = Reader(form, registry)
    reading = reader.read(content, NOW, "small")
    assert reading.accounting.balanced
    places = range(len(reading.events)) if reading.places is None else reading.places.tolist()
    starts = plan(form, {}, "f").time.marks == "start"
    found = []
    for place, event in zip(places, as_values(reading.events, registry), strict=True):
        time_us, duration_us, _, endpoint = event[:4]
        assert isinstance(time_us, int)
        assert isinstance(duration_us, int)
        begun = time_us - max(duration_us, 0) if starts else time_us
        found.append(Event(place, begun, time_us, duration_us, str(endpoint), str(event[8])))
    return found


def _line_of(content: bytes, told: Sequence[Told], form: Format) -> list[int]:
    """The number of the line that each told event begins in."""
    lines = lines_in(content)
    if told and all(one.offset is not None for one in told):
        begins = {0: 0} | {at: place for place, at in enumerate(accumulate(len(line) + 1 for line in lines), 1)}
        return [begins[one.offset or 0] for one in told]
    # Without offsets the origin's events are the lines that begin one, in their order.
    sorter = Sorter(form, "f")
    sorted_as = sorter.sort_all(line.decode("utf-8", "replace") for line in lines)
    firsts = [place for place, (verdict, _) in enumerate(sorted_as) if verdict not in (IGNORED, CONTINUED)]
    return (firsts + [-1] * len(told))[: len(told)]


def differences(form: Format, content: bytes, told: Sequence[Told]) -> list[str]:
    """One sentence for each event that is told otherwise than it is read here."""
    found = {event.line: event for event in events_of(form, content)}
    out = []
    for line, one in zip(_line_of(content, told, form), told, strict=True):
        event = found.get(line)
        if not one.tells:
            continue
        wrong = "no event here" if event is None else _difference(event, one)
        if wrong:
            out.append(f"line {line + 1}: {wrong}")
    return out


def _difference(event: Event, told: Told) -> str:
    """What of an event differs; "" for nothing."""
    if told.time_us is not None and not _same_time(told.time_us, (event.begun_us, event.ended_us)):
        return f"at {event.begun_us} and not {told.time_us}"
    if told.status is not None and event.code != told.status:
        return f"{event.code!r} and not {told.status}"
    if told.duration_us is not None and abs(max(event.duration_us, 0) - told.duration_us) > 1:
        return f"{event.duration_us} us and not {told.duration_us}"
    method, _, path = event.endpoint.partition(" ")
    if told.method is not None and method != told.method.upper():
        return f"{event.endpoint!r} and not {told.method}"
    if told.path is not None and not _same_path(path, told):
        return f"{event.endpoint!r} and not {told.path}"
    if told.name is not None and told.method is None and event.endpoint != told.name:
        return f"{event.endpoint!r} and not {told.name}"
    return ""


def _same_time(told: int, ours: Sequence[int]) -> bool:
    """Whether one of our moments is the told one, which may be in whole milliseconds, or in seconds."""
    steps = [1, *([1_000] if told % 1_000 == 0 else []), *([1_000_000] if told % 1_000_000 == 0 else [])]
    return any(mine // step == told // step for mine in ours for step in steps)


def _same_path(ours: str, told: Told) -> bool:
    """Whether a path is the told one, as far as it was not made general."""
    their = path_of(f"{told.method} {str(told.path).split(' ')[0]}").split("/")
    mine = ours.split("/")
    return len(mine) == len(their) and all(a in (b, "{}") for a, b in zip(mine, their, strict=True))
