"""The four languages of the public page: their words, and how each writes days, times, spans and shares.

A language is one file of `words/`; the types below say what it holds, so that none can lack a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from domain.figures import NBSP
from domain.published import PublicState

Language = Literal["en", "fr", "nl", "de"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "en"
STATES: tuple[PublicState, ...] = get_args(PublicState)

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_FILES = Path(__file__).parent / "words"


class StateWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state: beside a service, as the page's headline, on the button, and what it means at the counter."""

    word: str
    headline: str
    badge: str
    means: str


class HubWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A well-known service: what people call it, and what to do while it fails."""

    name: str
    advice: str


class _States(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    works: StateWords
    maintenance: StateWords
    kept: StateWords
    some_fail: StateWords
    fails: StateWords
    unknown: StateWords


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything the page says in one language. What stands in braces is filled in."""

    tongue: str
    status: str
    page_of: str
    other_languages: str
    skip: str
    as_of: str
    as_of_never: str
    gone: str
    gone_why: str
    offline: str
    no_script: str
    no_script_copy: str
    services: str
    since: str
    kept_for: str
    kept_while: str
    days: str
    bars: str
    trouble: str
    day: str
    state: str
    available: str
    month: str
    nothing: str
    all: str
    lasting: str
    planned: str
    past: str
    past_none: str
    from_to: str
    from_on: str
    took: str
    done: str
    none_such: str
    to_page: str
    as_data: str
    badge: str
    date_: str = msgspec.field(name="date")
    date_year: str
    first_of_month: str
    time: str
    moment: str
    and_: str = msgspec.field(name="and")
    colon: str
    decimal: str
    minute: str
    minutes: str
    hours: str
    days_long: str
    weekdays: tuple[str, str, str, str, str, str, str]
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]
    states: _States
    hubs: dict[str, HubWords]

    def of(self, state: PublicState) -> StateWords:
        """The words of a state."""
        found: StateWords = getattr(self.states, state.replace("-", "_"))
        return found

    def written_day(self, day: date, *, year: bool) -> str:
        """A day as people say it: `Monday 23 November`, with its year where that is asked for."""
        number = self.first_of_month if day.day == 1 else str(day.day)
        pattern = self.date_year if year else self.date_
        return pattern.format(
            weekday=self.weekdays[day.weekday()], day=number, month=self.months[day.month - 1], year=day.year
        )

    def written_time(self, moment: datetime) -> str:
        """A time of day: `10:42`."""
        return self.time.format(hour=f"{moment:%H}", minute=f"{moment:%M}").replace(" ", NBSP)

    def written_moment(self, moment: datetime, *, year: bool) -> str:
        """Day and time."""
        return self.moment.format(date=self.written_day(moment.date(), year=year), time=self.written_time(moment))

    def span(self, seconds: float) -> str:
        """About how long: whole minutes below an hour and a half, hours below two days, then days."""
        if seconds < 90:
            return self.minute.replace(" ", NBSP)
        for size, below, pattern in ((_MINUTE, 90 * _MINUTE, self.minutes), (_HOUR, 2 * _DAY, self.hours)):
            if seconds < below:
                return pattern.format(n=round(seconds / size)).replace(" ", NBSP)
        return self.days_long.format(n=round(seconds / _DAY)).replace(" ", NBSP)

    def share(self, value: float) -> str:
        """A share (0..1) in per cent with two decimals, cut off: only all is `100 %`."""
        if value >= 1:
            return f"100{NBSP}%"
        return f"{int(value * 10_000 + 1e-6) / 100:.2f}{NBSP}%".replace(".", self.decimal)

    def several(self, names: Sequence[str]) -> str:
        """Names in a row: `A, B and C`."""
        return self.and_.join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


@lru_cache(maxsize=len(LANGUAGES))
def words(language: Language) -> Words:
    """The words of a language."""
    return msgspec.toml.decode((_FILES / f"{language}.toml").read_bytes(), type=Words)


def local(time: float, zone: ZoneInfo) -> datetime:
    """Local time of epoch seconds."""
    return datetime.fromtimestamp(time, zone)
