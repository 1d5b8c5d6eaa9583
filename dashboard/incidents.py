"""Incidents in words: what pages, JSON and pop-ups say of one, and how incidents and the judge's states agree.

Pure: incidents, names and a moment go in, text and states come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alerts.judge import Level, State
from alerts.measure import BUCKETS
from dashboard.names import Names
from domain import figures
from domain.codes import SIDE_WORDS
from domain.incident import Incident, IncidentEvent, IncidentState, Kind
from domain.series import SeriesKey
from domain.troubles import IS_NOW, WAS_THEN, source_words

LISTED_DAYS = 14
TOLD: frozenset[IncidentState] = frozenset({"firing", "acknowledged"})  # what lasts and is more than a suspicion
_NOW: dict[Kind, str] = {"failing": "is failing", "silent": "is silent", "fewer": "gets fewer calls than expected"}
_THEN: dict[Kind, str] = {"failing": "was failing", "silent": "was silent", "fewer": "got fewer calls than expected"}
_LEVELS: dict[Kind, Level] = {"failing": Level.FAILING, "silent": Level.SILENT, "fewer": Level.FEWER}
_EVENTS: dict[IncidentEvent, tuple[str, str]] = {
    "opened": ("degraded suspected", "suspected"),
    "confirmed": ("down", "firing"),
    "acknowledged": ("degraded taken", "acknowledged"),
    "recovered": ("ok", "resolved"),
    "relapsed": ("down", "firing again"),
    "closed": ("unknown", "closed"),
    "noted": ("unknown said", "note"),
}
# The judge looks at whole minutes: what is over shows in its last ones for so long.
_JUDGED_SECONDS = (BUCKETS + 1) * 60


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as the pages show it. `css` draws shape and colour, `word` says the state."""

    id: int
    css: str
    word: str
    severity: str
    headline: str
    hub: str
    endpoint: str
    since: str
    lasted: str
    side: str
    by: str
    reason: str
    is_open: bool


def where(incident: Incident, names: Names) -> str:
    """`executor.listOpenPrescriptions at Recip-e`, the hub's name alone, or the source."""
    if incident.is_of_source:
        return source_words(incident.endpoint)
    hub = names.hub(incident.hub)
    return f"{incident.endpoint} at {hub}" if incident.endpoint else hub


def headline(incident: Incident, names: Names) -> str:
    """What is (or was) wrong where, without a full stop."""
    if incident.is_of_source:
        return f"{source_words(incident.endpoint)} {(IS_NOW if incident.is_open else WAS_THEN)[incident.kind]}"
    verb = (_NOW if incident.is_open else _THEN)[incident.kind]
    if incident.kind == "failing" and incident.severity != "page":
        verb = "fails in part" if incident.is_open else "failed in part"
    at = f" at {names.hub(incident.hub)}" if incident.endpoint else ""
    return f"{incident.endpoint or names.hub(incident.hub)} {verb}{at}"


def look(incident: Incident) -> tuple[str, str]:
    """The class of its shape and colour, and the word, of its state."""
    worse = "down" if incident.severity == "page" else "degraded"
    css = {
        "suspected": "degraded suspected",
        "firing": worse,
        "acknowledged": f"{worse} taken",
        "resolved": "ok",
        "closed": "unknown",
    }[incident.state]
    return css, incident.state


def lasting(seconds: float) -> str:
    """How long, in two units at most: `40 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return figures.duration(whole)
    minutes = whole // 60
    days, hours, rest = minutes // 1_440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (rest, "min")]
    return " ".join(f"{value}{figures.NBSP}{unit}" for value, unit in parts if value)


def sentence(text: str) -> str:
    """The text as a sentence: a capital at its start, unless its first word is a name like eHealth, and a full stop."""
    text = text.strip()
    if not text:
        return ""
    begun = text if text[1:2].isupper() else f"{text[:1].upper()}{text[1:]}"
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def span(start: float, end: float, zone: ZoneInfo, now: float, to: str = "–") -> str:
    """`08:45 – 09:02`; the day once where both are of one."""
    first, last = figures.moment(start, zone, now), figures.moment(end, zone, now)
    if figures.day(start, zone, now) == figures.day(end, zone, now):
        last = figures.hour_minute(end, zone)
    return f"{first} {to} {last}"


def ended(incident: Incident, now: float) -> float:
    """When it was over; now while it lasts."""
    if incident.is_open:
        return max(now, incident.since)
    return incident.changed if incident.resolved is None else incident.resolved


def row(incident: Incident, names: Names, zone: ZoneInfo, now: float) -> Row:
    """An incident as a line of a list."""
    css, word = look(incident)
    return Row(
        id=incident.id,
        css=css,
        word=word,
        severity=incident.severity,
        headline=headline(incident, names),
        hub=incident.hub,
        endpoint=incident.endpoint,
        since=figures.moment(incident.since, zone, now),
        lasted=lasting(ended(incident, now) - incident.since),
        side=SIDE_WORDS.get(incident.side, ""),
        by=incident.acknowledged_by,
        reason=incident.reason,
        is_open=incident.is_open,
    )


def lasting_first(incidents: Iterable[Incident]) -> list[Incident]:
    """Those that last first, pages before notices; then the others, newest first."""
    order = {"firing": 0, "acknowledged": 1, "suspected": 2}

    def place(one: Incident) -> tuple[int, int, float]:
        return (order.get(one.state, 3), one.severity != "page" if one.is_open else 0, -one.since)

    return sorted(incidents, key=place)


def event_look(event: IncidentEvent) -> tuple[str, str]:
    """The class and the word of what a journal entry says happened."""
    return _EVENTS[event]


def covers(incident: Incident, series: SeriesKey) -> bool:
    """Whether the incident is to be marked on this series: a hub shows all of its own, an endpoint its hub's too."""
    if series.family not in ("hub", "endpoint", "endpoint_vendor", "code", "server"):
        return False
    if incident.hub != series.key[0]:
        return False
    named = series.family in ("endpoint", "endpoint_vendor")
    return not named or incident.endpoint in ("", series.key[1])


def settled(state: State, hub: str, endpoint: str, incidents: Sequence[Incident], complete: float | None) -> State:
    """The judge's state of a hub or an endpoint, brought together with what its incidents say.

    An incident that lasts is not called "as last week" before whole minutes show it, and one that was resolved is
    no longer called failing while its last minutes are still among those that are judged. A hub is not called failing
    either for what was resolved at its endpoints, unless something lasts there.
    """
    mine = [one for one in incidents if (one.hub, one.endpoint) == (hub, endpoint)]
    told = [one for one in mine if one.state in TOLD]
    if told:
        worst = max(told, key=level)
        if level(worst) >= state.level:  # in its words too: five minutes know less of a fault that began in them
            return State(level(worst), _word(level(worst)), worst.reason)
        return state
    if not endpoint:
        below = [one for one in incidents if one.hub == hub]
        mine = below if not any(one.is_open for one in below) else mine
    over = [one for one in mine if one.resolved is not None and not one.is_open]
    if over and state.level in (Level.FEWER, Level.SOME, Level.SILENT, Level.FAILING) and complete is not None:
        last = max(over, key=lambda one: one.resolved or 0.0)
        if (last.resolved or 0.0) > complete - _JUDGED_SECONDS:
            return State(Level.OK, "recovered", f"it {_THEN[last.kind]} a few minutes ago, and does no more")
    return state


def names_side(text: str, side: str) -> bool:
    """Whether a text says already whose side it is."""
    return side.casefold() in text.casefold()


def number_at(incidents: Sequence[Incident], hub: str, endpoint: str | None = None) -> int:
    """The number of the incident that lasts at an endpoint ("": the whole hub), or anywhere at the hub; 0: none."""
    lasting = [one for one in incidents if one.state in TOLD and one.hub == hub and endpoint in (None, one.endpoint)]
    return min(lasting, key=lambda one: (one.severity != "page", one.endpoint != "", one.since)).id if lasting else 0


def level(incident: Incident) -> Level:
    """The judge's level that says the same."""
    if incident.kind == "failing" and incident.severity != "page":
        return Level.SOME
    return _LEVELS.get(incident.kind, Level.SOME)


def _word(of: Level) -> str:
    return {Level.FAILING: "failing", Level.SILENT: "silent", Level.SOME: "some calls fail"}.get(of, "fewer calls")


@dataclass(frozen=True, slots=True)
class Told:
    """What the answer's sentence takes from an incident: its number, since when, whose side, who is on it."""

    id: int
    since: str
    side: str
    by: str


def told(incident: Incident, zone: ZoneInfo, now: float) -> Told:
    """The incident for the sentence."""
    side = SIDE_WORDS.get(incident.side, "")
    return Told(incident.id, figures.moment(incident.since, zone, now), side, incident.acknowledged_by)


def as_json(incident: Incident, names: Names) -> dict[str, object]:
    """An incident for machines."""
    return {
        "incident": incident.id,
        "state": incident.state,
        "severity": incident.severity,
        "kind": incident.kind,
        "hub": incident.hub,
        "endpoint": incident.endpoint,
        "side": incident.side,
        "text": f"{headline(incident, names)}.",
        "reason": incident.reason,
        "since": incident.since,
        "opened": incident.opened,
        "changed": incident.changed,
        "seen": incident.seen,
        "resolved": incident.resolved,
        "closed": incident.closed,
        "acknowledged_by": incident.acknowledged_by,
    }
