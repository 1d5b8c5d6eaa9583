"""Which lines are events at all: blank ones, those a format ignores, and those that continue the one before."""

from __future__ import annotations

import re

from domain.settings import Format
from logwatch.meaning import PATTERN_SECONDS, compile_pattern
from logwatch.rows import CONTINUED, EVENT, IGNORED, MALFORMED

# A pattern that is nothing but the beginning of a line, as most are that ignore lines.
_BEGINNING = re.compile(r"\^([A-Za-z0-9#;%!@&/ ,:'\"_-]+)")


class Sorter:
    """The patterns of one format. Raises ConfigError below `path` for one that is none."""

    def __init__(self, form: Format, path: str) -> None:
        self._ignore = [compile_pattern(text, f"{path}.ignore") for text in form.ignore]
        self._starts = compile_pattern(form.join.starts, f"{path}.join.starts") if form.join else None
        plain = [_BEGINNING.fullmatch(text) for text in form.ignore]
        self._beginnings = None if None in plain else [match[1].encode() for match in plain if match]
        self._plain = None if None in plain else tuple(match[1] for match in plain if match)

    def sort(self, text: str) -> int:
        """Whether a line is ignored, continues an event, or should be one."""
        if not text.strip():
            return IGNORED
        try:
            if self._plain is not None:
                # A tenth of what a pattern with a time limit costs.
                if text.startswith(self._plain):
                    return IGNORED
            elif any(pattern.search(text, timeout=PATTERN_SECONDS) for pattern in self._ignore):
                return IGNORED
            if self._starts is not None and not self._starts.search(text, timeout=PATTERN_SECONDS):
                return CONTINUED
        except TimeoutError:
            return MALFORMED
        return EVENT

    def may_sort_out(self, block: bytes, beginning: str) -> bool:
        """Whether some of the lines that begin with `beginning` may be no events by these patterns.

        False is sure; it can be said where nothing is joined and all that is ignored are plain beginnings.
        """
        if self._starts is not None or self._beginnings is None:
            return True
        known = beginning.encode()
        return any(
            (known.startswith(start) or start.startswith(known))
            and start in block
            and (block.startswith(start) or b"\n" + start in block)
            for start in self._beginnings
        )
