"""JSON, one object a line. A field is found by the path to it: `http.response.status_code`, `tags.0`.

A key may itself hold dots, as in Elastic's logs: the longest key that fits is taken. Numbers are the text that stands
there, true and false are `true` and `false`, null is nothing, objects and lists are JSON. Of a key that comes twice
the last counts. Where a format joins lines, an object may go on after its first line, which then holds what there is
to know. With `inner`, one field holds a line of another format, as in what Docker's json-file driver writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

import msgspec

from domain.errors import ConfigError
from domain.settings import Fields, Format
from logwatch.kinds.base import Kind, Request, Split
from logwatch.kinds.inner import inner_kind
from logwatch.kinds.named import Named

# Docker cuts what a program writes into pieces of 16 KiB, and only the last ends its line.
_DOCKER_PIECE = 16_000
_FLOAT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?[eE]([+-]?[0-9]{1,2})")
# More names than any path has; a name made of dots alone would else be cut in as many ways as it has dots.
_MOST_DOTS = 16


def _plain(text: str) -> str:
    """A number without an exponent, as far as it is one that a log may mean: 7.3e-05 is 0.000073."""
    match = _FLOAT.fullmatch(text)
    if match is None:
        return text
    sign, whole, part, exponent = match[1], match[2], match[3] or "", int(match[4])
    digits, point = whole + part, len(whole) + exponent
    digits = "0" * (1 - point) + digits + "0" * (point - len(digits))
    point = max(point, 1)
    return f"{sign}{digits[:point].lstrip('0') or '0'}.{digits[point:] or '0'}"


_DECODER = msgspec.json.Decoder(float_hook=_plain)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return msgspec.json.encode(value).decode()


def _find(value: Any, path: str) -> Any:
    """What stands at a path below a value; None when nothing does."""
    if isinstance(value, list):
        place, _, rest = path.partition(".")
        if not (place.isascii() and place.isdigit() and len(place) < 7 and int(place) < len(value)):
            return None
        return _find(value[int(place)], rest) if rest else value[int(place)]
    if not isinstance(value, dict):
        return None
    if path in value:
        return value[path]
    cut = path.rfind(".")
    while cut > 0:
        if path[:cut] in value and (found := _find(value[path[:cut]], path[cut + 1 :])) is not None:
            return found
        cut = path.rfind(".", 0, cut)
    return None


def _leaves(value: Any, path: str) -> Iterator[str]:
    """The paths of all that is neither an object nor nothing."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else key)
    elif value is not None:
        yield path


class Tree(Named):
    """The fields of one object; those of the line within stand beside them, and below the field that holds it."""

    __slots__ = ("_inner", "_inner_field", "_root")

    def __init__(self, root: dict[str, Any], inner: Mapping[str, str], inner_field: str) -> None:
        self._root, self._inner, self._inner_field = root, inner, inner_field

    def find(self, name: str) -> str | None:
        """The text at a path: of the object, or else of the line within."""
        found = _find(self._root, name) if name.count(".") <= _MOST_DOTS else None
        if found is not None:
            return _text(found)
        if self._inner and name.startswith(f"{self._inner_field}."):
            name = name[len(self._inner_field) + 1 :]
        return self._inner.get(name)

    def names(self) -> Iterator[str]:
        """Paths to all that is written in the object, then the fields of the line within."""
        own = dict.fromkeys(_leaves(self._root, ""))
        yield from own
        yield from (name for name in self._inner if name not in own)


class Json(Kind):
    """The kind `json`."""

    def __init__(self, inner: Kind | None = None, inner_field: str = "", *, joins: bool = False) -> None:
        self._inner, self._inner_field, self._joins = inner, inner_field, joins

    @classmethod
    def of(cls, form: Format, path: str) -> Self:
        """Lines of objects, and what one field of them holds."""
        inner = inner_kind(form, path)
        if inner is not None and not form.inner_field:
            raise ConfigError(
                "says how a field is read, and not which",
                path=f"{path}.inner",
                mend='Write inner_field, such as inner_field = "log", too',
            )
        return cls(inner, form.inner_field, joins=form.join is not None)

    @staticmethod
    def defaults() -> Fields:
        """Nothing is named by nature."""
        return Fields()

    @staticmethod
    def time_field() -> str:
        """`@timestamp`, as Logstash and the Elastic Common Schema call it."""
        return "@timestamp"

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The fields of an object; None when the line is none, or what it should hold within cannot be read."""
        root = _decode(line)
        if root is None and self._joins:
            # An object over several lines: what stands complete on the first is what there is.
            root = _decode(line.rstrip(", ") + "}")
        if not isinstance(root, dict):
            return None
        if self._inner is None:
            return Tree(root, {}, "")
        held = _find(root, self._inner_field)
        if not isinstance(held, str) or _is_piece(root, held):
            return None
        inner = self._inner.fields(held.rstrip("\r\n"))
        return None if inner is None else Tree(root, inner, self._inner_field)

    def split(self, _block: bytes, _request: Request) -> Split | None:
        """Objects are read one by one."""
        return None


def _decode(line: str) -> Any:
    """What a line of JSON holds; None when it is none."""
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def _is_piece(root: Mapping[str, Any], held: str) -> bool:
    """Whether this is a piece that Docker cut off a long line: what it holds would be read wrong, or not at all."""
    return "stream" in root and root.get("log") is held and not held.endswith("\n") and len(held) >= _DOCKER_PIECE
