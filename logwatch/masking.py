"""A line made fit to be looked at: what is allowed stands as it was understood, all else is only its shape.

By allow-list, not by looking for patients: letters and digits of the line itself never get through, so neither does
a patient's number that was mistyped. What stands in the text besides its shape are the keys that are counted anyway,
the names that the format gives to their fields, the time and the duration. A key in which a mistyped number may hide
(ten digits with no more than separators between them) loses its digits, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from domain.redact import mask_patients
from logwatch.samples import blanked

# A line is looked at so far, and shown so far.
LONGEST_LINE, LONGEST_SHOWN = 2_000, 400
# A call that took longer is shown without its duration, whose digits would be as many as a patient's.
_LONGEST_US = 3_600 * 1_000_000
_MANY_DIGITS = re.compile(r"\d(?:[ .\-/_:]{0,3}\d){9,}")
_TIME = re.compile(r"[\w:/.,+\- ]{8,48}", re.ASCII)
_LONG_RUN = re.compile(r"\d{10}")
_NUMBER = re.compile(r"\d{1,7}(?:\.\d{1,3})?", re.ASCII)
# What stands between a field's name and its value.
_BETWEEN = "\"'=:> "


class Shown(NamedTuple):
    """A field that may be seen: its name, what the line holds in it, and what that was understood as."""

    name: str
    token: str
    text: str


class _Span(NamedTuple):
    start: int
    end: int
    text: str


def shown_key(name: str, token: str, key: str) -> Shown | None:
    """A key as it may be seen; None where there is none."""
    if not token or not key:
        return None
    safe = blanked(key) if _MANY_DIGITS.search(key) else key
    return Shown(name, token, safe)


def shown_time(name: str, token: str, iso: str) -> Shown:
    """A time: as it stands where it is written as one, as it was understood where it is a number."""
    written = ":" in token and _TIME.fullmatch(token) and not _LONG_RUN.search(token)
    return Shown(name, token, token if written else iso)


def shown_duration(name: str, token: str, micros: int) -> Shown | None:
    """A duration: as it stands where it is a short number, else in whole milliseconds; None where there is none."""
    if not token or not 0 <= micros <= _LONGEST_US:
        return None
    return Shown(name, token, token if _NUMBER.fullmatch(token) else f"{(micros + 500) // 1_000} ms")


def masked(line: str, allowed: Iterable[Shown]) -> str:
    """The line's shape with what is allowed in its place; a token that does not stand in the line is not shown."""
    line = line[:LONGEST_LINE]
    spans: list[_Span] = []
    # The longest first: what stands within it is found there, and not looked for elsewhere.
    for shown in sorted(allowed, key=lambda one: -len(one.token)):
        span = _place(line, shown, spans)
        if span is not None:
            spans.append(span)
    parts: list[str] = []
    at = 0
    for span in sorted(spans):
        parts += [_shape(line[at : span.start]), span.text]
        at = span.end
    text = "".join((*parts, _shape(line[at:])))
    # Digits that are blanked and a key beside them may read as a number that is nobody's.
    return mask_patients(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")


def _shape(text: str) -> str:
    """The shape of a piece of the line, which may have several lines."""
    return "\n".join(map(blanked, text.split("\n")))


def _place(line: str, shown: Shown, taken: Sequence[_Span]) -> _Span | None:
    """Where a field's token stands: behind the field's name, else the first time that it stands by itself."""
    first: _Span | None = None
    at = line.find(shown.token)
    while at >= 0:
        end = at + len(shown.token)
        if _stands_alone(line, at, end) and not any(span.start < end and at < span.end for span in taken):
            begin = _name_before(line, at, shown.name)
            if begin is not None:
                return _Span(begin, end, f"{line[begin:at]}{_inside(shown)}")
            # One character is found anywhere, and says nothing there.
            if first is None and len(shown.token) > 1:
                first = _Span(at, end, _inside(shown))
        at = line.find(shown.token, at + 1)
    return first


def _inside(shown: Shown) -> str:
    """What is shown of the token: the key in its place where it is a part of it, else the key instead of it."""
    if shown.text == shown.token:
        return shown.text
    at = shown.token.find(shown.text)
    if at < 0 or not _stands_alone(shown.token, at, at + len(shown.text)):
        return shown.text
    return f"{blanked(shown.token[:at])}{shown.text}{blanked(shown.token[at + len(shown.text) :])}"


def _stands_alone(line: str, start: int, end: int) -> bool:
    """Whether a piece is not a part of a longer word or number."""
    before, after = line[start - 1 : start], line[end : end + 1]
    return not (before.isalnum() and line[start].isalnum()) and not (after.isalnum() and line[end - 1].isalnum())


def _name_before(line: str, at: int, name: str) -> int | None:
    """Where the field's name begins, if it stands right before its value."""
    name = name.rpartition(".")[2]
    end = at
    while end > 0 and at - end < 4 and line[end - 1] in _BETWEEN:
        end -= 1
    start = end - len(name)
    if not name or end == at or start < 0 or line[start:end] != name:
        return None
    return None if line[start - 1 : start].isalnum() else start
