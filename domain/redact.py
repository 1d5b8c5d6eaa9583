"""Finding and masking patient numbers (DESIGN 6).

A NISS or BIS number is exactly eleven digits after taking out single separators, valid by its
check digits, and not inside a longer run of digits. It may stand glued to letters
(`PatientId : 50010199928PatientIdType`), inside a path, or with separators (`50.01.01-999.28`).
"""

from __future__ import annotations

import re
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
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def patient_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where patient numbers stand. Overlapping candidates are all tried: a longer spaced run may hide one."""
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
    if sum(map(text.count, "0123456789")) < 11:
        return text
    out, last = [], 0
    for start, end in patient_spans(text):
        out += [text[last:start], mask]
        last = end
    return "".join([*out, text[last:]]) if out else text


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
