"""Class and side of events, from their codes and statuses: each pair judged once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from domain.codes import CLASSES, SIDES, Judgement, judge
from logwatch.events import Dictionary, Ids, Tally
from logwatch.memo import Numbers

_STATUSES = 1_001  # -1 for none, and three digits
_DENSE = 4_000_000


class Judging:
    """Judges by a table of codes; `found` is the dictionary that the events' code numbers are of."""

    def __init__(self, found: Dictionary, table: Mapping[str, Judgement]) -> None:
        self._found, self._table = found, table
        self._judged: dict[tuple[int, int], tuple[int, int, bool]] = {}

    def judge(self, code: Numbers, status: Numbers | None, tally: Tally) -> tuple[Ids, Ids]:
        """Class and side of each event, as numbers, from its code and status; unknown codes are tallied.

        `status` is None where these lines have none.
        """
        if status is None:
            # A code's own number is its place: nothing to look for.
            counts = np.bincount(code)
            distinct, inverse = np.flatnonzero(counts), code
            height, places, statuses = len(counts), distinct, np.full(len(distinct), -1)
            counts = counts[distinct]
        else:
            pairs = code.astype(np.int64) * _STATUSES + status + 1
            distinct, inverse = _distinct(pairs)
            height, places, statuses = len(distinct), np.arange(len(distinct)), distinct % _STATUSES - 1
            counts = np.bincount(inverse, minlength=height)
            distinct = distinct // _STATUSES
        klass, side = np.zeros(height, dtype=np.int32), np.zeros(height, dtype=np.int32)
        rows = zip(places.tolist(), distinct.tolist(), statuses.tolist(), counts.tolist(), strict=True)
        for place, number, of_status, count in rows:
            klass[place], side[place], known = self._judge(number, of_status)
            if not known:
                value = self._found.values[number]
                tally.unknown_codes[value] = tally.unknown_codes.get(value, 0) + count
        return klass[inverse], side[inverse]

    def _judge(self, code: int, status: int) -> tuple[int, int, bool]:
        """Class and side of one pair, and whether the code is known; remembered."""
        judged = self._judged.get((code, status))
        if judged is None:
            verdict = judge(self._found.values[code], status if status >= 0 else None, self._table)
            judged = (CLASSES.index(verdict.klass), SIDES.index(verdict.side), verdict.known)
            self._judged[(code, status)] = judged
        return judged


def _distinct(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct numbers and each one's place among them; without sorting while the numbers are small."""
    if len(numbers) and int(numbers.max()) < _DENSE:
        present = np.zeros(int(numbers.max()) + 1, dtype=np.bool_)
        present[numbers] = True
        distinct = np.flatnonzero(present)
        places = np.zeros(len(present), dtype=np.int64)
        places[distinct] = np.arange(len(distinct))
        return distinct, places[numbers]
    distinct, inverse = np.unique(numbers, return_inverse=True)
    return distinct, inverse
