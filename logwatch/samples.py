"""A few lines that could not be read, kept so that somebody may mend the format, and blanked.

Nothing is known of such a line's fields, so nothing of it is allowed through but its shape: every letter
becomes `a`, every digit `0`; punctuation and spaces stay.
"""

from __future__ import annotations

import re

_LETTERS = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"\d")
_ODD = re.compile(r"[^\x20-\x7e]")
KEEP = 5
LONGEST = 120


def blanked(text: str) -> str:
    """The text with its letters and digits blanked."""
    return _ODD.sub("?", _DIGITS.sub("0", _LETTERS.sub("a", text)))


def shape(line: str) -> str:
    """The line with its letters and digits blanked, at most LONGEST characters."""
    text = blanked(line[:LONGEST])
    return text + "…" if len(line) > LONGEST else text


class Samples:
    """The first few distinct shapes."""

    def __init__(self) -> None:
        self.shapes: list[str] = []

    def add(self, line: str) -> None:
        """Keep the line's shape if there is room and it is new."""
        if len(self.shapes) < KEEP:
            self.add_shape(shape(line))

    def add_shape(self, text: str) -> None:
        """Keep a shape if there is room and it is new."""
        if len(self.shapes) < KEEP and text not in self.shapes:
            self.shapes.append(text)
