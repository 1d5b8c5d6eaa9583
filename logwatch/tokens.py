"""The meaning of a field's tokens as they stand in a block: a memo whose tokens are told apart by their words."""

from __future__ import annotations

import numpy as np

from logwatch.kinds.base import Column
from logwatch.looked import Found
from logwatch.memo import Memo, Numbers
from logwatch.words import LONGEST, WORD, Block, WordTable

# Widths in words; a token of any width may stand in more than one table, and means the same in each.
_USUAL, _LONG = 2, (4, LONGEST // WORD)
# From one long token in so many on, all are looked at as long ones: parting them costs more.
_MANY = 4


class Tokens:
    """One memo for tokens of any length."""

    def __init__(self, memo: Memo) -> None:
        self._memo = memo
        self._tables: dict[int, tuple[WordTable, Memo]] = {}

    def __len__(self) -> int:
        return sum(len(memo) for _, memo in self._tables.values())

    def look_up(self, block: Block, starts: Numbers, lengths: Numbers, column: Column) -> Found:
        """The number of each token; `column` says what it must begin with, and what may not stand in it."""
        longest = int(lengths.max()) if len(lengths) else 0
        for width in (1, _USUAL):
            if longest <= width * WORD:
                return self._of_width(width, block, starts, lengths, column)
        width, long = _LONG[0], lengths > _USUAL * WORD
        if longest <= width * WORD and int(np.count_nonzero(long)) * _MANY > len(lengths):
            return self._of_width(width, block, starts, lengths, column)
        return self._of_many_widths(block, starts, lengths, column)

    def _of_width(self, width: int, block: Block, starts: Numbers, lengths: Numbers, column: Column) -> Found:
        if width not in self._tables:
            self._tables[width] = WordTable(width), self._memo.anew()
        table, memo = self._tables[width]
        codes = table.look_up(block.words(starts, lengths, width))
        return memo.look_up(codes, column, lambda rows: block.texts(starts[rows], lengths[rows]))

    def _of_many_widths(self, block: Block, starts: Numbers, lengths: Numbers, column: Column) -> Found:
        numbers, rejected, invalid = self._memo.nothing(len(lengths))
        shortest = 0
        for width in (_USUAL, *_LONG, 0):
            longest = width * WORD or int(lengths.max())
            rows = np.flatnonzero((lengths >= shortest) & (lengths <= longest))
            shortest = longest + 1
            if not len(rows):
                continue
            if width:
                found = self._of_width(width, block, starts[rows], lengths[rows], column)
            else:
                found = self._memo.read_all(block.texts(starts[rows], lengths[rows]), column)
            numbers[rows] = found[0]
            for whole, part in ((rejected, found[1]), (invalid, found[2])):
                if part is not None:
                    whole[rows] = part
        return numbers, rejected if rejected.any() else None, invalid if invalid.any() else None
