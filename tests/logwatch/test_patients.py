"""Patients' numbers found in columns and in lines, and their keyed hashes against a plain SipHash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import mod97, valid_niss
from domain.patients import NO_PATIENT, UNCOUNTED
from domain.redact import has_patient
from logwatch.patients import hashes, number_in, numbers_in, siphash, valid_numbers
from tests.logwatch.some import bounded

DAY_US = 86_400 * 1_000_000
# Synthetic: the sequence 999 is never issued.
NUMBERS = ("50010199928", "64022999971", "75123199921", "00010199974", "50210199971", "75523199910")


def in_block(texts: Iterable[str]) -> list[Any]:
    lines = [text.encode() for text in texts]
    data = np.frombuffer(b"\n".join(lines) + b"\n", dtype=np.uint8)
    sizes = np.array([len(line) for line in lines])
    stops = np.cumsum(sizes + 1) - 1
    found: list[Any] = numbers_in(data, stops - sizes, stops).tolist()
    return found


def spaced(number: str, marks: Iterable[str]) -> str:
    return "".join(digit + mark for digit, mark in zip(number, [*marks, *[""] * 11], strict=False))


pieces = st.one_of(
    st.sampled_from(NUMBERS),
    st.builds(
        spaced, st.sampled_from(NUMBERS), st.lists(st.sampled_from(["", " ", ".", "-", "/", "_", ", "]), max_size=10)
    ),
    st.text("0123456789 .-/_", max_size=14),
    st.text("ab:é٣\u2003", max_size=3),
)  # fmt: skip


@given(st.lists(st.lists(pieces, max_size=5).map("".join), min_size=1, max_size=8))
@bounded(300)
def test_columns_find_what_lines_do(texts: list[str]) -> None:
    assert in_block(texts) == [number_in(text) for text in texts]


@given(st.lists(pieces, max_size=5).map("".join).filter(str.isascii))
@bounded(200)
def test_what_is_counted_is_what_is_masked(text: str) -> None:
    assert bool(number_in(text)) == has_patient(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("PatientId : 50010199928PatientIdType", 50010199928),
        ("GET /subject/00010199974/", 10199974),
        ("niss 50.01.01-999.28", 50010199928),
        ("150010199928", 0),
        ("50010199928 1", 50010199928),
        ("1.50010199928", 50010199928),
        ("1790000000000000000", 0),
        ("50010199929 and 64022999971", 64022999971),
        ("", 0),
    ],
)
def test_a_field_s_first_patient(text: str, number: int) -> None:
    assert number_in(text) == number
    assert in_block(["", text, "5001", text]) == [0, number, 0, number]


@given(st.lists(st.one_of(st.integers(0, 10**11 - 1), st.integers(0, 10**9 - 1).map(
    lambda body: body * 100 + mod97(f"{body:09d}"))), min_size=1))  # fmt: skip
@bounded(200)
def test_check_digits_are_those_of_the_domain(numbers: list[int]) -> None:
    assert valid_numbers(np.array(numbers)).tolist() == [valid_niss(f"{number:011d}") for number in numbers]


def plain_siphash(message: bytes, key: bytes) -> int:
    """SipHash-2-4 as its authors' paper words it."""
    mask = (1 << 64) - 1
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v0, v1, v2, v3 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def turned(word: int, bits: int) -> int:
        return (word << bits | word >> (64 - bits)) & mask

    def rounds(count: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(count):
            v0, v2 = (v0 + v1) & mask, (v2 + v3) & mask
            v1, v3 = turned(v1, 13) ^ v0, turned(v3, 16) ^ v2
            v0, v2 = (turned(v0, 32) + v3) & mask, (v2 + v1) & mask
            v1, v3 = turned(v1, 17) ^ v2, turned(v3, 21) ^ v0
            v2 = turned(v2, 32)

    whole = len(message) // 8 * 8
    words = [int.from_bytes(message[at : at + 8], "little") for at in range(0, whole, 8)]
    words.append(int.from_bytes(message[whole:], "little") | (len(message) % 256) << 56)
    for word in words:
        v3 ^= word
        rounds(2)
        v0 ^= word
    v2 ^= 0xFF
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3


def test_siphash_gives_its_authors_values() -> None:
    """The reference's vectors: key 00…0f, messages 00…, of 8 and 15 bytes."""
    key = bytes(range(16))
    assert plain_siphash(bytes(range(15)), key) == 0xA129CA6149BE45E5
    assert plain_siphash(bytes(range(8)), key) == 0x93F5F5799A932462
    word = np.array([int.from_bytes(bytes(range(8)), "little")], dtype=np.uint64)
    assert siphash(word, key).tolist() == [0x93F5F5799A932462]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.binary(min_size=16, max_size=16))
@bounded(100)
def test_siphash_of_many_is_that_of_each(words: list[int], key: bytes) -> None:
    assert siphash(np.array(words, dtype=np.uint64), key).tolist() == [
        plain_siphash(word.to_bytes(8, "little"), key) for word in words
    ]


class Days:
    """A key a day; none before day 100."""

    def key_of(self, day: int) -> bytes | None:
        return day.to_bytes(16, "big") if day >= 100 else None


def test_a_patient_is_hashed_by_the_key_of_the_event_s_day() -> None:
    number = 50010199928
    numbers = np.array([number, 0, number, number, number])
    times = np.array([100, 100, 100, 101, 99]) * DAY_US + np.array([0, 0, DAY_US - 1, 0, DAY_US - 1])
    found = hashes(numbers, times, Days()).tolist()
    expected = [plain_siphash(number.to_bytes(8, "little"), day.to_bytes(16, "big")) for day in (100, 101)]
    assert found == [expected[0], NO_PATIENT, expected[0], expected[1], UNCOUNTED]
    assert hashes(numbers[1:2], times[1:2], Days()).tolist() == [NO_PATIENT]
