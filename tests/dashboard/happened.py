"""Incidents and restarts as the alerts leave them, written into a real state."""

from __future__ import annotations

from dataclasses import replace

from alerts.lifecycle import acknowledged, moved
from domain.incident import Incident, IncidentEvent
from domain.restart import Restart
from store.incidents import SqlIncidents
from tests.dashboard.traffic import FAILING, FAULT, NOW

REASON = "39.8 % of the calls fail technically (0.3 % last week), mostly SOA-02001"
OPENED = FAULT + 20
SUSPECTED = Incident(
    0, *FAILING, "failing", "page", "suspected", "ehealth", FAULT, OPENED, OPENED, OPENED, REASON
)  # fmt: skip
RESTART = Restart(0, "raotd", "raotd", "new release", "ops", "planned", NOW + 7_200, NOW + 9_000)


def fire(incidents: SqlIncidents, incident: Incident = SUSPECTED) -> Incident:
    """An incident that was suspected and is told now."""
    opened = incidents.keep(incident, None, "opened", "pharmapulse", "", incident.opened)
    assert opened is not None
    return turn(incidents, opened, "confirmed", incident.opened + 10, "told: duty")


def turn(
    incidents: SqlIncidents,
    incident: Incident,
    event: IncidentEvent,
    at: float,
    text: str = "",
    by: str = "pharmapulse",
) -> Incident:
    """The incident after an event, kept."""
    after = acknowledged(incident, by, at) if event == "acknowledged" else moved(incident, event, at)
    kept = incidents.keep(after, incident, event, by, text, at)
    assert kept is not None
    return kept


def other(hub: str, **changes: object) -> Incident:
    """Another one, at another hub."""
    return replace(SUSPECTED, hub=hub, endpoint="", **changes)  # type: ignore[arg-type] # of an Incident's own fields
