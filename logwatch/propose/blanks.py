"""Examples for a proposed format: lines of the log, blanked but for what makes them readable.

What a format names as a key of the calls stays, with long numbers in it zeroed; the pharmacy is one that is never
issued; every other letter becomes `a` and every other digit `0`. What an example gives is what reading it gives.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import regex

from domain.codes import Judgement
from domain.formats import Example, Format, Picked
from domain.redact import has_patient
from logwatch.events import LINE_KEYS
from logwatch.examples import failures, read_example
from logwatch.headings import Headed
from logwatch.kinds import KINDS
from logwatch.meaning import raw_field
from logwatch.samples import shape

_PHARMACY = "00012371"
_LONG = re.compile(r"[0-9]{4,}")
_MOST_TRIED, _MOST = 60, 2
_LONGEST, _LOOK = 2_000, 500
_PATTERN_SECONDS = 1.0
_DIGIT = re.compile(r"[0-9]")
_KEY = re.compile(r'([^ ="]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')
_TOLD = ("time", *(key for key in LINE_KEYS), "duration_ms")


def with_examples(
    form: Format, lines: Sequence[str], heading: str, codes: Mapping[str, Judgement], now: float, *, has_year: bool
) -> Format:
    """The format with up to _MOST examples out of the lines: of the most frequent calls, one of them a failure."""
    given = [(line, gives) for line in lines[:_LOOK] if (gives := _read(form, heading, line, codes, now)) is not None]
    often = Counter(str(gives.get("endpoint", "")) for _, gives in given)
    given.sort(key=lambda item: (-often[str(item[1].get("endpoint", ""))], -sum(map(bool, item[1].values()))))
    examples: list[Example] = []
    classes: set[object] = set()
    for line, gives in [*given[:_MOST_TRIED], *(item for item in given if item[1]["class"] != "ok")][: 2 * _MOST_TRIED]:
        if gives["class"] in classes or len(examples) >= _MOST:
            continue
        example = _example(form, heading, line, codes, now, has_year=has_year)
        if example is not None:
            examples.append(example)
            classes.add(gives["class"])
    return msgspec.structs.replace(form, examples=tuple(examples))


def _read(form: Format, heading: str, line: str, codes: Mapping[str, Judgement], now: float) -> dict[str, Any] | None:
    return read_example(form, codes, f"{heading}\n{line}" if heading else line, now) if len(line) < _LONGEST else None


def _example(
    form: Format, heading: str, line: str, codes: Mapping[str, Judgement], now: float, *, has_year: bool
) -> Example | None:
    """The line blanked; None where it cannot be read any more, or still looks as if a patient's number stood in it."""
    blank = _blanked(form, heading, line)
    if blank is None or has_patient(blank):
        return None
    text = f"{heading}\n{blank}" if heading else blank
    gives = read_example(form, codes, text, now)
    if gives is None:
        return None
    told = {name: gives[name] for name in _TOLD if gives.get(name) and (name != "time" or has_year)}
    example = Example(line=text, gives=told)
    alone = msgspec.structs.replace(form, examples=(example,))
    return None if has_patient(str(told)) or failures(alone, codes, "", now) else example


def _blanked(form: Format, heading: str, line: str) -> str | None:
    kinds = {"json": _json, "logfmt": _logfmt, "delimited": _delimited, "regex": _regex, "syslog": _syslog}
    way = kinds.get(form.kind)
    return way(form, heading, line) if way else None


def _roles(form: Format) -> dict[str, str]:
    """Each raw field that is read, and for what; of a field that is read for two things the first one."""
    roles: dict[str, str] = {}
    for word in form.time.field.split() if form.time else []:
        roles[word.removeprefix(".")] = "time"
    for role in form.fields.__struct_fields__:
        for word in raw_field(getattr(form.fields, role)).split():
            roles.setdefault(word.removeprefix("."), role)
    return roles


def _value(role: str, text: str, form: Format) -> str:
    """A value as an example may hold it."""
    if role in ("time", "status"):
        return text
    if role == "pharmacy":
        return _PHARMACY if re.fullmatch(r"[0-9]{8}", text) else _picked(form, role, text)
    if role.startswith("duration_"):
        return _digits(text)
    if role in LINE_KEYS:
        spec = getattr(form.fields, role)
        if isinstance(spec, Picked):
            return _picked(form, role, text)
        return _LONG.sub(_zeros, text.split("?", 1)[0] if text.startswith(("/", "http")) else text)
    return shape(text)


def _picked(form: Format, role: str, text: str) -> str:
    """A text of which only what a key's pattern finds is kept."""
    spec = getattr(form.fields, role)
    if not isinstance(spec, Picked):
        return shape(text)
    match = regex.search(spec.match, text, timeout=_PATTERN_SECONDS)
    return _kept(text, [(match, role)] if match else [])


def _kept(text: str, found: Sequence[tuple[regex.Match[str], str]]) -> str:
    """The text blanked but for what some patterns found in it, each for a role."""
    out, at = "", 0
    for match, role in sorted(found, key=lambda one: one[0].start()):
        if match.start() < at:
            continue
        first, last = match.span(1) if match.re.groups and match[1] is not None else match.span()
        kept = text[match.start() : first] + _key_text(role, text[first:last]) + text[last : match.end()]
        out += _blank(text[at : match.start()]) + kept
        at = match.end()
    return out + _blank(text[at:])


def _key_text(role: str, text: str) -> str:
    if role == "pharmacy":
        return _PHARMACY
    if role == "patient":
        return shape(text)
    return _digits(text) if role.startswith("duration_") else _LONG.sub(_zeros, text)


def _blank(text: str) -> str:
    return re.sub(r"[^\W\d_]", "a", _DIGIT.sub("0", text))


def _zeros(match: re.Match[str]) -> str:
    return "0" * len(match[0])


def _digits(text: str) -> str:
    """A number of the same length that was never measured."""
    place = iter(range(1, len(text) + 1))
    return _DIGIT.sub(lambda _: str(next(place) % 10), text)


def _json(form: Format, _heading: str, line: str) -> str | None:
    roles = _roles(form)
    inner = Format(kind=form.inner, time=form.time, fields=form.fields) if form.inner in KINDS else None

    def of(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {key: of(below, f"{path}.{key}" if path else key) for key, below in value.items()}
        if isinstance(value, list):
            return [of(below, f"{path}.{place}") for place, below in enumerate(value[:3])]
        if inner is not None and path == form.inner_field and isinstance(value, str):
            blank = _blanked(inner, "", value.rstrip("\n"))
            return shape(value) if blank is None else blank + "\n" * value.endswith("\n")
        if isinstance(value, str):
            return _value(roles.get(path, ""), value, form)
        if isinstance(value, bool) or value is None:
            return value
        if path in roles:
            text = _value(roles[path], msgspec.json.encode(value).decode(), form)
            return msgspec.Raw(text.encode()) if re.fullmatch(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", text) else value
        return 0

    try:
        root = msgspec.json.decode(line.encode())
    except (ValueError, RecursionError):
        return None
    return msgspec.json.encode(of(root, "")).decode()


def _logfmt(form: Format, _heading: str, line: str) -> str | None:
    roles = _roles(form)
    out, at = "", 0
    for match in _KEY.finditer(line):
        quote = '"' if match[2].startswith('"') else ""
        value = match[2].strip('"') if quote else match[2]
        role = roles.get(match[1], "")
        out += f"{_blank(line[at : match.start()])}{match[1]}={quote}{_value(role, value, form)}{quote}"
        at = match.end()
    return out + _blank(line[at:])


def _delimited(form: Format, heading: str, line: str) -> str | None:
    kind = KINDS["delimited"].of(form, "proposal")
    if isinstance(kind, Headed) and kind.header_from:
        under = kind.under(heading)
        fields = under.fields(line)
    else:
        fields = kind.fields(line)
    if fields is None:
        return None
    roles = _roles(form)
    values = [_value(roles.get(name, ""), value, form) for name, value in fields.items()]
    marks = ('"', form.delimiter) if form.delimiter != " " else (" ", '"', "[")
    return form.delimiter.join(
        '"' + value.replace('"', '""') + '"' if any(mark in value for mark in marks) else value for value in values
    )


def _regex(form: Format, _heading: str, line: str) -> str | None:
    """The groups that are read as they may be shown; what stands between them is the pattern's own text."""
    match = regex.search(form.pattern, line, timeout=_PATTERN_SECONDS)
    if match is None:
        return None
    roles = _roles(form)
    out, at = line[: match.start()], match.start()
    groups = sorted((match.span(name), name) for name in match.re.groupindex if match[name] is not None)
    for (start, end), name in groups:
        if start < at:
            continue
        out += _between(form, line[at:start])
        out += _message(form, line[start:end]) if name == "message" else _value(roles.get(name, ""), match[name], form)
        at = end
    return out + _between(form, line[at:])


def _between(form: Format, text: str) -> str:
    """What stands between two groups: words that the pattern itself names stay."""
    return re.sub(r"[^\W_]+", lambda match: match[0] if match[0] in form.pattern else _blank(match[0]), text)


def _message(form: Format, text: str) -> str:
    """A message of which only what keys are picked out of is kept."""
    found = []
    for role in form.fields.__struct_fields__:
        spec = getattr(form.fields, role)
        if isinstance(spec, Picked) and spec.field == "message":
            match = regex.search(spec.match, text, timeout=_PATTERN_SECONDS)
            found += [(match, role)] if match else []
    return _kept(text, found)


def _syslog(form: Format, _heading: str, line: str) -> str | None:
    fields = KINDS["syslog"].of(msgspec.structs.replace(form, inner="", inner_field=""), "proposal").fields(line)
    message = (fields or {}).get("message", "")
    if not message or not line.endswith(message) or form.inner not in KINDS:
        return None
    head = line[: -len(message)]
    host = (fields or {}).get("hostname", "")
    inner = _blanked(Format(kind=form.inner, time=form.time, fields=form.fields), "", message)
    return None if inner is None else (head.replace(host, "host-01", 1) if host else head) + inner
