"""Values between delimiters: CSV, tab-separated, and the lines of W3C servers, proxies and load balancers.

Between other delimiters than the blank, values may be quoted, quotes in them doubled. Between blanks, several of which
count as one, values may stand in quotes, with quotes in them doubled or behind a backslash, or in brackets, which are
part of the value. What begins with a quote and does not end with one at a delimiter is taken as it stands.

A header that the format declares may ask for more: `[time]` is a value that must stand in brackets, and is without
them, `=http|https` one that must be one of these, `x?` one of the last values, which may be missing, and a `*` at the
end stands for any others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, Self

from domain.errors import ConfigError
from domain.settings import Fields, Format
from logwatch.kinds.base import Column, Kind, Request, Split
from logwatch.kinds.named import Named

_WORD = re.compile(r'"((?:[^"\\]|\\.|"")*)"(?= |\Z)|\[([^\[\]]*)\](?= |\Z)|([^ ]+)', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])|"(")')
_DIRECTIVE = re.compile(r"#fields:?[ \t]+(.*[^ \t])[ \t]*", re.IGNORECASE)
_ANY_MORE = "*"
# A blank line is one empty value.
_LEAST_WIDTH = 2


def _bare(name: str) -> str:
    """A column's name without the brackets that its value must stand in."""
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name


class Row(Named):
    """The values of one line by the header's names."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def find(self, name: str) -> str | None:
        """The value of a column."""
        return self._values.get(name)

    def names(self) -> Iterator[str]:
        """The columns."""
        return (name for name in self._values if name)


class Delimited(Kind):
    """The kind `delimited`, under a header.

    `header_from` says where the file itself names its columns: "first", "directive", or "" where the format does.
    Without a header, which is so before a file's first one is met, no line can be read. `least` is how many of the
    columns each line has, `more` whether it may have others behind them. Only a header that the format declares
    has columns such as `[x]` and `=x`.
    """

    def __init__(
        self,
        delimiter: str,
        header_from: Literal["", "first", "directive"],
        columns: tuple[str, ...] = (),
        least: int = 0,
        *,
        more: bool = False,
    ) -> None:
        self.header_from = header_from
        self._delimiter, self._least, self._more = delimiter, least, more
        self._literal: tuple[tuple[int, list[str]], ...] = ()
        self._bracketed: tuple[int, ...] = ()
        if not header_from:
            self._literal = tuple(
                (place, name[1:].split("|")) for place, name in enumerate(columns) if name.startswith("=")
            )
            self._bracketed = tuple(place for place, name in enumerate(columns) if name.startswith("["))
            columns = tuple("" if name.startswith("=") else _bare(name) for name in columns)
        # Of columns of the same name the first counts, as of keys elsewhere.
        self._columns = tuple("" if name in columns[:place] else name for place, name in enumerate(columns))
        end = re.escape(delimiter)
        self._value = re.compile(f'"((?:[^"]|"")*)"(?={end}|\\Z)|((?:(?!{end}).)*)', re.DOTALL)

    @classmethod
    def of(cls, form: Format, path: str) -> Self:
        """Lines as the format declares them. Raises ConfigError below `path`."""
        if not form.delimiter or any(mark in form.delimiter for mark in '"\r\n'):
            raise ConfigError(
                "is nothing that could stand between two values",
                path=f"{path}.delimiter",
                mend='Write one such as ",", ";", "\\t" or " "',
            )
        if isinstance(form.header, str):
            if not form.header:
                raise ConfigError(
                    "is missing: which column is what?",
                    path=f"{path}.header",
                    mend='Write the columns\' names in a list, or "first" or "directive" where the file names them',
                )
            return cls(form.delimiter, form.header)
        columns, more = form.header, form.header[-1:] == (_ANY_MORE,)
        columns = columns[: len(columns) - more]
        bare = tuple(name.removesuffix("?") for name in columns)
        least = max((place for place, name in enumerate(columns, 1) if not name.endswith("?")), default=0)
        plain = [_bare(name) for name in bare if not name.startswith("=")]
        if not all(plain) or len(set(plain)) < len(plain):
            raise ConfigError(
                "has a name that is empty or comes twice",
                path=f"{path}.header",
                mend="Give each column a name of its own",
            )
        if any(name.endswith("?") for name in columns[:least]):
            raise ConfigError(
                "has a column that may be missing before one that may not",
                path=f"{path}.header",
                mend='Only the last columns may be missing: write "?" behind all that follow the first such one',
            )
        return cls(form.delimiter, "", bare, least, more=more)

    @staticmethod
    def defaults() -> Fields:
        """Nothing is named by nature."""
        return Fields()

    @staticmethod
    def time_field() -> str:
        """`time`."""
        return "time"

    def heads(self, line: str) -> bool:
        """Whether a line is one that names the columns of those after it, where the file does so by directives."""
        return self.header_from == "directive" and _DIRECTIVE.fullmatch(line) is not None

    def under(self, heading: str) -> Self:
        """This kind for the lines below a heading; "" for those before the first."""
        match = _DIRECTIVE.fullmatch(heading)
        if self.header_from == "directive":
            columns = match[1].split() if match else []
        else:
            columns = self._values(heading) if heading else []
        return type(self)(self._delimiter, self.header_from, tuple(columns), len(columns))

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The values by their columns' names; None when there are too few or too many."""
        values = self._values(line)
        count = len(values)
        if not values or not self._columns or count < self._least or (count > len(self._columns) and not self._more):
            return None
        if any(place < count and values[place] not in texts for place, texts in self._literal):
            return None
        return Row(dict(zip(self._columns, values, strict=False)))

    def split(self, block: bytes, request: Request) -> Split | None:
        """Columns of lines without quotes and brackets; the others are left to be read by themselves."""
        import polars as pl  # it takes long: only where it is used

        width = len(self._columns)
        if width < _LEAST_WIDTH or self._bracketed:
            return None
        text = block.decode("utf-8", "replace")
        lines = pl.Series("line", text.removesuffix("\n").split("\n"), dtype=pl.String)
        values = lines.str.split_exact(self._delimiter, width - 1).struct
        needed = {place for name in request.wanted for place in self._parts(name)} | {at for at, _ in self._literal}
        frame = pl.DataFrame([lines, *(values.field(f"field_{place}").alias(f"{place}") for place in sorted(needed))])
        # Values that may be missing at the end are of no matter where nobody asks for them.
        least = self._least if max(needed, default=0) < self._least else width
        line, count = pl.col("line").str, pl.col("line").str.count_matches(self._delimiter, literal=True)
        checks = [~line.contains('"', literal=True), count >= least - 1]
        checks += [] if self._more else [count < width]
        if self._delimiter == " ":
            # A blank at an end or beside another stands between no two values, and brackets may hold some.
            checks += [~line.contains("[", literal=True), ~line.contains("  ", literal=True)]
            checks += [~line.starts_with(" "), ~line.ends_with(" ")]
        checks += [pl.col(f"{place}").is_in(texts) for place, texts in self._literal]
        columns, made = {}, []
        for name in request.wanted:
            parts = self._parts(name)
            if name not in self._columns and " " in name:
                # Of two values of which one is missing the other is left: the small path's to do.
                checks += [~pl.col(f"{place}").is_in(["", "-"]) for place in parts]
            if parts:
                value = pl.concat_str([pl.col(f"{place}") for place in parts], separator=" ")
                made.append((value if name in request.texts else value.cast(request.categorical)).alias(f"={name}"))
                columns[name] = Column(f"={name}")
        sound = frame.select(pl.all_horizontal(checks).fill_null(False)).to_series().to_numpy()
        return Split(frame.select(made), columns, sound=sound)

    def _parts(self, name: str) -> list[int]:
        """The places of the columns that a name stands for, as `Named` finds them."""
        for one in (name, name.removeprefix(".")):
            if one in self._columns:
                return [self._columns.index(one)]
        return [place for one in name.split() for place in self._parts(one)] if " " in name else []

    def _values(self, line: str) -> list[str]:
        if self._delimiter == " ":
            if '"' not in line and "[" not in line and not self._bracketed:
                return [value for value in line.split(" ") if value]
            words = _WORD.findall(line)
            if any(place < len(words) and not words[place][1] for place in self._bracketed):
                return []
            return [
                _ESCAPED.sub(r"\1\2", quoted)
                if quoted
                else (bracketed if place in self._bracketed else f"[{bracketed}]")
                if bracketed
                else plain
                for place, (quoted, bracketed, plain) in enumerate(words)
            ]
        if '"' not in line:
            return line.split(self._delimiter)
        values: list[str] = []
        at = 0
        while True:
            match = self._value.match(line, at)
            if match is None:  # it matches nothing at least
                return values
            values.append(match[2] if match[1] is None else match[1].replace('""', '"'))
            at = match.end()
            if at >= len(line):
                return values
            at += len(self._delimiter)
