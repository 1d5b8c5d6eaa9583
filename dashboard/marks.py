"""Incidents as stretches of time that a chart shades, and as words for its legend. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alerts.lifecycle import was_told
from dashboard.incidents import covers, ended, span
from dashboard.windows import Window
from domain import figures
from domain.incident import Incident
from domain.series import SeriesKey

_NAMED = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of time to be shaded, and what it was."""

    start: float
    end: float
    text: str


def marks_of(
    incidents: Iterable[Incident], series: SeriesKey, window: Window, zone: ZoneInfo, now: float
) -> tuple[Mark, ...]:
    """The incidents that were told and touch the window of this series, oldest first.

    One that lasts ends where the minute of now began, so that the chart stays the same within it.
    """
    found = []
    for one in sorted(incidents, key=lambda one: one.since):
        end = ended(one, now // 60 * 60)
        if was_told(one) and covers(one, series) and one.since < window.end and end >= window.start:
            found.append(Mark(one.since, end, _text(one, zone, now)))
    return tuple(found)


def texts(marks: Sequence[Mark]) -> list[str]:
    """The shaded stretches in words; many of them in one."""
    if len(marks) <= _NAMED:
        return [mark.text for mark in marks]
    return [f"{len(marks)} incidents, the last: {marks[-1].text}"]


def _text(incident: Incident, zone: ZoneInfo, now: float) -> str:
    if incident.is_open or incident.resolved is None:
        return f"incident {incident.id}, since {figures.moment(incident.since, zone, now)}"
    return f"incident {incident.id}, {span(incident.since, incident.resolved, zone, now)}"
