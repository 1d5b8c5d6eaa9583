"""Published documents as the alerts process writes them: a morning with everything in it, and parts of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.published import PUBLISHED_VERSION, Component, Day, Notice, PublicState, Published, encode_published

BRUSSELS = ZoneInfo("Europe/Brussels")


def at(text: str) -> float:
    """Epoch seconds of a local time in Brussels."""
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp()


NOW = at("2026-11-23T10:42:20")  # a Monday
TODAY = date(2026, 11, 23)
# By how many days ago, how each component was not as it should be.
_BAD: dict[str, dict[int, tuple[PublicState, float | None]]] = {
    "recipe": {77: ("some-fail", 0.991), 49: ("fails", 0.62), 0: ("some-fail", 0.9712)},
    "dpp": {56: ("some-fail", 0.9951)},
    "mycarenet": {29: ("maintenance", 0.999), 0: ("kept", 0.9985)},
    "ehealth": {49: ("fails", 0.71), 48: ("fails", 0.8), 47: ("unknown", None)},
}


def days(key: str, number: int = 90) -> tuple[Day, ...]:
    """The last days of a component, oldest first."""
    bad = _BAD.get(key, {})
    found = []
    for ago in range(number - 1, -1, -1):
        state, share = bad.get(ago, ("works", 1.0 if key == "raotd" else 0.9998))
        found.append(Day(date=str(TODAY - timedelta(ago)), state=state, availability=share))
    return tuple(found)


def component(key: str, name: str, state: PublicState = "works", **more: object) -> Component:
    """A component with its ninety days."""
    fields: dict[str, object] = {"does": "", "days": days(key), **more}
    return Component(key=key, name=name, state=state, **fields)  # type: ignore[arg-type] # as the caller says


MORNING = Published(
    version=PUBLISHED_VERSION, site="FarmaFlux", zone="Europe/Brussels", as_of=NOW - 10, written=NOW - 5,
    components=(
        component("recipe", "Recip-e", "some-fail", since=at("2026-11-23T10:38:00")),
        component("dpp", "DPP"),
        component("mycarenet", "MyCareNet", "kept", since=at("2026-11-23T10:30:00"), wait_seconds=540.0),
        component("raotd", "RaOTD"),
        component("ehealth", "eHealth"),
        component("portal", "Portal", does="orders", days=days("portal", 12)),
    ),
    notices=(
        Notice(id="7", kind="incident", hub="recipe", state="some-fail", start=at("2026-11-23T10:38:00"), end=None),
        Notice(id="6", kind="incident", hub="dpp", state="fails", start=at("2026-11-16T09:02:00"),
               end=at("2026-11-16T09:26:00")),
        Notice(id="5", kind="incident", hub="ehealth", state="fails", start=at("2026-10-05T09:02:00"),
               end=at("2026-10-06T09:26:00")),
        Notice(id="r2", kind="maintenance", hub="mycarenet", state="kept", start=at("2026-11-25T20:00:00"),
               end=at("2026-11-25T20:30:00")),
        Notice(id="r1", kind="maintenance", hub="raotd", state="maintenance", start=at("2026-11-18T20:00:00"),
               end=at("2026-11-18T20:25:00")),
    ),
)  # fmt: skip
CALM = Published(
    version=PUBLISHED_VERSION, site="FarmaFlux", zone="Europe/Brussels", as_of=NOW - 10, written=NOW - 5,
    components=tuple(component(key, name) for key, name in (("recipe", "Recip-e"), ("dpp", "DPP"))),
)  # fmt: skip


def publish(path: Path, document: Published) -> None:
    """Write a document as the alerts process does: aside, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_bytes(encode_published(document))
    aside.replace(path)
