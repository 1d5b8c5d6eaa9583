"""Lines read by a pattern of the format's own: its named groups are the fields.

The pattern is searched for, so `^` and `$` are written where they are meant. One that runs away on a line is
stopped, and the line counted as malformed. A block is read by polars where its engine finds the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from domain.errors import ConfigError
from domain.settings import Fields, FieldSpec, Format, Picked
from logwatch.guarded import Guarded, guard
from logwatch.kinds.base import Column, Kind, Request, Split
from logwatch.meaning import raw_field
from logwatch.patterns import is_common

# Longer lines are read by themselves: what costs the square of a line's length must not cost a block's time.
_LONGEST = 4_096
# White space to one engine and not to the other.
_SEPARATORS = (b"\x1c", b"\x1d", b"\x1e", b"\x1f")


class Regex(Kind):
    """The kind `regex`."""

    def __init__(self, pattern: Guarded) -> None:
        self._pattern = pattern
        self._common = is_common(pattern.pattern)

    @classmethod
    def of(cls, form: Format, path: str) -> Self:
        """The format's pattern. Raises ConfigError where it is missing, is none, or lacks a group that is read."""
        at = f"{path}.pattern"
        if not form.pattern:
            raise ConfigError("a regex needs its pattern", path=at, mend="Write one with named groups: (?P<time>…)")
        pattern = guard(form.pattern, at)
        groups = pattern.groupindex
        specs: dict[str, FieldSpec] = {f"fields.{key}": getattr(form.fields, key) for key in Fields.__struct_fields__}
        specs |= {f"values.{name}.field": value.field for name, value in form.values.items()}
        wanted = {key: raw_field(spec) for key, spec in specs.items() if spec and not _of_file(spec)}
        if form.time is not None:
            wanted["time.field"] = form.time.field
        ids = form.pair.id.split() if form.pair else []
        for key, name in [*wanted.items(), *(("pair.id", part) for part in ids)]:
            if name not in groups:
                raise ConfigError(
                    f'"{name}" is no group of the pattern',
                    path=f"{path}.{key}",
                    mend=f"Write one of: {', '.join(groups)}" if groups else "Name the pattern's groups: (?P<time>…)",
                )
        return cls(pattern)

    @staticmethod
    def defaults() -> Fields:
        """Nothing is named by nature."""
        return Fields()

    @staticmethod
    def time_field() -> str:
        """The group `time`."""
        return "time"

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The named groups; None where the pattern finds nothing, or runs away."""
        try:
            match = self._pattern.search(line)
        except TimeoutError:
            return None
        return match.groupdict("") if match else None

    def split(self, block: bytes, request: Request) -> Split | None:
        """Columns by one pass of the pattern; None where polars' engine may find something else."""
        import polars as pl  # it takes long: only where it is used

        if not self._common or any(byte in block for byte in _SEPARATORS):
            return None
        text = block.decode("utf-8", "replace")
        lines = pl.Series((text.removesuffix("\n")).split("\n"), dtype=pl.String)
        groups = lines.str.extract_groups(self._pattern.pattern).struct
        frame = pl.DataFrame([groups.field(name) for name in request.wanted])
        keys = [name for name in request.wanted if name not in request.texts]
        frame = frame.with_columns(pl.col(keys).fill_null("").cast(request.categorical))
        columns = {name: Column(name) for name in request.wanted}
        length = lines.str.len_bytes()
        sound = groups.field(request.time).is_not_null() & (length <= _LONGEST)
        if not block.isascii():
            sound &= length == lines.str.len_chars()
        return Split(frame, columns, sound=sound.to_numpy())


def _of_file(spec: FieldSpec) -> bool:
    """Whether it is read from the file's name, and from no group."""
    return isinstance(spec, Picked) and bool(spec.file)
