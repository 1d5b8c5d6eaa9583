"""What the page shows of a document in one language. Pure: the template sets what is decided here, word for word."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

from domain.published import Component, Day, PublicState, Published
from status_page.belief import Reason, overall
from status_page.notices import Notices, notices
from status_page.words import STATES, Language, Words, local, words

BARS = 90


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the row of bars: its state, and day, state and availability in words."""

    state: PublicState
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A day that was not without trouble, for the table."""

    day: str
    state: PublicState
    word: str
    available: str


@dataclass(frozen=True, slots=True)
class Card:
    """One service: state and since when, what to do, the days in bars, in words and as a table."""

    key: str
    name: str
    called: str
    state: PublicState
    word: str
    since: str
    means: str
    advice: str
    bars: tuple[Bar, ...]
    label: str
    rows: tuple[Row, ...]
    month: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page. `stale`: nothing is said of the present; `as_of` still says what the newest is of."""

    language: Language
    words: Words
    title: str
    stale: bool
    state: PublicState
    headline: str
    as_of: str
    cards: tuple[Card, ...]
    notices: Notices


def page(document: Published | None, reason: Reason, language: Language, title: str) -> Page:
    """The page of a document that is believed or not (`reason`). `document` has no fault, or is None."""
    said, stale = words(language), reason != "fresh"
    if document is None:
        return Page(language, said, title, True, "unknown", said.gone, said.as_of_never, (), Notices((), (), ()))
    zone = ZoneInfo(document.zone)
    cards = tuple(_card(part, document, said, zone, stale=stale) for part in document.components)
    state = overall([card.state for card in cards])
    headline = said.gone if stale else headline_of(document, said)
    names = {part.key: name_of(part, said) for part in document.components}
    when = said.as_of_never
    if document.as_of is not None:
        moment = local(document.as_of, zone)
        when = said.as_of.format(moment=said.written_moment(moment, year=True), zone=moment.tzname())
    items = notices(document.notices, judged(document), names, said, zone)
    if stale:
        # What lasts is said of the present, of which nothing is known.
        items = replace(items, lasting=())
    return Page(language, said, title, stale, state, headline, when, cards, items)


def judged(document: Published) -> float:
    """The time that the page's words are relative to."""
    return document.written if document.as_of is None else document.as_of


def headline_of(document: Published, said: Words) -> str:
    """What is known of the whole, as a sentence that names the services it is true of."""
    state = overall([part.state for part in document.components])
    names = [name_of(part, said) for part in document.components if part.state == state]
    return said.of(state).headline.format(names=said.several(names)) if names else said.gone


def name_of(part: Component, said: Words) -> str:
    """What people call a service: in their language where it is well known, else as the site calls it."""
    return said.hubs[part.key].name if part.key in said.hubs else part.name or part.key


def month_share(part: Component, today: date) -> float | None:
    """The share of this month so far: the mean of its days, each counting alike; None where no day is known."""
    of_month = [
        day.availability
        for day in part.days
        if day.availability is not None and (on := date.fromisoformat(day.date)).year == today.year
        and on.month == today.month
    ]  # fmt: skip
    return fmean(of_month) if of_month else None


def _card(part: Component, document: Published, said: Words, zone: ZoneInfo, *, stale: bool) -> Card:
    state: PublicState = "unknown" if stale else part.state
    known = said.hubs.get(part.key)
    now = local(judged(document), zone)
    since = ""
    if part.since is not None and state not in ("works", "unknown"):
        start = local(part.since, zone)
        text = said.written_time(start) if start.date() == now.date() else said.written_moment(start, year=False)
        since = said.since.format(when=text)
    word = said.of(state).word
    if state == "kept" and part.wait_seconds is not None:
        word = said.kept_for.format(wait=said.span(part.wait_seconds))
    days = part.days[-BARS:]
    share = month_share(part, now.date())
    return Card(
        key=part.key, name=name_of(part, said), called=(part.name if known else part.does), state=state, word=word,
        since=since, means="" if stale else said.of(state).means,
        advice=known.advice if known is not None and state in ("some-fail", "fails") else "",
        bars=_bars(days, said, now.date()), label=_label(days, said),
        rows=tuple(_row(day, said, now.date()) for day in reversed(days) if day.state != "works"),
        month="" if share is None else said.month.format(share=said.share(share), month=said.months[now.month - 1]),
    )  # fmt: skip


def _bars(days: tuple[Day, ...], said: Words, today: date) -> tuple[Bar, ...]:
    """Always as many bars, so that they are as wide for a young service: days before its first are not known."""
    begin = date.fromisoformat(days[0].date) if days else today
    # A date near the first of all has no ninety days before it; nothing of ours lies there.
    before = [begin - timedelta(n) for n in range(min(BARS - len(days), begin.toordinal() - 1), 0, -1)]
    young = tuple(Day(date=str(day), state="unknown", availability=None) for day in before)
    return tuple(_bar(day, said, today) for day in young + days)


def _bar(day: Day, said: Words, today: date) -> Bar:
    row = _row(day, said, today)
    return Bar(day.state, f"{row.day}{said.colon}{row.word}{', ' if row.available else ''}{row.available}")


def _row(day: Day, said: Words, today: date) -> Row:
    on = date.fromisoformat(day.date)
    share = "" if day.availability is None else said.share(day.availability)
    return Row(said.written_day(on, year=_far(on, today)), day.state, said.of(day.state).word, share)


def _far(day: date, today: date) -> bool:
    return day.year != today.year


def _label(days: tuple[Day, ...], said: Words) -> str:
    """The bars in words, for those who do not see them: how many days were how."""
    count = Counter(day.state for day in days)
    counts = ", ".join(f"{said.of(state).word}{said.colon}{count[state]}" for state in STATES if count[state])
    return said.bars.format(days=len(days), counts=counts or said.of("unknown").word)
