"""The formats that are shipped, and those of a configuration, in one schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from domain.errors import ConfigError
from domain.settings import Format
from logwatch.nesting import nested


@cache
def shipped() -> Mapping[str, Format]:
    """The formats in `logwatch/formats`, by name. Raises ConfigError naming the file when one is wrong."""
    found: dict[str, Format] = {}
    for file in sorted(Path(__file__).with_name("formats").glob("*.toml")):
        try:
            found[file.stem] = msgspec.toml.decode(file.read_bytes(), type=Format)
        except msgspec.MsgspecError as error:
            raise ConfigError(str(error), file=str(file)) from error
    return found


def formats(own: Mapping[str, Format]) -> dict[str, Format]:
    """Shipped formats and one's own; one's own wins where both have a name, and may hold any of them.

    Raises ConfigError for one's own format that holds one that there is not, or itself.
    """
    known = {**shipped(), **own}
    return {**shipped(), **{name: nested(form, known, f"formats.{name}", (name,)) for name, form in own.items()}}


def named(name: str, known: Mapping[str, Format], path: str) -> Format:
    """The format of a name. Raises ConfigError at `path` for an unknown one."""
    form = known.get(name)
    if form is None:
        raise ConfigError(f'there is no format "{name}"', path=path, mend=f"Write one of: {', '.join(sorted(known))}")
    return form
