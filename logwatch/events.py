"""Events as columns: what was understood of a block of lines, kept only until it is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Micros = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

# The keys that lines hold; class and side follow from the code.
LINE_KEYS = ("hub", "endpoint", "vendor", "version", "pharmacy", "server", "code")
NO_DURATION = -1
NO_PATIENT = 0
NO_VALUE = int(np.iinfo(np.int64).min)


class Dictionary:
    """The distinct values of one dimension, each with a small number. 0 is "", the missing or invalid key."""

    def __init__(self) -> None:
        self.values: list[str] = [""]
        self._ids: dict[str, int] = {"": 0}

    def id_of(self, value: str) -> int:
        """The value's number, a new one when it is new."""
        found = self._ids.get(value)
        if found is None:
            found = self._ids[value] = len(self.values)
            self.values.append(value)
        return found

    def __contains__(self, value: str) -> bool:
        return value in self._ids

    def __len__(self) -> int:
        return len(self.values)


@dataclass(slots=True)
class EventBlock:
    """Events in the order of their lines.

    `time_us` is the completion in µs UTC, `duration_us` NO_DURATION where there is none; `ids` has an array
    for each of LINE_KEYS and for `class` (0 ok, 1 functional, 2 technical) and `side` (place in SIDES), whose
    numbers stand for the values in the reader's dictionaries.
    """

    time_us: Micros
    duration_us: Micros
    ids: Mapping[str, Ids]
    # The keyed hash of each line's patient, NO_PATIENT where it names none; None where the format reads none.
    patients: Hashes | None = None
    # Of each declared value one number a line in thousandths of its unit, NO_VALUE where the line has none.
    values: Mapping[str, Micros] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.time_us)


@dataclass(slots=True)
class Tally:
    """What was amiss in the lines of a block, beside the accounting."""

    # Keys that are there and not valid, by field.
    invalid: dict[str, int] = field(default_factory=dict)
    unknown_codes: dict[str, int] = field(default_factory=dict)
    overflow: dict[str, int] = field(default_factory=dict)
    # Patterns that ran away on lines and were stopped, by their place in the configuration.
    runaway: dict[str, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add another block's tally."""
        for mine, theirs in (
            (self.invalid, other.invalid),
            (self.unknown_codes, other.unknown_codes),
            (self.overflow, other.overflow),
            (self.runaway, other.runaway),
        ):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count
