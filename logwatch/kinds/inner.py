"""A format within a format: what one field of a line holds is itself a line of another kind."""

from __future__ import annotations

from domain.errors import ConfigError
from domain.settings import Format
from logwatch.catalog import shipped
from logwatch.kinds.base import Kind
from logwatch.nesting import Nested, nested


def inner_kind(form: Format, path: str) -> Kind | None:
    """How the field within is read; None where the format names nothing.

    `form.inner` is the name of a format, or of a kind that needs nothing declared. Raises ConfigError below `path`.
    """
    form = nested(form, shipped(), path)
    if isinstance(form, Nested):
        from logwatch.kinds import KINDS  # those kinds that hold others are in there themselves

        if form.within.kind not in KINDS:
            raise ConfigError(
                f'"{form.inner}" is of the kind {form.within.kind}, which holds whole lines only',
                path=f"{path}.inner",
                mend="Name a format of another kind",
            )
        return KINDS[form.within.kind].of(form.within, f"{path}.inner")
    if form.inner_field:
        raise ConfigError(
            "says which field holds another format, and not which format",
            path=f"{path}.inner_field",
            mend='Write inner, such as inner = "access", too',
        )
    return None
