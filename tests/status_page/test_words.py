"""All four languages are whole, fill in the same things, and write days, times and shares as their readers do."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import status_page.words as module
from domain.figures import NBSP
from status_page.words import LANGUAGES, STATES, Language, words
from tests.status_page.documents import BRUSSELS

FILES = Path(module.__file__).parent / "words"
MOMENT = datetime(2026, 8, 1, 9, 5, tzinfo=BRUSSELS)


def leaves(table: dict[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= leaves(value, f"{path}{key}.")
        else:
            found[path + key] = " ".join(value) if isinstance(value, list) else value
    return found


RAW = {language: leaves(tomllib.loads((FILES / f"{language}.toml").read_text("utf-8"))) for language in LANGUAGES}


def test_there_is_a_file_for_each_language_and_no_other() -> None:
    assert sorted(path.name for path in FILES.iterdir()) == sorted(f"{language}.toml" for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_have_the_same_keys_and_fill_in_the_same(language: Language) -> None:
    assert list(RAW[language]) == list(RAW["en"])
    for key, text in RAW[language].items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", RAW["en"][key])), key
        assert bool(text) == bool(RAW["en"][key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_differ_and_have_no_straight_quotes(language: Language) -> None:
    assert not [text for text in RAW[language].values() if "'" in text]
    if language != "en":
        same = {key for key, text in RAW[language].items() if text == RAW["en"][key] and len(text) > 12}
        assert same <= {"page_of", "moment", "from_to", "date", "date_year"}
    said = words(language)
    assert len({said.of(state).word for state in STATES}) == len(STATES)
    assert len(set(said.months)) == 12
    assert len(set(said.weekdays)) == 7


@pytest.mark.parametrize(
    ("language", "moment", "share"),
    [
        ("en", "Saturday 1 August 2026, 09:05", f"99.71{NBSP}%"),
        ("fr", "samedi 1er août 2026 à 09h05", f"99,71{NBSP}%"),
        ("nl", f"zaterdag 1 augustus 2026 om 09.05{NBSP}uur", f"99,71{NBSP}%"),
        ("de", f"Samstag, 1. August 2026, 09:05{NBSP}Uhr", f"99,71{NBSP}%"),
    ],
)
def test_moments_and_shares(language: Language, moment: str, share: str) -> None:
    assert words(language).written_moment(MOMENT, year=True) == moment
    assert words(language).share(0.99719) == share


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "100"), (0.999999, "99.99"), (0.9998, "99.98"), (0.57, "57.00"), (0.0, "0.00")]
)
def test_a_share_is_cut_off_and_never_made_whole(value: float, text: str) -> None:
    assert words("en").share(value) == f"{text}{NBSP}%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 minute"), (89, "1 minute"), (91, "2 minutes"), (540, "9 minutes"), (5_399, "90 minutes"),
     (5_400, "2 hours"), (172_799, "48 hours"), (259_200, "3 days")],
)  # fmt: skip
def test_spans(seconds: float, text: str) -> None:
    assert words("en").span(seconds) == text.replace(" ", NBSP)


def test_names_in_a_row() -> None:
    assert [words("fr").several(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == [
        "", "A", "A et B", "A, B et C",
    ]  # fmt: skip
