"""docs/configuration.md: every setting with its default, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from domain.settings import Picked, Settings
from logwatch.kinds import KINDS
from tests.docs.reading import ROOT, codes, rows, section, sections

DOCUMENT = ROOT / "docs" / "configuration.md"


def parts(kind: Any) -> Iterator[Any]:
    """A type and all that stands in it."""
    yield kind
    for part in get_args(kind):
        yield from parts(part)


def struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The table that a setting holds, or holds several of; None where it is a plain value."""
    for part in parts(kind):
        if isinstance(part, type) and issubclass(part, msgspec.Struct) and part is not Picked:
            return part
    return None


def tables(kind: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Each table of the configuration, by its heading in TOML, with its type."""
    for field in msgspec.structs.fields(kind):
        inner = struct_in(field.type)
        if inner is None:
            continue
        below = f"{path}{field.encode_name}" + (".NAME" if get_origin(field.type) is dict else "")
        several = any(get_origin(part) is tuple for part in parts(field.type))
        yield (f"[[{below}]]" if several else f"[{below}]"), inner
        yield from tables(inner, f"{below}.")


TABLES: dict[str, type[msgspec.Struct]] = {**dict(tables(Settings)), "[formats.NAME.fields.KEY]": Picked}


def default(field: msgspec.structs.FieldInfo) -> str:
    """A default as the document writes it."""
    if field.required:
        return "required"
    assert field.default is not msgspec.NODEFAULT, field.name
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value)}`"


def settings(kind: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """The settings of a table that are no tables themselves, with their defaults."""
    return [
        (field.encode_name, default(field)) for field in msgspec.structs.fields(kind) if struct_in(field.type) is None
    ]


def choices(kind: Any) -> list[str]:
    """The words that may be written, as the document writes them."""
    return [json.dumps(word) for part in parts(kind) if get_origin(part) is Literal for word in get_args(part)]


def test_every_table_has_its_section_and_no_other() -> None:
    assert {heading for heading, _ in sections(DOCUMENT) if heading.startswith("[")} == set(TABLES)


@pytest.mark.parametrize("heading", TABLES)
def test_every_setting_stands_there_with_its_default_and_no_other(heading: str) -> None:
    told = [(row[0].strip("`"), row[1]) for row in rows(section(DOCUMENT, heading))]
    assert told == settings(TABLES[heading])


@pytest.mark.parametrize("heading", TABLES)
def test_every_choice_is_named(heading: str) -> None:
    meant = {row[0].strip("`"): codes(row[2]) for row in rows(section(DOCUMENT, heading))}
    for field in msgspec.structs.fields(TABLES[heading]):
        assert not set(choices(field.type)) - set(meant.get(field.encode_name, ())), field.encode_name


def test_every_kind_of_line_is_named() -> None:
    kind = next(row for row in rows(section(DOCUMENT, "[formats.NAME]")) if row[0] == "`kind`")
    assert codes(kind[2]) == sorted(KINDS, reverse=True)
