"""A format's own examples: does each line give what it says?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.codes import CLASSES, SIDES, Judgement
from domain.settings import Format
from logwatch.events import LINE_KEYS, NO_DURATION
from logwatch.reader import Reader
from logwatch.registry import Registry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = 100 * 366 * 86_400.0
Given = dict[str, str | int | float]


def failures(form: Format, codes: Mapping[str, Judgement], path: str, now: float) -> list[str]:
    """One sentence for each example that gives something else than it says, naming its place."""
    found = []
    for place, example in enumerate(form.examples):
        at = f"{path}.examples[{place}]"
        given = read_example(form, codes, example.line, now)
        if given is None:
            found.append(f"{at}: the line is no event in this format")
            continue
        found += [
            f"{at}: gives {name} = {given.get(name)!r} and not {expected!r}"
            for name, expected in example.gives.items()
            if not _same(name, expected, given)
        ]
    return found


def _same(name: str, expected: str | float, given: Given) -> bool:
    if name == "time":
        return moment(str(expected)) == given["time_us"]
    return given.get(name) == expected


def moment(text: str) -> int:
    """An RFC 3339 time in µs since the epoch."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def read_example(form: Format, codes: Mapping[str, Judgement], line: str, now: float) -> Given | None:
    """What one line gives, by name; None when it is no event. Example lines may lie in the future."""
    registry = Registry(1_000)
    reading = Reader(form, registry, codes=codes).read(line.encode(), now + _AHEAD)
    events = reading.events
    if len(events) != 1:
        return None
    given: Given = {key: registry.dictionaries[key].values[int(events.ids[key][0])] for key in LINE_KEYS}
    given |= {
        "time_us": int(events.time_us[0]),
        "time": (_EPOCH + timedelta(microseconds=int(events.time_us[0]))).isoformat().replace("+00:00", "Z"),
        "class": CLASSES[int(events.ids["class"][0])],
        "side": SIDES[int(events.ids["side"][0])],
    }
    duration = int(events.duration_us[0])
    if duration != NO_DURATION:
        given |= {"duration_us": duration, "duration_ms": duration / 1_000}
    return given
