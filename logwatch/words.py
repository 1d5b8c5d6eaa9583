"""Tokens by their bytes: each distinct one has a number, found by machine words of eight bytes at a time.

A token of up to `8 * width` bytes is `width` words, zeros behind its end; lines that hold a NUL never come here, so
words say exactly which token it is. A table is searched by open addressing, all lines of a block at once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from logwatch.memo import Numbers

Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

WORD = 8
# The widest tokens that are read by words.
LONGEST = 64
_FIRST_SLOTS = 1 << 12
# Slots for each token: the fuller a table, the longer a search.
_ROOM = 3
# Odd and without pattern: from the digits of the golden ratio, and each the last one's multiple.
_FACTORS = np.array(
    [pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(1, LONGEST // WORD + 1)], dtype=np.uint64
)
# For each word of a token and each length of it the bytes that are meant.
_MASKS = np.array(
    [[(1 << WORD * min(max(length - word * WORD, 0), WORD)) - 1 for length in range(LONGEST + 1)]
     for word in range(LONGEST // WORD)], dtype=np.uint64,
)  # fmt: skip


class Block:
    """The bytes of a block, to be read a word at a time from any place."""

    def __init__(self, block: bytes) -> None:
        # What is read behind the last token is masked away, but must be there.
        self.data: Bytes = np.frombuffer(block + bytes(LONGEST + WORD), dtype=np.uint8)
        self._at: Words = np.ndarray((len(block) + LONGEST,), dtype="<u8", buffer=self.data, strides=(1,))

    def begins(self, places: Numbers, prefix: bytes) -> npt.NDArray[np.bool_]:
        """Whether `prefix` stands at each place."""
        answer: npt.NDArray[np.bool_] | None = None
        for at in range(0, len(prefix), WORD):
            part = prefix[at : at + WORD]
            word = self._at[places + at if at else places]
            if len(part) < WORD:
                word &= _MASKS[0, len(part)]
            same = word == np.uint64(int.from_bytes(part, "little"))
            answer = same if answer is None else answer & same
        return np.ones(len(places), dtype=np.bool_) if answer is None else answer

    def words(self, starts: Numbers, lengths: Numbers, width: int) -> list[Words]:
        """The words of tokens of at most `8 * width` bytes."""
        found = []
        for word in range(width):
            words = self._at[starts + word * WORD if word else starts]
            words &= _MASKS[word][lengths]
            found.append(words)
        return found

    def fixed(self, starts: Numbers, length: int) -> list[Words]:
        """The words of what stands at each place, `length` bytes of it."""
        found = []
        for at in range(0, length, WORD):
            words = self._at[starts + at if at else starts]
            if length - at < WORD:
                words &= _MASKS[0, length - at]
            found.append(words)
        return found

    def texts(self, starts: Numbers, lengths: Numbers) -> list[str]:
        """Tokens as text."""
        data = self.data
        return [
            data[start : start + length].tobytes().decode("utf-8", "replace")
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        ]


class WordTable:
    """Numbers of tokens of one width; 0 is the empty token."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._known: dict[tuple[int, ...], int] = {(0,) * width: 0}
        self._words = [np.zeros(_FIRST_SLOTS, dtype=np.uint64) for _ in range(width)]
        self._resize(_FIRST_SLOTS, 1)

    def _resize(self, slots: int, count: int) -> None:
        self._shift = np.uint64(64 - (slots.bit_length() - 1))
        self._last = slots - 1
        self._slots: Numbers = np.zeros(slots, dtype=np.int64)
        self._enter(1, count)

    def _enter(self, begin: int, end: int) -> None:
        """Give the tokens from one number to another their slots."""
        wanted = self._hash([words[begin:end] for words in self._words])
        for number, first in enumerate(wanted.tolist(), begin):
            slot = first
            while self._slots[slot]:
                slot = (slot + 1) & self._last
            self._slots[slot] = number

    def _hash(self, words: list[Words]) -> Numbers:
        total = words[0] * _FACTORS[0]
        for word, factor in zip(words[1:], _FACTORS[1:], strict=False):
            total += word * factor
        total >>= self._shift
        slots: Numbers = total.view(np.int64)
        return slots

    def _differ(self, numbers: Numbers, words: list[Words]) -> npt.NDArray[np.bool_]:
        differ: npt.NDArray[np.bool_] = self._words[0][numbers] != words[0]
        for known, word in zip(self._words[1:], words[1:], strict=True):
            differ |= known[numbers] != word
        return differ

    def look_up(self, words: list[Words]) -> Numbers:
        """The number of each token; a new one for a token that was never seen."""
        slots = self._hash(words)
        numbers: Numbers = self._slots[slots]
        rest = np.flatnonzero(self._differ(numbers, words))
        unseen = [rest[:0]]
        while len(rest):
            # An empty slot ends the search: the token is new. (Empty tokens have been found, their number is 0.)
            is_new = numbers[rest] == 0
            unseen.append(rest[is_new])
            rest = rest[~is_new]
            slots[rest] = (slots[rest] + 1) & self._last
            numbers[rest] = self._slots[slots[rest]]
            rest = rest[self._differ(numbers[rest], [word[rest] for word in words])]
        new = np.concatenate(unseen)
        if len(new):
            numbers[new] = self._learn([word[new] for word in words])
        return numbers

    def _learn(self, words: list[Words]) -> list[int]:
        """The numbers of tokens not found, which may be the same one many times."""
        known, tokens = self._known, list(zip(*(word.tolist() for word in words), strict=True))
        begin = len(known)
        for token in tokens:
            if token not in known:
                known[token] = len(known)
        while len(known) > len(self._words[0]):
            self._words = [np.append(column, np.zeros_like(column)) for column in self._words]
        fresh = np.array(list(known)[begin:], dtype=np.uint64)
        for column, word in zip(self._words, fresh.T, strict=True):
            column[begin : len(known)] = word
        if len(known) * _ROOM > len(self._slots):
            self._resize(2 ** (len(known) * _ROOM).bit_length(), len(known))
        else:
            self._enter(begin, len(known))
        return [known[token] for token in tokens]
