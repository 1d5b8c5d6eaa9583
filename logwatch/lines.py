"""Cutting a stream of bytes into blocks of whole lines, the same lines however the bytes arrive."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LINE = 256 * 1024


@dataclass(slots=True)
class LineCutter:
    """Keeps the unfinished line between reads.

    A line longer than MAX_LINE is not kept: it is counted in `oversized` (lines) and its bytes are dropped,
    so that memory stays bounded whatever a file holds.
    """

    rest: bytes = b""
    dropping: bool = False
    oversized: int = 0

    def feed(self, data: bytes) -> bytes:
        """The whole lines that `data` completes, each with its line end; b"" when there are none."""
        if self.dropping:
            end = data.find(b"\n")
            if end < 0:
                return b""
            self.dropping = False
            self.oversized += 1
            data = data[end + 1 :]
        cut = data.rfind(b"\n") + 1
        if cut == 0:
            self.rest += data
            self._bound_rest()
            return b""
        block = b"".join((self.rest, memoryview(data)[:cut])) if self.rest or cut < len(data) else data
        self.rest = data[cut:]
        self._bound_rest()
        return self._without_oversized(block)

    def finish(self) -> bytes:
        """The last line, which no line end closed; b"" when there is none."""
        if self.dropping:
            self.dropping = False
            self.oversized += 1
        last, self.rest = self.rest, b""
        return last

    @property
    def pending(self) -> int:
        """Bytes of the unfinished line that are kept."""
        return len(self.rest)

    def _bound_rest(self) -> None:
        if len(self.rest) > MAX_LINE:
            self.rest = b""
            self.dropping = True

    def _without_oversized(self, block: bytes) -> bytes:
        """Drop lines that are complete but too long: the same rule as for those cut by a read."""
        if len(block) <= MAX_LINE:
            return block
        kept, begin = [], 0
        at = 0
        while len(block) - at > MAX_LINE:
            # The last line end within the longest allowed stretch; none there means a line that is too long.
            end = block.rfind(b"\n", at, at + MAX_LINE + 1)
            if end >= 0:
                at = end + 1
                continue
            end = block.find(b"\n", at)
            kept.append(block[begin:at])
            self.oversized += 1
            at = begin = end + 1
        return b"".join([*kept, block[begin:]]) if kept else block
