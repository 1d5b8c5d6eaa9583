"""Lines that name the columns of those after them: which one is in force where.

A heading belongs to a file, not to a reader, for one reader reads many files. Where reading begins again in a file's
midst, the heading in force there is learnt from what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from logwatch.kinds.base import Kind

_BOM = "\ufeff"
# What may be a directive; whether it is one the kind says.
_DIRECTIVE = re.compile(rb"^(?:\xef\xbb\xbf)?#fields[^\n]*", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class Heading:
    """The heading in force in one file; "" before its first."""

    line: str = ""


@runtime_checkable
class Headed(Protocol):
    """A kind whose files may name their columns themselves."""

    header_from: str

    def heads(self, line: str) -> bool:
        """Whether a line names the columns of those after it."""
        ...

    def under(self, heading: str) -> Kind:
        """The kind for the lines below a heading."""
        ...


def text_of(line: bytes) -> str:
    """A line as every kind is given it."""
    return line.decode("utf-8", "replace").removeprefix(_BOM).rstrip("\r")


def parts(block: bytes, kind: Headed, heading: str, counts: Callable[[str], bool]) -> Iterator[tuple[bytes, str]]:
    """A block cut at its headings: (lines, "") for lines between two, (line, heading) for a heading.

    `heading` is the one in force where the block begins. `counts` says whether a line is one at all, and not
    blank or ignored: the first such line of a file is its heading, where the kind says "first".
    """
    at = 0
    for start, end in _places(block, kind, heading, counts):
        if start > at:
            yield block[at:start], ""
        yield block[start : end + 1], text_of(block[start:end])
        at = end + 1
    if at < len(block):
        yield block[at:], ""


def _places(block: bytes, kind: Headed, heading: str, counts: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Where headings begin and end, the line end not among it."""
    if kind.header_from == "directive":
        for match in _DIRECTIVE.finditer(block):
            if kind.heads(text_of(match[0])):
                yield match.span()
    elif not heading:
        start = 0
        while start < len(block):
            end = block.find(b"\n", start)
            end = len(block) if end < 0 else end
            if counts(text_of(block[start:end])):
                yield start, end
                return
            start = end + 1
