"""Reading a block by columns: the kind splits it, and each distinct token is looked at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from logwatch.kinds.base import Column, Mask, Request, Split
from logwatch.looked import Looked
from logwatch.memo import REJECTED, Memo, Numbers, TokenTable
from logwatch.patients import DIGITS, number_in, numbers_in
from logwatch.plan import Plan
from logwatch.times import head_length, localise_all, read_head, read_heads
from logwatch.vocabulary import Vocabulary

# Names of columns of our own; no field of a line holds a space in its name.
_HEAD, _TAIL, _SOUND = " head", " tail", " sound"
_SAMPLES = 64


class Columns(Looked):
    """One block as columns. `rows` is filled by `read`; lines outside `sound` are for the small path."""

    def __init__(self, plan: Plan, words: Vocabulary, split: Split, height: int) -> None:
        super().__init__(height, split.beginning)
        self._plan, self._words, self._split = plan, words, split
        if split.sound is not None:
            self.sound &= split.sound

    @classmethod
    def of(cls, block: bytes, height: int, odd: bool, plan: Plan, words: Vocabulary) -> Columns | None:
        """The block's columns; None where it must be read line by line.

        `odd` says whether it holds control characters other than line ends.
        """
        try:
            split = plan.kind.split(block, Request(plan.wanted, plan.time.field, words.table.dtype, odd, plan.texts))
        except pl.exceptions.PolarsError:
            # The small path reads anything; what the columns' reader stumbled over is counted there line by line.
            return None
        if split is None or split.frame.height != height or plan.time.field not in split.columns:
            return None
        columns = cls(plan, words, split, height)
        return columns if columns._read() else None

    def _read(self) -> bool:
        """Fill the rows; False when the times have a shape that columns cannot read."""
        time = self._split.columns[self._plan.time.field]
        cut = 0 if self._plan.moments.declared else self._cut(time)
        if cut == 0:
            return False
        words, frame = self._words, self._split.frame
        heads_table = TokenTable()
        wanted = {field: column for field, column in self._split.columns.items() if field not in self._plan.texts}
        # One call for all columns: each call of polars costs a tenth of a millisecond by itself.
        picked = [pl.col(column.name).to_physical().fill_null(0).alias(field) for field, column in wanted.items()]
        picked += [pl.col(guard.name).to_physical().fill_null(0).alias(guard.prefix) for guard in self._split.guards]
        text = pl.col(time.name).str
        picked += [
            text.head(cut).cast(heads_table.dtype).to_physical().fill_null(0).alias(_HEAD),
            text.slice(cut).cast(words.tails.dtype).to_physical().fill_null(0).alias(_TAIL),
        ]
        if self._split.checks:
            picked.append(pl.all_horizontal(self._split.checks).fill_null(False).alias(_SOUND))
        codes = frame.select(picked)
        if self._split.checks:
            self.sound &= codes[_SOUND].to_numpy()
        self._read_times(codes, heads_table, time, cut)
        for guard in self._split.guards:
            self._numbers(words.guard(guard.prefix), codes[guard.prefix], guard, self._text(guard))
        for key, (field, _) in self._plan.keys.items():
            if field in wanted:
                self.rows.ids[key] = self._look_up(words.keys[key], codes, wanted[field], field, key, 0)
            elif (number := words.keys[key].read("")) > 0:
                # No line holds the field, and a template makes something of nothing.
                self.rows.ids[key][:] = number
        if self._plan.duration is not None and (field := self._plan.duration[0]) in wanted:
            self.rows.duration_us = self._look_up(words.duration, codes, wanted[field], field, "duration", -1)
        if (field := self._plan.status) in wanted:
            self.rows.status = self._look_up(words.status, codes, wanted[field], field, "status", -1)
        for name, (field, _) in self._plan.values.items():
            if field in wanted:
                numbers, invalid = self._numbers(
                    words.values[name], codes[field], wanted[field], self._text(wanted[field])
                )
                self.take_value(name, (numbers, None, invalid))
        if self._plan.patient is not None and (field := self._plan.patient[0]) in self._split.columns:
            self.rows.patient = self._patients(self._split.columns[field], self._plan.patient[1])
        return True

    def _patients(self, column: Column, part: Callable[[str], str] | None) -> Numbers:
        """The patient's number of each line: only texts that are long enough for one leave the frame."""
        text = pl.col(column.name).cast(pl.String).fill_null("")
        sound = text.str.starts_with(column.prefix)
        if column.banned:
            sound &= ~text.str.contains(column.banned, literal=True)
        long = text.str.len_bytes() >= len(column.prefix.encode()) + DIGITS
        looked = self._split.frame.select(sound.alias(_SOUND), long.alias(_TAIL), text.alias(_HEAD))
        self.sound &= looked[_SOUND].to_numpy()
        numbers = np.zeros(len(looked), dtype=np.int64)
        places = np.flatnonzero(looked[_TAIL].to_numpy())
        texts = [token[len(column.prefix) :] for token in looked[_HEAD].gather(places).to_list()]
        if part is not None:
            numbers[places] = [number_in(part(token)) for token in texts]
            return numbers
        lines = [token.encode() for token in texts]
        stops = np.cumsum([len(line) + 1 for line in lines], dtype=np.int64) - 1
        starts = np.concatenate(([0], stops + 1))[:-1]
        numbers[places] = numbers_in(np.frombuffer(b"\n".join(lines), dtype=np.uint8), starts, stops)
        return numbers

    def _look_up(
        self, memo: Memo, codes: pl.DataFrame, column: Column, field: str, name: str, unusable: int
    ) -> Numbers:
        """The numbers of one column; what could not be read is marked."""
        numbers, invalid = self._numbers(memo, codes[field], column, self._text(column))
        return self.take(name, (numbers, None, invalid), unusable)

    def _text(self, column: Column) -> Callable[[Numbers], list[str]]:
        tokens = self._split.frame[column.name]
        return lambda rows: tokens.gather(rows).cast(pl.String).fill_null("").to_list()

    def _numbers(
        self, memo: Memo, codes: pl.Series, column: Column, text: Callable[[Numbers], list[str]]
    ) -> tuple[Numbers, Mask | None]:
        numbers, rejected, invalid = memo.look_up(codes.to_numpy(), column, text)
        if rejected is not None:
            self.sound &= ~rejected
        return numbers, invalid

    def _cut(self, time: Column) -> int:
        """How many characters of the time's tokens are prefix, date and time to the second; 0 when they are none."""
        tokens = self._split.frame[time.name].head(_SAMPLES)
        sample = next((token for token in tokens if token and token.startswith(time.prefix)), "")
        value = sample[len(time.prefix) :]
        length = head_length(value)
        return 0 if read_head(value[:length]) is None else len(time.prefix) + length

    def _read_times(self, codes: pl.DataFrame, heads: TokenTable, time: Column, cut: int) -> None:
        """Read the times: to the second from the block's table of heads, the rest from the reader's table of tails.

        Heads hardly come again in a later block; tails do.
        """
        texts = [text[len(time.prefix) :] if text.startswith(time.prefix) else "" for text in heads.tokens()]
        known = read_heads(texts[1:], REJECTED)
        head_codes = codes[_HEAD].to_numpy()
        # Number 0 is the missing token, which is no time.
        head_us = np.concatenate(([REJECTED], known))[head_codes]
        rejected = head_us == REJECTED
        if rejected.any():
            self.sound &= ~rejected
        tokens = self._split.frame[time.name]

        def tail(rows: Numbers) -> list[str]:
            return tokens.gather(rows).str.slice(cut).fill_null("").to_list()

        behind = Column(time.name)
        tail_us, local = self._numbers(self._words.tail, codes[_TAIL], behind, tail)
        np.add(head_us, tail_us, out=self.rows.time_us)
        if local is not None:
            # Only for the lines concerned: a zone's rules cost far more than a date's arithmetic.
            where = np.flatnonzero(local & self.sound)
            tails = codes[_TAIL].to_numpy()[where]
            placed = localise_all(head_us[where], self._plan.zone)
            fraction, _, _ = self._words.fraction.look_up(tails, behind, lambda rows: tail(where[rows]))
            self.rows.time_us[where] = placed + fraction
            self.rows.local[where] = True
