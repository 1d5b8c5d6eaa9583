"""A file's first lines; and one of its lines with what it takes to understand it.

That is the lines joined to it, and the line that names its columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InputError
from domain.formats import Format
from logwatch.files import contents, looks_binary
from logwatch.headings import Headed, Heading, parts, text_of
from logwatch.lines import MAX_LINE, LineCutter
from logwatch.plan import plan
from logwatch.rows import CONTINUED, EVENT, IGNORED
from logwatch.sorting import OPENED, Sorter

# An event's first line is looked for among so many lines before one that continues it.
_MOST_BEFORE = 10_000
_HEAD = 4_096


@dataclass(frozen=True, slots=True)
class LineAt:
    """A line's text with the lines that continue it, its file's heading, and the number of the event's first line."""

    number: int
    text: str
    heading: str
    begins: int
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of a file: the number of the first (from 1), the lines, and the file's heading before them."""

    first: int
    lines: list[bytes]
    heading: str


def first_lines(file: Path) -> bytes:
    """The whole lines that a file begins with, at most a few megabytes of them. Raises InputError."""
    cutter, pieces = LineCutter(), contents(file)
    for piece, length in pieces:
        if looks_binary(bytes(piece[: min(_HEAD, length)])):
            raise InputError(str(file), "is no text", "Name a log file; .gz and .zst are read as they are")
        if block := cutter.feed(piece, length):
            return block
    last = cutter.finish()
    if not last:
        raise InputError(str(file), "is empty", "Name a file that holds lines")
    return last


def line_at(file: Path, number: int, form: Format, path: str, progress: Callable[[int], object]) -> LineAt:
    """The line `number` (from 1) of a file, read by a format. Raises InputError where the file has no such line."""
    sorter = Sorter(form, path)
    kind = plan(form, {}, path).kind
    headed = kind if isinstance(kind, Headed) and kind.header_from else None
    heading = Heading()

    def counts(line: str) -> bool:
        return sorter.sort(line) != IGNORED

    found: Piece | None = None
    more = form.join.lines if form.join else 0
    first, cutter, dropping = 1, LineCutter(), False
    for piece, length in contents(file):
        # What the cutter drops of a line that is too long is a line of the file all the same.
        whole = cutter.rest + bytes(piece[:length])
        block = cutter.feed(piece, length)
        lines = whole.split(b"\n")[:-1]
        if found is not None:
            found.lines.extend(lines[:more])
            break
        if number < first + len(lines):
            if dropping and number == first:
                return LineAt(number, "", heading.line, number, too_long=True)
            found = Piece(first, lines, heading.line)
            if number + more < first + len(lines):
                break
            continue
        if headed:
            for _, fresh in parts(block, headed, heading.line, counts):
                heading.line = fresh or heading.line
        first += len(lines)
        dropping = cutter.unfinished > MAX_LINE
        progress(length)
    else:
        last = cutter.finish()
        if last and found is not None:
            found.lines.append(last)
        elif last:
            found, first = Piece(first, [last], heading.line), first + 1
    if found is None or number >= found.first + len(found.lines):
        raise InputError(str(file), f"has {first - 1:,} lines, and no line {number:,}", "Name one that it has")
    at = _heading_of(found, number, headed, counts) if headed else ""
    return _joined(found, number, at, sorter, form)


def _heading_of(found: Piece, number: int, headed: Headed, counts: Callable[[str], bool]) -> str:
    before = b"".join(line + b"\n" for line in found.lines[: number - found.first + 1])
    heading = found.heading
    for _, fresh in parts(before, headed, heading, counts):
        heading = fresh or heading
    return heading


def _joined(found: Piece, number: int, heading: str, sorter: Sorter, form: Format) -> LineAt:
    """The line with those that continue it; of one that continues another, where that one stands."""
    place = number - found.first
    if len(found.lines[place]) > MAX_LINE:
        return LineAt(number, "", heading, number, too_long=True)
    text = text_of(found.lines[place])
    if form.join is None:
        return LineAt(number, text, heading, number)
    if sorter.sort(text) == CONTINUED:
        for back in range(place - 1, max(place - _MOST_BEFORE, 0) - 1, -1):
            if sorter.sort(text_of(found.lines[back])) in (EVENT, OPENED):
                return LineAt(number, text, heading, found.first + back)
        return LineAt(number, text, heading, 0)
    whole = [text]
    for line in found.lines[place + 1 : place + form.join.lines]:
        following = text_of(line)
        # Whatever else begins an event; of what is ignored among its lines the reading itself thinks.
        if sorter.sort(following) not in (CONTINUED, IGNORED):
            break
        whole.append(following)
    return LineAt(number, "\n".join(whole), heading, number)
