"""Batches by sequence, read one at a time: after hours without a receiver they are more than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from domain.batch import BatchName

Read = Callable[[int], tuple[BatchName, bytes]]


class Waiting(Sequence[tuple[BatchName, bytes]]):
    """The batches that wait. Which they are is asked when one of them is first looked at."""

    def __init__(self, count: Callable[[], int], sequences: Callable[[], Sequence[int]], read: Read) -> None:
        """`count` tells how many there are, `sequences` which, `read` gives one of them. All may raise StoreError."""
        self._count, self._ask, self._read = count, sequences, read
        self._known: Sequence[int] | None = None

    @property
    def _sequences(self) -> Sequence[int]:
        if self._known is None:
            self._known = self._ask()
        return self._known

    def __len__(self) -> int:
        return self._count() if self._known is None else len(self._known)

    @overload
    def __getitem__(self, index: int) -> tuple[BatchName, bytes]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[BatchName, bytes]]: ...

    def __getitem__(self, index: int | slice) -> tuple[BatchName, bytes] | Sequence[tuple[BatchName, bytes]]:
        if isinstance(index, slice):
            some = self._sequences[index]
            return Waiting(lambda: len(some), lambda: some, self._read)
        return self._read(self._sequences[index])
