"""From a document to what the page says, without a page."""

from __future__ import annotations

import msgspec
import pytest

from domain.figures import NBSP
from domain.published import Day, Notice, PublicState, Published
from status_page.belief import Reason, belief, fault, overall
from status_page.model import page
from status_page.notices import place
from tests.status_page.documents import CALM, MORNING, NOW, at, component

DAY = 86_400.0


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [(NOW, "fresh"), (NOW - 120, "fresh"), (NOW - 121, "too old"), (NOW + 120, "fresh"),
     (NOW + 121, "ahead of the clock"), (None, "nothing judged yet")],
)  # fmt: skip
def test_belief_ends_with_age(as_of: float | None, reason: Reason) -> None:
    assert belief(msgspec.structs.replace(CALM, as_of=as_of), NOW, 120) == reason


def test_no_document_is_not_believed() -> None:
    assert belief(None, NOW, 120) == "unreadable"


@pytest.mark.parametrize(
    ("states", "whole"),
    [((), "unknown"), (("works", "works"), "works"), (("works", "maintenance", "kept"), "kept"),
     (("works", "unknown"), "unknown"), (("unknown", "some-fail"), "some-fail"), (("some-fail", "fails"), "fails")],
)  # fmt: skip
def test_a_whole_is_as_its_worst_part_is_known_to_be(states: tuple[PublicState, ...], whole: PublicState) -> None:
    assert overall(states) == whole


def test_the_morning_in_english() -> None:
    shown = page(MORNING, "fresh", "en", "FarmaFlux")
    assert (shown.state, shown.headline) == ("some-fail", "Some requests fail: Electronic prescriptions")
    assert shown.as_of == "As of Monday 23 November 2026, 10:42 (CET)."
    recipe, dpp, mycarenet, *_, portal = shown.cards
    assert (recipe.name, recipe.called, recipe.word) == ("Electronic prescriptions", "Recip-e", "some requests fail")
    assert recipe.since == "since 10:38"
    assert "RID" in recipe.advice
    assert recipe.month == f"99.85{NBSP}% available in November"
    assert recipe.label == (
        "The last 90 days, one bar a day. works: 87, some requests fail: 2, does not work: 1."
    )  # fmt: skip
    assert [(row.state, row.day) for row in recipe.rows] == [
        ("some-fail", "Monday 23 November"), ("fails", "Monday 5 October"), ("some-fail", "Monday 7 September"),
    ]  # fmt: skip
    assert (dpp.word, dpp.since, dpp.means, dpp.advice) == ("works", "", "", "")
    assert mycarenet.word == f"your messages are kept; processed in about 9{NBSP}minutes"
    assert (portal.name, portal.called) == ("Portal", "orders")
    assert [bar.state for bar in portal.bars] == ["unknown"] * 78 + ["works"] * 12


def test_notices_stand_where_they_belong() -> None:
    found = page(MORNING, "fresh", "en", "FarmaFlux").notices
    assert [item.title for item in found.lasting] == ["Electronic prescriptions: some requests fail"]
    assert found.lasting[0].when == "since Monday 23 November, 10:38 (CET)"
    (planned,) = found.planned
    assert planned.when == "Wednesday 25 November, 20:00 – 20:30 (CET)"
    assert planned.text == "Your messages are kept meanwhile and processed afterwards."
    assert [(item.state, item.text) for item in found.past] == [
        ("maintenance", "Done."), ("fails", f"Over; it took 24{NBSP}minutes."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "start", "end", "where"),
    [("incident", -60, None, "lasting"), ("incident", -60, 0, "past"), ("incident", -60, 1, "lasting"),
     ("incident", -15 * DAY, -14 * DAY + 1, "past"), ("incident", -15 * DAY, -14 * DAY, "long ago"),
     ("maintenance", 1, 60, "planned"), ("maintenance", 0, 60, "lasting"), ("maintenance", -60, -1, "past")],
)  # fmt: skip
def test_where_a_notice_stands(kind: str, start: float, end: float | None, where: str) -> None:
    notice = msgspec.convert(
        {"id": "1", "kind": kind, "hub": "dpp", "state": "fails", "start": NOW + start,
         "end": None if end is None else NOW + end},
        Notice,
    )  # fmt: skip
    assert place(notice, NOW) == where


def test_an_old_document_says_nothing_of_the_present() -> None:
    shown = page(MORNING, "too old", "en", "FarmaFlux")
    assert (shown.state, shown.headline) == ("unknown", "How things are just now is not known")
    assert {(card.state, card.word, card.since, card.means, card.advice) for card in shown.cards} == {
        ("unknown", "not known", "", "", "")
    }
    assert shown.as_of == "As of Monday 23 November 2026, 10:42 (CET)."
    assert not shown.notices.lasting
    assert len(shown.notices.past) == 2
    assert shown.cards[0].rows


def test_nothing_at_all() -> None:
    shown = page(None, "unreadable", "nl", "FarmaFlux")
    assert (shown.state, shown.headline, shown.cards) == ("unknown", "De huidige toestand is niet bekend", ())
    empty = msgspec.structs.replace(CALM, components=())
    assert page(empty, "fresh", "en", "x").state == "unknown"


def test_summer_time_and_another_year_are_said() -> None:
    notice = Notice(id="1", kind="maintenance", hub="", state="maintenance", start=at("2027-03-27T23:30:00"),
                    end=at("2027-03-28T04:00:00"))  # fmt: skip
    document = msgspec.structs.replace(CALM, notices=(notice,))
    (item,) = page(document, "fresh", "en", "x").notices.planned
    assert item.title == "All services: planned work"
    assert item.when == "Saturday 27 March 2027, 23:30 – Sunday 28 March, 04:00 (CEST)"


def test_a_state_since_another_day_names_it() -> None:
    part = component("dpp", "DPP", "fails", since=at("2026-11-21T22:05:00"))
    (card,) = page(msgspec.structs.replace(CALM, components=(part,)), "fresh", "de", "x").cards
    assert card.since == f"seit Samstag, 21. November, 22:05{NBSP}Uhr"


FAULTS: dict[str, Published] = {
    "is not a time zone": msgspec.structs.replace(CALM, zone="Mars/Olympus"),
    "as_of is no time": msgspec.structs.replace(CALM, as_of=1e300),
    "since of dpp is no time": msgspec.structs.replace(CALM, components=(component("dpp", "", since=-1.0),)),
    "wait of dpp is no span": msgspec.structs.replace(CALM, components=(component("dpp", "", wait_seconds=-1.0),)),
    "is no date": msgspec.structs.replace(
        CALM, components=(component("a", "", days=(Day(date="x", state="works", availability=None),)),)
    ),
    "is no share": msgspec.structs.replace(
        CALM, components=(component("a", "", days=(Day(date="2026-11-23", state="works", availability=1.2),)),)
    ),
    "the same key": msgspec.structs.replace(CALM, components=(component("a", ""), component("a", ""))),
    "the end of n is no time": msgspec.structs.replace(
        CALM, notices=(Notice(id="n", kind="incident", hub="", state="fails", start=0, end=-5.0),)
    ),
}


@pytest.mark.parametrize("words_of_it", FAULTS)
def test_what_cannot_be_right_is_named(words_of_it: str) -> None:
    assert words_of_it in fault(FAULTS[words_of_it])


def test_nothing_is_wrong_with_the_morning() -> None:
    assert fault(MORNING) == ""
