from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.redact import MASK, has_patient, lettered, mask_patients, may_hold_patient

PATIENT = "50010199928"


@pytest.mark.parametrize(
    "text",
    [
        PATIENT,
        f"PatientId : {PATIENT}PatientIdType",
        f"/subject/{PATIENT}/",
        "50.01.01-999.28",
        "50 01 01 999 28",
        "50-01-01/999_28",
        f'ssin="{PATIENT}"',
        f"x{PATIENT}y{PATIENT}z",
        "12 50.01.01-999.28",
        "00010199974",
        "75523199910",
    ],
)
def test_a_patient_in_each_disguise_is_masked(text: str) -> None:
    assert has_patient(text)
    masked = mask_patients(text)
    assert MASK in masked
    assert not has_patient(masked)
    assert may_hold_patient(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "50%2E01%2E01-999%2e28",
        "/subject/50%2001%2001%20999%2028/",
        "".join(f"%{ord(digit):02x}" for digit in PATIENT),
        "".join(f"%25{ord(digit):02X}" for digit in PATIENT),
        "50%252E01%252E01-999%25252E28",
        "٥٠٠١٠١٩٩٩٢٨",
        "５００１０１９９９２８",
        "50٠10199928",
        "50.01.01–999.28",
        "50\u00a001\u202f01\u2011999\u200b28",
        f"é{PATIENT}é",
        f"100%{PATIENT}%",
    ],
)
def test_a_patient_in_other_signs_is_masked(text: str) -> None:
    assert has_patient(f"before {text} after")
    assert mask_patients(f"before {text} after").count(MASK) == 1
    assert not has_patient(mask_patients(text))
    assert mask_patients(f"{PATIENT} and {text}, {PATIENT}").count(MASK) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%3",
        "50%2E%2E01%2E01-999%2E28",
        "50%0101%2E01-999%2E28",
        "٥٠٠١٠١٩٩٩٢٩",
        f"٥{PATIENT}",
        "50010199929",
        f"1{PATIENT}",
        f"{PATIENT}1",
        "5001019992",
        "50..01.01-999.28",
        "00000196",
        "2026-11-22T10:36:12.123+01:00",
    ],
)
def test_what_is_no_patient_is_left_alone(text: str) -> None:
    assert mask_patients(text) == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_patient_is_left_whatever_stands_around_it(before: str, after: str) -> None:
    text = f"{before}x{PATIENT}x{after}"
    assert PATIENT not in mask_patients(text)
    assert not has_patient(mask_patients(text))


def test_a_long_run_of_digits_takes_no_long_time() -> None:
    assert mask_patients("1" * 200_000) == "1" * 200_000
    assert "[patient]" not in mask_patients("1 " * 50_000)


@given(st.binary(max_size=64))
def test_bytes_as_letters_are_no_number_and_stay_distinct(data: bytes) -> None:
    text = lettered(data)
    assert not any(character.isdigit() for character in text)
    assert bytes.fromhex(text.translate(str.maketrans("ghijklmnop", "0123456789"))) == data
