"""Sets of sequence numbers as intervals: small whatever the order in which they come."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class Intervals:
    """A set of whole numbers kept as sorted, disjoint, non-touching intervals, both ends included."""

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in intervals:
            self.add(first, last)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def __contains__(self, number: int) -> bool:
        return self.covers(number, number)

    def covers(self, first: int, last: int) -> bool:
        """Whether every number from `first` to `last` is in the set; an empty range always is."""
        at = bisect_right(self._firsts, first) - 1
        return first > last or (at >= 0 and self._lasts[at] >= last)

    def add(self, first: int, last: int) -> None:
        """Put every number from `first` to `last` into the set."""
        # All intervals that overlap or touch [first, last] become one.
        low = bisect_right(self._lasts, first - 2)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    @property
    def last(self) -> int:
        """The highest number; 0 where there is none."""
        return self._lasts[-1] if self._lasts else 0

    def gaps(self, last: int) -> list[tuple[int, int]]:
        """The intervals of the numbers from 1 to `last` that are not in the set."""
        found, begin = [], 1
        for low, high in self:
            if low > last:
                break
            if low > begin:
                found.append((begin, low - 1))
            begin = max(begin, high + 1)
        return [*found, (begin, last)] if begin <= last else found
