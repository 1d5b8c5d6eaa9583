"""Reading blocks of lines into events, by columns where a block is large and line by line where it is not.

Both ways give the same events: a block's columns only remember what the small path would say of each token,
and a line that the columns cannot vouch for is read by the small path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from domain.batch import Accounting
from domain.codes import CLASSES, SHIPPED, SIDES, Judgement, judge
from domain.errors import ConfigError
from domain.settings import Fields, FieldSpec, Format, TimeField
from logwatch.events import LINE_KEYS, Dictionary, EventBlock, Tally
from logwatch.kinds import KINDS
from logwatch.kinds.base import Column, Mask, Request
from logwatch.meaning import (
    PATTERN_SECONDS,
    Meaning,
    compile_pattern,
    duration_meaning,
    endpoint_meaning,
    key_meaning,
    pharmacy_meaning,
    raw_field,
)
from logwatch.memo import INVALID, MOST_TOKENS, REJECTED, Memo, Numbers, TokenTable
from logwatch.registry import Capping, Registry
from logwatch.samples import Samples
from logwatch.times import US, head_length, localise, read_head, read_tail, read_time

FUTURE_SECONDS = 300
# Below so many bytes (about 1,500 lines) a call of polars costs more than reading line by line.
SMALL_BYTES = 300_000
MANY = 1_500
_LINE_END = 10
_DURATIONS = {"duration_us": 1, "duration_ms": 1_000, "duration_s": US}

_BEGINNING = re.compile(r"\^([A-Za-z0-9#;%!@&/ ,:'\"_-]+)")

Way = Literal["auto", "block", "small"]
_IGNORED, _CONTINUED, _MALFORMED, _EVENT = range(4)


@dataclass(slots=True)
class Reading:
    """What a block of lines gave."""

    events: EventBlock
    accounting: Accounting
    tally: Tally


@dataclass(slots=True)
class _Rows:
    """Lines understood so far: for each its verdict and, where it is an event, its numbers."""

    verdict: Numbers
    time_us: Numbers
    duration_us: Numbers
    status: Numbers
    ids: dict[str, Numbers]

    @classmethod
    def of(cls, height: int) -> _Rows:
        return cls(
            np.full(height, _MALFORMED, dtype=np.int64),
            np.zeros(height, dtype=np.int64),
            np.full(height, -1, dtype=np.int64),
            np.full(height, -1, dtype=np.int64),
            {key: np.zeros(height, dtype=np.int64) for key in LINE_KEYS},
        )

    def put(self, places: Numbers, rows: _Rows) -> None:
        """Take over the rows read for some of the lines."""
        self.verdict[places] = rows.verdict
        self.time_us[places] = rows.time_us
        self.duration_us[places] = rows.duration_us
        self.status[places] = rows.status
        for key, ids in rows.ids.items():
            self.ids[key][places] = ids


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which field of the line is read for what, and what its tokens mean."""

    time: TimeField
    keys: Mapping[str, tuple[str, Meaning]]
    duration: tuple[str, Callable[[str], tuple[int, bool]]] | None
    status: str
    fixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> list[str]:
        """Every field that is read, each once."""
        names = [self.time.field, *(name for name, _ in self.keys.values())]
        names += [self.duration[0]] if self.duration else []
        names += [self.status] if self.status else []
        return list(dict.fromkeys(names))


def plan(form: Format, fixed: Mapping[str, str], path: str) -> _Plan:
    """What to read of each line of a format. Raises ConfigError naming the place below `path`."""
    kind = KINDS.get(form.kind)
    if kind is None:
        raise ConfigError(
            f'"{form.kind}" is not a kind of log', path=f"{path}.kind", mend=f"Write one of: {', '.join(KINDS)}"
        )
    named, natural = form.fields, kind.defaults()
    specs: dict[str, FieldSpec] = {
        name: getattr(named, name) or getattr(natural, name) for name in Fields.__struct_fields__
    }
    keys: dict[str, tuple[str, Meaning]] = {}
    for key in LINE_KEYS:
        spec = specs[key]
        if not spec or fixed.get(key):
            continue
        at = f"{path}.fields.{key}"
        if key == "pharmacy":
            meaning = pharmacy_meaning(spec, at)
        elif key == "endpoint":
            meaning = endpoint_meaning(spec, form.template, at)
        else:
            meaning = key_meaning(spec, at)
        keys[key] = (raw_field(spec), meaning)
    duration = None
    for name, factor in _DURATIONS.items():
        if specs[name]:
            duration = (raw_field(specs[name]), duration_meaning(specs[name], factor, f"{path}.fields.{name}"))
            break
    time = form.time or TimeField(field=kind.time_field(), marks="start" if form.kind == "access" else "end")
    return _Plan(time, keys, duration, raw_field(specs["status"]) if specs["status"] else "", fixed)


class Reader:
    """Reads the lines of one format and remembers what their tokens mean.

    `fixed` holds keys that the source gives to all its lines (hub, server). Dictionaries of the events' ids
    are the registry's; one reader belongs to one thread.
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
        self._kind = KINDS[form.kind]() if form.kind in KINDS else None
        self._plan = plan(form, fixed or {}, path)
        assert self._kind is not None  # noqa: S101 (plan refused any other)
        self._zone = _zone(self._plan.time.zone, path)
        self._ignore = [compile_pattern(text, f"{path}.ignore") for text in form.ignore]
        self._starts = compile_pattern(form.join.starts, f"{path}.join.starts") if form.join else None
        plain = [_BEGINNING.fullmatch(text) for text in form.ignore]
        self._beginnings = None if None in plain else [match[1].encode() for match in plain if match]
        self._codes = codes
        self._registry = registry
        self.samples = samples or Samples()
        self._begin()

    def _begin(self) -> None:
        """Begin the tables of tokens anew."""
        self._found = {key: Dictionary() for key in LINE_KEYS}
        self._capping = {key: Capping(self._registry, key, self._found[key]) for key in LINE_KEYS}
        self._table = TokenTable()
        self._tokens: dict[str, dict[str, int]] = {key: {} for key in self._plan.keys}
        self._memos = {key: Memo(self._number(key, meaning)) for key, (_, meaning) in self._plan.keys.items()}
        self._duration_memo = Memo(self._duration)
        self._status_memo = Memo(_status)
        self._tail_table = TokenTable()
        self._tail_memo = Memo(_tail)
        self._fraction_memo = Memo(lambda text: (read_tail(text) or (0, None))[0])
        self._judged: dict[tuple[int, int], tuple[int, int, bool]] = {}
        self._fixed = {key: self._found[key].id_of(value) for key, value in self._plan.fixed.items() if value}

    @property
    def keys(self) -> Sequence[str]:
        """The keys that are read from the lines."""
        return list(self._plan.keys)

    @property
    def reads_durations(self) -> bool:
        """Whether lines are expected to hold a duration."""
        return self._plan.duration is not None

    def _number(self, key: str, meaning: Meaning) -> Callable[[str], int]:
        """Token to number in the reader's own dictionary, remembered for both paths."""
        seen, found = self._tokens[key], self._found[key]

        def number(token: str) -> int:
            known = seen.get(token)
            if known is None:
                value, bad = meaning(token)
                known = seen[token] = INVALID if bad else found.id_of(value)
            return known

        return number

    def _duration(self, token: str) -> int:
        if self._plan.duration is None:
            return -1
        micros, bad = self._plan.duration[1](token)
        return INVALID if bad else micros

    def read(self, block: bytes, now: float, way: Way = "auto") -> Reading:
        """The events of some whole lines and what became of each line.

        `now` (epoch seconds) is the measure of what lies in the future. The last line may lack its line end.
        """
        # One character is found much faster than two, and most logs hold none of these.
        while b"\r" in block and b"\r\n" in block:
            block = block.replace(b"\r\n", b"\n")
        tally = Tally()
        if way == "small" or (way == "auto" and len(block) < SMALL_BYTES):
            rows = self._by_lines(_lines(block), tally)
        else:
            rows = self._by_columns(block, tally)
        height = len(rows.verdict)
        reading = self._events(rows, height, now, tally)
        if (
            max(map(len, self._found.values())) > MOST_TOKENS
            or max(map(len, self._memos.values()), default=0) > MOST_TOKENS
        ):
            self._begin()
        return reading

    # -- by columns --------------------------------------------------------------------------------------------

    def _by_columns(self, block: bytes, tally: Tally) -> _Rows:
        ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == _LINE_END)
        height = len(ends) + (not block.endswith(b"\n") and bool(block))
        request = Request(self._plan.wanted, self._plan.time.field, self._table.dtype)
        try:
            split = self._kind.split(block, request) if self._kind else None
        except pl.exceptions.PolarsError:
            # The small path reads anything; what the columns' reader stumbled over is counted there line by line.
            split = None
        if split is None or len(next(iter(split.columns.values())).tokens) != height:
            return self._by_lines(_lines(block), tally)
        sound: Mask = np.ones(height, dtype=np.bool_) if split.sound is None else split.sound.copy()
        rows = _Rows.of(height)
        rows.verdict[:] = _EVENT
        unusable: dict[str, Mask] = {}

        def look_up(memo: Memo, column: Column, name: str) -> Numbers:
            numbers, rejected, invalid = memo.look_up(column)
            if rejected is not None:
                np.logical_and(sound, ~rejected, out=sound)
            if invalid is not None:
                unusable[name] = invalid
                numbers[invalid] = 0 if name in self._memos else -1
            return numbers

        times = split.columns.get(self._plan.time.field)
        if times is None or not self._times(times, rows.time_us, sound):
            return self._by_lines(_lines(block), tally)
        for key, (name, _) in self._plan.keys.items():
            if name in split.columns:
                rows.ids[key] = look_up(self._memos[key], split.columns[name], key)
        if self._plan.duration is not None and self._plan.duration[0] in split.columns:
            rows.duration_us = look_up(self._duration_memo, split.columns[self._plan.duration[0]], "duration")
        if self._plan.status and self._plan.status in split.columns:
            rows.status = look_up(self._status_memo, split.columns[self._plan.status], "status")
        if self._starts is not None or not self._nothing_ignored(block):
            np.logical_and(sound, self._ordinary(block), out=sound)
        self._mend(block, ends, rows, sound, tally)
        for name, mask in unusable.items():
            count = int((mask & sound).sum())
            if count:
                tally.invalid[name] = tally.invalid.get(name, 0) + count
        return rows

    def _mend(self, block: bytes, ends: Numbers, rows: _Rows, sound: Mask, tally: Tally) -> None:
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

    def _times(self, column: Column, out: Numbers, sound: Mask) -> bool:
        """Read a column of times into `out`; False when its shape is not one that columns can read."""
        sample = next((text for text in column.tokens.head(64) if text and text.startswith(column.prefix)), "")
        value = sample[len(column.prefix) :]
        cut = len(column.prefix) + head_length(value)
        if read_head(value[: head_length(value)]) is None:
            return False
        # Heads hardly come again in a later block; tails do.
        head_table = TokenTable()
        heads = Column(column.tokens.str.head(cut).cast(head_table.dtype), column.prefix)
        tails = Column(column.tokens.str.slice(cut).cast(self._tail_table.dtype))
        head_us, rejected, _ = Memo(_head).look_up(heads)
        if rejected is not None:
            np.logical_and(sound, ~rejected, out=sound)
        tail_us, rejected, local = self._tail_memo.look_up(tails)
        if rejected is not None:
            np.logical_and(sound, ~rejected, out=sound)
        np.add(head_us, tail_us, out=out)
        if local is not None:
            local_us = Memo(lambda text: localise(_head(text), self._zone) if _head(text) != REJECTED else REJECTED)
            where = local & sound
            out[where] = local_us.look_up(heads)[0][where] + self._fraction_memo.look_up(tails)[0][where]
        return True

    def _nothing_ignored(self, block: bytes) -> bool:
        """Whether no line of the block can be one to ignore; only sure where all patterns are plain beginnings."""
        if self._beginnings is None:
            return False
        return not any(
            start in block and (block.startswith(start) or b"\n" + start in block) for start in self._beginnings
        )

    def _ordinary(self, block: bytes) -> Mask:
        """Lines that no pattern of the format ignores and that start an event."""
        return np.array(
            [self._sort(line.decode("utf-8", "replace")) == _EVENT for line in _lines(block)], dtype=np.bool_
        )

    # -- line by line ------------------------------------------------------------------------------------------

    def _sort(self, text: str) -> int:
        """Whether a line is ignored, continues an event, or should be one."""
        if not text.strip():
            return _IGNORED
        try:
            if any(pattern.search(text, timeout=PATTERN_SECONDS) for pattern in self._ignore):
                return _IGNORED
            if self._starts is not None and not self._starts.search(text, timeout=PATTERN_SECONDS):
                return _CONTINUED
        except TimeoutError:
            return _MALFORMED
        return _EVENT

    def _by_lines(self, lines: Sequence[bytes], tally: Tally) -> _Rows:
        rows = _Rows.of(len(lines))
        for place, line in enumerate(lines):
            text = line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r")
            verdict = self._sort(text)
            if verdict == _EVENT and not self._read_line(text, rows, place, tally):
                verdict = _MALFORMED
            rows.verdict[place] = verdict
            if verdict == _MALFORMED:
                self.samples.add(text)
        return rows

    def _read_line(self, text: str, rows: _Rows, place: int, tally: Tally) -> bool:
        """Understand one line into row `place`; False when its structure or its time cannot be read."""
        fields = self._kind.fields(text) if self._kind else None
        if fields is None:
            return False
        time_us = read_time(fields.get(self._plan.time.field, ""), self._zone)
        if time_us is None:
            return False
        rows.time_us[place] = time_us
        for key, (name, _) in self._plan.keys.items():
            number = self._memos[key].read(fields.get(name, ""))
            rows.ids[key][place] = max(number, 0)
            if number == INVALID:
                tally.invalid[key] = tally.invalid.get(key, 0) + 1
        if self._plan.duration is not None:
            duration = self._duration(fields.get(self._plan.duration[0], ""))
            rows.duration_us[place] = max(duration, -1)
            if duration == INVALID:
                tally.invalid["duration"] = tally.invalid.get("duration", 0) + 1
        if self._plan.status:
            status = _status(fields.get(self._plan.status, ""))
            rows.status[place] = max(status, -1)
            if status == INVALID:
                tally.invalid["status"] = tally.invalid.get("status", 0) + 1
        return True

    # -- both --------------------------------------------------------------------------------------------------

    def _events(self, rows: _Rows, height: int, now: float, tally: Tally) -> Reading:
        """The events among the rows, judged and capped, with the accounting of all."""
        if self._plan.time.marks == "start":
            rows.time_us = rows.time_us + np.maximum(rows.duration_us, 0)
        is_event = rows.verdict == _EVENT
        future = is_event & (rows.time_us > int((now + FUTURE_SECONDS) * US))
        counts = np.bincount(rows.verdict, minlength=4)
        ahead = int(future.sum())
        accounting = Accounting(
            lines=height,
            events=int(counts[_EVENT]) - ahead,
            continuations=int(counts[_CONTINUED]),
            ignored=int(counts[_IGNORED]),
            malformed=int(counts[_MALFORMED]),
            future=ahead,
        )
        keep = is_event & ~future if ahead or counts[_EVENT] != height else None
        for key, number in self._fixed.items():
            rows.ids[key] = np.full(height, number, dtype=np.int64)
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

    def _judge(self, code: Numbers, status: Numbers, tally: Tally) -> tuple[np.ndarray, np.ndarray]:
        """Class and side of each event, as numbers, from its code and status; unknown codes are tallied."""
        pairs = code * 1_001 + status + 1
        distinct, inverse = _distinct(pairs)
        klass, side = np.zeros(len(distinct), dtype=np.int32), np.zeros(len(distinct), dtype=np.int32)
        for place, pair in enumerate(distinct.tolist()):
            key = (pair // 1_001, pair % 1_001 - 1)
            judged = self._judged.get(key)
            if judged is None:
                value = self._found["code"].values[key[0]]
                verdict = judge(value, key[1] if key[1] >= 0 else None, self._codes)
                judged = (CLASSES.index(verdict.klass), SIDES.index(verdict.side), verdict.known)
                self._judged[key] = judged
            klass[place], side[place], known = judged
            if not known:
                value = self._found["code"].values[key[0]]
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


def _status(token: str) -> int:
    if token in ("", "-"):
        return -1
    return int(token) if len(token) == 3 and token.isascii() and token.isdigit() else INVALID


def _head(text: str) -> int:
    head = read_head(text)
    return REJECTED if head is None else head


def _tail(text: str) -> int:
    """Fraction minus offset; INVALID marks a time without a zone, which needs its head to be placed."""
    tail = read_tail(text)
    if tail is None:
        return REJECTED
    return INVALID if tail[1] is None else tail[0] - tail[1]


def _lines(block: bytes) -> list[bytes]:
    if not block:
        return []
    return (block[:-1] if block.endswith(b"\n") else block).split(b"\n")


def _zone(name: str, path: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f'"{name}" is not a time zone', path=f"{path}.time.zone", mend='Write one such as "Europe/Brussels"'
        ) from error
