r"""Access lines: Common Log Format, Combined, and either with a duration at the end.

Fields: host, ident, user, time, request, status, bytes, referer, agent, duration; of the request also
method and path. One pattern, written in the words that both Python's `re` and Rust's `regex` read alike,
serves one line and a block. Sources: Apache httpd's mod_log_config, nginx's log_format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from domain.settings import Fields, Format
from logwatch.kinds.base import Column, Kind, Request, Split

_QUOTED = r'"{}(?:[^"\\]|\\.)*)"'
_PATTERN = (
    r"^(?P<host>[^ ]+) (?P<ident>[^ ]+) (?P<user>[^\[]*) \[(?P<time>[^\]]+)\] "
    + _QUOTED.format("(?P<request>")
    + r" (?P<status>[0-9]{3}) (?P<bytes>[0-9]+|-)"
    + "(?: " + _QUOTED.format("(?P<referer>") + " " + _QUOTED.format("(?P<agent>") + ")?"
    + r"(?: (?P<duration>[^ ]+)(?: .*)?)? *$"
)  # fmt: skip
_LINE = re.compile(_PATTERN)


class Access(Kind):
    """The kind `access`."""

    @classmethod
    def of(cls, _form: Format, _path: str) -> Self:
        """Such lines need nothing declared."""
        return cls()

    @staticmethod
    def defaults() -> Fields:
        """The endpoint is the request's method and path; the code is the status."""
        return Fields(endpoint="request", code="status", status="status")

    @staticmethod
    def time_field() -> str:
        """The time in brackets, when the request came in."""
        return "time"

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The fields of a line; None when it is no access line."""
        match = _LINE.match(line)
        return match.groupdict("") if match else None

    def split(self, block: bytes, request: Request) -> Split | None:
        """Columns by one pass of the pattern; lines that do not match are left to be read by themselves."""
        import polars as pl  # it takes long: only where it is used

        text = block.decode("utf-8", "replace")
        lines = pl.Series(text[:-1].split("\n") if text.endswith("\n") else text.split("\n"), dtype=pl.String)
        groups = lines.str.extract_groups(_PATTERN).struct
        frame = pl.DataFrame([groups.field(name) for name in request.wanted])
        keys = [name for name in request.wanted if name not in request.texts]
        frame = frame.with_columns(pl.col(keys).fill_null("").cast(request.categorical))
        columns = {name: Column(name) for name in request.wanted}
        return Split(frame, columns, sound=groups.field("status").is_not_null().to_numpy())
