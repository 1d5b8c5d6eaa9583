"""What open pages are told of incidents: the newest of each that came since a page last heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboard.incidents import headline, names_side, sentence, span
from dashboard.names import Names
from domain import figures
from domain.codes import SIDE_WORDS
from domain.incident import Incident, IncidentEvent, JournalEntry, Severity
from domain.ports import IncidentStore

AT_ONCE, MOST = 200, 2_000
# A suspicion is nobody's business yet, and what was closed was told when it was resolved.
_TOLD: frozenset[IncidentEvent] = frozenset({"confirmed", "relapsed", "acknowledged", "recovered"})


@dataclass(frozen=True, slots=True)
class News:
    """One incident's newest turn. `entry` is the journal entry it stands in, `age` how many seconds ago that was."""

    entry: int
    incident: int
    event: IncidentEvent
    state: str
    severity: Severity
    text: str
    detail: str
    by: str
    age: float


def entries_since(store: IncidentStore, after: int) -> list[JournalEntry]:
    """The journal entries of all incidents after number `after`, oldest first. Raises StoreError."""
    found: list[JournalEntry] = []
    while len(found) < MOST:
        some = store.entries_after(found[-1].id if found else after, AT_ONCE)
        found += some
        if len(some) < AT_ONCE:
            break
    return found


def newest_turns(entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """The last entry of each incident that is worth telling, oldest first."""
    last = {entry.incident: entry for entry in entries if entry.event in _TOLD}
    return sorted(last.values(), key=lambda entry: entry.id)


def news_of(entry: JournalEntry, incident: Incident, names: Names, zone: ZoneInfo, now: float) -> News:
    """What is told of an entry, in the words of its incident as it stands."""
    since = f"since {figures.moment(incident.since, zone, now)}"
    if incident.resolved is not None and not incident.is_open:
        since = f"from {span(incident.since, incident.resolved, zone, now, 'to')}"
    side = SIDE_WORDS.get(incident.side, "")
    told = [sentence(incident.reason)] if incident.is_open else []
    if side and not (told and names_side(incident.reason, side)):
        told.append(sentence(side))
    return News(
        entry=entry.id,
        incident=incident.id,
        event=entry.event,
        state=incident.state,
        severity=incident.severity,
        text=f"{headline(incident, names)} {since}.",
        detail=" ".join(told),
        by=incident.acknowledged_by,
        age=max(0.0, now - entry.at),
    )


def news_since(store: IncidentStore, after: int, names: Names, zone: ZoneInfo, now: float) -> list[News]:
    """What is to be told to a page that heard everything up to entry `after`. Raises StoreError."""
    found = []
    for entry in newest_turns(entries_since(store, after)):
        incident = store.incident(entry.incident)
        if incident is not None:
            found.append(news_of(entry, incident, names, zone, now))
    return found
