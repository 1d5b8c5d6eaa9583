"""A pattern for lines of free text: the time where it stands, words as long as all lines agree, and a message.

Every line is cut into words, quoted and bracketed texts. As far as most lines have the same kind of word at a place,
the place is a field, or the word itself where all have the same. What follows is the message, in which durations,
pairs of key and value and the numbers of pharmacies are looked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from domain.formats import Fields, Format, Picked
from domain.identifiers import valid_niss, valid_pharmacy
from logwatch.propose.columns import Column
from logwatch.propose.roles import Roles, roles_of
from logwatch.propose.times import find
from logwatch.propose.words import words

# One piece of a line: its kind by the group that matched, and what stands between it and the one before.
_PIECE = re.compile(
    r"(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<bracketed>\[[^\[\]]*\])|(?P<rounded>\([^()]*\))"
    r"|(?P<pair>[A-Za-z_][\w.-]*=(?:\"[^\"]*\"|[^ ,;\"]*))|(?P<word>[^ \t\[\](),;|\"=]+)|(?P<mark>[^\s])"
)
_TIME = "\x01"
_AGREE, _MOST_PIECES = 0.9, 14
_SEPARATED = re.compile(r"[ \t]+")
_KEYED = re.compile(r"(?:^|(?<=[\s,;(\[{|]))([A-Za-z_][\w.-]{0,30}) ?[=:] ?\"?([^\s\",;)\]}|]+)")
_TOOK = re.compile(r"(?<![\w.])([0-9]+(?:\.[0-9]+)?) ?(ms|µs|us|ns|msec|sec|seconds|s)(?![\w])")
_EIGHT, _ELEVEN = re.compile(r"(?<![0-9])[0-9]{8}(?![0-9])"), re.compile(r"(?<![0-9])[0-9]{11}(?![0-9])")
_OFTEN = 0.2
# A message begins with such a word, or behind such a one.
_PROSE = words("took for in the of to from with and is was by on at has received sent")
_ENDS_HEAD = re.compile(r"--?|>|.*:")
_MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One piece of a line: what stands before it, its kind, and its text."""

    before: str
    kind: str
    text: str


def by_pattern(lines: Sequence[str], now: float) -> tuple[Format, Roles] | None:
    """A format of the kind `regex` for the lines, and what its groups hold; None where no time is found in them."""
    time = find(lines)
    if time is None:
        return None
    cut = [(match[0], _pieces(line, match.span())) for line in lines if (match := time.search(line))]
    if len(cut) * 10 < len(lines):
        return None
    # Lines that begin otherwise than most do are left to be malformed, or to continue others.
    place = Counter(_place(pieces) for _, pieces in cut).most_common(1)[0][0]
    cut = [(token, pieces) for token, pieces in cut if _place(pieces) == place]
    parts = _agreed([pieces for _, pieces in cut])
    if not any(part.kind == "time" for part in parts):
        return None
    columns = [Column("time", "time", [token for token, _ in cut], len(cut))]
    columns += [
        Column(part.name, part.name, [_bare(pieces[at]) for _, pieces in cut if at < len(pieces)], len(cut))
        for at, part in enumerate(parts)
        if part.name and part.name != "time"
    ]
    rest = [_rest(pieces, len(parts)) for _, pieces in cut]
    columns += _in_message(rest)
    roles = roles_of(columns, now, joins=False)
    if roles is None or roles.time.field != "time":
        return None
    names = _names(roles)
    written = _written([token for token, _ in cut]) or _bare_shape(time.pattern)
    pattern = _pattern(parts, names, written, roles.fields)
    form = Format(
        kind="regex", pattern=pattern, time=msgspec.structs.replace(roles.time, field="time"),
        fields=_renamed(roles.fields, names), template=roles.template,
    )  # fmt: skip
    return form, roles


def _pieces(line: str, span: tuple[int, int]) -> list[_Piece]:
    """The line in pieces; the time is one of them, also where it stands in brackets."""
    text = line[: span[0]] + _TIME + line[span[1] :]
    pieces, at = [], 0
    for match in _PIECE.finditer(text):
        kind = match.lastgroup or "word"
        if (_TIME in match[0] and match[0] != _TIME) or match[0] == _TIME:
            kind = "time"
        pieces.append(_Piece(text[at : match.start()], kind, match[0]))
        at = match.end()
    if text[at:]:
        pieces.append(_Piece(text[at:], "end", ""))
    return pieces


def _place(pieces: Sequence[_Piece]) -> tuple[int, str]:
    return next(((at, piece.text) for at, piece in enumerate(pieces) if piece.kind == "time"), (-1, ""))


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands at one place of all lines: a field of this name, or always this text where it has no name."""

    name: str
    kind: str
    before: str
    text: str
    optional: bool = False


def _agreed(cut: Sequence[Sequence[_Piece]]) -> list[_Part]:
    """The places at which the lines agree, up to the first at which they do not."""
    parts: list[_Part] = []
    for at in range(_MOST_PIECES):
        there = [pieces[at] for pieces in cut if at < len(pieces)]
        if len(there) < _AGREE * len(cut):
            break
        kinds = Counter((_gap(piece.before), _sort(piece)) for piece in there)
        (gap, kind), often = kinds.most_common(1)[0]
        if often < _AGREE * len(cut) or kind == "end":
            break
        texts = {piece.text for piece in there if _sort(piece) == kind}
        text = next(iter(texts))
        if (kind == "mark" and len(texts) > 1) or (kind == "word" and texts & _PROSE):
            break
        if kind == "time":
            parts.append(_Part("time", "time", gap, text))
        elif kind.startswith("pair:"):
            parts.append(_Part(kind[5:], "pair", gap, text))
        else:
            parts.append(_Part("" if kind == "mark" else f"t{at + 1}", kind, gap, text))
        if kind in ("word", "mark") and all(_ENDS_HEAD.fullmatch(text) for text in texts):
            break
    # Words that are never the same at the end are a message's beginning, not fields.
    while parts and parts[-1].kind == "word" and parts[-1].name and _is_prose(cut, len(parts) - 1):
        parts.pop()
    return parts


def _is_prose(cut: Sequence[Sequence[_Piece]], at: int) -> bool:
    texts = [pieces[at].text for pieces in cut if at < len(pieces)]
    lower = sum(1 for text in texts if re.fullmatch(r"[A-Za-z][a-z]*[.:!]?", text))
    return lower > len(texts) / 2 and len(set(texts)) > 1 and not all(text.isupper() for text in texts)


def _gap(before: str) -> str:
    return _SEPARATED.sub(" ", before)


def _sort(piece: _Piece) -> str:
    return f"pair:{piece.text.partition('=')[0]}" if piece.kind == "pair" else piece.kind


def _bare(piece: _Piece) -> str:
    if piece.kind == "pair":
        return piece.text.partition("=")[2].strip('"')
    return piece.text[1:-1] if piece.kind in ("quoted", "bracketed", "rounded") else piece.text


def _rest(pieces: Sequence[_Piece], at: int) -> str:
    return "".join(piece.before + piece.text for piece in pieces[at:])


def _in_message(texts: Sequence[str]) -> list[Column]:
    """What may be picked out of the messages."""
    columns = []
    least = len(texts) * _OFTEN
    keyed: dict[str, list[str]] = {}
    for text in texts:
        for key, value in dict(_KEYED.findall(text)).items():
            keyed.setdefault(key, []).append(value)
    for key, values in keyed.items():
        if len(values) >= least and not any(value.startswith("//") for value in values):
            match = rf'(?:^|[\s,;(\[{{|]){re.escape(key)} ?[=:] ?"?([^\s",;)\]}}|]+)'
            columns.append(Column(key, Picked(field=_MESSAGE, match=match), values, len(texts)))
    took = [tuple(pair) for text in texts for pair in _TOOK.findall(text)[:1]]
    if len(took) >= least:
        unit = Counter(written for _, written in took).most_common(1)[0][0]
        spec = Picked(field=_MESSAGE, match=rf"(?<![\w.])([0-9]+(?:\.[0-9]+)?) ?{unit}(?!\w)")
        name = f"took_{'s' if unit.startswith('s') else unit.replace('msec', 'ms')}"
        columns.append(Column(name, spec, [value for value, written in took if written == unit], len(texts)))
    for name, pattern, valid in (("pharmacy", _EIGHT, valid_pharmacy), ("patient", _ELEVEN, valid_niss)):
        found = [number for text in texts for number in pattern.findall(text)[:1]]
        if len(found) >= least and sum(map(valid, found)) * 2 > len(found):
            columns.append(Column(name, Picked(field=_MESSAGE, match=pattern.pattern), found, len(texts)))
    return columns


def _names(roles: Roles) -> dict[str, str]:
    """Names for the places that have none of their own, by what they hold."""
    names: dict[str, str] = {}
    for role in roles.fields.__struct_fields__:
        spec = getattr(roles.fields, role)
        field = spec.field if isinstance(spec, Picked) else spec
        if field and field != _MESSAGE:
            names.setdefault(field, role.replace("duration_", "took_"))
    return names


def _renamed(fields: Fields, names: dict[str, str]) -> Fields:
    specs = {}
    for role in fields.__struct_fields__:
        spec = getattr(fields, role)
        if isinstance(spec, Picked):
            specs[role] = msgspec.structs.replace(spec, field=names.get(spec.field, spec.field))
        elif spec:
            specs[role] = names.get(spec, spec)
    return Fields(**specs)


def _pattern(parts: Sequence[_Part], names: dict[str, str], time: str, fields: Fields) -> str:
    """The pattern of the places up to the last that is asked for, with groups for those that are."""
    out = "^"
    asked = any(isinstance(spec, Picked) and spec.field == _MESSAGE for spec in msgspec.structs.astuple(fields))
    last = len(parts) if asked else max(
        place for place, part in enumerate(parts, 1) if part.kind == "time" or part.name in names
    )  # fmt: skip
    for place, part in enumerate(parts[:last]):
        out += "" if place == 0 and not part.before else _between(part.before)
        follows = parts[place + 1].text[:1] if place + 1 < len(parts) and not parts[place + 1].before else ""
        out += _one(part, names.get(part.name, ""), time, follows)
    return f"{out}(?P<{_MESSAGE}>.*)$" if asked else out


def _written(tokens: Sequence[str]) -> str:
    """A pattern that the times are all written by; "" where they are written in several ways."""
    pieces = [re.findall(r"[0-9]+|[^\W\d_]+|.", token) for token in tokens]
    if len({len(one) for one in pieces}) != 1:
        return ""
    out = ""
    for column in zip(*pieces, strict=True):
        first = column[0]
        if all(text.isdigit() for text in column):
            fewest, most = min(map(len, column)), max(map(len, column))
            out += rf"\d{{{fewest}}}" if fewest == most else rf"\d{{{fewest},{most}}}"
        elif len(set(column)) == 1 and not (first.isalpha() and len(first) > 1):
            out += re.escape(first) if first in r".^$*+?{}[]\|()" else first
        elif all(text.isalpha() for text in column):
            out += r"[^\W\d_]+" if not "".join(column).isascii() else "[A-Za-z]+"
        else:
            return ""
    return out


def _bare_shape(pattern: str) -> str:
    """The shape of a time as a group of a pattern may hold it."""
    return pattern.removeprefix("(?<![0-9A-Za-z])").removesuffix("(?![0-9])")


def _between(gap: str) -> str:
    return " +" if gap == " " else re.escape(gap).replace(r"\ ", " +")


def _one(part: _Part, group: str, time: str, follows: str) -> str:
    opening, closing = (f"(?P<{group}>", ")") if group else ("(?:", ")")
    if part.kind == "time":
        before, _, after = part.text.partition(_TIME)
        return f"{re.escape(before)}(?P<time>{time}){re.escape(after)}"
    if part.kind == "pair":
        return f'{re.escape(part.name)}="?{opening}[^ ,;"]*{closing}"?'
    if not part.name:
        return re.escape(part.text)
    if part.kind == "quoted":
        return f'"{opening}(?:[^"\\\\]|\\\\.)*{closing}"'
    if part.kind == "bracketed":
        return rf"\[{opening}[^\[\]]*{closing}\]"
    if part.kind == "rounded":
        return rf"\({opening}[^()]*{closing}\)"
    stop = re.escape(follows) if follows and not follows.isalnum() else ""
    stop = "" if follows in ' []()",;|=' else stop
    return rf'{opening}[^ \t\[\](),;|"={stop}]+{closing}'
