"""Remembering what tokens mean, so that a block of lines costs one look a distinct token."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from logwatch.kinds.base import Column, Mask

Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

# Beyond so many distinct tokens the table is begun anew: garbage must not make it grow for ever.
MOST_TOKENS = 200_000
_UNSEEN = np.iinfo(np.int64).min
REJECTED = _UNSEEN + 1
INVALID = _UNSEEN + 2
_SPECIAL = _UNSEEN + 3


class TokenTable:
    """A table of distinct tokens of its own, in which number 0 is the missing token.

    polars drops a table when the last series that uses it is gone, and begins its numbers anew: the table
    keeps one series of its own, so that a token's number means the same in every block.
    """

    def __init__(self) -> None:
        self.dtype = pl.Categorical(pl.Categories.random())
        self._anchor = pl.Series([""], dtype=self.dtype)


class Memo:
    """The meaning of each distinct token of one column, as a number; the token's number finds it at once.

    `meaning` takes the value (what follows the column's prefix) and returns a number, or INVALID for a token
    that is there but unusable.
    """

    def __init__(self, meaning: Callable[[str], int]) -> None:
        self._meaning = meaning
        self._known: Numbers = np.full(256, _UNSEEN, dtype=np.int64)

    def look_up(self, column: Column) -> tuple[Numbers, Mask | None, Mask | None]:
        """The number of each line, where lines are to be read by themselves, and where the token is unusable.

        The masks are None when no line is concerned; the numbers there mean nothing.
        """
        codes = column.tokens.to_physical()
        if codes.null_count():
            codes = codes.fill_null(0)
        places: Codes = codes.to_numpy()
        most = int(places.max()) if len(places) else 0
        if most >= len(self._known):
            self._known = np.append(self._known, np.full(most + len(self._known), _UNSEEN, dtype=np.int64))
        numbers = self._known[places]
        if len(numbers) == 0 or numbers.min() >= _SPECIAL:
            return numbers, None, None
        rows = np.flatnonzero(numbers == _UNSEEN)
        if len(rows):
            unseen, first = np.unique(places[rows], return_index=True)
            tokens = column.tokens[rows[first]].cast(pl.String).fill_null("").to_list()
            self._known[unseen] = [self._read(token, column) for token in tokens]
            numbers = self._known[places]
        rejected, invalid = numbers == REJECTED, numbers == INVALID
        return numbers, rejected if rejected.any() else None, invalid if invalid.any() else None

    def read(self, value: str) -> int:
        """The number of one value: the small path's look."""
        return self._meaning(value)

    def _read(self, token: str, column: Column) -> int:
        if not token.startswith(column.prefix) or (column.banned and column.banned in token):
            return REJECTED
        return self._meaning(token[len(column.prefix) :])

    def __len__(self) -> int:
        return len(self._known)
