"""Reading blocks of lines into events, by columns where a block is large and line by line where it is not.

Both ways give the same events: a block's columns only remember what the small path would say of each token,
and a line that the columns cannot vouch for is read by the small path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from domain.batch import Accounting
from domain.codes import SHIPPED, Judgement
from domain.patients import PatientKeys
from domain.settings import Format
from logwatch.by_lines import read_lines
from logwatch.columns import Columns
from logwatch.doubled import Passed, settle
from logwatch.events import EventBlock, Hashes, Tally
from logwatch.headings import Headed, Heading, parts, text_of
from logwatch.judging import Judging
from logwatch.kinds.base import Mask
from logwatch.memo import Numbers
from logwatch.patients import hashes
from logwatch.plan import Plan, plan
from logwatch.registry import Capping, Registry
from logwatch.rows import CONTINUED, EVENT, IGNORED, MALFORMED, Rows
from logwatch.samples import Samples
from logwatch.sorting import Sorter
from logwatch.times import US
from logwatch.vocabulary import Vocabulary

FUTURE_SECONDS = 300
# Below so many bytes (about 1,500 lines) a call of polars costs more than reading line by line.
SMALL_BYTES = 300_000
MANY = 1_500
_LINE_END, _AFTER_CONTROLS = 10, 14
_BOM = b"\xef\xbb\xbf"
# Lines that begin with a byte order mark, which only the small path takes away.
_MARKED = re.compile(rb"(?:\A|\n)" + _BOM)

Way = Literal["auto", "block", "small"]


@dataclass(slots=True)
class Reading:
    """What a block of lines gave. `places` says of each event which of the lines it is; None: every line is one."""

    events: EventBlock
    accounting: Accounting
    tally: Tally
    places: Numbers | None = None


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
        patients: PatientKeys | None = None,
        samples: Samples | None = None,
        path: str = "formats",
    ) -> None:
        planned = plan(form, fixed or {}, path)
        # Without keys no number is even looked for.
        self._plan = planned if patients else replace(planned, patient=None)
        self._patients = patients
        self._sorter = Sorter(form, path)
        self._codes, self._registry = {**self._plan.kind.codes(), **codes}, registry
        self._is_control: Mask = np.empty(0, dtype=np.bool_)
        kind = self._plan.kind
        self._headed = kind if isinstance(kind, Headed) and kind.header_from else None
        self._heading, self._under = Heading(), ""
        self._passed = Passed()
        self.samples = samples or Samples()
        self._begin()

    def _begin(self) -> None:
        """Begin the tables of tokens anew."""
        self._words = Vocabulary(self._plan)
        found = self._words.found
        self._capping = {key: Capping(self._registry, key, found[key]) for key in found}
        self._judging = Judging(found["code"], self._codes)

    @property
    def plan(self) -> Plan:
        """What is read of each line; under a heading, of those below the last one."""
        return self._plan

    @property
    def keys(self) -> Sequence[str]:
        """The keys that are read from the lines."""
        return list(self._plan.keys)

    @property
    def reads_durations(self) -> bool:
        """Whether lines are expected to hold a duration."""
        return self._plan.duration is not None

    @property
    def headed(self) -> str:
        """Where files name their columns themselves: "first", "directive", or "" for nowhere."""
        return self._headed.header_from if self._headed else ""

    @property
    def join_seconds(self) -> float:
        """How long an event at a file's end waits for more of its lines; 0 where no lines are joined."""
        return self._sorter.join_seconds

    def held(self, block: bytes) -> int:
        """How many bytes at the end of a block belong to an event that the next line may still continue."""
        return self._sorter.held(block)

    def learn(self, block: bytes, heading: Heading) -> None:
        """Learn the heading in force behind some whole lines that are not read again."""
        if self._headed:
            for _, found in parts(block, self._headed, heading.line, self._counts):
                heading.line = found or heading.line

    def read(
        self,
        block: bytes,
        now: float,
        way: Way = "auto",
        passed: Passed | None = None,
        heading: Heading | None = None,
    ) -> Reading:
        """The events of some whole lines and what became of each line.

        `now` (epoch seconds) is the measure of what lies in the future, and gives the year to times that name
        none. `passed` and `heading` belong to the lines' file: how far it came around a doubled hour, and what
        names its columns; where a reader reads one file only, it may keep that itself. The last line may lack
        its line end.
        """
        tally = Tally()
        if self._headed:
            rows = self._under_headings(block, self._headed, heading or self._heading, tally, now, way)
        else:
            rows = self._rows(block, tally, now, way)
        settle(rows.time_us, rows.local, self._plan.zone, passed or self._passed)
        reading = self._events(rows, now, tally)
        if self._words.is_full:
            self._begin()
        return reading

    def _rows(self, block: bytes, tally: Tally, now: float, way: Way) -> Rows:
        if way == "small" or (way == "auto" and len(block) < SMALL_BYTES):
            return self._by_lines(_plain_ends(block) if b"\r" in block else block, tally, now)
        return self._by_columns(block, tally, now)

    def _under_headings(self, block: bytes, kind: Headed, heading: Heading, tally: Tally, now: float, way: Way) -> Rows:
        """The rows of lines whose columns are named among them; a heading is a line that is ignored."""
        found = []
        for part, fresh in parts(block, kind, heading.line, self._counts):
            if fresh:
                heading.line = fresh
                found.append(Rows.of(1, IGNORED))
                continue
            if self._under != heading.line:
                self._under = heading.line
                self._plan = replace(self._plan, kind=kind.under(heading.line))
            found.append(self._rows(part, tally, now, way))
        return found[0] if len(found) == 1 else Rows.joined(found)

    def _counts(self, line: str) -> bool:
        return self._sorter.sort(line) != IGNORED

    def _by_columns(self, block: bytes, tally: Tally, now: float) -> Rows:
        ends, odd = self._line_ends(block)
        if odd and b"\r" in block:
            block = _plain_ends(block)
            ends, odd = self._line_ends(block)
        height = len(ends) + (not block.endswith(b"\n") and bool(block))
        columns = Columns.of(block, height, odd, self._plan, self._words)
        if columns is None:
            return self._by_lines(block, tally, now)
        if _BOM[:1] in block and _BOM in block:
            marked = [match.end() - 1 for match in _MARKED.finditer(block)]
            columns.sound[np.searchsorted(ends, marked)] = False
        if self._sorter.may_sort_out(block, columns.beginning):
            columns.sound &= self._ordinary(block)
        columns.tally(tally)
        self._mend(block, ends, columns.rows, columns.sound, tally, now)
        return columns.rows

    def _by_lines(self, block: bytes, tally: Tally, now: float) -> Rows:
        return self._read_lines(_lines(block), tally, now)

    def _read_lines(self, lines: Sequence[bytes], tally: Tally, now: float) -> Rows:
        return read_lines(lines, self._plan, self._words, self._sorter, self.samples, tally, now)

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

    def _mend(self, block: bytes, ends: Numbers, rows: Rows, sound: Mask, tally: Tally, now: float) -> None:
        """Read the lines that the columns could not vouch for: as columns of their own layout if they are many."""
        if sound.all():
            return
        places = np.flatnonzero(~sound)
        stops = np.append(ends, len(block))
        starts = np.concatenate(([0], ends + 1))
        lines = [block[start:stop] for start, stop in zip(starts[places], stops[places], strict=True)]
        if MANY <= len(places) <= len(sound) // 2:
            rows.put(places, self._by_columns(b"\n".join(lines) + b"\n", tally, now))
        else:
            rows.put(places, self._read_lines(lines, tally, now))

    def _ordinary(self, block: bytes) -> Mask:
        """Lines that no pattern of the format ignores, and that are an event by themselves."""
        texts = [text_of(line) for line in _lines(block)]
        sorted_as = zip(self._sorter.sort_all(texts), texts, strict=True)
        return np.array([verdict == EVENT and whole is text for (verdict, whole), text in sorted_as], dtype=np.bool_)

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
        keep = np.flatnonzero(is_event & ~future) if ahead or counts[EVENT] != height else None
        for key, number in self._words.fixed.items():
            rows.ids[key] = np.full(height, number, dtype=np.int32)
        ids = {key: (column if keep is None else column[keep]) for key, column in rows.ids.items()}
        status = None
        if self._plan.status:
            status = rows.status if keep is None else rows.status[keep]
        klass, side = self._judging.judge(ids["code"], status, tally)
        final = {"class": klass, "side": side}
        for key, column in ids.items():
            final[key], overflow = self._capping[key].apply(column)
            if overflow:
                tally.overflow[key] = tally.overflow.get(key, 0) + overflow
        time_us = rows.time_us if keep is None else rows.time_us[keep]
        events = EventBlock(
            time_us,
            rows.duration_us if keep is None else rows.duration_us[keep],
            final,
            self._hashed(rows, keep, time_us),
            {name: rows.value(name) if keep is None else rows.value(name)[keep] for name in self._plan.values},
        )
        return Reading(events, accounting, tally, keep)

    def _hashed(self, rows: Rows, keep: Numbers | None, time_us: Numbers) -> Hashes | None:
        """The keyed hashes of the patients, whose numbers are forgotten; None where none are looked for."""
        if self._patients is None or self._plan.patient is None:
            return None
        numbers, rows.patient = rows.patients(), None
        return hashes(numbers if keep is None else numbers[keep], time_us, self._patients)


def _plain_ends(block: bytes) -> bytes:
    """The block with a line feed for every carriage return and line feed, also for one cut between the two."""
    while b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    return block.rstrip(b"\r") + b"\n" if block.endswith(b"\r") else block


def _lines(block: bytes) -> list[bytes]:
    if not block:
        return []
    return (block[:-1] if block.endswith(b"\n") else block).split(b"\n")
