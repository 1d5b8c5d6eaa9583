"""The life of an incident: which event leads from which state to which. Everything that moves one asks here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from domain.errors import UsageError
from domain.incident import Incident, IncidentEvent, IncidentState

# suspected  seen once; nobody is told          acknowledged  somebody has taken it up
# firing     confirmed, and told                resolved      seen no more; closed unless it comes back
LIFE: Mapping[tuple[IncidentState, IncidentEvent], IncidentState] = MappingProxyType(
    {
        ("suspected", "confirmed"): "firing",
        ("suspected", "acknowledged"): "acknowledged",
        ("suspected", "closed"): "closed",  # it went away before it was told
        ("suspected", "noted"): "suspected",
        ("firing", "acknowledged"): "acknowledged",
        ("firing", "recovered"): "resolved",
        ("firing", "noted"): "firing",
        ("acknowledged", "recovered"): "resolved",
        ("acknowledged", "noted"): "acknowledged",
        ("resolved", "relapsed"): "firing",
        ("resolved", "closed"): "closed",
        ("resolved", "noted"): "resolved",
        ("closed", "noted"): "closed",  # what was learnt of it later
    }
)


class IllegalTransitionError(UsageError):
    """An incident cannot do that in its state."""


def next_state(state: IncidentState, event: IncidentEvent) -> IncidentState:
    """Where an event leads. Raises IllegalTransitionError."""
    try:
        return LIFE[state, event]
    except KeyError:
        allowed = ", ".join(sorted(event for (at, event) in LIFE if at == state))
        raise IllegalTransitionError(f"an incident that is {state} cannot be {event}; it can be {allowed}") from None


def moved(incident: Incident, event: IncidentEvent, now: float) -> Incident:
    """The incident after an event, its times set. Raises IllegalTransitionError.

    `resolved` stays after a relapse until that is told: it says that people believe it is over.
    """
    state = next_state(incident.state, event)
    after = replace(incident, state=state, changed=incident.changed if event == "noted" else now)
    if event == "recovered":
        return replace(after, resolved=now)
    if event == "closed":
        return replace(after, closed=now)
    return after


def acknowledged(incident: Incident, by: str, now: float) -> Incident:
    """Somebody has taken it up. Raises IllegalTransitionError."""
    return replace(moved(incident, "acknowledged", now), acknowledged_by=by)


def was_told(incident: Incident) -> bool:
    """Whether it was ever more than suspected: only those are shown to the public and counted."""
    return incident.state in ("firing", "acknowledged", "resolved") or incident.resolved is not None
