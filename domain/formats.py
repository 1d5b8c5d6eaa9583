"""Formats: how lines are read, declared rather than coded. The shape of `[formats.NAME]`."""

from __future__ import annotations

from typing import Literal

import msgspec


class TimeField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a line's time stands, the zone of times that name none, and which end of the call it marks.

    `layout` is a time's shape in the words of strptime, where it is none that is read by itself; `unit` that of
    times that are numbers since 1970, "" for the one that their digits tell.
    """

    field: str
    zone: str = "Europe/Brussels"
    marks: Literal["start", "end"] = "end"
    layout: str = ""
    unit: Literal["", "s", "ms", "us", "ns"] = ""


class Picked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key taken out of a text by a pattern: its first group, or all it matches.

    The text is that of `field` (by `match`), or the path of the file that the line stands in (by `file`).
    """

    field: str = ""
    match: str = ""
    file: str = ""


FieldSpec = str | Picked


class Fields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which field of the line holds which key. "" or a missing name: the key is not in these lines.

    `patient` is hashed where the line is read, to count distinct patients, and never kept.
    """

    hub: FieldSpec = ""
    endpoint: FieldSpec = ""
    vendor: FieldSpec = ""
    version: FieldSpec = ""
    pharmacy: FieldSpec = ""
    server: FieldSpec = ""
    code: FieldSpec = ""
    status: FieldSpec = ""
    patient: FieldSpec = ""
    duration_ns: FieldSpec = ""
    duration_us: FieldSpec = ""
    duration_ms: FieldSpec = ""
    duration_s: FieldSpec = ""


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an endpoint is made general: each pattern's matches are replaced, in order."""

    pattern: str
    by: str = "{}"


class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines that do not match `starts` continue the event before them, and are read as one text with it.

    An event is complete with the next one's first line, with `lines` or `bytes` of it, or once its file has not
    grown for `seconds`; what continues it after that is counted and not read.
    """

    starts: str
    lines: int = 200
    bytes: int = 65_536
    seconds: float = 5.0


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls that are written as two lines, joined by what the field `id` holds.

    `starts` and `ends` are patterns found in the whole line; another line is ignored. A start whose end does not come
    within `seconds` is a call of its own with the code `code`, as is the oldest when more than `most` are open; an end
    without a start is a call without a duration.
    """

    id: str
    starts: str
    ends: str
    seconds: float = 300.0
    most: int = 100_000
    code: str = "NO_END"


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A technical figure in the lines: a `gauge` (what it is now) or a `counter` (which only grows, or begins anew)."""

    field: FieldSpec
    unit: str = ""
    kind: Literal["gauge", "counter"] = "gauge"


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line and what it gives; `check` runs it. `gives` holds keys, `duration_ms`, `time` (RFC 3339)."""

    line: str
    gives: dict[str, str | int | float]


class Format(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How lines are read, declared rather than coded.

    `pattern` is of the kind `regex`: its named groups are the fields. `delimiter` and `header` are of `delimited`:
    what stands between two values, and the fields' names, or where the file itself names them: "first" (its first
    line) or "directive" (W3C's `#Fields:`). `inner` is a format of its own for what one field of `json` or the
    message of `syslog` holds, `inner_field` that field; its fields stand beside the outer ones. Of the kind `pair`,
    `inner` is the format that both lines are split by, and `pair` says which line is which.
    """

    kind: str
    pattern: str = ""
    delimiter: str = ","
    header: tuple[str, ...] | Literal["", "first", "directive"] = ""
    inner: str = ""
    inner_field: str = ""
    time: TimeField | None = None
    fields: Fields = Fields()
    template: tuple[Template, ...] | None = None
    values: dict[str, Value] = {}
    join: Join | None = None
    pair: Pair | None = None
    ignore: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
