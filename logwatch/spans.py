"""Reading a block by spans: where the fields stand is found in the bytes, and each distinct token is looked at once.

For lines whose fields stand one behind the other in one arrangement. What parts them is found for all lines in one
pass; tokens are compared as machine words, and become text but once for each distinct one.
"""

from __future__ import annotations

import numpy as np

from logwatch.kinds.base import Arrangement, Column
from logwatch.looked import Found, Looked
from logwatch.marks import BLANK, LINE_END, QUOTE, Marks
from logwatch.memo import REJECTED, Memo, Numbers
from logwatch.patients import DIGITS, number_in, numbers_in
from logwatch.plan import Plan
from logwatch.times import ISO_LENGTH, head_length, localise_all, read_head, read_heads, read_iso_heads
from logwatch.vocabulary import Vocabulary
from logwatch.words import Block

_BACKSLASH = 92
# A prefix so short is looked at with the value: it costs less than a look of its own.
_FOLDED = 3


class Spans(Looked):
    """One block by its spans. `rows` is filled by `of`."""

    def __init__(self, plan: Plan, words: Vocabulary, block: bytes, marks: Marks, arranged: Arrangement) -> None:
        super().__init__(len(marks.ends), arranged.places[0][0].decode())
        self._plan, self._words, self._marks, self._arranged = plan, words, marks, arranged
        self._holds_backslashes = b"\\" in block
        self._block = Block(block)
        # Of each wanted field where its tokens begin, how long they are, and what is still before the value there.
        self._fields: dict[str, tuple[Numbers, Numbers, Column]] = {}

    @classmethod
    def of(cls, block: bytes, marks: Marks, arranged: Arrangement, plan: Plan, words: Vocabulary) -> Spans | None:
        """The block's lines by spans; None where another way must be tried. Every line of the block has its end."""
        if plan.moments.declared or not len(marks.ends):
            return None
        spans = cls(plan, words, block, marks, arranged)
        for text in arranged.absent:
            spans._keep_away(block, text)
        if not spans._find() or not spans._read_times():
            return None
        spans._read_keys()
        spans._read_patients()
        return spans

    def _keep_away(self, block: bytes, text: bytes) -> None:
        """Leave the lines in which `text` stands to the small path."""
        places, at = [], block.find(text)
        while at >= 0:
            places.append(at)
            at = block.find(text, at + 1)
        self.sound[np.searchsorted(self._marks.ends, places)] = False

    def _find(self) -> bool:
        """Find the fields; False when no line is arranged so."""
        marks, places = self._marks, self._arranged.places
        last = len(places) - 1
        first = marks.firsts
        # A line that is too short runs into its own end before the last place.
        bytes_at = np.append(marks.bytes, np.full(last, LINE_END, dtype=np.uint8))
        for place in range(last):
            self.sound &= bytes_at[first + place] == BLANK
        closing = bytes_at[first + last]
        ends = (closing == BLANK) | (closing == LINE_END)
        self.sound &= ends | (closing == QUOTE) if self._arranged.open else ends
        if marks.odd:
            self.sound[marks.odd_lines()] = False
        if not self.sound.any():
            return False
        begin = np.concatenate(([0], marks.ends[:-1] + 1))
        if not self.sound.all():
            # What is found in the other lines means nothing; it only must be found without harm.
            some = int(np.argmax(self.sound))
            first, begin = np.where(self.sound, first, first[some]), np.where(self.sound, begin, begin[some])
        self._last_marks = first + last
        for place, (prefix, field) in enumerate(places):
            end = marks.places[first + place]
            self._look_at(begin, end, prefix, field)
            begin = end + 1
        return True

    def _look_at(self, begin: Numbers, end: Numbers, prefix: bytes, field: str) -> None:
        """See that what begins at `begin` has its prefix, and remember it where it is wanted."""
        if field and len(prefix) <= _FOLDED and field not in self._plan.texts:
            self._fields[field] = begin, end - begin, Column(field, prefix.decode())
            return
        same = self._block.begins(begin, prefix)
        self.sound &= same
        if field:
            starts = begin + len(prefix)
            lengths = end - starts
            if not same.all():
                lengths[~same] = 0
            self._fields[field] = starts, lengths, Column(field)

    def _look_up(self, memo: Memo, field: str) -> Found:
        starts, lengths, column = self._fields[field]
        return self._words.tokens(memo).look_up(self._block, starts, lengths, column)

    def _read_times(self) -> bool:
        """Read the times; False when they have a shape that cannot be read so.

        To the second they are read once for each run of lines that have the same, the rest once a distinct tail.
        """
        starts, lengths, column = self._fields[self._plan.time.field]
        some = int(np.argmax(self.sound))
        sample = self._block.texts(starts[some : some + 1], lengths[some : some + 1])[0]
        cut = head_length(sample)
        if read_head(sample[:cut]) is None:
            return False
        self.sound &= lengths >= cut
        changes = np.zeros(len(starts), dtype=np.bool_)
        changes[:1] = True
        for words in self._block.fixed(starts, cut):
            changes[1:] |= words[1:] != words[:-1]
        runs = np.flatnonzero(changes)
        heads = self._block.data[starts[runs][:, None] + np.arange(cut)]
        if cut == ISO_LENGTH:
            seconds = read_iso_heads(heads, REJECTED)
        else:
            seconds = read_heads([head.tobytes().decode("utf-8", "replace") for head in heads], REJECTED)
        head_us = np.repeat(seconds, np.diff(np.append(runs, len(starts))))
        self.sound &= head_us != REJECTED
        tails, tail_lengths = starts + cut, np.maximum(lengths - cut, 0)
        tail_us, rejected, local = self._words.tokens(self._words.tail).look_up(
            self._block, tails, tail_lengths, column
        )
        if rejected is not None:
            self.sound &= ~rejected
        np.add(head_us, tail_us, out=self.rows.time_us)
        if local is not None:
            # Only for the lines concerned: a zone's rules cost far more than a date's arithmetic.
            where = np.flatnonzero(local & self.sound)
            fraction = self._words.tokens(self._words.fraction).look_up(
                self._block, tails[where], tail_lengths[where], column
            )[0]
            self.rows.time_us[where] = localise_all(head_us[where], self._plan.zone) + fraction
            self.rows.local[where] = True
        return True

    def _read_keys(self) -> None:
        plan, words, rows = self._plan, self._words, self.rows
        for key, (field, _) in plan.keys.items():
            if field in self._fields:
                rows.ids[key] = self.take(key, self._look_up(words.keys[key], field), 0)
            elif (number := words.keys[key].read("")) > 0:
                # No line holds the field, and a template makes something of nothing.
                rows.ids[key][:] = number
        if plan.duration is not None and (field := plan.duration[0]) in self._fields:
            rows.duration_us = self.take("duration", self._look_up(words.duration, field), -1)
        if (field := plan.status) in self._fields:
            rows.status = self.take("status", self._look_up(words.status, field), -1)
        for name, (field, _) in plan.values.items():
            if field in self._fields:
                self.take_value(name, self._look_up(words.values[name], field))

    def _read_patients(self) -> None:
        """The patients' numbers. Where the last field's value is quoted, it goes on to the next quote."""
        if self._plan.patient is None or self._plan.patient[0] not in self._fields:
            return
        field, part = self._plan.patient
        starts, lengths, _ = self._fields[field]
        stops = starts + lengths
        if self._arranged.open and self._arranged.places[-1][1] == field:
            starts, stops = self._within_quotes(starts, stops)
        numbers = self.rows.patients()
        # Of lines that are not sound the places mean nothing.
        long = np.flatnonzero((stops - starts >= DIGITS) & self.sound)
        if part is None:
            numbers[long] = numbers_in(self._block.data, starts[long], stops[long])
            return
        texts = self._block.texts(starts[long], stops[long] - starts[long])
        numbers[long] = [number_in(part(text)) for text in texts]

    def _within_quotes(self, starts: Numbers, stops: Numbers) -> tuple[Numbers, Numbers]:
        """Where the values of the last field begin and end, those in quotes without them.

        Lines whose quotes are not as simple as that are left to the small path; only where a number may stand.
        """
        marks, data = self._marks, self._block.data
        quoted = np.flatnonzero(marks.bytes[self._last_marks] == QUOTE)
        starts, stops = starts.copy(), stops.copy()
        # A quote within a word is none that opens.
        self.sound[quoted] &= stops[quoted] == starts[quoted]
        starts[quoted] += 1
        stops[quoted] = starts[quoted]
        quoted = quoted[self.sound[quoted]]
        ends = marks.ends[quoted]
        long = ends - starts[quoted] >= DIGITS
        quoted, ends = quoted[long], ends[long]
        quotes = np.flatnonzero(marks.bytes == QUOTE)
        following = np.searchsorted(quotes, self._last_marks[quoted]) + 1
        closes = np.append(marks.places[quotes], len(data) - 1)[following]
        simple = closes < ends
        behind = data[np.minimum(closes + 1, len(data) - 1)]
        simple &= (behind == BLANK) | (behind == LINE_END)
        if self._holds_backslashes:
            escapes = np.flatnonzero(data == _BACKSLASH)
            simple &= np.searchsorted(escapes, starts[quoted]) == np.searchsorted(escapes, closes)
        self.sound[quoted] &= simple
        stops[quoted] = np.where(simple, closes, starts[quoted])
        return starts, stops
