"""Reading blocks of lines into events, by columns where a block is large and line by line where it is not.

Both ways give the same events: a block's columns only remember what the small path would say of each token,
and a line that the columns cannot vouch for is read by the small path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.batch import Accounting
from domain.codes import CLASSES, SHIPPED, SIDES, Judgement, judge
from domain.settings import Format
from logwatch.columns import Columns
from logwatch.events import EventBlock, Ids, Tally
from logwatch.kinds.base import Mask
from logwatch.meaning import PATTERN_SECONDS, compile_pattern
from logwatch.memo import INVALID, Numbers
from logwatch.plan import plan
from logwatch.registry import Capping, Registry
from logwatch.rows import CONTINUED, EVENT, IGNORED, MALFORMED, Rows
from logwatch.samples import Samples
from logwatch.times import US, read_time
from logwatch.vocabulary import Vocabulary, read_status

FUTURE_SECONDS = 300
# Below so many bytes (about 1,500 lines) a call of polars costs more than reading line by line.
SMALL_BYTES = 300_000
MANY = 1_500
_LINE_END, _AFTER_CONTROLS = 10, 14
_STATUSES = 1_001
_BOM = b"\xef\xbb\xbf"
# Lines that begin with a byte order mark, which only the small path takes away.
_MARKED = re.compile(rb"(?:\A|\n)" + _BOM)
_BEGINNING = re.compile(r"\^([A-Za-z0-9#;%!@&/ ,:'\"_-]+)")

Way = Literal["auto", "block", "small"]


@dataclass(slots=True)
class Reading:
    """What a block of lines gave."""

    events: EventBlock
    accounting: Accounting
    tally: Tally


class Reader:
    """Reads the lines of one format and remembers what their tokens mean.

    `fixed` holds keys that the source gives to all its lines (hub, server). Numbers of the events' ids are
    those of the registry's dictionaries; one reader belongs to one thread.
    """

    def __init__(
        self,
        form: Format,
        registry: Registry,
        *,
        fixed: Mapping[str, str] | None = None,
        codes: Mapping[str, Judgement] = SHIPPED,
        samples: Samples | None = None,
        path: str = "formats",
    ) -> None:
        self._plan = plan(form, fixed or {}, path)
        self._ignore = [compile_pattern(text, f"{path}.ignore") for text in form.ignore]
        self._starts = compile_pattern(form.join.starts, f"{path}.join.starts") if form.join else None
        plain = [_BEGINNING.fullmatch(text) for text in form.ignore]
        self._beginnings = None if None in plain else [match[1].encode() for match in plain if match]
        self._codes, self._registry = codes, registry
        self._is_control: Mask = np.empty(0, dtype=np.bool_)
        self.samples = samples or Samples()
        self._begin()

    def _begin(self) -> None:
        """Begin the tables of tokens anew."""
        self._words = Vocabulary(self._plan)
        found = self._words.found
        self._capping = {key: Capping(self._registry, key, found[key]) for key in found}
        self._judged: dict[tuple[int, int], tuple[int, int, bool]] = {}

    @property
    def keys(self) -> Sequence[str]:
        """The keys that are read from the lines."""
        return list(self._plan.keys)

    @property
    def reads_durations(self) -> bool:
        """Whether lines are expected to hold a duration."""
        return self._plan.duration is not None

    def read(self, block: bytes, now: float, way: Way = "auto") -> Reading:
        """The events of some whole lines and what became of each line.

        `now` (epoch seconds) is the measure of what lies in the future. The last line may lack its line end.
        """
        tally = Tally()
        if way == "small" or (way == "auto" and len(block) < SMALL_BYTES):
            rows = self._by_lines(_lines(_plain_ends(block) if b"\r" in block else block), tally)
        else:
            rows = self._by_columns(block, tally)
        reading = self._events(rows, now, tally)
        if self._words.is_full:
            self._begin()
        return reading

    # -- by columns --------------------------------------------------------------------------------------------

    def _by_columns(self, block: bytes, tally: Tally) -> Rows:
        ends, odd = self._line_ends(block)
        if odd and b"\r" in block:
            block = _plain_ends(block)
            ends, odd = self._line_ends(block)
        height = len(ends) + (not block.endswith(b"\n") and bool(block))
        columns = Columns.of(block, height, odd, self._plan, self._words)
        if columns is None:
            return self._by_lines(_lines(block), tally)
        if _BOM[:1] in block and _BOM in block:
            marked = [match.end() - 1 for match in _MARKED.finditer(block)]
            columns.sound[np.searchsorted(ends, marked)] = False
        if self._starts is not None or self._may_ignore(block, columns.beginning):
            columns.sound &= self._ordinary(block)
        columns.tally(tally)
        self._mend(block, ends, columns.rows, columns.sound, tally)
        return columns.rows

    def _line_ends(self, block: bytes) -> tuple[Numbers, bool]:
        """Where the block's lines end, and whether it holds tabs, carriage returns or the like.

        Both in one pass over the bytes. The answers' memory is kept: fresh memory costs more than comparing.
        """
        if len(block) > len(self._is_control):
            self._is_control = np.empty(len(block), dtype=np.bool_)
        is_control = self._is_control[: len(block)]
        data = np.frombuffer(block, dtype=np.uint8)
        np.less(data, _AFTER_CONTROLS, out=is_control)
        places = np.flatnonzero(is_control)
        is_end = data[places] == _LINE_END
        if is_end.all():
            return places, False
        return places[is_end], True

    def _mend(self, block: bytes, ends: Numbers, rows: Rows, sound: Mask, tally: Tally) -> None:
        """Read the lines that the columns could not vouch for: as columns of their own layout if they are many."""
        if sound.all():
            return
        places = np.flatnonzero(~sound)
        stops = np.append(ends, len(block))
        starts = np.concatenate(([0], ends + 1))
        lines = [block[start:stop] for start, stop in zip(starts[places], stops[places], strict=True)]
        if MANY <= len(places) <= len(sound) // 2:
            rows.put(places, self._by_columns(b"\n".join(lines) + b"\n", tally))
        else:
            rows.put(places, self._by_lines(lines, tally))

    def _may_ignore(self, block: bytes, beginning: str) -> bool:
        """Whether lines of the block may be ones to ignore; only sure where all patterns are plain beginnings.

        `beginning` is how every line begins that was read by columns.
        """
        if self._beginnings is None:
            return True
        known = beginning.encode()
        return any(
            (known.startswith(start) or start.startswith(known))
            and start in block
            and (block.startswith(start) or b"\n" + start in block)
            for start in self._beginnings
        )

    def _ordinary(self, block: bytes) -> Mask:
        """Lines that no pattern of the format ignores and that start an event."""
        return np.array(
            [self._sort(line.decode("utf-8", "replace")) == EVENT for line in _lines(block)], dtype=np.bool_
        )

    # -- line by line ------------------------------------------------------------------------------------------

    def _sort(self, text: str) -> int:
        """Whether a line is ignored, continues an event, or should be one."""
        if not text.strip():
            return IGNORED
        try:
            if any(pattern.search(text, timeout=PATTERN_SECONDS) for pattern in self._ignore):
                return IGNORED
            if self._starts is not None and not self._starts.search(text, timeout=PATTERN_SECONDS):
                return CONTINUED
        except TimeoutError:
            return MALFORMED
        return EVENT

    def _by_lines(self, lines: Sequence[bytes], tally: Tally) -> Rows:
        rows = Rows.of(len(lines), MALFORMED)
        for place, line in enumerate(lines):
            text = line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r")
            verdict = self._sort(text)
            if verdict == EVENT and not self._read_line(text, rows, place, tally):
                verdict = MALFORMED
            rows.verdict[place] = verdict
            if verdict == MALFORMED:
                self.samples.add(text)
        return rows

    def _read_line(self, text: str, rows: Rows, place: int, tally: Tally) -> bool:
        """Understand one line into row `place`; False when its structure or its time cannot be read."""
        fields = self._plan.kind.fields(text)
        if fields is None:
            return False
        time_us = read_time(fields.get(self._plan.time.field, ""), self._plan.zone)
        if time_us is None:
            return False
        rows.time_us[place] = time_us
        for key, (name, _) in self._plan.keys.items():
            number = self._words.keys[key].read(fields.get(name, ""))
            rows.ids[key][place] = max(number, 0)
            if number == INVALID:
                tally.invalid[key] = tally.invalid.get(key, 0) + 1
        if self._plan.duration is not None:
            duration = self._words.duration.read(fields.get(self._plan.duration[0], ""))
            rows.duration_us[place] = max(duration, -1)
            if duration == INVALID:
                tally.invalid["duration"] = tally.invalid.get("duration", 0) + 1
        if self._plan.status:
            status = read_status(fields.get(self._plan.status, ""))
            rows.status[place] = max(status, -1)
            if status == INVALID:
                tally.invalid["status"] = tally.invalid.get("status", 0) + 1
        return True

    # -- both --------------------------------------------------------------------------------------------------

    def _events(self, rows: Rows, now: float, tally: Tally) -> Reading:
        """The events among the rows, judged and capped, with the accounting of all."""
        if self._plan.time.marks == "start":
            rows.time_us = rows.time_us + np.maximum(rows.duration_us, 0)
        height = len(rows.verdict)
        is_event = rows.verdict == EVENT
        future = is_event & (rows.time_us > int((now + FUTURE_SECONDS) * US))
        counts = np.bincount(rows.verdict, minlength=4)
        ahead = int(future.sum())
        accounting = Accounting(
            lines=height,
            events=int(counts[EVENT]) - ahead,
            continuations=int(counts[CONTINUED]),
            ignored=int(counts[IGNORED]),
            malformed=int(counts[MALFORMED]),
            future=ahead,
        )
        keep = is_event & ~future if ahead or counts[EVENT] != height else None
        for key, number in self._words.fixed.items():
            rows.ids[key] = np.full(height, number, dtype=np.int32)
        ids = {key: (column if keep is None else column[keep]) for key, column in rows.ids.items()}
        status = rows.status if keep is None else rows.status[keep]
        klass, side = self._judge(ids["code"], status, tally)
        final = {"class": klass, "side": side}
        for key, column in ids.items():
            final[key], overflow = self._capping[key].apply(column)
            if overflow:
                tally.overflow[key] = tally.overflow.get(key, 0) + overflow
        events = EventBlock(
            rows.time_us if keep is None else rows.time_us[keep],
            rows.duration_us if keep is None else rows.duration_us[keep],
            final,
        )
        return Reading(events, accounting, tally)

    def _judge(self, code: Numbers, status: Numbers, tally: Tally) -> tuple[Ids, Ids]:
        """Class and side of each event, as numbers, from its code and status; unknown codes are tallied."""
        pairs = code.astype(np.int64) * _STATUSES + status + 1
        distinct, inverse = _distinct(pairs)
        klass, side = np.zeros(len(distinct), dtype=np.int32), np.zeros(len(distinct), dtype=np.int32)
        for place, pair in enumerate(distinct.tolist()):
            key = (pair // _STATUSES, pair % _STATUSES - 1)
            judged = self._judged.get(key)
            if judged is None:
                value = self._words.found["code"].values[key[0]]
                verdict = judge(value, key[1] if key[1] >= 0 else None, self._codes)
                judged = (CLASSES.index(verdict.klass), SIDES.index(verdict.side), verdict.known)
                self._judged[key] = judged
            klass[place], side[place], known = judged
            if not known:
                value = self._words.found["code"].values[key[0]]
                tally.unknown_codes[value] = tally.unknown_codes.get(value, 0) + int((pairs == pair).sum())
        return klass[inverse], side[inverse]


def _distinct(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct numbers and each one's place among them; without sorting while the numbers are small."""
    if len(numbers) and int(numbers.max()) < 4_000_000:
        present = np.zeros(int(numbers.max()) + 1, dtype=np.bool_)
        present[numbers] = True
        distinct = np.flatnonzero(present)
        places = np.zeros(len(present), dtype=np.int64)
        places[distinct] = np.arange(len(distinct))
        return distinct, places[numbers]
    distinct, inverse = np.unique(numbers, return_inverse=True)
    return distinct, inverse


def _plain_ends(block: bytes) -> bytes:
    """The block with a line feed for every carriage return and line feed, also for one cut between the two."""
    while b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    return block.rstrip(b"\r") + b"\n" if block.endswith(b"\r") else block


def _lines(block: bytes) -> list[bytes]:
    if not block:
        return []
    return (block[:-1] if block.endswith(b"\n") else block).split(b"\n")
