"""About how many distinct patients each hub's calls name, while files are read once: registers, and no hash."""

from __future__ import annotations

import secrets

import numpy as np

from domain.hyperloglog import MOST, REGISTERS, VALUE_BITS, Hashes, Integers, estimates, pairs_of
from domain.patients import KEY_BYTES, UNCOUNTED
from logwatch.memo import Numbers

_VALUES = (1 << VALUE_BITS) - 1


class OneKey:
    """One key for all days, made for one reading: what was hashed with it means nothing once that has ended."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)

    def key_of(self, _day: int) -> bytes | None:
        """The key of a day: always the same."""
        return self._key


class Distinct:
    """The registers of each hub, by its number."""

    def __init__(self) -> None:
        self._registers = np.zeros((0, REGISTERS), dtype=np.uint8)

    def add(self, hubs: Numbers, hashes: Hashes) -> None:
        """Add events: the number of each one's hub and the hash of its patient."""
        told = np.flatnonzero(hashes > UNCOUNTED)
        if len(told):
            pairs = pairs_of(hashes[told])
            self._grow(int(hubs.max()) + 1)
            places = hubs[told].astype(np.int64) * REGISTERS + (pairs >> VALUE_BITS)
            np.maximum.at(self._registers.reshape(-1), places, (pairs & _VALUES).astype(np.uint8))

    def merge(self, other: Distinct, hubs: Numbers) -> None:
        """Add another's registers; `hubs` are the numbers here of its hubs."""
        if len(other._registers):
            self._grow(int(hubs.max()) + 1)
            np.maximum.at(self._registers, hubs[: len(other._registers)], other._registers)

    def estimates(self) -> dict[int, int]:
        """About how many patients each hub has seen, and all of them together as -1; {} when none were named."""
        if not self._registers.any():
            return {}
        everywhere = self._registers.max(axis=0, keepdims=True)
        every = np.concatenate((self._registers, everywhere))
        numbers = [*range(len(self._registers)), -1]
        about = estimates(np.stack([_counts(row) for row in every]))
        return {
            number: round(one) for number, one, row in zip(numbers, about.tolist(), every, strict=True) if row.any()
        }

    def _grow(self, height: int) -> None:
        if height > len(self._registers):
            more = np.zeros((height - len(self._registers), REGISTERS), dtype=np.uint8)
            self._registers = np.concatenate((self._registers, more))


def _counts(registers: np.typing.NDArray[np.uint8]) -> Integers:
    counts: Integers = np.bincount(registers, minlength=MOST + 1).astype(np.int64)
    return counts
