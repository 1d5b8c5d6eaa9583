from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.be import bis, nn, vat

from domain.identifiers import (
    mod97,
    pharmacy_number,
    province,
    valid_cbe,
    valid_cnk,
    valid_niss,
    valid_pharmacy,
    valid_rid,
)

PHARMACIES = ("00000196", "00004255", "00012371", "00123427", "00009797")
PATIENTS = (
    "50010199928", "64022999971", "75123199921", "00010199974", "04022999904", "50210199971", "75523199910",
)  # fmt: skip


def test_the_safe_values_are_well_formed() -> None:
    assert all(map(valid_pharmacy, PHARMACIES))
    assert all(map(valid_niss, PATIENTS))
    assert valid_cbe("0000000196")
    assert valid_rid("BEP0ZZZZ0001")


@pytest.mark.parametrize("text", ["", "0000019", "000001960", "0000019a", "00000197", "٠٠٠٠٠١٩٦", " 00000196"])
def test_a_pharmacy_number_that_is_none(text: str) -> None:
    assert not valid_pharmacy(text)


@given(st.integers(0, 999_999))
def test_every_body_has_one_pharmacy_number(body: int) -> None:
    number = pharmacy_number(body)
    assert valid_pharmacy(number)
    assert sum(valid_pharmacy(f"{number[:6]}{check:02d}") for check in range(100)) == 1


@given(st.integers(0, 99), st.integers(0, 12), st.integers(1, 28), st.integers(1, 998), st.booleans())
def test_national_numbers_agree_with_a_second_opinion(year: int, month: int, day: int, order: int, young: bool) -> None:
    body = f"{year:02d}{month:02d}{day:02d}{order:03d}"
    number = body + f"{mod97('2' + body if young else body):02d}"
    if nn.is_valid(number):
        assert valid_niss(number)


@given(st.integers(0, 99), st.sampled_from([20, 40]), st.integers(1, 12), st.integers(1, 28), st.integers(1, 998))
def test_bis_numbers_agree_with_a_second_opinion(year: int, added: int, month: int, day: int, order: int) -> None:
    body = f"{year:02d}{month + added:02d}{day:02d}{order:03d}"
    number = body + f"{mod97(body):02d}"
    if bis.is_valid(number):
        assert valid_niss(number)


@given(st.text("0123456789", min_size=11, max_size=11))
def test_what_a_second_opinion_takes_we_take(text: str) -> None:
    if nn.is_valid(text) or bis.is_valid(text):
        assert valid_niss(text)


@given(st.integers(1, 19_999_999))
def test_enterprise_numbers_agree_with_a_second_opinion(body: int) -> None:
    digits = f"{body:08d}"
    number = digits + f"{mod97(digits):02d}"
    assert valid_cbe(number)
    if number[0] in "01":
        assert vat.is_valid(number)


@pytest.mark.parametrize(
    ("text", "good"), [("0012344", True), ("0012345", False), ("0000000", True), ("1234566", True), ("123456x", False)]
)
def test_product_numbers_have_a_luhn_digit(text: str, good: bool) -> None:
    assert valid_cnk(text) is good


@pytest.mark.parametrize("text", ["BEX0ZZZZ0001", "BEP0ZZZZ000", "BEP0ZZZZ000I", "bep0zzzz0001", "BEP0ZZZZ00011"])
def test_a_prescription_number_that_is_none(text: str) -> None:
    assert not valid_rid(text)


def test_the_first_digit_is_the_province() -> None:
    assert province("70000000") == "Limburg"
    assert province("00000196") == ""
