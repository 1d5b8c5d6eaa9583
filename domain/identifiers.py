"""The numbers of the pharmacies' world and their check digits (DOMAIN: Identifiers).

Every check takes the text as it came and answers True or False: a bad number is a
data-quality count, never a crash.
"""

from __future__ import annotations

import re

_RID = re.compile(r"BE[PKN][P0-9][0-9A-HJ-NP-TV-Z]{8}")


def mod97(body: str) -> int:
    """The Belgian check number of a string of digits: 97 minus the remainder by 97 (1..97)."""
    return 97 - int(body) % 97


def _digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def valid_pharmacy(text: str) -> bool:
    """An APB/NIHII number: six digits and their two check digits. A leading 0 is synthetic but well formed."""
    return _digits(text, 8) and int(text[6:]) == mod97(text[:6])


def pharmacy_number(body: int) -> str:
    """The 8-digit pharmacy number of a 6-digit body."""
    digits = f"{body:06d}"
    return f"{digits}{mod97(digits):02d}"


def valid_cbe(text: str) -> bool:
    """An enterprise number (CBE): eight digits and two check digits."""
    return _digits(text, 10) and int(text[8:]) == mod97(text[:8])


def valid_niss(text: str) -> bool:
    """A patient's number (NISS, or BIS with 20 or 40 added to the month), by its check digits and its month.

    Born from 2000, the check digits are those of the body with a 2 before it. Any day is taken: where the birth
    date is not known, or its days had run out of numbers, the register counts on beyond the calendar.
    """
    if not _digits(text, 11):
        return False
    month = int(text[2:4])
    if month >= 60 or month % 20 > 12:
        return False
    return int(text[9:]) in (mod97(text[:9]), mod97("2" + text[:9]))


def valid_cnk(text: str) -> bool:
    """A product's number (CNK): six digits and their Luhn digit."""
    if not _digits(text, 7):
        return False
    total = 0
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def valid_rid(text: str) -> bool:
    """A prescription's number (RID)."""
    return _RID.fullmatch(text) is not None


PROVINCES = {
    "1": "Antwerp", "2": "Brabant and Brussels", "3": "West Flanders", "4": "East Flanders", "5": "Hainaut",
    "6": "Liège", "7": "Limburg", "8": "Luxembourg", "9": "Namur",
}  # fmt: skip


def province(pharmacy: str) -> str:
    """The province of a pharmacy number by its first digit; "" for a synthetic one."""
    return PROVINCES.get(pharmacy[:1], "")
