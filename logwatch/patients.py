"""Patients: the number that a field holds, found and checked, and the keyed hash that is kept of it.

The number is eleven digits with single separators allowed, valid by its check digits and not inside a longer run of
digits, as in `domain.redact`; a field's first one counts. It lives in these arrays only, until it is hashed.

The hash is SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) of the number as one word of
eight bytes, under the key of the event's day.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.identifiers import valid_niss
from domain.patients import NO_PATIENT, UNCOUNTED, PatientKeys
from logwatch.events import Hashes, Micros

Places = npt.NDArray[np.signedinteger[Any]]

DIGITS = 11
# What stands for no number; no valid number is 0, for check digits are 1 to 97.
NO_NUMBER = 0
_DAY_US = 86_400 * 1_000_000
_SEPARATORS = " .-/_"
_CANDIDATE = re.compile(r"(?<![0-9])[0-9](?:[ .\-/_]?[0-9]){10}(?![0-9])")
_SEPARATOR = re.compile(r"[^0-9]")
_IS_SEPARATOR = np.zeros(256, dtype=np.bool_)
_IS_SEPARATOR[list(_SEPARATORS.encode())] = True
_WEIGHTS = 10 ** np.arange(DIGITS - 1, -1, -1)
# A hash that would mean something else is another one.
_REAL = UNCOUNTED + 1


def number_in(text: str) -> int:
    """The first patient's number in a text; NO_NUMBER where there is none."""
    at = 0
    while (match := _CANDIDATE.search(text, at)) is not None:
        digits = _SEPARATOR.sub("", match[0])
        if valid_niss(digits):
            return int(digits)
        at = match.start() + 1
    return NO_NUMBER


def numbers_in(data: npt.NDArray[np.uint8], starts: Places, stops: Places) -> Micros:
    """`number_in` of many stretches of bytes, which are in order and apart by a byte that is no digit."""
    found = np.zeros(len(starts), dtype=np.int64)
    sizes = stops - starts
    long = np.flatnonzero(sizes >= DIGITS)
    if not len(long):
        return found
    starts, sizes = starts[long], sizes[long]
    ends = np.cumsum(sizes)
    every = np.repeat(starts - (ends - sizes), sizes)
    every += np.arange(len(every))
    digits = data[every] - np.uint8(ord("0"))
    is_digit = digits < 10
    places, digits = every[is_digit], digits[is_digit]
    if len(places) < DIGITS:
        return found
    step = np.diff(places)
    # Digits of one number: side by side, or with one separator between.
    apart = step != 1
    apart[apart] = (step[apart] != 2) | ~_IS_SEPARATOR[data[places[:-1][apart] + 1]]
    broken = np.concatenate(([0], np.cumsum(apart)))
    last = DIGITS - 1
    whole = broken[last:] == broken[:-last]
    # Not in the midst of a longer run of digits.
    whole[1:] &= step[: len(whole) - 1] != 1
    whole[:-1] &= step[last : last + len(whole) - 1] != 1
    first = np.flatnonzero(whole)
    numbers = digits[first[:, None] + np.arange(DIGITS)].astype(np.int64) @ _WEIGHTS
    valid = valid_numbers(numbers)
    first, numbers = first[valid], numbers[valid]
    owners = long[np.searchsorted(starts, places[first], side="right") - 1]
    # From the last to the first: a stretch's first number stays.
    found[owners[::-1]] = numbers[::-1]
    return found


def valid_numbers(numbers: Micros) -> npt.NDArray[np.bool_]:
    """`domain.identifiers.valid_niss` of numbers that are eleven digits each."""
    body, check = np.divmod(numbers, 100)
    month = numbers // 10_000_000 % 100
    valid: npt.NDArray[np.bool_] = (check == 97 - body % 97) | (check == 97 - (2_000_000_000 + body) % 97)
    valid &= (month < 60) & (month % 20 <= 12)
    return valid


def hashes(numbers: Micros, time_us: Micros, keys: PatientKeys) -> Hashes:
    """The keyed hash of each event's patient: NO_PATIENT where it names none, UNCOUNTED where its key is gone."""
    hashed = np.full(len(numbers), NO_PATIENT, dtype=np.uint64)
    with_patient = np.flatnonzero(numbers)
    if not len(with_patient):
        return hashed
    days = time_us[with_patient] // _DAY_US
    first, last = int(days.min()), int(days.max())
    for day in [first] if first == last else np.unique(days).tolist():
        places = with_patient if first == last else with_patient[days == day]
        key = keys.key_of(day)
        hashed[places] = UNCOUNTED if key is None else _real(siphash(numbers[places].view(np.uint64), key))
    return hashed


def _real(found: Hashes) -> Hashes:
    found[found < _REAL] += np.uint64(_REAL)
    return found


def siphash(words: Hashes, key: bytes) -> Hashes:
    """SipHash-2-4 of messages of one word (eight bytes, little-endian) each, under a key of 16 bytes."""
    k0, k1 = (np.uint64(int.from_bytes(key[at : at + 8], "little")) for at in (0, 8))
    state = [
        np.full(len(words), start ^ half, dtype=np.uint64)
        for start, half in (
            (np.uint64(0x736F6D6570736575), k0),
            (np.uint64(0x646F72616E646F6D), k1),
            (np.uint64(0x6C7967656E657261), k0),
            (np.uint64(0x7465646279746573), k1),
        )
    ]
    # The message's word, then the one that ends it with its length.
    for word in (words, np.uint64(8 << 56)):
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= np.uint64(0xFF)
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[Hashes], count: int) -> None:
    """SipRounds, in place."""
    v0, v1, v2, v3 = state
    spare = np.empty_like(v0)
    for _ in range(count):
        v0 += v1
        _rotate(v1, 13, spare)
        v1 ^= v0
        _rotate(v0, 32, spare)
        v2 += v3
        _rotate(v3, 16, spare)
        v3 ^= v2
        v0 += v3
        _rotate(v3, 21, spare)
        v3 ^= v0
        v2 += v1
        _rotate(v1, 17, spare)
        v1 ^= v2
        _rotate(v2, 32, spare)


def _rotate(word: Hashes, bits: int, spare: Hashes) -> None:
    np.right_shift(word, np.uint64(64 - bits), out=spare)
    word <<= np.uint64(bits)
    word |= spare
