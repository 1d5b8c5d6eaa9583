"""The cap on distinct values: each key keeps the first so many apart, the rest is `other` (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from logwatch.events import LINE_KEYS, Dictionary, Ids
from logwatch.memo import Numbers

OTHER = "other"
# Pharmacies are checked by their digits and are not capped by the field cap.
MOST_PHARMACIES = 20_000


class Registry:
    """The values of each key that are kept apart, in the order first seen. Persisted by the agent."""

    def __init__(self, cap: int, known: Mapping[str, Sequence[str]] | None = None) -> None:
        self._caps = dict.fromkeys(LINE_KEYS, cap) | {"pharmacy": MOST_PHARMACIES}
        self.dictionaries: dict[str, Dictionary] = {key: Dictionary() for key in LINE_KEYS}
        for key, values in (known or {}).items():
            for value in values:
                self.dictionaries[key].id_of(value)

    def values(self) -> dict[str, list[str]]:
        """What to persist."""
        return {key: dictionary.values[1:] for key, dictionary in self.dictionaries.items()}

    def admit(self, key: str, value: str) -> tuple[int, bool]:
        """The number of a value, and whether it was turned into `other` because the key is full."""
        dictionary = self.dictionaries[key]
        if value in dictionary or len(dictionary) <= self._caps[key]:
            return dictionary.id_of(value), False
        return dictionary.id_of(OTHER), True


class Capping:
    """From the numbers of a reader's own dictionary to those of the registry, admitted in the order of lines."""

    def __init__(self, registry: Registry, key: str, found: Dictionary) -> None:
        self._registry, self._key, self._found = registry, key, found
        self._admitted = np.full(256, -1, dtype=np.int32)
        self._overflowed = np.zeros(256, dtype=np.bool_)

    def apply(self, ids: Numbers) -> tuple[Ids, int]:
        """The registry's numbers, and how many lines went to `other`."""
        if len(self._found) > len(self._admitted):
            more = len(self._found)
            self._admitted = np.append(self._admitted, np.full(more, -1, dtype=np.int32))
            self._overflowed = np.append(self._overflowed, np.zeros(more, dtype=np.bool_))
        capped = self._admitted[ids]
        if len(capped) and capped.min() < 0:
            rows = np.flatnonzero(capped < 0)
            fresh, first = np.unique(ids[rows], return_index=True)
            for number in fresh[np.argsort(first)]:
                self._admitted[number], self._overflowed[number] = self._registry.admit(
                    self._key, self._found.values[number]
                )
            capped = self._admitted[ids]
        overflow = int(self._overflowed[ids].sum()) if self._overflowed.any() else 0
        return capped, overflow
