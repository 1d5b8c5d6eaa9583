"""Which lines are events at all: blank ones, those a format ignores, those that continue the one before.

Where a format joins, the lines of an event are one text. What is ignored is then said by the whole text of an event,
and by each line that continues one for itself; a line that is ignored there is no part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from domain.settings import Format
from logwatch.catalog import shipped
from logwatch.guarded import guard
from logwatch.headings import text_of
from logwatch.nesting import lines_of
from logwatch.rows import CONTINUED, EVENT, IGNORED, MALFORMED

# An event that is the start of a call whose end is another.
OPENED = 4
# A pattern that is nothing but the beginning of a line, as most are that ignore lines.
_BEGINNING = re.compile(r"\^([A-Za-z0-9#;%!@&/ ,:'\"_-]+)")


class Sorter:
    """The patterns of one format. Raises ConfigError below `path` for one that is none."""

    def __init__(self, form: Format, path: str) -> None:
        form = lines_of(form, shipped(), path)
        self._ignore = [guard(text, f"{path}.ignore[{place}]") for place, text in enumerate(form.ignore)]
        self._join, self._pair = form.join, form.pair
        self._starts = guard(form.join.starts, f"{path}.join.starts") if form.join else None
        self._opens = guard(form.pair.starts, f"{path}.pair.starts") if form.pair else None
        self._closes = guard(form.pair.ends, f"{path}.pair.ends") if form.pair else None
        plain = [_BEGINNING.fullmatch(text) for text in form.ignore]
        self._beginnings = None if None in plain else [match[1].encode() for match in plain if match]
        self._plain = None if None in plain else tuple(match[1] for match in plain if match)

    @property
    def joins(self) -> bool:
        """Whether an event may have several lines."""
        return self._join is not None

    @property
    def join_seconds(self) -> float:
        """How long the last event of a file waits for more lines; 0 where nothing is joined."""
        return self._join.seconds if self._join else 0.0

    def sort(self, text: str) -> int:
        """Whether one line is ignored, continues an event, or should be one (OPENED: the start of a call)."""
        try:
            verdict = self._place(text)
            return self._whole(text) if verdict == EVENT else verdict
        except TimeoutError:
            return MALFORMED

    def sort_all(self, texts: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Of each line its verdict and what is to be read of it: all of an event's lines with its first.

        Where nothing is joined, that is the line itself.
        """
        if self._join is None:
            for text in texts:
                yield self.sort(text), text
            return
        waiting: list[tuple[int, str]] = []
        held: list[str] = []
        lines = size = 0
        for text in texts:
            try:
                verdict = self._place(text)
            except TimeoutError:
                verdict = MALFORMED
            if verdict in (EVENT, MALFORMED):
                yield from self._event(held, waiting)
                waiting, held, lines, size = [], [], 0, 0
            if verdict == EVENT:
                held = [text]
            # A line that finds no room ends the text: what comes after it is no part of it either.
            lines, size = lines + 1, size + len(text.encode("utf-8", "replace")) + 1
            if verdict == CONTINUED and held and lines <= self._join.lines and size <= self._join.bytes:
                held.append(text)
            waiting.append((verdict, text))
        yield from self._event(held, waiting)

    def _event(self, held: list[str], waiting: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The lines from one event to the next, the first with its whole text."""
        if held:
            whole = held[0] if len(held) == 1 else "\n".join(held)
            try:
                waiting[0] = self._whole(whole), whole
            except TimeoutError:
                waiting[0] = MALFORMED, whole
        yield from waiting

    def _place(self, text: str) -> int:
        """IGNORED, CONTINUED or EVENT, as far as one line tells. Raises TimeoutError."""
        if not text.strip():
            return IGNORED
        if self._starts is None or self._starts.search(text):
            return EVENT
        return IGNORED if self._ignores(text) else CONTINUED

    def _whole(self, text: str) -> int:
        """EVENT, OPENED or IGNORED, for what should be an event. Raises TimeoutError."""
        if self._ignores(text):
            return IGNORED
        if self._opens is None or self._closes is None or self._closes.search(text):
            return EVENT
        return OPENED if self._opens.search(text) else IGNORED

    def _ignores(self, text: str) -> bool:
        if self._plain is not None:
            # A tenth of what a pattern with a time limit costs.
            return text.startswith(self._plain)
        return any(pattern.search(text) for pattern in self._ignore)

    def held(self, block: bytes) -> int:
        """How many bytes at the end of a block belong to an event that the next line may still continue.

        0 where nothing is joined, or the last event is as long as it may be.
        """
        if self._join is None:
            return 0
        window = 2 * self._join.bytes
        at = 0 if len(block) <= window else block.find(b"\n", len(block) - window) + 1
        lines = size = 0
        end = len(block)
        while at < end and lines < self._join.lines and size < self._join.bytes:
            start = block.rfind(b"\n", at, end - 1) + 1 or at
            text = text_of(block[start:end].removesuffix(b"\n"))
            lines, size = lines + 1, size + len(text.encode("utf-8", "replace")) + 1
            try:
                if self._place(text) == EVENT:
                    return len(block) - start if lines < self._join.lines and size < self._join.bytes else 0
            except TimeoutError:
                return 0
            end = start
        return 0

    def may_sort_out(self, block: bytes, beginning: str) -> bool:
        """Whether some of the lines that begin with `beginning` may be no events by these patterns.

        False is sure; it can be said where nothing is joined and all that is ignored are plain beginnings.
        """
        if self._starts is not None or self._pair is not None or self._beginnings is None:
            return True
        known = beginning.encode()
        return any(
            (known.startswith(start) or start.startswith(known))
            and start in block
            and (block.startswith(start) or b"\n" + start in block)
            for start in self._beginnings
        )
