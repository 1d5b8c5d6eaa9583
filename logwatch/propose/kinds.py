"""How a log that no shipped format reads is written: JSON, key=value, delimited, syslog around either, or by a pattern.

Each way of writing is tried on the lines; what reads them gives columns, and the columns tell what they hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from domain.formats import Format, Join
from logwatch.kinds import KINDS, Kind
from logwatch.kinds.logfmt import Logfmt
from logwatch.propose.columns import Column
from logwatch.propose.roles import Roles, roles_of
from logwatch.propose.starts import starts_of
from logwatch.propose.texts import by_pattern

_SHARE = 0.8
_FEWEST_PAIRS = 3
_MOST_NAMES = 200
_DELIMITERS = ("\t", ";", "|", ",", " | ", "; ", ", ")
_FEWEST_COLUMNS = 4
_SAID = re.compile(r"[A-Za-z_#][\w .()#-]{0,40}")
_PATH = "proposal"
_OF_REQUEST = ("path", "method")


@dataclass(frozen=True, slots=True)
class Guess:
    """A format for the lines, without examples, and what was decided on its fields."""

    form: Format
    roles: Roles


def guesses(lines: Sequence[str], now: float) -> Iterator[Guess]:
    """Formats that may read the lines, the likeliest way of writing first; none may."""
    ways = (_json, _logfmt, _syslog, _delimited, by_pattern_guess)
    for way in ways:
        found = way(lines, now)
        if found is not None:
            yield found


def by_pattern_guess(lines: Sequence[str], now: float) -> Guess | None:
    """Lines that are read by a pattern made for them."""
    found = by_pattern(lines, now)
    return None if found is None else Guess(*found)


def columns_of(kind: Kind, lines: Sequence[str]) -> list[Column]:
    """What stands in the fields of the lines that a kind reads."""
    read = [fields for line in lines if (fields := kind.fields(line)) is not None]
    values: dict[str, list[str]] = {}
    for fields in read:
        for name in fields:
            if name in values or len(values) < _MOST_NAMES:
                values.setdefault(name, []).append(fields.get(name, ""))
    return [_column(name, there, len(read)) for name, there in values.items() if _can_be_asked(kind, name)]


def _column(name: str, values: Sequence[str], lines: int) -> Column:
    """A field as a format asks for it: `path` and `method` alone would be those of a field `request`."""
    return Column(name, f".{name}" if name in _OF_REQUEST else name, values, lines)


def _can_be_asked(kind: Kind, name: str) -> bool:
    return name not in _OF_REQUEST or not isinstance(kind, Logfmt)


def _guess(form: Format, lines: Sequence[str], now: float, *, joins: bool) -> Guess | None:
    kind = KINDS[form.kind].of(form, _PATH)
    roles = roles_of(columns_of(kind, lines), now, joins=joins)
    return None if roles is None else Guess(_with(form, roles), roles)


def _with(form: Format, roles: Roles) -> Format:
    return msgspec.structs.replace(form, time=roles.time, fields=roles.fields, template=roles.template)


def _mostly(good: int, lines: Sequence[object]) -> bool:
    return good >= len(lines) * _SHARE


def _json(lines: Sequence[str], now: float) -> Guess | None:
    form = Format(kind="json")
    kind = KINDS["json"].of(form, _PATH)
    objects = [line for line in lines if line.lstrip().startswith("{")]
    read = [fields for line in objects if (fields := kind.fields(line)) is not None]
    if not read or not _mostly(len(objects), lines):
        return None
    if not _mostly(len(read), lines):
        return None
    inner = _inner_of(read)
    return _guess(msgspec.structs.replace(form, **inner), lines, now, joins=True)


def _inner_of(read: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The field that holds a line of another kind, as what Docker writes does; empty where none does."""
    for name in ("log", "message", "msg", "line"):
        texts = [text.rstrip("\n") for fields in read if (text := fields.get(name))]
        if texts and _mostly(len(texts), read):
            if _mostly(sum(_pairs(text) >= _FEWEST_PAIRS for text in texts), texts):
                return {"inner": "logfmt", "inner_field": name}
            if _mostly(sum(text.startswith("{") and text.endswith("}") for text in texts), texts):
                return {"inner": "json", "inner_field": name}
    return {}


def _pairs(line: str) -> int:
    fields = Logfmt().fields(line)
    return len(fields) if fields else 0


def _logfmt(lines: Sequence[str], now: float) -> Guess | None:
    if not _mostly(sum(_pairs(line) >= _FEWEST_PAIRS for line in lines), lines):
        return None
    return _guess(Format(kind="logfmt"), lines, now, joins=False)


def _syslog(lines: Sequence[str], now: float) -> Guess | None:
    """Syslog whose message is of another kind; without one the shipped formats say all there is."""
    kind = KINDS["syslog"].of(Format(kind="syslog"), _PATH)
    read = [fields for line in lines if (fields := kind.fields(line)) is not None]
    if not read or not _mostly(len(read), lines):
        return None
    inner = _inner_of(read)
    if not inner:
        return None
    form = Format(kind="syslog", inner=inner["inner"])
    return _guess(form, lines, now, joins=inner["inner"] == "json")


def _delimited(lines: Sequence[str], now: float) -> Guess | None:
    rows = [line for line in lines if line.strip()]
    if any(line.lower().startswith("#fields") for line in rows[:20]):
        return _directed(rows, now)
    for delimiter in _DELIMITERS:
        counts = Counter(line.count(delimiter) for line in rows)
        count, often = counts.most_common(1)[0]
        if count + 1 < _FEWEST_COLUMNS or not _mostly(often, rows):
            continue
        form = Format(kind="delimited", delimiter=delimiter, header=tuple(f"c{n}" for n in range(1, count + 2)))
        values = [list(fields.values()) for line in rows if (fields := _fields(form, line)) is not None]
        names = values[0] if values else []
        heads = len(set(names)) == len(names) and all(_SAID.fullmatch(name.strip()) for name in names)
        if heads and len(values) > 1 and names != values[1]:
            form = msgspec.structs.replace(form, header="first")
            columns = [
                _column(name, [row[place] for row in values[1:]], len(values) - 1) for place, name in enumerate(names)
            ]
        else:
            columns = columns_of(KINDS["delimited"].of(form, _PATH), rows)
        roles = roles_of(columns, now, joins=True)
        if roles is None:
            continue
        guess = Guess(_with(form, roles), roles)
        return guess if heads else _named(guess)
    return None


def _fields(form: Format, line: str) -> Mapping[str, str] | None:
    return KINDS["delimited"].of(form, _PATH).fields(line)


def _named(guess: Guess) -> Guess:
    """The columns by what they hold, where the file does not name them."""
    form = guess.form
    names: dict[str, str] = {}
    for role in form.fields.__struct_fields__:
        spec = getattr(form.fields, role)
        if isinstance(spec, str) and spec and " " not in spec:
            names.setdefault(spec, role.replace("duration_", "took_"))
    for word in guess.roles.time.field.split() if guess.form.kind == "delimited" else []:
        names.setdefault(word, "time" if " " not in guess.roles.time.field else f"time_{word}")
    if not isinstance(form.header, tuple):
        return guess
    return Guess(renamed(form, names), guess.roles)


def renamed(form: Format, names: Mapping[str, str]) -> Format:
    """The format with its fields renamed, in its header, its time and its keys."""

    def new(name: str) -> str:
        return " ".join(names.get(word, word) for word in name.split(" "))

    specs = {}
    for role in form.fields.__struct_fields__:
        spec = getattr(form.fields, role)
        specs[role] = new(spec) if isinstance(spec, str) else msgspec.structs.replace(spec, field=new(spec.field))
    time = form.time
    return msgspec.structs.replace(
        form,
        header=tuple(names.get(name, name) for name in form.header) if isinstance(form.header, tuple) else form.header,
        time=None if time is None else msgspec.structs.replace(time, field=new(time.field)),
        fields=msgspec.structs.replace(form.fields, **specs),
    )


def _directed(rows: Sequence[str], now: float) -> Guess | None:
    """Lines under W3C's `#Fields:`, between blanks or tabs."""
    heading = next(line for line in rows if line.lower().startswith("#fields"))
    delimiter = "\t" if "\t" in heading else " "
    form = Format(kind="delimited", delimiter=delimiter, header="directive", ignore=("^#",))
    kind = KINDS["delimited"].of(form, _PATH).under(heading)  # type: ignore[attr-defined] # this kind has headings
    roles = roles_of(columns_of(kind, [line for line in rows if not line.startswith("#")]), now, joins=True)
    return None if roles is None else Guess(_with(form, roles), roles)


def with_what_is_no_event(form: Format, lines: Sequence[str]) -> Format:
    """The format with comments passed over, and with lines joined that begin with no time where others do."""
    if any(line.startswith("#") for line in lines) and "^#" not in form.ignore:
        form = msgspec.structs.replace(form, ignore=(*form.ignore, "^#"))
    if form.kind in ("regex", "json", "syslog") and (starts := starts_of(form, lines)):
        form = msgspec.structs.replace(form, join=Join(starts=starts))
    return form
