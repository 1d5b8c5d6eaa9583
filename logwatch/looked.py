"""What looking at a block's tokens gives, whichever way its lines were split."""

from __future__ import annotations

import numpy as np

from logwatch.events import NO_VALUE, Tally
from logwatch.kinds.base import Mask
from logwatch.memo import MISSING, Numbers
from logwatch.rows import EVENT, Rows

# The numbers of one column, where lines are to be read by themselves, and where the token is unusable.
Found = tuple[Numbers, Mask | None, Mask | None]


class Looked:
    """Rows being filled; lines outside `sound` are for the small path, every other one begins with `beginning`."""

    def __init__(self, height: int, beginning: str = "") -> None:
        self.beginning = beginning
        self.sound: Mask = np.ones(height, dtype=np.bool_)
        self.rows = Rows.of(height, EVENT)
        self._unusable: dict[str, Mask] = {}

    def take(self, name: str, found: Found, unusable: int) -> Numbers:
        """The numbers of one column, tallied by `name`; what could not be read is `unusable`."""
        numbers, rejected, invalid = found
        if rejected is not None:
            self.sound &= ~rejected
        if invalid is not None:
            self._unusable[name] = invalid
            numbers[invalid] = unusable
        return numbers

    def take_value(self, name: str, found: Found) -> None:
        """The same for a figure, put into its row."""
        values = self.take(name, found, NO_VALUE)
        values[values == MISSING] = NO_VALUE
        self.rows.values[name] = values

    def tally(self, tally: Tally) -> None:
        """Add the unusable tokens of the lines that are not read once more by the small path."""
        for name, mask in self._unusable.items():
            count = int((mask & self.sound).sum())
            if count:
                tally.invalid[name] = tally.invalid.get(name, 0) + count
