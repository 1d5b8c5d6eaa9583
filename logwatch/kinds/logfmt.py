"""`key=value` lines. Values may be quoted; the first of a repeated key counts; other words are passed over.

A block is split by polars' CSV reader on the layout of its first good line: where the keys stand. A line of
another layout, or with a quote before the last key that is needed, is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

import numpy as np
import polars as pl

from domain.settings import Fields, Format
from logwatch.kinds.base import CSV, Column, Kind, Mask, Request, Split

# A key is looked for where a run of its characters begins: from within, a long word would cost its length squared.
_PAIR = re.compile(r'(?<![^ ="])([^ ="]+)=(?:"((?:[^"\\]|\\.)*)"(?![^ ])|([^ ]*))')
_ESCAPED = re.compile(r"\\(.)")
_LOOK_AT, _FEW = 20, 4
# How gzip, zlib and zstd begin: polars would unpack such a block, and these are the bytes of a line.
_PACKED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x28\xb5")


class Logfmt(Kind):
    """The kind `logfmt`."""

    @classmethod
    def of(cls, _form: Format, _path: str) -> Self:
        """Such lines need nothing declared."""
        return cls()

    @staticmethod
    def defaults() -> Fields:
        """Nothing is named by nature."""
        return Fields()

    @staticmethod
    def time_field() -> str:
        """`ts`, as logfmt writers call it."""
        return "ts"

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The pairs of a line; None when there is not one."""
        found: dict[str, str] = {}
        for key, quoted, plain in _PAIR.findall(line.replace("\t", " ")):
            if key not in found:
                found[key] = _ESCAPED.sub(r"\1", quoted) if quoted else plain
        return found or None

    def split(self, block: bytes, request: Request) -> Split | None:
        """Columns where the layout holds; None when no line shows one."""
        if request.odd and b"\t" in block:
            block = block.replace(b"\t", b" ")
        layout, few = _layout_of(block, request)
        if not layout or block[:2] in _PACKED:
            return None
        wanted = set(request.wanted)
        schema = {
            f"{place}": request.categorical if key in few or (key in wanted and key not in request.texts) else pl.String
            for place, key in enumerate(layout)
        }
        frame = pl.read_csv(block, separator=" ", schema=schema, **CSV)
        columns: dict[str, Column] = {}
        guards: list[Column] = []
        checks: list[pl.Expr] = []
        for place, key in enumerate(layout):
            column = Column(str(place), prefix=f"{key}=", banned='"')
            # A field nobody wants must still be where the layout says, or a wanted one may have come before.
            if key in wanted:
                columns[key] = column
            elif key in few:
                guards.append(column)
            else:
                tokens = pl.col(column.name).str
                checks.append(tokens.starts_with(column.prefix) & ~tokens.contains('"', literal=True))
        missing = [key.encode() for key in wanted - set(layout)]
        sound = _without(block, missing, frame.height) if any(key + b"=" in block for key in missing) else None
        return Split(frame, columns, guards, checks, sound, beginning=f"{layout[0]}=")


def _layout_of(block: bytes, request: Request) -> tuple[tuple[str, ...], set[str]]:
    """How the block's lines are laid out, judged by its first ones.

    The keys in order up to the last wanted one, from the line that holds most of these; and the keys nobody
    wants that have few distinct values, which are cheaper to look at once a value than once a line.
    """
    best: tuple[str, ...] = ()
    values: dict[str, set[str]] = {}
    at = 0
    for _ in range(_LOOK_AT):
        end = block.find(b"\n", at)
        line = block[at:end] if end >= 0 else block[at:]
        pairs = _pairs(line.decode("utf-8", "replace"))
        keys = list(pairs)
        last = max((place for place, key in enumerate(keys, 1) if key in request.wanted), default=0)
        layout = tuple(keys[:last])
        if request.time in layout and len({*layout} & {*request.wanted}) > len({*best} & {*request.wanted}):
            best = layout
        for key, value in pairs.items():
            values.setdefault(key, set()).add(value)
        if end < 0:
            break
        at = end + 1
    return best, {key for key in best if key not in request.wanted and len(values[key]) <= _FEW}


def _pairs(line: str) -> dict[str, str]:
    """The pairs a line begins with, before a word that is none, a quote, or a key that comes again."""
    pairs: dict[str, str] = {}
    for token in line.split(" "):
        key, equals, value = token.partition("=")
        if not equals or not key or '"' in token or key in pairs:
            break
        pairs[key] = value
    return pairs


def _without(block: bytes, keys: list[bytes], height: int) -> Mask:
    """Lines that hold none of `keys`: in the others a wanted field stands after the layout's end."""
    lines = block.split(b"\n")[:height]
    return np.array([not any(key + b"=" in line for key in keys) for line in lines], dtype=np.bool_)
