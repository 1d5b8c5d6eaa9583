"""Some of the lines just read, masked, for people to look at: at most so many between two heartbeats.

Which lines is decided on what the reading gave, by endpoint and code, and only those few are cut out of their block
and masked: most lines are never touched. Failing ones come first. Nothing here is counted, kept or sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from domain.batch import RecentLine
from domain.codes import CLASSES
from logwatch.events import LINE_KEYS, EventBlock
from logwatch.masking import Shown, masked, shown_duration, shown_key, shown_time
from logwatch.memo import Numbers
from logwatch.reader import Reader, Reading
from logwatch.registry import Registry
from logwatch.times import US

# Between two heartbeats: lines of calls that failed, lines of calls that did not, and the text of all of them.
MOST_FAILING, MOST_OTHER, MOST_CHARACTERS = 60, 30, 36_000
# Only the end of a block is looked at: of a file that grows that is all that came.
TAIL_BYTES = 65_536
# Older calls are being caught up with, and not what anybody looks for here.
OLD_SECONDS = 3_600.0
# What nobody took for so long (the receiver is away) is no longer what just came.
STALE_SECONDS = 10.0
_BITS = 21

Pair = tuple[int, int, int]


class Recent:
    """Gathers lines for the next heartbeat: of each endpoint and code at most `each` that failed, else one."""

    def __init__(self, each: int, registry: Registry) -> None:
        self._each, self._registry = each, registry
        self._begun = float("-inf")
        self._begin()

    def _begin(self) -> None:
        self._lines: list[RecentLine] = []
        self._of_pair: dict[Pair, int] = {}
        self._failing = self._other = self._characters = 0

    def take(self) -> tuple[RecentLine, ...]:
        """The lines gathered since they were last taken, oldest first."""
        lines = sorted(self._lines, key=lambda one: one.at_us)
        self._begin()
        return tuple(lines)

    def look(self, source: str, reader: Reader, block: bytes, reading: Reading, now: float) -> None:
        """Gather from a block of whole lines what the reading of it allows for."""
        if not 0 <= now - self._begun < STALE_SECONDS:
            self._begin()
        if not self._lines:
            self._begun = now
        events = reading.events
        if not len(events) or now - int(events.time_us[-1]) / US > OLD_SECONDS or self._is_full:
            return
        lines = _last_lines(block)
        first = reading.accounting.lines - len(lines)
        if first < 0:
            return  # lines of this block were joined: which one an event stands in is not known from its place
        places = np.arange(len(events)) if reading.places is None else reading.places
        for place in _newest_of_each(events, int(np.searchsorted(places, first))):
            pair = _pair(events, place)
            failed = int(events.ids["class"][place]) > 0
            if self._has_room(pair, failed=failed):
                line = lines[int(places[place]) - first]
                self._keep(pair, self._line(source, reader, line, events, place), failed=failed)

    @property
    def _is_full(self) -> bool:
        return (
            self._failing >= MOST_FAILING and self._other >= MOST_OTHER
        ) or self._characters >= MOST_CHARACTERS  # fmt: skip

    def _has_room(self, pair: Pair, *, failed: bool) -> bool:
        known = self._of_pair.get(pair, 0)
        if self._characters >= MOST_CHARACTERS:
            return False
        return (known < self._each and self._failing < MOST_FAILING) if failed else (
            not known and self._other < MOST_OTHER
        )  # fmt: skip

    def _keep(self, pair: Pair, line: RecentLine | None, *, failed: bool) -> None:
        if line is None:
            return
        self._lines.append(line)
        self._of_pair[pair] = self._of_pair.get(pair, 0) + 1
        self._characters += len(line.text)
        self._failing += failed
        self._other += not failed

    def _line(self, source: str, reader: Reader, line: bytes, events: EventBlock, place: int) -> RecentLine | None:
        """The line as it may be seen; None where it cannot be taken apart by itself."""
        text = line.decode("utf-8", "replace").rstrip("\r")
        fields = reader.plan.kind.fields(text)
        if fields is None:
            return None
        plan, at_us = reader.plan, int(events.time_us[place])
        keys = {
            key: self._registry.dictionaries[key].values[int(events.ids[key][place])] for key in LINE_KEYS
        }  # fmt: skip
        allowed: list[Shown | None] = [
            shown_key(name, fields.get(name, ""), keys[key])
            for key, (name, _) in plan.keys.items()
            if key in keys
        ]  # fmt: skip
        written = fields.get(plan.time.field, "")
        if written:
            iso = datetime.fromtimestamp(at_us / US, plan.zone).isoformat(timespec="milliseconds")
            allowed.append(shown_time(plan.time.field, written, iso))
        if plan.duration is not None:
            name = plan.duration[0]
            allowed.append(shown_duration(name, fields.get(name, ""), int(events.duration_us[place])))
        status = plan.status_text(fields.get(plan.status, "")) if plan.status else ""
        if len(status) == 3 and status.isascii() and status.isdigit():
            allowed.append(shown_key(plan.status, fields.get(plan.status, ""), status))
        return RecentLine(
            at_us=at_us, hub=keys["hub"], endpoint=keys["endpoint"], code=keys["code"],
            klass=CLASSES[int(events.ids["class"][place])],
            text=masked(text, [one for one in allowed if one is not None]), source=source,
        )  # fmt: skip


def _last_lines(block: bytes) -> list[bytes]:
    """The whole lines at the end of a block."""
    lines = block[-TAIL_BYTES:].split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines[1:] if len(block) > TAIL_BYTES else lines


def _pair(events: EventBlock, place: int) -> Pair:
    ids = events.ids
    return int(ids["hub"][place]), int(ids["endpoint"][place]), int(ids["code"][place])


def _newest_of_each(events: EventBlock, begin: int) -> Sequence[int]:
    """The last event of each hub, endpoint and code from `begin` on: those that failed first."""
    ids = events.ids
    pairs: Numbers = ids["hub"][begin:].astype(np.int64) << 2 * _BITS
    pairs |= ids["endpoint"][begin:].astype(np.int64) << _BITS
    pairs |= ids["code"][begin:]
    _, back = np.unique(pairs[::-1], return_index=True)
    places = len(events) - 1 - back
    worst_first = np.argsort(-ids["class"][places], kind="stable")
    chosen: list[int] = places[worst_first].tolist()
    return chosen
