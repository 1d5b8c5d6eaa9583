"""What a field's token means: the key it stands for, cleaned and without a patient.

Each meaning is a function of the token alone, so it is worked out once a distinct token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import regex

from domain.errors import ConfigError
from domain.identifiers import valid_pharmacy
from domain.redact import mask_patients
from domain.settings import FieldSpec, Picked, Template
from logwatch.events import NO_VALUE
from logwatch.guarded import Guarded, guard

LONGEST_KEY = 200
# A figure is kept in thousandths of its unit: `domain.gauges.PER_UNIT`, which brings polars along.
PER_UNIT = 1_000
# Beyond this a figure is no measurement, and sums of many would not stay within 64 bits.
LARGEST_VALUE = 9 * 10**15
# A week. No call takes longer, and sums over millions of calls stay within 64 bits.
LONGEST_US = 7 * 86_400 * 1_000_000
_US_NS = 1_000

_REQUEST = re.compile(r"([A-Za-z]{1,20}) ([^ ]+)(?: (.*))?")
_ABSOLUTE = re.compile(r"^[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\u2028\u2029]")
_VALUE = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,12}))?")
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,12})?")
DEFAULT_TEMPLATE = (
    Template(pattern=r"(?<=/)[^/]*[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}[^/]*"),
    Template(pattern=r"(?<=/)[^/]*[0-9]{4}[^/]*"),
)

# What a key's meaning gives when a user's pattern ran away on it.
UNUSABLE = ("", True)

# A key, and whether the token was there but unusable (a data-quality count).
Meaning = Callable[[str], tuple[str, bool]]


def path_of(request: str) -> str:
    """The path of a request's target without host, query or fragment."""
    match = _REQUEST.fullmatch(request)
    return _ABSOLUTE.sub("", re.split("[?#;]", match[2], maxsplit=1)[0], count=1) or "/" if match else ""


def method_of(request: str) -> str:
    """The request's method in capitals; "" when it is no request."""
    match = _REQUEST.fullmatch(request)
    return match[1].upper() if match else ""


def derive(name: str) -> tuple[str, Callable[[str], str] | None]:
    """The raw field that a name is read from, and how: `path` and `method` come out of `request`."""
    return {"path": ("request", path_of), "method": ("request", method_of)}.get(name, (name, None))


def raw_field(spec: FieldSpec) -> str:
    """The field of the line that a specification reads; "" for none."""
    return derive(spec.field if isinstance(spec, Picked) else spec)[0]


def picker(spec: FieldSpec, path: str) -> Callable[[str], str]:
    """From the raw field's token to the text that the specification means; "" where its pattern finds nothing."""
    derived = derive(spec.field if isinstance(spec, Picked) else spec)[1]
    if not isinstance(spec, Picked):
        return derived or (lambda token: token)
    pattern = guard(spec.match, f"{path}.match")

    def pick(token: str) -> str:
        text = derived(token) if derived else token
        match = pattern.search(text)
        return (match[1] if pattern.groups else match[0]) or "" if match else ""

    return pick


def clean(text: str) -> tuple[str, bool]:
    """A key fit to be stored and shown: patients masked, no control characters, not too long."""
    if text in ("", "-"):
        return "", False
    if len(text) > LONGEST_KEY or _CONTROL.search(text):
        return "", True
    return mask_patients(text), False


def key_meaning(spec: FieldSpec, path: str) -> Meaning:
    """The meaning of a key that is taken as it stands."""
    pick = picker(spec, path)

    def meaning(token: str) -> tuple[str, bool]:
        try:
            return clean(pick(token))
        except TimeoutError:
            return UNUSABLE

    return meaning


def text_meaning(spec: FieldSpec, path: str) -> Callable[[str], str]:
    """The text that a specification means, as it stands; "" where its pattern ran away."""
    pick = picker(spec, path)

    def meaning(token: str) -> str:
        try:
            return pick(token)
        except TimeoutError:
            return ""

    return meaning


def pharmacy_meaning(spec: FieldSpec, path: str) -> Meaning:
    """The meaning of a pharmacy's number: checked by its check digits."""
    pick = picker(spec, path)

    def meaning(token: str) -> tuple[str, bool]:
        try:
            text = pick(token)
        except TimeoutError:
            return UNUSABLE
        if text in ("", "-"):
            return "", False
        return (text, False) if valid_pharmacy(text) else UNUSABLE

    return meaning


def endpoint_meaning(spec: FieldSpec, template: Sequence[Template] | None, path: str) -> Meaning:
    """The meaning of an endpoint: a request is its method and path, made general by the template."""
    field = spec.field if isinstance(spec, Picked) else spec
    # Two fields with a blank between, such as `cs-method cs-uri-stem`, are a request if they look like one.
    joined = " " in field
    is_request = joined or field in ("request", "path")
    if template is None:
        template = DEFAULT_TEMPLATE if is_request else ()
    steps = [(_step(step, f"{path}.template"), step.by) for step in template]
    pick = picker(spec, path)

    def meaning(token: str) -> tuple[str, bool]:
        try:
            if spec == "request":
                text = _endpoint_of_request(token)
            else:
                text = pick(token)
                text = (_endpoint_of_request(text) or text) if joined else text
            for pattern, by in steps:
                text = pattern.sub(by, text)
        except TimeoutError:
            return UNUSABLE
        return clean(text) if text or token in ("", "-") else UNUSABLE

    return meaning


def _step(step: Template, path: str) -> Guarded:
    """A step's pattern. Raises ConfigError for one that is none, and for a replacement that names no group of it."""
    pattern = guard(step.pattern, path)
    try:
        guard(f"{step.pattern}|", path).sub(step.by, "")
    except (regex.error, IndexError) as error:
        raise ConfigError(
            f'"{step.by}" cannot replace what "{step.pattern}" finds: {error}',
            path=path,
            mend="Write by with groups of the pattern only",
        ) from error
    return pattern


def _endpoint_of_request(token: str) -> str:
    path = path_of(token)
    return f"{method_of(token)} {path}" if path else ""


def duration_meaning(spec: FieldSpec, unit_ns: int, path: str) -> Callable[[str], tuple[int, bool]]:
    """A duration in µs from a number in units of `unit_ns` ns; -1 where there is none, or it is unusable."""
    pick = picker(spec, path)

    def meaning(token: str) -> tuple[int, bool]:
        try:
            text = pick(token)
        except TimeoutError:
            return -1, True
        if text in ("", "-", "-1"):
            return -1, False
        if not _NUMBER.fullmatch(text) or (unit_ns <= _US_NS and "." in text):
            return -1, True
        whole, _, part = text.partition(".")
        # In integers, so that no rounding of floats makes two paths differ.
        micros = (int(whole) * unit_ns + int((part or "0").ljust(12, "0")[:12]) * unit_ns // 10**12) // _US_NS
        return (micros, False) if micros <= LONGEST_US else (-1, True)

    return meaning


def value_meaning(spec: FieldSpec, path: str) -> Callable[[str], tuple[int, bool]]:
    """A figure in thousandths of its unit, more digits cut off; NO_VALUE where there is none, or it is unusable."""
    pick = picker(spec, path)

    def meaning(token: str) -> tuple[int, bool]:
        try:
            text = pick(token)
        except TimeoutError:
            return NO_VALUE, True
        if text in ("", "-"):
            return NO_VALUE, False
        match = _VALUE.fullmatch(text)
        if match is None:
            return NO_VALUE, True
        minus, whole, part = match.groups()
        value = int(whole) * PER_UNIT + int((part or "").ljust(3, "0")[:3])
        return (-value if minus else value, False) if value <= LARGEST_VALUE else (NO_VALUE, True)

    return meaning
