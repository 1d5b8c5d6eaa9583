"""Whether a file's accounting adds up with what was seen of its content without reading a line."""

from __future__ import annotations

from domain.batch import Accounting


def imbalance(told: Accounting, line_ends: int, begun: int, offset: int, size: int | None) -> str:
    """What does not add up, in words; "" where all does.

    `line_ends` were counted by themselves between the places `begun` and `offset`, -1 where nobody did; `size` is that
    of a file that is over, of which all must be counted, and None for another.
    """
    if not told.balanced:
        return f"{told.lines:,} lines were read, and what became of them does not add up to that"
    if 0 <= line_ends != told.lines:
        return f"{line_ends:,} lines end in it, and {told.lines:,} are accounted for"
    if told.bytes != offset - begun:
        return f"{offset - begun:,} bytes were read, and {told.bytes:,} are accounted for"
    if size is not None and size != offset:
        return f"it holds {size:,} bytes, and is counted up to {offset:,}"
    return ""
