"""`key=value` lines. Values may be quoted; the first of a repeated key counts; other words are passed over.

A block is split by polars' CSV reader on the layout of its first good line: where the keys stand. A line of
another layout, or with a quote before the last key that is needed, is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import polars as pl

from domain.settings import Fields
from logwatch.kinds.base import CSV, Column, Mask, Request, Split

# A key is looked for where a run of its characters begins: from within, a long word would cost its length squared.
_PAIR = re.compile(r'(?<![^ ="])([^ ="]+)=(?:"((?:[^"\\]|\\.)*)"(?![^ ])|([^ ]*))')
_ESCAPED = re.compile(r"\\(.)")
_LOOK_AT = 20
# How gzip, zlib and zstd begin: polars would unpack such a block, and these are the bytes of a line.
_PACKED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x28\xb5")


class Logfmt:
    """The kind `logfmt`."""

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
        if b"\t" in block:
            block = block.replace(b"\t", b" ")
        layout = _layout_of(block, request)
        if not layout or block[:2] in _PACKED:
            return None
        wanted = set(request.wanted)
        schema = {
            f"{place}": request.categorical if key in wanted and key != request.time else pl.String
            for place, key in enumerate(layout)
        }
        frame = pl.read_csv(block, separator=" ", schema=schema, **CSV)
        columns: dict[str, Column] = {}
        checks: list[pl.Expr] = []
        for place, key in enumerate(layout):
            if key in wanted:
                columns[key] = Column(str(place), prefix=f"{key}=", banned='"')
            else:
                # A field nobody wants must still be where the layout says, or a wanted one may have come before.
                tokens = pl.col(str(place)).str
                checks.append(tokens.starts_with(f"{key}=") & ~tokens.contains('"', literal=True))
        missing = [key.encode() for key in wanted - set(layout)]
        sound = _without(block, missing, frame.height) if any(key + b"=" in block for key in missing) else None
        return Split(frame, columns, checks, sound)


def _layout_of(block: bytes, request: Request) -> tuple[str, ...]:
    """The keys in order up to the last wanted one, from that of the first lines which holds most of them."""
    best: tuple[str, ...] = ()
    at = 0
    for _ in range(_LOOK_AT):
        end = block.find(b"\n", at)
        line = block[at:end] if end >= 0 else block[at:]
        layout = _layout(line.decode("utf-8", "replace"), request)
        if len(set(layout) & set(request.wanted)) > len(set(best) & set(request.wanted)):
            best = layout
        if end < 0 or len(set(request.wanted) - set(best)) == 0:
            break
        at = end + 1
    return best


def _layout(line: str, request: Request) -> tuple[str, ...]:
    keys: list[str] = []
    last = 0
    for token in line.split(" "):
        key, equals, _ = token.partition("=")
        if not equals or not key or '"' in token or key in keys:
            break
        keys.append(key)
        if key in request.wanted:
            last = len(keys)
    return tuple(keys[:last]) if request.time in keys[:last] else ()


def _without(block: bytes, keys: list[bytes], height: int) -> Mask:
    """Lines that hold none of `keys`: in the others a wanted field stands after the layout's end."""
    lines = block.split(b"\n")[:height]
    return np.array([not any(key + b"=" in line for key in keys) for line in lines], dtype=np.bool_)
