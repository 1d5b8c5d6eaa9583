"""Why a line did or did not match its format: field by field, and what was masked.

What is told of the line is fit for a screen that others see: a declared field's token where it gave what it was meant
to give, as it stands; of everything else the shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import regex

from domain.codes import Judgement, judge
from domain.formats import Fields, FieldSpec, Format
from domain.identifiers import valid_niss
from domain.redact import has_patient, mask_patients, patient_spans
from logwatch.catalog import shipped
from logwatch.events import NO_VALUE
from logwatch.guarded import PATTERN_SECONDS, compile_pattern
from logwatch.headings import Headed
from logwatch.meaning import picker, raw_field
from logwatch.nesting import lines_of
from logwatch.plan import Plan, plan
from logwatch.reader import FUTURE_SECONDS
from logwatch.reasons import missing, names_of, no_duration, no_key, no_structure, no_time, nothing_found
from logwatch.rows import CONTINUED, EVENT, IGNORED
from logwatch.samples import shape
from logwatch.sorting import OPENED, Sorter
from logwatch.times import US
from logwatch.vocabulary import read_status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Verdict = Literal["event", "continuation", "ignored", "malformed", "future"]
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Told:
    """One key: the field it is read from, the token as far as it may be shown, what it gives, and a word on it."""

    key: str
    field: str
    token: str
    gives: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one line, and why. `line` is its shape, `masked` says where patients' numbers stood in it."""

    format: str
    kind: str
    verdict: Verdict
    why: str
    line: str
    fields: tuple[Told, ...] = ()
    unread: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()


def explain(
    form: Format,
    name: str,
    text: str,
    codes: Mapping[str, Judgement],
    now: float,
    *,
    file: str = "",
    heading: str = "",
    begins: int = 0,
) -> Explanation:
    """What the format `name` makes of a line, and why; lines that are joined stand in `text` with their line ends.

    `now` (epoch seconds) is the measure of what lies in the future. `file` is the path of the line's file, `heading`
    the line that names its columns, where the format takes them from there; `begins` the number of the line whose
    event this one continues, where that is known. Raises ConfigError where the format is none.
    """
    path = f"formats.{name}"
    known, lined = plan(form, {}, path), lines_of(form, shipped(), path)
    lines = text.split("\n")
    first = lines[0]
    told = Explanation(name, form.kind, "malformed", "", shape(first), masked=tuple(_masked(text)))
    verdict, whole = next(iter(Sorter(form, path).sort_all(lines)))
    if verdict == IGNORED:
        return replace(told, verdict="ignored", why=_why_ignored(lined, whole, path))
    if verdict == CONTINUED:
        whose = f"the event of line {begins:,}" if begins else "an event"
        return replace(told, verdict="continuation", why=f"it does not match `join.starts`: it continues {whose}")
    if verdict not in (EVENT, OPENED):
        return replace(told, why=f"a pattern of `ignore`, `join` or `pair` took longer than {PATTERN_SECONDS} s on it")
    if isinstance(known.kind, Headed) and known.kind.header_from:
        if first == heading or known.kind.heads(first):
            return replace(told, verdict="ignored", why="it names the columns of the lines after it")
        if not heading:
            return replace(told, why="no line before it names the columns")
        known = replace(known, kind=known.kind.under(heading))
    fields = known.kind.fields(whole)
    if fields is None and "\n" in whole:
        fields = known.kind.fields(first)
    if fields is None:
        return replace(told, why=no_structure(lined, known.kind, first, path))
    masked = (*told.masked, *_masked_fields(fields))
    moment = known.moments.read(fields.get(known.time.field, ""), now)
    if moment is None:
        return replace(told, why=no_time(known, fields), masked=masked)
    rows, duration = _rows(lined, known, fields, codes, path, file)
    at = moment[0] + (max(duration, 0) if known.time.marks == "start" else 0)
    rows.insert(0, _time(known, fields, moment[1], at))
    used = {row.field for row in rows}
    unread = tuple(one for one in names_of(fields) if one not in used)
    why = "it is a completed call"
    if lined.pair is not None:
        why = f"it is the {'start' if verdict == OPENED else 'end'} of a call: `pair` joins it to the other"
    verdict_of_time: Verdict = "event"
    if at > int((now + FUTURE_SECONDS) * US):
        verdict_of_time, why = "future", f"its time is more than {FUTURE_SECONDS // 60} minutes ahead of the clock"
    return replace(told, verdict=verdict_of_time, why=why, fields=tuple(rows), unread=unread, masked=masked)


def _why_ignored(form: Format, line: str, path: str) -> str:
    if not line.strip():
        return "it is blank"
    for place, pattern in enumerate(form.ignore):
        if compile_pattern(pattern, f"{path}.ignore").search(line, timeout=PATTERN_SECONDS):
            return f"it matches ignore[{place}]: {pattern}"
    return "it is neither a start nor an end by `pair.starts` and `pair.ends`"


def _masked(text: str) -> Iterator[str]:
    """Where patients' numbers stand in the text, one sentence each."""
    for start, end in patient_spans(text):
        line = text.count("\n", 0, start)
        begin = start - (text.rfind("\n", 0, start) + 1)
        where = f"columns {begin + 1} to {begin + end - start}"
        yield f"a patient's number, {where}" + (f" of the line's {line + 1}th part" if line else "")


def _masked_fields(fields: Mapping[str, str]) -> Iterator[str]:
    for name in names_of(fields):
        if has_patient(fields.get(name, "")):
            yield f"a patient's number within `{name}`"


def _time(known: Plan, fields: Mapping[str, str], local: bool, at: int) -> Told:
    """The row of the time."""
    token = fields.get(known.time.field, "")
    notes = [f"it names no zone: {known.zone.key} is meant"] if local else []
    if known.time.marks == "start":
        notes.append("it marks the start: the duration is added")
    return Told("time", known.time.field, mask_patients(token), _written(at), "; ".join(notes))


def _written(time_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")


def _rows(
    form: Format, known: Plan, fields: Mapping[str, str], codes: Mapping[str, Judgement], path: str, file: str
) -> tuple[list[Told], int]:
    """Every key that the format names, and the duration in µs (-1 for none)."""
    natural = known.kind.defaults()
    specs: dict[str, FieldSpec] = {
        name: getattr(form.fields, name) or getattr(natural, name) for name in Fields.__struct_fields__
    }
    rows: list[Told] = []
    given: dict[str, str] = {}
    for key, meaning in known.of_file.items():
        value, bad = meaning(file)
        given[key] = "" if bad else value
        note = "" if value and not bad else "its pattern finds nothing in the path that can be a key"
        rows.append(Told(key, "the file's name", "", given[key], note))
    for key, (field, meaning) in known.keys.items():
        spec = specs[key]
        token = fields.get(field, "")
        value, bad = meaning(token)
        given[key] = "" if bad else value
        at = f"{path}.fields.{key}"
        note = no_key(key, spec, token, at) if bad else "" if value else _absent(spec, field, fields, token, at)
        rows.append(Told(key, field, _shown(token, value), value, note))
    duration = -1
    if known.duration is not None:
        field = known.duration[0]
        name = next(one for one in specs if one.startswith("duration_") and raw_field(specs[one]) == field)
        row, duration = _duration(known, specs[name], fields, f"{path}.fields.{name}")
        rows.append(row)
    if known.status:
        rows.append(_status(known, fields))
    rows.append(_judged(known, rows, given.get("code", ""), codes))
    if specs["patient"]:
        rows.append(_patient(specs["patient"], fields, f"{path}.fields.patient"))
    rows += [_value(name, form, known, fields, path) for name in form.values]
    return rows, duration


def _shown(token: str, value: str) -> str:
    """The token where it is the very key that it gives, else its shape."""
    return token if value and token == value else shape(token)


def _absent(spec: FieldSpec, field: str, fields: Mapping[str, str], token: str, path: str) -> str:
    if field not in fields and not token:
        return missing(field, names_of(fields))
    return nothing_found(spec, token, path)


def _duration(known: Plan, spec: FieldSpec, fields: Mapping[str, str], path: str) -> tuple[Told, int]:
    field, meaning = known.duration or ("", lambda _: (-1, False))
    token = fields.get(field, "")
    micros, bad = meaning(token)
    if bad or micros < 0:
        note = no_duration(spec, token, path) if bad else _absent(spec, field, fields, token, path)
        return Told("duration", field, shape(token), "", note), -1
    shown = token if token.replace(".", "", 1).isdigit() else shape(token)
    return Told("duration", field, mask_patients(shown), f"{micros / 1_000:,.10g} ms"), micros


def _status(known: Plan, fields: Mapping[str, str]) -> Told:
    token = fields.get(known.status, "")
    number = read_status(known.status_text(token))
    note = "" if number >= 0 else "it is none" if number == -1 else "it is no HTTP status: three digits"
    return Told("status", known.status, _shown(token, str(number)), str(number) if number >= 0 else "", note)


def _judged(known: Plan, rows: list[Told], code: str, codes: Mapping[str, Judgement]) -> Told:
    """Class and side, and by what they were found."""
    text = next((row.gives for row in rows if row.key == "status"), "")
    status = int(text) if text else None
    table = {**known.kind.codes(), **codes}
    verdict = judge(code, status, table)
    if code.upper() in table:
        by = f"by the code {code}, which is in the table"
    elif status is not None:
        by = f"by the HTTP status {status}" + (f"; the code {code} is not known" if not verdict.known else "")
    elif code:
        by = f"the code {code} is not known, and there is no HTTP status: declare it with [[codes]]"
    else:
        by = "there is neither code nor HTTP status"
    side = f", {verdict.side}'s side" if verdict.side else ""
    return Told("class", "", "", f"{verdict.klass}{side}", by)


def _patient(spec: FieldSpec, fields: Mapping[str, str], path: str) -> Told:
    """The row of the patient: never what stands there, only whether it is one."""
    field = raw_field(spec)
    token = fields.get(field, "")
    try:
        text = picker(spec, path)(token)
    except TimeoutError:
        return Told("patient", field, "", "", "its pattern took too long and was stopped")
    digits = regex.sub(r"[ .\-/_]", "", text)
    if not token:
        return Told("patient", field, "", "", _absent(spec, field, fields, token, path))
    good = valid_niss(digits)
    note = "a patient's number: hashed to count distinct patients, and not kept" if good else "no patient's number"
    return Told("patient", field, "", "1 patient" if good else "", note)


def _value(name: str, form: Format, known: Plan, fields: Mapping[str, str], path: str) -> Told:
    value, (field, meaning) = form.values[name], known.values[name]
    token = fields.get(field, "")
    thousandths, bad = meaning(token)
    if bad or thousandths == NO_VALUE:
        note = _absent(value.field, field, fields, token, f"{path}.values.{name}.field")
        return Told(f"values.{name}", field, shape(token), "", note or "it is no number that a gauge may hold")
    return Told(f"values.{name}", field, shape(token), f"{thousandths / 1_000:,.10g} {value.unit}".strip())
