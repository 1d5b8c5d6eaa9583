"""Where the bytes stand that part a line's fields: blanks, quotes and control characters, found in one pass."""

from __future__ import annotations

import numpy as np

from logwatch.memo import Numbers
from logwatch.words import Bytes

LINE_END, BLANK, QUOTE = 10, 32, 34
_AFTER_MARKS = QUOTE + 1
# Tabs, carriage returns and the like; escape characters and such stand in no field that is looked for.
_AFTER_CONTROLS = 14


class Marks:
    """The marks of a block whose every line has its end.

    `places` and `bytes` are those of each mark, `ends` where the lines end, `firsts` the number of each line's first
    mark. `odd` says whether there are control characters beside the line ends.
    """

    def __init__(self, block: bytes, room: Bytes) -> None:
        data = np.frombuffer(block, dtype=np.uint8)
        is_mark = np.less(data, _AFTER_MARKS, out=room[: len(block)].view(np.bool_))
        self.places: Numbers = np.flatnonzero(is_mark)
        self.bytes: Bytes = data[self.places]
        end_marks = np.flatnonzero(self.bytes == LINE_END)
        self.ends: Numbers = self.places[end_marks]
        self.firsts: Numbers = np.concatenate(([0], end_marks[:-1] + 1))
        self.odd = int(np.count_nonzero(self.bytes < _AFTER_CONTROLS)) != len(end_marks)

    def odd_lines(self) -> Numbers:
        """The lines that hold control characters."""
        odd = (self.bytes < _AFTER_CONTROLS) & (self.bytes != LINE_END)
        return np.unique(np.searchsorted(self.ends, self.places[odd]))
