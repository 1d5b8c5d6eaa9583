"""Who is told of an incident, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.incident import Incident
from domain.settings import AlertSettings, Route


@dataclass(frozen=True, slots=True)
class Told:
    """Names of people, in the routes' order, each once; or none, with the reason."""

    people: tuple[str, ...]
    reason: str


def route(incident: Incident, routes: Sequence[Route], settings: AlertSettings) -> Told:
    """The people of every route that fits: its hubs (none: all), its severity (or worse)."""
    if settings.shadow:
        return Told((), "told to nobody: alerts.shadow is set")
    if incident.severity == "log":
        return Told((), "told to nobody: it is only recorded")
    if not routes:
        return Told((), "told to nobody: no route is configured")
    fitting = [
        one
        for one in routes
        if (not one.hubs or incident.hub in one.hubs or incident.is_of_source)
        and (incident.severity == "page" or one.severity == "notice")
    ]
    people = tuple(dict.fromkeys(person for one in fitting for person in one.to))
    if not people:
        return Told((), f"told to nobody: no route takes a {incident.severity} of {incident.hub or 'a source'}")
    return Told(people, f"told to {', '.join(people)}")
