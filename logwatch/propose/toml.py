"""Settings as TOML that people read: patterns in single quotes, defaults left out, a comment where there is a doubt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from domain.formats import Format

_FIRST = ("kind", "pattern", "delimiter", "header", "inner", "inner_field")
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def text(value: str) -> str:
    """A string: in single quotes where it holds what double ones would have to escape."""
    plain = all(char.isprintable() for char in value)
    if plain and "'" not in value and ("\\" in value or '"' in value):
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def inline(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key(name)} = {inline(below)}" for name, below in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"[{', '.join(inline(one) for one in value)}]"


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if name and set(name) <= _BARE else text(name)


def settings_of(struct: msgspec.Struct) -> dict[str, Any]:
    """What of some settings is not as it would be by default."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if field.required or value != field.default:
            plain = _plain(value)
            if field.required or plain not in ({}, [], None):
                found[field.encode_name] = plain
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return settings_of(value)
    if isinstance(value, Mapping):
        return {name: _plain(below) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def format_table(name: str, form: Format, notes: Mapping[str, str], comments: Iterable[str]) -> Iterator[str]:
    """The lines of `[formats.NAME]`; `notes` has a word on some of the fields and the time."""
    said = settings_of(form)
    fields, examples = said.pop("fields", {}), said.pop("examples", [])
    yield f"[formats.{key(name)}]"
    for one in sorted(said, key=lambda word: _FIRST.index(word) if word in _FIRST else len(_FIRST)):
        value = inline(said[one])
        note = notes.get(one, "")
        if note:
            yield f"# {one}: {note}"
        yield f"{one} = {value}"
    yield from (f"# {comment}" for comment in comments)
    if fields:
        yield ""
        yield f"[formats.{key(name)}.fields]"
        for one, value in fields.items():
            note = notes.get("duration" if one.startswith("duration_") else one, notes.get(one, ""))
            yield f"{key(one)} = {inline(value)}" + (f"  # {note}" if note else "")
    for example in examples:
        yield ""
        yield f"[[formats.{key(name)}.examples]]"
        yield f"line = {inline(example['line'])}"
        yield f"gives = {inline(example['gives'])}"
