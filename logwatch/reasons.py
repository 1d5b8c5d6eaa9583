"""Why a line's structure, its time or one of its keys could not be read: a sentence for whoever mends the format.

No sentence holds more of the line than its shape and the names of its fields.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

import msgspec
import regex

from domain.formats import FieldSpec, Format, Picked
from logwatch.guarded import PATTERN_SECONDS, compile_pattern
from logwatch.kinds import Kind
from logwatch.kinds.delimited import Delimited
from logwatch.meaning import LONGEST_KEY, LONGEST_US, picker
from logwatch.plan import Plan
from logwatch.samples import shape

# What may be the name of a field, so that no value that stands where names do is shown.
_NAME = re.compile(r"[A-Za-z_@.#-][\w@.#()-]{0,60}", re.ASCII)
_MANY_DIGITS = re.compile(r"[0-9]{4}")
_MOST_NAMES = 20
_MOST_COLUMNS = 1_000
_LONGEST_TRIED = 4_096
_RAN_AWAY = f"its pattern took longer than {PATTERN_SECONDS} s and was stopped"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\u2028\u2029]")


def names_of(fields: Mapping[str, str]) -> list[str]:
    """The names of a line's fields that are fit to be shown, at most _MOST_NAMES of them."""
    return [name for name in fields if _NAME.fullmatch(name) and not _MANY_DIGITS.search(name)][:_MOST_NAMES]


def missing(name: str, names: Iterable[str]) -> str:
    """Why there is nothing where a field is looked for, and the one that may be meant."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"the line has no field `{name}`" + (f"; did you mean `{near[0]}`?" if near else "")


def no_structure(form: Format, kind: Kind, line: str, path: str) -> str:
    """Why the fields of a line cannot be told apart, and how far they can."""
    if form.kind == "json":
        return _no_json(form, line)
    if form.pattern:
        return _no_match(form.pattern, line, path)
    if isinstance(kind, Delimited):
        return _no_columns(form, kind, line)
    if form.kind == "syslog":
        outer = type(kind).of(msgspec.structs.replace(form, inner="", inner_field=""), path)
        if form.inner and outer.fields(line) is not None:
            return f"what `{form.inner_field or 'message'}` holds is no line of `{form.inner}`"
        return "it has no head of syslog: a time, a host, a program and a colon"
    if form.kind == "access":
        return _no_access(line)
    if form.kind == "haproxy":
        return "it is no line of a session, of httplog or tcplog: [time] frontend backend/server timers …"
    return f"it cannot be read as `{form.inner or form.kind}`"


def _no_json(form: Format, line: str) -> str:
    try:
        root = msgspec.json.decode(line.encode())
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, and hold nothing of the line
        return f"it is no JSON: {str(error).removeprefix('JSON is malformed: ')}"
    if not isinstance(root, dict):
        return "it is JSON, but no object"
    if form.inner:
        return f"its field `{form.inner_field}` is missing, is cut off, or holds no line of `{form.inner}`"
    return "it is JSON, but cannot be read"


def _no_match(text: str, line: str, path: str) -> str:
    pattern = compile_pattern(text, f"{path}.pattern")
    try:
        pattern.search(line, timeout=PATTERN_SECONDS)
        if not text.startswith("^"):
            return "the format's pattern is found nowhere in it"
        reach, group = _furthest(pattern, line[:_LONGEST_TRIED])
    except TimeoutError:
        return f"the format's pattern took longer than {PATTERN_SECONDS} s on it and was stopped"
    behind = f", behind the group `{group}`" if group else ""
    if reach >= len(line):
        return f"the format's pattern reads the whole line and asks for more{behind}"
    stands = line[reach]
    stands = (
        f'"{stands}"' if stands.isascii() and stands.isprintable() and not stands.isalnum() else "what stands there"
    )
    return f"the format's pattern reads up to column {reach + 1}{behind}, and {stands} is not what it asks for next"


def _furthest(pattern: regex.Pattern[str], line: str) -> tuple[int, str]:
    """How many characters from the line's beginning the pattern could still match, and the last group by then.

    What can be gone on with has only beginnings that can be gone on with: so the longest is found by halving.
    """
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if pattern.match(line[:middle], partial=True, timeout=PATTERN_SECONDS):
            low = middle
        else:
            high = middle - 1
    match = pattern.match(line[:low], partial=True, timeout=PATTERN_SECONDS)
    if match is None:
        return low, ""
    ends = [(match.end(name), name) for name, value in match.groupdict().items() if value]
    return low, max(ends)[1] if ends else ""


def _no_columns(form: Format, kind: Delimited, line: str) -> str:
    count = _count(kind, form.delimiter, line)
    if isinstance(form.header, str):
        return f"it has {count} values, and its header names another number of columns"
    declared = form.header[:-1] if form.header[-1:] == ("*",) else form.header
    least = max((place for place, name in enumerate(declared, 1) if not name.endswith("?")), default=0)
    if count < least:
        return f"it has {count} values, and the format asks for {least}"
    if count > len(declared) and declared is form.header:
        return f"it has {count} values, and the format names {len(declared)} columns"
    choices = next((name for name in declared if name.startswith("=")), "")
    bracketed = next((name for name in declared if name.startswith("[")), "")
    asks = [f"one column to be {choices[1:].replace('|', ' or ')}"] if choices else []
    asks += [f"`{bracketed[1:-1]}` to stand in brackets"] if bracketed else []
    return f"it has {count} values, but the format asks for {' and '.join(asks) or 'others'}"


def _count(kind: Delimited, delimiter: str, line: str) -> int:
    """How many values stand in a line."""
    wide = type(kind)(delimiter, "", tuple(f"{place}" for place in range(_MOST_COLUMNS)))
    row = wide.fields(line)
    return len(row) if row is not None else 0


def _no_access(line: str) -> str:
    for pattern, what in (
        (r"\[[^\]]+\] ", "no time in brackets"),
        (r'\] "(?:[^"\\]|\\.)*" ', "no request in quotes behind the time"),
        (r'\] "(?:[^"\\]|\\.)*" [0-9]{3} ', "no status of three digits behind the request"),
        (r'\] "(?:[^"\\]|\\.)*" [0-9]{3} (?:[0-9]+|-)(?: |$)', "no count of bytes behind the status"),
        (r"^[^ ]+ [^ ]+ [^\[]*\[", "no host, ident and user before the time"),
    ):
        if not re.search(pattern, line):
            return f"it has {what}"
    return "behind the bytes stands what is neither referer and agent, both in quotes, nor a duration"


def no_time(plan: Plan, fields: Mapping[str, str]) -> str:
    """Why the time cannot be read."""
    name = plan.time.field
    token = fields.get(name, "")
    if not token:
        if name in fields:
            return f"the field `{name}`, which should hold the time, is empty"
        known = names_of(fields)
        has = f", only {', '.join(f'`{one}`' for one in known)}" if known else ", nor any other"
        return missing(name, known) + has
    if plan.time.layout:
        how = f"not written as `time.layout` says: {plan.time.layout}"
    elif plan.time.unit:
        how = f"no number of {plan.time.unit} since 1970, as `time.unit` says"
    else:
        how = "none of the ways of writing a time that are read by themselves; declare `time.layout` or `time.unit`"
    return f"the time in `{name}` ({shape(token)}) is {how}"


def no_key(key: str, spec: FieldSpec, token: str, path: str) -> str:
    """Why a key that is there cannot be used."""
    try:
        text = picker(spec, path)(token)
    except TimeoutError:
        return _RAN_AWAY
    if key == "pharmacy" and text:
        if not (text.isascii() and text.isdigit() and len(text) == 8):
            return f"a pharmacy's number has 8 digits; this has {len(text)} characters ({shape(text)})"
        return "its check digits are wrong"
    if not text:
        return (
            "it is no request, such as GET /path" if spec in ("request", "path") else "its pattern finds nothing in it"
        )
    if len(text) > LONGEST_KEY:
        return f"it is longer than {LONGEST_KEY} characters"
    if _CONTROL.search(text):
        return "it holds a control character, or bytes that are no UTF-8"
    return "made general by the template it is longer than a key may be, or the template's pattern was stopped"


def no_duration(spec: FieldSpec, token: str, path: str) -> str:
    """Why a duration that is there cannot be used."""
    try:
        text = picker(spec, path)(token)
    except TimeoutError:
        return _RAN_AWAY
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text):
        return f"{shape(text)} is no number"
    return f"it is longer than {LONGEST_US // 86_400_000_000} days, or finer than its unit allows"


def nothing_found(spec: FieldSpec, token: str, path: str) -> str:
    """Why a field that is there gives nothing."""
    if token in ("", "-"):
        return "it is empty"
    if isinstance(spec, Picked):
        try:
            return "" if picker(spec, path)(token) else "its pattern finds nothing in it"
        except TimeoutError:
            return _RAN_AWAY
    return ""
