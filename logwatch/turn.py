"""A turn of reading: how long, and how much, before others have theirs."""

from __future__ import annotations

from collections.abc import Callable


class Turn:
    """Over once so many seconds went by or so many bytes were read.

    Goes by the machine's steady clock, not by the site's: it is about the work of this machine.
    """

    def __init__(self, seconds: float, most_bytes: int, steady: Callable[[], float]) -> None:
        self._steady, self._end, self._left = steady, steady() + seconds, most_bytes

    def read(self, size: int) -> None:
        """So many bytes were read."""
        self._left -= size

    @property
    def is_over(self) -> bool:
        """Whether others are to have their turn."""
        return self._left <= 0 or self._steady() >= self._end
