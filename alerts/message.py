"""What people are told: the answer first, as a sentence; then where, since when, whose side, and the figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain import figures
from domain.codes import SIDE_WORDS
from domain.incident import Incident, IncidentEvent
from domain.redact import mask_patients
from domain.settings import Settings
from domain.troubles import IS_NOW, source_words

_VERBS: Mapping[str, str] = {"failing": "fails", "silent": "is silent", "fewer": "has fewer calls"}


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told beside the sentence. NaN where unknown; `vendor` is whose calls fail, "" where it is not one's."""

    calls_minute: float
    calls_minute_week: float
    technical_minute: float
    complete_up_to: float
    vendor: str = ""


def place(incident: Incident, names: Mapping[str, str]) -> str:
    """Where it is: the hub's name, and the endpoint; or the source."""
    if incident.is_of_source:
        return source_words(incident.endpoint)
    hub = names.get(incident.hub, incident.hub)
    return f"{hub} · {incident.endpoint}" if incident.endpoint else hub


def title(incident: Incident, event: IncidentEvent, names: Mapping[str, str]) -> str:
    """One line."""
    where = place(incident, names)
    if event == "recovered":
        return mask_patients(f"{where} is as expected again")
    again = " again" if event == "relapsed" else ""
    verb = IS_NOW[incident.kind] if incident.is_of_source else _VERBS[incident.kind]
    return mask_patients(f"{where} {verb}{again}")


def body(
    incident: Incident, event: IncidentEvent, seen: Figures | None, names: Mapping[str, str], zone: ZoneInfo,
    now: float, link: str,
) -> str:  # fmt: skip
    """The text; without figures where they cannot be had."""
    since = figures.moment(incident.since, zone, now)
    where = place(incident, names)
    lines: list[str] = []
    if event == "recovered":
        until = figures.moment(incident.seen, zone, now)
        lasted = figures.duration(max(60.0, (incident.seen - incident.since) // 60 * 60))
        lines += [f"{where} is as expected again.", f"It lasted from {since} to {until}, about {lasted}."]
        lines.append(f"What it was: {incident.reason}.")
    else:
        lines += [f"{where}: {incident.reason}.", f"Since {since}."]
        lines += [] if incident.is_of_source else _whose(incident, seen)
    if seen is not None:
        lines += ["", *_figures(seen, zone)]
    lines += ["", f"Incident {incident.id}: {link}"]
    return mask_patients("\n".join(lines))


def _whose(incident: Incident, seen: Figures | None) -> list[str]:
    side = SIDE_WORDS.get(incident.side, "")
    lines = [f"Side: {side}." if side else "Side: not known from the codes."]
    if seen is not None and seen.vendor:
        lines.append(f"Nearly all that fail are calls of {seen.vendor}.")
    return lines


def _figures(seen: Figures, zone: ZoneInfo) -> list[str]:
    week = (
        "nothing to compare with"
        if math.isnan(seen.calls_minute_week)
        else (f"{figures.rate(seen.calls_minute_week)} a minute last week")
    )
    return [
        f"Calls: {figures.rate(seen.calls_minute)} a minute now, {week}.",
        f"Technical failures: {figures.rate(seen.technical_minute)} a minute.",
        f"Complete up to {figures.clock_time(seen.complete_up_to, zone)}.",
    ]


def link_base(settings: Settings) -> str:
    """The address of the dashboard as people outside reach it: its first name, else this machine's own."""
    if settings.web.hosts:
        return f"https://{settings.web.hosts[0]}"
    return f"http://localhost:{settings.web.port}"


def hub_names(settings: Settings) -> dict[str, str]:
    """How hubs are called."""
    return {hub.key: hub.name for hub in settings.hubs}
