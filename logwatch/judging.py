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

    def judge(self, code: Numbers, status: Numbers, tally: Tally) -> tuple[Ids, Ids]:
        """Class and side of each event, as numbers, from its code and status; unknown codes are tallied."""
        pairs = code.astype(np.int64) * _STATUSES + status + 1
        distinct, inverse = _distinct(pairs)
        klass, side = np.zeros(len(distinct), dtype=np.int32), np.zeros(len(distinct), dtype=np.int32)
        for place, pair in enumerate(distinct.tolist()):
            key = (pair // _STATUSES, pair % _STATUSES - 1)
            judged = self._judged.get(key)
            if judged is None:
                value = self._found.values[key[0]]
                verdict = judge(value, key[1] if key[1] >= 0 else None, self._table)
                judged = (CLASSES.index(verdict.klass), SIDES.index(verdict.side), verdict.known)
                self._judged[key] = judged
            klass[place], side[place], known = judged
            if not known:
                value = self._found.values[key[0]]
                tally.unknown_codes[value] = tally.unknown_codes.get(value, 0) + int((pairs == pair).sum())
        return klass[inverse], side[inverse]


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
