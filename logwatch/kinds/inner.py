"""A format within a format: what one field of a line holds is itself a line of another kind."""

from __future__ import annotations

from domain.errors import ConfigError
from domain.settings import Format
from logwatch.catalog import shipped
from logwatch.kinds.base import Kind


def inner_kind(form: Format, path: str) -> Kind | None:
    """How the field within is read; None where the format names nothing.

    `form.inner` is the name of a shipped format, or of a kind that needs nothing declared. Raises ConfigError
    below `path`.
    """
    if not form.inner:
        if form.inner_field:
            raise ConfigError(
                "says which field holds another format, and not which format",
                path=f"{path}.inner_field",
                mend='Write inner, such as inner = "access", too',
            )
        return None
    from logwatch.kinds import KINDS  # those kinds that hold others are in there themselves

    inner = shipped().get(form.inner) or (Format(kind=form.inner) if form.inner in KINDS else None)
    if inner is None:
        raise ConfigError(
            f'there is no format or kind "{form.inner}"',
            path=f"{path}.inner",
            mend=f"Write one of: {', '.join(sorted({*shipped(), *KINDS}))}",
        )
    if inner.header in ("first", "directive"):
        raise ConfigError(
            f'"{form.inner}" takes its header from the file, and within another format there is none',
            path=f"{path}.inner",
            mend="Declare a format that names its header",
        )
    return KINDS[inner.kind].of(inner, f"{path}.inner")
