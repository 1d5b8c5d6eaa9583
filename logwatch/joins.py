"""Lines that may still be continued: what a growing file holds back until its last event is complete.

An event is complete with the next one's first line, with as many lines or bytes as a format joins, or when its file
has not grown for a while. Until then its bytes are not read: a position in the file stands before them, so that a
restart begins with the whole event again, and any cutting of the file gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise


class Tail:
    """What of one file's lines is held back."""

    __slots__ = ("_rest", "lines")

    def __init__(self) -> None:
        self._rest = b""
        # How many lines that is.
        self.lines = 0

    @property
    def size(self) -> int:
        """How many bytes are held back."""
        return len(self._rest)

    def feed(self, block: bytes, cuts: Sequence[int], held: Callable[[bytes], int]) -> list[bytes]:
        """The blocks of complete events that new whole lines leave, each to be read by itself.

        `cuts` are the places in `block` at which lines were dropped that are too long: no event goes on over one.
        `held` says how much at the end of a block belongs to an event that may be continued.
        """
        if not block and not cuts:
            return []
        # A line that was dropped before the first of the block ends what is held back.
        whole, before = self._rest + block, len(self._rest)
        bounds = [0, *(before + cut for cut in cuts), len(whole)]
        blocks = [whole[start:stop] for start, stop in pairwise(bounds)]
        last = blocks.pop()
        kept = held(last) if last else 0
        self._rest = last[len(last) - kept :] if kept else b""
        self.lines = self._rest.count(b"\n")
        blocks.append(last[: len(last) - kept])
        return [block for block in blocks if block]

    def release(self) -> bytes:
        """What was held back, as nothing continues it any more."""
        rest, self._rest, self.lines = self._rest, b"", 0
        return rest
