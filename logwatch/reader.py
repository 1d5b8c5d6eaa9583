"""Reading blocks of lines into events, by columns where a block is large and line by line where it is not.

Both ways give the same events: a block's columns only remember what the small path would say of each token,
and a line that the columns cannot vouch for is read by the small path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from domain.batch import Accounting
from domain.codes import SHIPPED, Judgement
from domain.patients import PatientKeys
from domain.settings import Format
from logwatch.blocks import Blocks
from logwatch.by_lines import read_lines
from logwatch.doubled import Passed, settle
from logwatch.events import Tally
from logwatch.guarded import spending
from logwatch.headings import Headed, Heading, parts, text_of
from logwatch.kinds.base import Mask
from logwatch.lines import lines_in, plain_ends
from logwatch.memo import Numbers
from logwatch.pairing import Joined, Pairing, calls_of
from logwatch.plan import Plan, plan
from logwatch.reading import FUTURE_SECONDS, Judged, Reading, divided
from logwatch.registry import Registry
from logwatch.rows import CONTINUED, EVENT, IGNORED, MALFORMED, Rows
from logwatch.samples import Samples
from logwatch.sorting import Sorter
from logwatch.times import US
from logwatch.vocabulary import Vocabulary

__all__ = ["FUTURE_SECONDS", "Reader", "Reading", "Way"]

MANY = 1_500

Way = Literal["auto", "block", "small"]


class Reader:
    """Reads the lines of one format and remembers what their tokens mean.

    `fixed` holds keys that the source gives to all its lines (hub, server); those of `without` are not read.
    Numbers of the events' ids are those of the registry's dictionaries; one reader belongs to one thread. `secret`
    is the key under which the ids of calls are kept that wait for their end, `source` whose calls they are.
    """

    def __init__(
        self,
        form: Format,
        registry: Registry,
        *,
        fixed: Mapping[str, str] | None = None,
        codes: Mapping[str, Judgement] = SHIPPED,
        patients: PatientKeys | None = None,
        without: Collection[str] = (),
        samples: Samples | None = None,
        path: str = "formats",
        source: str = "",
        secret: bytes = b"",
    ) -> None:
        planned = plan(form, fixed or {}, path)
        planned = replace(planned, keys={key: read for key, read in planned.keys.items() if key not in without})
        # Without keys no number is even looked for.
        self._plan = planned if patients else replace(planned, patient=None)
        self._patients = patients
        self._sorter = Sorter(form, path)
        self.pairing = Pairing(form.pair, source, secret) if form.pair else None
        no_end = {form.pair.code.upper(): Judgement("technical", "", True)} if form.pair else {}
        self._codes, self._registry = {**no_end, **self._plan.kind.codes(), **codes}, registry
        self._file, self._of_file = "", dict[str, tuple[str, bool]]()
        self._blocks = Blocks()
        kind = self._plan.kind
        self._headed = kind if isinstance(kind, Headed) and kind.header_from else None
        self._heading, self._under = Heading(), ""
        self._passed = Passed()
        self.samples = samples or Samples()
        self._begin()

    def _begin(self) -> None:
        """Begin the tables of tokens anew."""
        self._words = Vocabulary(self._plan)
        self._judged = Judged(self._words, self._registry, self._codes, self._patients)

    @property
    def plan(self) -> Plan:
        """What is read of each line; under a heading, of those below the last one."""
        return self._plan

    @property
    def keys(self) -> Sequence[str]:
        """The keys that are read from the lines."""
        return [*self._plan.keys, *self._plan.of_file]

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

    def event_text(self, lines: Iterable[bytes]) -> str:
        """The text of the event that the first of some whole lines begins: that line, or more where they are joined."""
        texts = map(text_of, lines)
        return next(self._sorter.sort_all(texts))[1] if self._sorter.joins else next(texts)

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
        file: str = "",
        identity: str = "",
    ) -> Reading:
        """The events of some whole lines and what became of each line.

        `now` (epoch seconds) is the measure of what lies in the future, and gives the year to times that name
        none. `passed` and `heading` belong to the lines' file: how far it came around a doubled hour, and what
        names its columns; where a reader reads one file only, it may keep that itself. `file` is that file's path,
        `identity` its name for the checkpoint. The last line may lack its line end.
        """
        tally = Tally()
        called: dict[int, str] | None = None if self.pairing is None else {}
        with spending(tally.runaway):
            if self._headed:
                rows = self._under_headings(block, self._headed, heading or self._heading, tally, now, way)
            else:
                rows = self._rows(block, tally, now, way, called)
            self._name(rows, file, tally)
        settle(rows.time_us, rows.local, self._plan.zone, passed or self._passed)
        if self.pairing is None or called is None:
            reading = self._judged.events(rows, self._plan, now, tally)
        else:
            latest_us = int((now + FUTURE_SECONDS) * US)
            joined = self.pairing.read(rows, called, self._words.found, identity, now, latest_us, tally)
            reading = self._calls(joined, rows, now, tally)
        if self._words.is_full:
            self._begin()
        return reading

    @property
    def reads_together(self) -> bool:
        """Whether `read_together` may be asked: nothing in a line hangs on its file, but its time without a zone."""
        return not (self._headed or self.pairing or self._sorter.joins or self._plan.of_file)

    def read_together(self, parts: Sequence[tuple[bytes, Passed]], now: float) -> list[Reading]:
        """The readings of whole lines of several files, each with what is known of its file's doubled hours.

        As if each were read by itself, but for the tally, which is in the first. What many files give in one look is
        little each, and a look costs the same for few lines as for many.
        """
        tally, bounds = Tally(), np.cumsum([0, *(block.count(b"\n") for block, _ in parts)]).tolist()
        with spending(tally.runaway):
            rows = self._rows(b"".join(block for block, _ in parts), tally, now, "auto")
        if rows.local.any():
            for (_, passed), begin, end in zip(parts, bounds[:-1], bounds[1:], strict=True):
                settle(rows.time_us[begin:end], rows.local[begin:end], self._plan.zone, passed)
        reading = self._judged.events(rows, self._plan, now, tally)
        if self._words.is_full:
            self._begin()
        return divided(reading, rows, bounds)

    def silent(self, now: float) -> Reading | None:
        """The calls whose end did not come while all files were read to their end; None for none."""
        joined = self.pairing.silent(now) if self.pairing else None
        return self._calls(joined, Rows.of(0, EVENT), now, Tally()) if joined and joined.calls else None

    def _calls(self, joined: Joined, rows: Rows, now: float, tally: Tally) -> Reading:
        """The reading of lines that were joined to calls."""
        code = self.pairing.code if self.pairing else ""
        calls = calls_of(code, joined, rows, self._words.found, tally)
        counts = np.bincount(rows.verdict, minlength=EVENT)
        others = Accounting(
            lines=int(counts[:EVENT].sum()),
            ignored=int(counts[IGNORED]),
            continuations=int(counts[CONTINUED]),
            malformed=int(counts[MALFORMED]),
        )
        reading = self._judged.events(calls, self._plan, now, tally)
        places = np.array([place for place, _, _ in joined.calls], dtype=np.int64)
        return replace(reading, accounting=others + joined.accounting, places=places, elsewhere=joined.elsewhere)

    def _name(self, rows: Rows, file: str, tally: Tally) -> None:
        """Give all lines the keys that their file's name holds."""
        if not self._plan.of_file:
            return
        if self._file != file:
            self._file, self._of_file = file, {key: meaning(file) for key, meaning in self._plan.of_file.items()}
        for key, (value, bad) in self._of_file.items():
            rows.ids[key][:] = self._words.found[key].id_of(value)
            if bad:
                tally.invalid[key] = tally.invalid.get(key, 0) + int((rows.verdict >= EVENT).sum())

    def _rows(self, block: bytes, tally: Tally, now: float, way: Way, called: dict[int, str] | None = None) -> Rows:
        if way == "small" or (way == "auto" and len(block) < self._plan.kind.small_bytes()) or called is not None:
            return self._by_lines(plain_ends(block) if b"\r" in block else block, tally, now, called)
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
        columns, block, ends = self._blocks.look(block, self._plan, self._words)
        if columns is None:
            return self._by_lines(block, tally, now)
        if self._sorter.may_sort_out(block, columns.beginning):
            columns.sound &= self._ordinary(block)
        columns.tally(tally)
        self._mend(block, ends, columns.rows, columns.sound, tally, now)
        return columns.rows

    def _by_lines(self, block: bytes, tally: Tally, now: float, called: dict[int, str] | None = None) -> Rows:
        return self._read_lines(lines_in(block), tally, now, called)

    def _read_lines(
        self, lines: Sequence[bytes], tally: Tally, now: float, called: dict[int, str] | None = None
    ) -> Rows:
        return read_lines(lines, self._plan, self._words, self._sorter, self.samples, tally, now, called)

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
        texts = [text_of(line) for line in lines_in(block)]
        sorted_as = zip(self._sorter.sort_all(texts), texts, strict=True)
        return np.array([verdict == EVENT and whole is text for (verdict, whole), text in sorted_as], dtype=np.bool_)
