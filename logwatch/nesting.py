"""Formats within formats: the name in `inner` becomes the format it stands for, however deep.

Of `json` and `syslog` it is how one field is read; of `pair` it is how both of a call's lines are split, and what the
pair does not say itself is as that format says.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from domain.errors import ConfigError
from domain.settings import Fields, Format

PAIR = "pair"
# What waits is held in memory: an event's other lines, starts of calls. No call takes longer than a week.
_MOST_BYTES, _MOST_WAITING, _LONGEST_WAIT = 4_194_304, 10_000_000, 7 * 86_400.0


class Nested(Format, frozen=True, kw_only=True):
    """A format whose `inner` was found."""

    within: Format


def nested(form: Format, known: Mapping[str, Format], path: str, above: tuple[str, ...] = ()) -> Format:
    """The format with what its `inner` names; itself where it names nothing.

    `known` are the formats that may be named, before the kinds; `above` the names that led here. Raises ConfigError
    below `path` for a name that is none, or that leads back to itself.
    """
    if isinstance(form, Nested) or not form.inner:
        return form
    name = form.inner
    if name in above:
        way = " → ".join((*above[above.index(name) :], name))
        raise ConfigError(
            f"leads back to itself: {way}", path=f"{path}.inner", mend="Name a format that does not hold this one"
        )
    found = known.get(name)
    within = _of_kind(form, name, known, path) if found is None else nested(found, known, path, (*above, name))
    if within.header in ("first", "directive") and form.kind != PAIR:
        raise ConfigError(
            f'"{name}" takes its header from the file, and within another format there is none',
            path=f"{path}.inner",
            mend="Declare a format that names its header",
        )
    if form.kind == PAIR and found is not None:
        within = _completed(form, within)
    return Nested(**{field: getattr(form, field) for field in Format.__struct_fields__}, within=within)


def _of_kind(form: Format, name: str, known: Mapping[str, Format], path: str) -> Format:
    """The format that is meant by the name of a kind: of a pair, all that is declared beside it belongs to it."""
    from logwatch.kinds import KINDS  # kinds that hold others are in there themselves

    if name not in KINDS:
        raise ConfigError(
            f'there is no format or kind "{name}"',
            path=f"{path}.inner",
            mend=f"Write one of: {', '.join(sorted({*known, *KINDS}))}",
        )
    return msgspec.structs.replace(form, kind=name, inner="") if form.kind == PAIR else Format(kind=name)


def _completed(form: Format, within: Format) -> Format:
    """How the lines of a pair are read: as the format within says, but for what the pair itself declares."""
    fields = {name: getattr(form.fields, name) or getattr(within.fields, name) for name in Fields.__struct_fields__}
    return msgspec.structs.replace(
        within,
        time=form.time or within.time,
        fields=Fields(**fields),
        template=within.template if form.template is None else form.template,
        values={**within.values, **form.values},
        join=form.join or within.join,
        ignore=form.ignore or within.ignore,
        pair=form.pair,
        examples=(),
    )


def lines_of(form: Format, known: Mapping[str, Format], path: str) -> Format:
    """How the single lines of a format are read: a pair's as `inner` says, any other's as the format does.

    Raises ConfigError below `path`.
    """
    form = nested(form, known, path)
    if form.kind != PAIR:
        if form.pair is not None:
            raise ConfigError(
                "is of the kind pair only", path=f"{path}.pair", mend='Write kind = "pair", and this kind as inner'
            )
        _examine_join(form, path)
        return form
    if form.pair is None:
        raise ConfigError(
            "is missing: which line is which?",
            path=f"{path}.pair",
            mend="Write pair = { id = …, starts = '…', ends = '…' }",
        )
    if not isinstance(form, Nested):
        raise ConfigError(
            "is missing: how are both lines split?",
            path=f"{path}.inner",
            mend='Name a format, or a kind such as inner = "logfmt"',
        )
    if not form.pair.id.strip():
        raise ConfigError(
            "names no field: what joins the two lines?", path=f"{path}.pair.id", mend='Write one such as id = "guid"'
        )
    if form.within.header in ("first", "directive"):
        raise ConfigError(
            "takes its header from the file, which lines of pairs cannot",
            path=f"{path}.inner",
            mend="Declare a format that names its header",
        )
    _within(form.pair.seconds, 0.001, _LONGEST_WAIT, f"{path}.pair.seconds")
    _within(form.pair.most, 1, _MOST_WAITING, f"{path}.pair.most")
    _examine_join(form.within, path)
    return form.within


def _examine_join(form: Format, path: str) -> None:
    """Raises ConfigError for bounds of joined lines that bound nothing."""
    if form.join is not None:
        _within(form.join.lines, 1, _MOST_BYTES, f"{path}.join.lines")
        _within(form.join.bytes, 1, _MOST_BYTES, f"{path}.join.bytes")
        _within(form.join.seconds, 0.0, _LONGEST_WAIT, f"{path}.join.seconds")


def _within(value: float, least: float, most: float, path: str) -> None:
    if not least <= value <= most:  # nothing is less than TOML's nan, nor more
        raise ConfigError(f"{value} is out of bounds", path=path, mend=f"Write {least:g} to {most:g}")
