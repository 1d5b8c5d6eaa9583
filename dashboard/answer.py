"""The answer first, as a sentence: what fails, where, since when, and what explains it, as far as counts tell.

Pure: judged hubs and endpoints go in, the sentence comes out in parts that a page or JSON can show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.judge import Level, State
from dashboard.breakdown import Part
from dashboard.incidents import Told, names_side, sentence
from domain import figures
from logwatch.registry import OTHER

EXPLAINS, BEYOND_CALLS = 0.6, 1.25


@dataclass(frozen=True, slots=True)
class Judged:
    """A hub or one of its endpoints with its state. `endpoint` is "" for the hub itself."""

    hub: str
    hub_name: str
    endpoint: str
    state: State


@dataclass(frozen=True, slots=True)
class Cause:
    """What is known about the failures of the worst: since when (local text), how many, who and which code."""

    since: str
    failed: float
    vendor: str
    vendor_share: float
    vendors_alike: bool
    code: str
    side: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`lead` carries the state's shape and colour, `rest` ends the sentence, `details` are sentences below.

    `incident` is the number of the one it tells of, 0 where it tells of none; `taken` says who is on that.
    """

    level: Level
    lead: str
    rest: str
    details: tuple[str, ...]
    hub: str = ""
    endpoint: str = ""
    incident: int = 0
    taken: str = ""


_VERB = {Level.FAILING: "is failing", Level.SILENT: "is silent", Level.SLOW: "is slow"}


def worst_first(judged: Sequence[Judged]) -> list[Judged]:
    """The ones in trouble, worst first; endpoints before their hub, for they say more."""
    trouble = [one for one in judged if one.state.level >= Level.FEWER]
    return sorted(trouble, key=lambda one: (-one.state.level, one.endpoint == "", one.hub, one.endpoint))


def focus(judged: Sequence[Judged]) -> Judged | None:
    """The one the sentence is about: a whole hub when most of its endpoints are as bad, else the worst."""
    trouble = worst_first(judged)
    if not trouble:
        return None
    worst = trouble[0]
    siblings = [one for one in judged if one.hub == worst.hub and one.endpoint and one.state.level != Level.UNKNOWN]
    as_bad = [one for one in siblings if one.state.level == worst.state.level]
    hub = next((one for one in judged if one.hub == worst.hub and not one.endpoint), None)
    if hub is not None and len(siblings) > 1 and len(as_bad) * 4 >= len(siblings) * 3:
        return Judged(hub.hub, hub.hub_name, "", State(worst.state.level, worst.state.word, hub.state.reason))
    return worst


def explaining(found: Sequence[Part]) -> tuple[Part | None, bool]:
    """The part that explains most failures, beyond its share of the calls; and whether all fail alike."""
    calls = sum(part.calls for part in found)
    worst = found[0] if found else None
    if worst is None or not worst.technical > 0:
        return None, False
    if worst.of_failures >= EXPLAINS and worst.of_failures >= BEYOND_CALLS * worst.calls / calls:
        return worst, False
    return None, len(found) > 1 and worst.of_failures < EXPLAINS


def compose(
    judged: Sequence[Judged], about: Judged | None, cause: Cause | None, hubs: int, incident: Told | None = None
) -> Answer:
    """The sentence. `about` is `focus(judged)`; `hubs` is how many there are; `incident` is the one it is about."""
    if hubs == 0:
        return Answer(Level.UNKNOWN, "Nothing has been counted yet.", "", ())
    if about is None:
        unknown = [one.hub_name for one in judged if not one.endpoint and one.state.level is Level.UNKNOWN]
        if len(unknown) == hubs:
            return Answer(Level.UNKNOWN, "Nothing is known of the last minutes.", "", ())
        lead = "Nothing fails beyond the usual." if hubs > 1 else "Calls are answered as usual."
        return Answer(Level.OK, lead, "", (f"Nothing is known of {_listed(unknown)}.",) if unknown else ())
    place = f" at {about.hub_name}" if about.endpoint else ""
    verb = _VERB.get(about.state.level, "")
    # What came beyond the cap is counted as "other": in a sentence it must read as a name.
    what = f"“{OTHER}”" if about.endpoint == OTHER else about.endpoint or about.hub_name
    if about.state.level is Level.SOME:
        lead = f"Some {what} calls fail{place}" if about.endpoint else f"Some calls fail at {what}"
    elif about.state.level is Level.FEWER:
        lead = f"{what} gets fewer calls than last week{place}"
    else:
        lead = f"{what} {verb}{place}"
    since = incident.since if incident else cause.since if cause else ""
    rest = f" since {since}." if since else "."
    told = _told(about, cause)
    if incident is None:
        return Answer(about.state.level, lead, rest, (*told, *_others(judged, about, hubs)), about.hub, about.endpoint)
    if incident.side and not any(names_side(one, incident.side) for one in told):
        told.append(sentence(incident.side))
    taken = f"{incident.by} took it up" if incident.by else "nobody took it up yet"
    details = (*told, *_others(judged, about, hubs))
    return Answer(about.state.level, lead, rest, details, about.hub, about.endpoint, incident.id, taken)


def _told(about: Judged, cause: Cause | None) -> list[str]:
    reason = about.state.reason
    told = [f"{reason[:1].upper()}{reason[1:]}."]
    if cause is None or not (cause.failed > 0 or cause.failed == figures.FEW):
        return told
    failed = f"{figures.count(cause.failed)} failed calls so far"
    if cause.vendor:
        part = "most" if cause.vendor_share == figures.FEW else figures.whole_percent(cause.vendor_share)
        told.append(f"{cause.vendor} explains {part} of it; {failed}.")
    elif cause.vendors_alike:
        told.append(f"Every vendor is hit; {failed}.")
    else:
        told.append(f"{failed[:1].upper()}{failed[1:]}.")
    if cause.code and cause.code not in reason:  # an incident's reason names it already
        told.append(f"Mostly {cause.code}, {cause.side}." if cause.side else f"Mostly {cause.code}.")
    return told


def _others(judged: Sequence[Judged], about: Judged, hubs: int) -> list[str]:
    """The rest of the trouble in one sentence, so that the first does not hide the second."""
    others = [
        one
        for one in worst_first(judged)
        if not (one.hub == about.hub and (not about.endpoint or not one.endpoint or one.endpoint == about.endpoint))
        and not (not one.endpoint and any(o.hub == one.hub and o.endpoint for o in worst_first(judged)))
    ]
    if not others:
        return ["The other hubs are as usual."] if hubs > 1 else []
    named = [
        f"{one.endpoint} at {one.hub_name} ({one.state.word})" if one.endpoint else f"{one.hub_name} ({one.state.word})"
        for one in others[:3]
    ]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return [f"Also: {'; '.join(named)}{more}."]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
