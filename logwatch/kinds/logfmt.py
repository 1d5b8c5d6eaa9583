"""`key=value` lines. Values may be quoted; the first of a repeated key counts; other words are passed over.

A block is read by spans, on the arrangement of its first good lines: where the keys stand. A line of another
arrangement, or with a quote before the last key that is needed, is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Self

from domain.settings import Fields, Format
from logwatch.kinds.base import Arrangement, Kind

# A key is looked for where a run of its characters begins: from within, a long word would cost its length squared.
_PAIR = re.compile(r'(?<![^ ="])([^ ="]+)=(?:"((?:[^"\\]|\\.)*)"(?![^ ])|([^ ]*))')
_ESCAPED = re.compile(r"\\(.)")
_LOOK_AT, _LONGEST_KEY = 20, 40


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

    @staticmethod
    def block_bytes() -> int:
        """So much as stays near the processor while it is gone through again and again."""
        return 2 << 20

    @staticmethod
    def small_bytes() -> int:
        """About a hundred lines: finding fields in bytes costs a millisecond however few there are."""
        return 20_000

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The pairs of a line; None when there is not one."""
        found: dict[str, str] = {}
        for key, quoted, plain in _PAIR.findall(line.replace("\t", " ").replace("\n", " ")):
            if key not in found:
                found[key] = _ESCAPED.sub(r"\1", quoted) if quoted else plain
        return found or None

    def arranged(self, block: bytes, wanted: Sequence[str], time: str, texts: Collection[str]) -> Arrangement | None:
        """As the keys stand in the block's first good lines; None when no line shows one."""
        keys = _keys_of(block, wanted, time, texts)
        if not keys or max(map(len, keys)) > _LONGEST_KEY:
            return None
        places = [(f"{key}=".encode(), key if key in wanted else "") for key in keys]
        absent = [text for key in {*wanted} - {*keys} if (text := f"{key}=".encode()) in block]
        return Arrangement(places, open=keys[-1] in texts and keys[-1] != time, absent=absent, tabs=True)


def _keys_of(block: bytes, wanted: Sequence[str], time: str, texts: Collection[str]) -> tuple[str, ...]:
    """How the block's lines are laid out, judged by its first ones.

    The keys in order up to the last wanted one, from the line that holds most of these.
    """
    best: tuple[str, ...] = ()
    at = 0
    for _ in range(_LOOK_AT):
        end = block.find(b"\n", at)
        line = block[at:end] if end >= 0 else block[at:]
        keys, quoted = _keys(line.decode("utf-8", "replace").replace("\t", " "))
        if quoted in texts and quoted != time:
            keys.append(quoted)
        last = max((place for place, key in enumerate(keys, 1) if key in wanted), default=0)
        found = tuple(keys[:last])
        if time in found and len({*found} & {*wanted}) > len({*best} & {*wanted}):
            best = found
        # No line holds more than all.
        if end < 0 or {*wanted} <= {*best}:
            break
        at = end + 1
    return best


def _keys(line: str) -> tuple[list[str], str]:
    """The keys a line begins with, before a word that has none, a quote, or a key that comes again.

    And the key whose value begins with that quote; "" for another end.
    """
    keys: dict[str, None] = {}
    for token in line.split(" "):
        key, equals, value = token.partition("=")
        if not equals or not key or '"' in key or key in keys:
            break
        if '"' in value:
            return list(keys), key if value.startswith('"') else ""
        keys[key] = None
    return list(keys), ""
