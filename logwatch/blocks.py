"""How a block of lines is looked at as a whole: by spans where its kind says how fields stand, else by columns."""

from __future__ import annotations

import re

import numpy as np

from logwatch.lines import plain_ends
from logwatch.looked import Looked
from logwatch.marks import LINE_END, Marks
from logwatch.memo import Numbers
from logwatch.plan import Plan
from logwatch.spans import Spans
from logwatch.vocabulary import Vocabulary
from logwatch.words import Bytes

_AFTER_CONTROLS = 14
_BOM = b"\xef\xbb\xbf"
# Lines that begin with a byte order mark, which only the small path takes away.
_MARKED = re.compile(rb"(?:\A|\n)" + _BOM)


class Blocks:
    """Looks at blocks. It keeps memory for that: fresh memory costs more than the look at each byte."""

    def __init__(self) -> None:
        self._room: Bytes = np.empty(0, dtype=np.uint8)

    def look(self, block: bytes, plan: Plan, words: Vocabulary) -> tuple[Looked | None, bytes, Numbers]:
        """The block looked at, with its line ends made plain, and where these are; None for the small path to read it.

        The last line may lack its end.
        """
        if len(block) >= len(self._room):  # the last line may get the end that it lacks
            self._room = np.empty(len(block) + 1, dtype=np.uint8)
        arranged = plan.kind.arranged(block, plan.wanted, plan.time.field, plan.texts)
        looked: Looked | None = None
        if arranged is not None:
            whole = block if block.endswith(b"\n") else block + b"\n"
            marks = Marks(whole, self._room)
            if marks.odd and b"\r" in whole:
                block = plain_ends(block)
                whole = block if block.endswith(b"\n") else block + b"\n"
                marks = Marks(whole, self._room)
            if marks.odd and arranged.tabs and b"\t" in whole:
                whole = whole.replace(b"\t", b" ")
                marks = Marks(whole, self._room)
            looked, ends = Spans.of(whole, marks, arranged, plan, words), marks.ends
        else:
            # polars takes long to be imported: only where it is used.
            from logwatch.columns import Columns

            ends, odd = self._line_ends(block)
            if odd and b"\r" in block:
                block = plain_ends(block)
                ends, odd = self._line_ends(block)
            height = len(ends) + (not block.endswith(b"\n") and bool(block))
            looked = Columns.of(block, height, odd, plan, words)
        if looked is not None and _BOM[:1] in block and _BOM in block:
            marked = [match.end() - 1 for match in _MARKED.finditer(block)]
            looked.sound[np.searchsorted(ends, marked)] = False
        return looked, block, ends

    def _line_ends(self, block: bytes) -> tuple[Numbers, bool]:
        """Where the block's lines end, and whether it holds tabs, carriage returns or the like, in one pass."""
        data = np.frombuffer(block, dtype=np.uint8)
        places = np.flatnonzero(np.less(data, _AFTER_CONTROLS, out=self._room[: len(block)].view(np.bool_)))
        is_end = data[places] == LINE_END
        return (places, False) if is_end.all() else (places[is_end], True)
