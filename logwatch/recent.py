"""Some of the lines just read, masked, for people to look at: at most so many between two heartbeats.

Which lines is decided on what the reading gave, by endpoint and code, and only those few are cut out of their block
and masked: most lines are never touched. Failing ones come first. What is lost of them is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from domain.batch import RecentLine
from domain.codes import CLASSES
from logwatch.events import LINE_KEYS, EventBlock
from logwatch.guarded import spending
from logwatch.masking import Shown, masked, shown_duration, shown_key, shown_time
from logwatch.reader import Reader, Reading
from logwatch.registry import Registry
from logwatch.times import US

# Lines masked between two heartbeats, of calls that failed and of others, and how many of a block are looked at for
# them. Masking costs a ten-thousandth of a second a line.
MOST_FAILING, MOST_OTHER, CANDIDATES = 24, 8, 32
# Only the end of a block is looked at: of a file that grows that is all that came.
TAIL_BYTES = 65_536
# Older calls are being caught up with, and not what anybody looks for here.
OLD_SECONDS = 3_600.0
# What nobody took for so long (the receiver is away) is no longer what just came.
STALE_SECONDS = 10.0
# Of an event of many lines so many are looked at.
MOST_JOINED = 50
# An endpoint's code is shown again after so long; longer where there are more of them than lines.
SOONEST_SECONDS, LATEST_SECONDS, MOST_PAIRS = 1.0, 64.0, 5_000

Pair = tuple[int, int, int]


class _Share:
    """The lines of one sort, failing or not: each endpoint and code comes again, none crowds out the others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._shown: dict[Pair, float] = {}
        self._gap = SOONEST_SECONDS
        self._count = 0
        self._missed = False

    def begin(self) -> None:
        """The next heartbeat's turn: pairs wait longer where some did not find room, shorter where all did."""
        self._gap = min(2 * self._gap, LATEST_SECONDS) if self._missed else max(self._gap / 2, SOONEST_SECONDS)
        self._count, self._missed = 0, False
        if len(self._shown) > MOST_PAIRS:
            self._shown.clear()

    def takes(self, pair: Pair, now: float) -> bool:
        """Whether a line of this pair is wanted; then it counts as shown."""
        if 0 <= now - self._shown.get(pair, float("-inf")) < self._gap:
            return False
        if self.is_full:
            return False
        self._count += 1
        self._shown[pair] = now
        return True

    @property
    def is_full(self) -> bool:
        """Whether the turn has no more room; asked only where there is a line that wants it."""
        self._missed |= self._count >= self._most
        return self._count >= self._most


class Recent:
    """Gathers lines for the next heartbeat."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._failing, self._other = _Share(MOST_FAILING), _Share(MOST_OTHER)
        self._begun = float("-inf")
        self._lines: list[RecentLine] = []

    def take(self) -> tuple[RecentLine, ...]:
        """The lines gathered since they were last taken, oldest first."""
        lines = sorted(self._lines, key=lambda one: one.at_us)
        self._begin()
        return tuple(lines)

    def _begin(self) -> None:
        self._lines = []
        self._failing.begin()
        self._other.begin()

    def look(self, source: str, reader: Reader, block: bytes, reading: Reading, now: float) -> None:
        """Gather from a block of whole lines what the reading of it allows for."""
        events = reading.events
        if not len(events) or now - int(events.time_us[-1]) / US > OLD_SECONDS:
            return
        if not 0 <= now - self._begun < STALE_SECONDS and self._lines:
            self._begin()
        if not self._lines:
            self._begun = now
        places = self._wanted(events, now)
        if places:
            self._lines += self._cut(source, reader, block, reading, places)

    def _wanted(self, events: EventBlock, now: float) -> list[int]:
        """Which events' lines to show, of the newest of the block: those that failed first."""
        failed = np.flatnonzero(events.ids["class"])[: -CANDIDATES - 1 : -1].tolist()
        wanted = [place for place in failed if self._failing.takes(_pair(events, place), now)]
        if not self._other.is_full:
            newest = range(len(events) - 1, max(-1, len(events) - 1 - CANDIDATES), -1)
            others = [place for place in newest if not events.ids["class"][place]]
            wanted += [place for place in others if self._other.takes(_pair(events, place), now)]
        return wanted

    def _cut(
        self, source: str, reader: Reader, block: bytes, reading: Reading, places: Sequence[int]
    ) -> Iterator[RecentLine]:  # fmt: skip
        """Lines of a block, masked; none of lines that lie too far back."""
        lines = _last_lines(block)
        first = reading.accounting.lines - len(lines)
        if first < 0:
            return  # not this block's lines
        for place in places:
            at = place if reading.places is None else int(reading.places[place])
            if at < max(first, 0):
                continue
            try:
                with spending({}):  # the reading has told already of a pattern that runs away
                    line = self._line(source, reader, lines[at - first :][:MOST_JOINED], reading.events, place)
            except TimeoutError:
                continue
            if line is not None:
                yield line

    def _line(
        self, source: str, reader: Reader, lines: Sequence[bytes], events: EventBlock, place: int
    ) -> RecentLine | None:  # fmt: skip
        """The event that begins with the first line, as it may be seen; None where it cannot be taken apart."""
        text = reader.event_text(lines)
        fields = reader.plan.kind.fields(text)
        if fields is None:
            return None
        plan, at_us = reader.plan, int(events.time_us[place])
        known = self._registry.dictionaries
        keys = {key: known[key].values[events.ids[key].item(place)] for key in LINE_KEYS}
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
    return ids["hub"].item(place), ids["endpoint"].item(place), ids["code"].item(place)
