"""Finding and masking patient numbers (DESIGN 6).

A NISS or BIS number is exactly eleven digits after taking out single separators, valid by its
check digits, and not inside a longer run of digits. It may stand glued to letters
(`PatientId : 50010199928PatientIdType`), inside a path, or with separators (`50.01.01-999.28`). Digits and
separators of other scripts, and those that an address escapes (`50%2E01%2E01-999%2E28`), are what they stand for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from domain.identifiers import valid_niss

MASK = "[patient]"
_LETTERS = str.maketrans("0123456789", "ghijklmnop")

# Eleven digits with at most one separator between two of them, and no digit (nor a separator and a digit)
# of a longer number on either side. Separators are the ones people write in such numbers.
_SEP = r"[ .\-/_]"
_CANDIDATE = re.compile(rf"(?<!\d)\d(?:{_SEP}?\d){{10}}(?!\d)")
_CANDIDATE_BYTES = re.compile(_CANDIDATE.pattern.encode(), re.ASCII)
_NOT_DIGIT = re.compile(r"\D")
# What an address escapes of these, itself escaped or not; and dashes and spaces as texts have them, seen or not.
_ESCAPED = re.compile(r"%(?:25)*(3[0-9]|2[0DEF]|5F)", re.IGNORECASE)
_OTHER_SEPARATORS = frozenset(("Pd", "Zs", "Cf"))
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def patient_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where patient numbers stand, in order. Overlapping candidates are all tried: a longer spaced run may hide one."""
    found = list(_spans(text))
    bare, places = _bare(text)
    if places:
        meant = [(places[start], places[end]) for start, end in _spans(bare)]
        found += [one for one in meant if not any(one[0] < end and start < one[1] for start, end in found)]
        found.sort()
    yield from found


def _bare(text: str) -> tuple[str, list[int]]:
    """The text with each sign as what it stands for, and where each stands; no places where all stands as it is."""
    if text.isascii() and "%" not in text:
        return text, []
    signs, places, at = list[str](), list[int](), 0
    while at < len(text):
        sign = text[at]
        places.append(at)
        match = _ESCAPED.match(text, at) if sign == "%" else None
        if match is not None:
            signs.append(chr(int(match[1], 16)))
            at = match.end()
            continue
        signs.append(sign if sign.isascii() else _meant(sign))
        at += 1
    return "".join(signs), [*places, len(text)]


def _meant(sign: str) -> str:
    """A digit or a separator of another script as our own."""
    digit = unicodedata.decimal(sign, None)
    if digit is not None:
        return str(digit)
    return "-" if unicodedata.category(sign) in _OTHER_SEPARATORS else sign


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where they stand in plain digits."""
    at = 0
    while (match := _CANDIDATE.search(text, at)) is not None:
        if valid_niss(_NOT_DIGIT.sub("", match.group())):
            yield match.span()
            at = match.end()
        else:
            at = match.start() + 1
            # Not from inside the same run of digits: it is a longer number's tail there, never a patient.
            while at < len(text) and text[at].isdigit() and text[at - 1].isdigit():
                at += 1


def has_patient(text: str) -> bool:
    """Whether a patient number stands in `text`."""
    return next(patient_spans(text), None) is not None


def mask_patients(text: str, mask: str = MASK) -> str:
    """`text` with every patient number replaced by `mask`; the same object where there is none."""
    if text.isascii() and sum(map(text.count, "0123456789")) < 11:
        return text
    # Once more where there was one: what it stood beside may be a number without it.
    while spans := list(patient_spans(text)):
        out, last = [], 0
        for start, end in spans:
            out += [text[last:start], mask]
            last = end
        text = "".join([*out, text[last:]])
    return text


def fit_name(name: object) -> str:
    """A file's name that others made, fit to be stored, sent and shown: patients masked, odd characters as `?`.

    Odd are control characters, and what is of no encoding: no text can hold it.
    """
    return mask_patients(_ODD.sub("?", str(name)))


def lettered(data: bytes) -> str:
    """Bytes as lower-case letters, two a byte: a digest in hexadecimal is now and then a valid patient's number."""
    return data.hex().translate(_LETTERS)


def may_hold_patient(data: bytes) -> bool:
    """A quick look over raw bytes for eleven digits in a row, separators allowed; True may be a false alarm."""
    return _CANDIDATE_BYTES.search(data) is not None
