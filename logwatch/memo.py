"""Remembering what tokens mean, so that a block of lines costs one look a distinct token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from logwatch.kinds.base import Column, Mask

Numbers = npt.NDArray[np.signedinteger[Any]]
Codes = npt.NDArray[np.integer[Any]]

# Beyond so many distinct tokens the table is begun anew: garbage must not make it grow for ever.
MOST_TOKENS = 200_000
# What a meaning gives for a token that makes its line one for the small path, and for one that is unusable.
REJECTED = np.iinfo(np.int64).min
INVALID = REJECTED + 1
# What it gives for a token that holds nothing, where every other number may be one.
MISSING = REJECTED + 3


class TokenTable:
    """A table of distinct tokens of its own, in which number 0 is the missing token.

    polars drops a table when the last series that uses it is gone, and begins its numbers anew: the table
    keeps one series of its own, so that a token's number means the same in every block.
    """

    def __init__(self) -> None:
        import polars as pl  # it takes long: only where it is used

        self._categories = pl.Categories.random()
        self.dtype = pl.Categorical(self._categories)
        self._anchor = pl.Series([""], dtype=self.dtype)

    def tokens(self) -> list[str]:
        """Every token of the table, by its number."""
        return self._categories.to_series().to_list()


class Memo:
    """The meaning of each distinct token of one column, as a number; the token's code finds it at once.

    `meaning` takes the value (what follows the column's prefix) and returns a number, INVALID or REJECTED.
    Numbers are kept as `dtype`, whose three smallest values stand for unseen, rejected and invalid tokens.
    """

    def __init__(self, meaning: Callable[[str], int], dtype: type[np.signedinteger[Any]] = np.int64) -> None:
        self.meaning = meaning
        self._unseen = int(np.iinfo(dtype).min)
        self._rejected, self._invalid = self._unseen + 1, self._unseen + 2
        self._known: Numbers = np.full(256, self._unseen, dtype=dtype)

    def look_up(
        self, codes: Codes, column: Column, text: Callable[[Numbers], list[str]]
    ) -> tuple[Numbers, Mask | None, Mask | None]:
        """The number of each line, where lines are to be read by themselves, and where the token is unusable.

        `codes` are the tokens' codes, `text` gives the tokens of some rows. The masks are None when no line is
        concerned; the numbers there mean nothing.
        """
        if not len(codes):
            return self._known[codes], None, None
        most = int(codes.max())
        if most >= len(self._known):
            more = np.full(most + len(self._known), self._unseen, dtype=self._known.dtype)
            self._known = np.append(self._known, more)
        numbers = self._known[codes]
        if numbers.min() > self._invalid:
            return numbers, None, None
        rows = np.flatnonzero(numbers == self._unseen)
        if len(rows):
            unseen, first = np.unique(codes[rows], return_index=True)
            self._known[unseen] = [self._read(token, column) for token in text(rows[first])]
            numbers = self._known[codes]
        rejected, invalid = numbers == self._rejected, numbers == self._invalid
        return numbers, rejected if rejected.any() else None, invalid if invalid.any() else None

    def anew(self) -> Memo:
        """A memo of the same meaning for another table of tokens."""
        return Memo(self.meaning, self._known.dtype.type)

    def nothing(self, height: int) -> tuple[Numbers, Mask, Mask]:
        """Room for so many answers of `look_up`."""
        return np.zeros(height, self._known.dtype), np.zeros(height, np.bool_), np.zeros(height, np.bool_)

    def read_all(self, tokens: Sequence[str], column: Column) -> tuple[Numbers, Mask | None, Mask | None]:
        """`look_up` of tokens that are not remembered."""
        numbers = np.array([self._read(token, column) for token in tokens], dtype=self._known.dtype)
        return numbers, numbers == self._rejected, numbers == self._invalid

    def read(self, value: str) -> int:
        """The number of one value: the small path's look, as is `meaning`."""
        return self.meaning(value)

    def _read(self, token: str, column: Column) -> int:
        if not token.startswith(column.prefix) or (column.banned and column.banned in token):
            return self._rejected
        number = self.meaning(token[len(column.prefix) :])
        return self._rejected if number == REJECTED else self._invalid if number == INVALID else number

    def __len__(self) -> int:
        return len(self._known)
