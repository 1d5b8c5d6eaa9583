"""What to read of each line of a format: which field for which key, and what its tokens mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import msgspec

from domain.errors import ConfigError
from domain.settings import Fields, FieldSpec, Format, Picked, TimeField
from logwatch.catalog import shipped
from logwatch.events import LINE_KEYS
from logwatch.kinds import KINDS, Kind
from logwatch.meaning import (
    Meaning,
    derive,
    duration_meaning,
    endpoint_meaning,
    key_meaning,
    pharmacy_meaning,
    raw_field,
    text_meaning,
    value_meaning,
)
from logwatch.moments import Moments
from logwatch.nesting import lines_of

# A unit's nanoseconds.
_DURATIONS = {"duration_ns": 1, "duration_us": 1_000, "duration_ms": 1_000_000, "duration_s": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Plan:
    """Which field of the line is read for what, and what its tokens mean.

    `fixed` holds keys that the source gives to all its lines, `of_file` those that a file's name gives to its own;
    `zone` is that of times which name none; `pair_id` the field that joins the two lines of a call. `patient` is the
    field that a patient's number is looked for in, and what of it where not all; `values` are by their names.
    """

    kind: Kind
    time: TimeField
    zone: ZoneInfo
    moments: Moments
    keys: Mapping[str, tuple[str, Meaning]]
    duration: tuple[str, Callable[[str], tuple[int, bool]]] | None
    status: str
    status_text: Callable[[str], str]
    fixed: Mapping[str, str] = field(default_factory=dict)
    of_file: Mapping[str, Meaning] = field(default_factory=dict)
    pair_id: str = ""
    patient: tuple[str, Callable[[str], str] | None] | None = None
    values: Mapping[str, tuple[str, Callable[[str], tuple[int, bool]]]] = field(default_factory=dict)

    @property
    def wanted(self) -> list[str]:
        """Every field that is read, each once."""
        names = [self.time.field, *(name for name, _ in self.keys.values())]
        names += [self.duration[0]] if self.duration else []
        names += [name for name in (self.status, *self.pair_id.split()) if name]
        names += [self.patient[0]] if self.patient else []
        names += [name for name, _ in self.values.values()]
        return list(dict.fromkeys(names))

    @property
    def texts(self) -> set[str]:
        """The fields whose tokens hardly come again, or are not to be remembered: the time and the patient."""
        remembered = {name for name, _ in (*self.keys.values(), *self.values.values())}
        remembered |= {self.status, self.duration[0] if self.duration else ""}
        return {self.time.field} | ({self.patient[0]} - remembered if self.patient else set())


def plan(form: Format, fixed: Mapping[str, str], path: str) -> Plan:
    """What to read of each line of a format. Raises ConfigError naming the place below `path`."""
    form = lines_of(form, shipped(), path)
    if form.kind not in KINDS:
        raise ConfigError(
            f'"{form.kind}" is not a kind of log', path=f"{path}.kind", mend=f"Write one of: {', '.join(KINDS)}"
        )
    kind = KINDS[form.kind].of(form, path)
    named, natural = form.fields, kind.defaults()
    specs: dict[str, FieldSpec] = {
        name: getattr(named, name) or getattr(natural, name) for name in Fields.__struct_fields__
    }
    for name, spec in specs.items():
        _examine(name, spec, f"{path}.fields.{name}")
    keys: dict[str, tuple[str, Meaning]] = {}
    of_file: dict[str, Meaning] = {}
    for key in LINE_KEYS:
        spec = specs[key]
        if not spec or fixed.get(key):
            continue
        at = f"{path}.fields.{key}"
        of_name = isinstance(spec, Picked) and bool(spec.file)
        if isinstance(spec, Picked) and of_name:
            spec, at = Picked(field="file", match=spec.file), f"{at}.file"
        if key == "pharmacy":
            meaning = pharmacy_meaning(spec, at)
        elif key == "endpoint":
            meaning = endpoint_meaning(spec, form.template, at)
        else:
            meaning = key_meaning(spec, at)
        if of_name:
            of_file[key] = meaning
        else:
            keys[key] = (raw_field(spec), meaning)
    duration = None
    for name, factor in _DURATIONS.items():
        if specs[name]:
            duration = (raw_field(specs[name]), duration_meaning(specs[name], factor, f"{path}.fields.{name}"))
            break
    time = form.time or TimeField(
        field=kind.time_field(), marks="start" if form.kind in ("access", "haproxy") else "end"
    )
    status = raw_field(specs["status"]) if specs["status"] else ""
    status_text = text_meaning(specs["status"], f"{path}.fields.status")
    if form.pair is not None:
        # Each of its lines is written at its own moment.
        time = msgspec.structs.replace(time, marks="end")
    zone = _zone(time.zone, path)
    moments, pair_id = Moments(time, zone, f"{path}.time"), form.pair.id if form.pair else ""
    spec = specs["patient"]
    patient = (raw_field(spec), _part(spec, f"{path}.fields.patient")) if spec else None
    values = {
        name: (raw_field(value.field), value_meaning(value.field, f"{path}.values.{name}.field"))
        for name, value in form.values.items()
    }
    return Plan(
        kind, time, zone, moments, keys, duration, status, status_text, fixed, of_file, pair_id, patient, values
    )


def _part(spec: FieldSpec, path: str) -> Callable[[str], str] | None:
    """What of its raw field a specification means; None for all of it."""
    return text_meaning(spec, path) if isinstance(spec, Picked) or derive(spec)[1] else None


def _examine(name: str, spec: FieldSpec, path: str) -> None:
    """Raises ConfigError where a key is picked out of nothing, or out of two things."""
    if not isinstance(spec, Picked):
        return
    if spec.file and name not in LINE_KEYS:
        raise ConfigError(
            "is no key that a file's name could give to all its lines", path=path,
            mend=f"Write one of: {', '.join(LINE_KEYS)}",
        )  # fmt: skip
    if bool(spec.file) == bool(spec.match) or bool(spec.field) != bool(spec.match):
        raise ConfigError(
            "says not what is picked, or too much of it", path=path,
            mend='Write { field = …, match = … } for a part of a field, or { file = … } for one of the file\'s name',
        )  # fmt: skip


def _zone(name: str, path: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f'"{name}" is not a time zone', path=f"{path}.time.zone", mend='Write one such as "Europe/Brussels"'
        ) from error
