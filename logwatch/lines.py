"""Cutting a stream of bytes into blocks of whole lines, the same lines however the bytes arrive."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_LINE = 256 * 1024


def plain_ends(block: bytes) -> bytes:
    """The block with a line feed for every carriage return and line feed, also for one cut between the two."""
    while b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    return block.rstrip(b"\r") + b"\n" if block.endswith(b"\r") else block


def lines_in(block: bytes) -> list[bytes]:
    """The lines of a block, without their ends."""
    if not block:
        return []
    return (block[:-1] if block.endswith(b"\n") else block).split(b"\n")


@dataclass(slots=True)
class LineCutter:
    """Keeps the unfinished line between reads.

    A line longer than MAX_LINE is not kept: it is counted in `oversized` (lines) and its bytes are dropped,
    so that memory stays bounded whatever a file holds. `unfinished` is how many bytes came since the last
    line end, kept or dropped; `cuts` are the places in the last block at which lines were dropped.
    """

    rest: bytes = b""
    oversized: int = 0
    unfinished: int = 0
    cuts: list[int] = field(default_factory=list)
    _dropping: bool = False

    def feed(self, data: bytes | bytearray, length: int | None = None) -> bytes:
        """The whole lines that `data` completes, each with its line end; b"" when there are none.

        Only the first `length` bytes of `data` are meant, all when it is None; `data` may be used again after.
        """
        length = len(data) if length is None else length
        view = memoryview(data)[:length]
        self.cuts.clear()
        cut = data.rfind(b"\n", 0, length) + 1
        if cut == 0:
            self.unfinished += length
            self._keep(self.rest + view)
            return b""
        self.unfinished = length - cut
        begin = 0
        if self._dropping:
            self._dropping = False
            self.oversized += 1
            self.cuts.append(0)
            begin = data.find(b"\n") + 1
        block = b"".join((self.rest, view[begin:cut]))
        self._keep(bytes(view[cut:]))
        return self._without_oversized(block)

    def finish(self) -> bytes:
        """The last line, which no line end closed; b"" when there is none."""
        if self._dropping:
            self._dropping = False
            self.oversized += 1
        last, self.rest, self.unfinished = self.rest, b"", 0
        return last

    def _keep(self, rest: bytes) -> None:
        if self._dropping:
            return
        self._dropping = len(rest) > MAX_LINE
        self.rest = b"" if self._dropping else rest

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
            self.cuts.append(sum(map(len, kept)))
            at = begin = end + 1
        return b"".join([*kept, block[begin:]]) if kept else block
