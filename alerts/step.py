"""From what was found to what changes: one cause is one incident, told once, and over only when it stays over.

Grouping, of the findings of one hub:
- An endpoint alone that is not as expected explains its hub: the incident is the endpoint's.
- Two or more endpoints with a common kind are one incident of the hub where the hub itself shows it too, where
  they are three or more, or half of its endpoints. Otherwise each has its own.
- While an incident of the whole hub lasts it explains all that is found there; one of an endpoint explains that
  endpoint and, as long as nothing else is found, its hub. When more join it, it widens to the hub.

Time, in seconds of the watermark: an incident is suspected at the first finding, and confirmed by a later one that
is sure (`CONFIRM`). Seen no more for `HEALTHY` it is resolved, and closed after `CLOSE` more. What comes back before
that is the same incident: within `RELAPSE` nobody is told, unless it then lasts that long again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from alerts.detect import Finding
from alerts.lifecycle import moved
from domain.incident import Anomaly, Incident, IncidentEvent, Kind, Severity
from domain.restart import Restart

CONFIRM: Mapping[tuple[Kind, Severity], float] = {("failing", "notice"): 120.0, ("fewer", "notice"): 300.0}
HEALTHY, CLOSE, RELAPSE = 60.0, 1_800.0, 300.0
# What a restart leaves in the last minutes' figures is expected so long after it, too; and one that takes longer
# than was planned, so much longer. Then it is no longer what was expected, and somebody has to hear of it.
SETTLE, OVERDUE = 180.0, 600.0
_RANK: Mapping[Severity, int] = {"log": 0, "notice": 1, "page": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """An incident that is new or moves. `tell`: people are to hear of it; `text` goes into its journal."""

    before: Incident | None
    after: Incident
    event: IncidentEvent
    text: str
    tell: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What one judgement changes; `seen` are incidents that merely last, by number, with the reason of now."""

    changes: list[Change] = field(default_factory=list)
    seen: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cause:
    """One or more findings that one incident explains. `endpoint` is "" for a whole hub."""

    hub: str
    endpoint: str
    anomaly: Anomaly
    sure: bool
    endpoints: tuple[str, ...]
    ebbs: bool = False

    @property
    def reason(self) -> str:
        """What is wrong, with the endpoints where they are several."""
        if self.endpoint or len(self.endpoints) < 2:
            return self.anomaly.reason
        shown = ", ".join(self.endpoints[:5])
        more = f" and {len(self.endpoints) - 5} more" if len(self.endpoints) > 5 else ""
        return f"{self.anomaly.reason}; endpoints: {shown}{more}"


def causes(findings: Sequence[Finding], endpoints_of: Mapping[str, int]) -> list[Cause]:
    """Findings grouped by cause. `endpoints_of` says how many endpoints each hub has."""
    found: list[Cause] = []
    for hub, of_hub in groupby(sorted(findings, key=_hub_first), key=lambda one: one.anomaly.series.key[0]):
        all_of = list(of_hub)
        itself = next((one for one in all_of if one.anomaly.series.family == "hub"), None)
        parts = [one for one in all_of if one.anomaly.series.family == "endpoint"]
        found += _of_hub(hub, itself, parts, endpoints_of.get(hub, 0))
    return found


def _hub_first(finding: Finding) -> tuple[str, ...]:
    return finding.anomaly.series.key


def _of_hub(hub: str, itself: Finding | None, parts: Sequence[Finding], endpoints: int) -> list[Cause]:
    names = tuple(one.anomaly.series.key[1] for one in parts)
    if itself is not None and not parts:
        return [Cause(hub, "", itself.anomaly, itself.sure, (), itself.ebbs)]
    kinds = {one.anomaly.kind for one in parts}
    common = len(parts) > 1 and len(kinds) == 1
    if common and (itself is not None or len(parts) >= 3 or 2 * len(parts) >= endpoints):
        worst = itself if itself is not None and itself.anomaly.kind in kinds else max(parts, key=_gravity)
        return [Cause(hub, "", worst.anomaly, any(one.sure for one in (worst, *parts)), names, worst.ebbs)]
    return [Cause(hub, name, one.anomaly, one.sure, (name,), one.ebbs) for name, one in zip(names, parts, strict=True)]


def _gravity(finding: Finding) -> tuple[bool, int, float]:
    return finding.sure, _RANK[finding.anomaly.severity], finding.anomaly.observed


def step(
    unsettled: Sequence[Incident],
    findings: Sequence[Finding],
    mark: float,
    now: float,
    *,
    endpoints_of: Mapping[str, int],
    restarts: Sequence[Restart] = (),
    noted: Collection[tuple[int, int]] = (),
) -> Step:
    """What the findings of a judgement up to `mark` change at the time `now`.

    `restarts` are those under way or just over; `noted` are (incident, restart) whose journal says so already.
    """
    out = Step()
    restarting = {one.hub: one for one in restarts if is_expected(one, now)}
    left = [one for one in unsettled if one.hub not in restarting]
    for incident in unsettled:
        if (restart := restarting.get(incident.hub)) is not None:
            _during(out, incident, restart, noted)
    told = [one for one in findings if one.anomaly.series.key[0] not in restarting]
    found = causes([one for one in told if not _left_by(one.anomaly, restarts)], endpoints_of)
    explained: dict[int, list[Cause]] = {}
    for cause in found:
        explains = _explains(left, cause)
        if explains is not None:
            explained.setdefault(explains.id, []).append(cause)
        else:
            out.changes.append(_opened(cause, now))
    for incident in left:
        if (theirs := explained.get(incident.id)) is not None:
            _lasts(out, incident, theirs, mark, now)
        else:
            _unseen(out, incident, mark, now)
    return out


def _explains(unsettled: Sequence[Incident], cause: Cause) -> Incident | None:
    """The incident that a cause belongs to: the same place first, the whole hub, then one that widens to it."""
    here = sorted((one for one in unsettled if one.hub == cause.hub), key=lambda one: one.id)
    lasting, over = [one for one in here if one.is_open], [one for one in here if not one.is_open]
    whole = not cause.endpoint
    return (
        _first(one for one in lasting if one.endpoint == cause.endpoint)
        or _first(one for one in lasting if not one.endpoint)
        or _first(one for one in lasting if whole and (not cause.endpoints or one.endpoint in cause.endpoints))
        or _first(one for one in over if one.endpoint == cause.endpoint)
        or _first(one for one in over if not one.endpoint and one.kind == cause.anomaly.kind)
    )


def _first(incidents: Iterable[Incident]) -> Incident | None:
    return next(iter(incidents), None)


def _opened(cause: Cause, now: float) -> Change:
    anomaly = cause.anomaly
    incident = Incident(
        id=0, hub=cause.hub, endpoint=cause.endpoint, kind=anomaly.kind, severity=anomaly.severity,
        state="suspected", side=anomaly.side, since=anomaly.since, opened=now, changed=now, seen=anomaly.at,
        reason=cause.reason,
    )  # fmt: skip
    return Change(None, incident, "opened", cause.reason)


def _lasts(out: Step, incident: Incident, theirs: Sequence[Cause], mark: float, now: float) -> None:
    """It was seen again."""
    cause = max(theirs, key=lambda one: (one.sure, _RANK[one.anomaly.severity], one.anomaly.observed))
    anomaly = cause.anomaly
    worse = _RANK[anomaly.severity] > _RANK[incident.severity] and cause.sure
    wider = bool(incident.endpoint) and not cause.endpoint and len(cause.endpoints) > 1
    fresh = replace(
        incident,
        seen=mark,
        reason=cause.reason,
        side=anomaly.side or incident.side,
        endpoint="" if wider else incident.endpoint,
        severity=anomaly.severity if worse else incident.severity,
        kind=anomaly.kind if worse else incident.kind,
    )
    if incident.state == "resolved":
        if cause.sure:
            out.changes.append(_relapsed(incident, fresh, cause, now))
        return
    if incident.state == "suspected":
        fresh = replace(fresh, since=min(incident.since, anomaly.since))
        waits = CONFIRM.get((fresh.kind, fresh.severity), 0.0)
        if cause.sure and mark > incident.seen and now - incident.opened >= waits:
            out.changes.append(Change(incident, moved(fresh, "confirmed", now), "confirmed", cause.reason, tell=True))
            return
    elif incident.resolved is not None and now - incident.changed >= RELAPSE:
        # It came back so soon that nobody was told; now it has lasted.
        again = replace(fresh, resolved=None)
        tell = incident.state == "firing"
        out.changes.append(Change(incident, again, "noted", f"it lasts again: {cause.reason}", tell=tell))
        return
    if worse or wider:
        what = "it is worse" if worse else f"all of {incident.hub} now"
        tell = worse and incident.state == "firing"
        out.changes.append(Change(incident, moved(fresh, "noted", now), "noted", f"{what}: {cause.reason}", tell=tell))
    elif mark > incident.seen:
        # What ebbs is no longer what it was: the words of before stay.
        out.seen[incident.id] = incident.reason if cause.ebbs else cause.reason


def _relapsed(incident: Incident, fresh: Incident, cause: Cause, now: float) -> Change:
    """Seen again after it was over."""
    again = moved(fresh, "relapsed", now)
    soon = now - (incident.resolved or now) < RELAPSE
    if soon:
        return Change(incident, again, "relapsed", f"seen again: {cause.reason}")
    again = replace(again, resolved=None, acknowledged_by="")
    return Change(incident, again, "relapsed", f"seen again: {cause.reason}", tell=True)


def _unseen(out: Step, incident: Incident, mark: float, now: float) -> None:
    """It was not seen in this judgement."""
    if incident.state == "resolved":
        if now - incident.changed >= CLOSE:
            out.changes.append(Change(incident, moved(incident, "closed", now), "closed", "it did not come back"))
    elif mark - incident.seen >= HEALTHY:
        if incident.state == "suspected":
            gone = moved(incident, "closed", now)
            out.changes.append(Change(incident, gone, "closed", "seen no more before it was sure"))
        else:
            # Whom nobody told that it was back nobody needs to tell that it is over.
            over = moved(incident, "recovered", now)
            tell = incident.resolved is None
            out.changes.append(Change(incident, over, "recovered", "as expected again", tell=tell))


def _during(out: Step, incident: Incident, restart: Restart, noted: Collection[tuple[int, int]]) -> None:
    """Its hub is being restarted: nothing moves, and the journal says why, once."""
    if incident.is_open and (incident.id, restart.id) not in noted:
        text = f"{restart_words(restart)}: what is seen meanwhile is expected, and not told"
        out.changes.append(Change(incident, incident, "noted", text))


def is_expected(restart: Restart, now: float) -> bool:
    """Whether a restart explains what is seen of its hub: until it should be over, and shortly after the hub is back.

    While what piled up drains the hub works: that it fails then is told.
    """
    if restart.state == "holding":
        return now < restart.until + OVERDUE
    back = _back(restart)
    return back is not None and now < back + SETTLE


def _back(restart: Restart) -> float | None:
    """When its hub was back; None where it is not, or never went away."""
    if restart.started is None:
        return None
    return restart.ended if restart.resumed is None else restart.resumed


def _left_by(anomaly: Anomaly, restarts: Sequence[Restart]) -> bool:
    """Whether calls are few because a restart held them in a part of the time that was counted."""
    backs = [_back(one) for one in restarts if one.hub == anomaly.series.key[0]]
    return anomaly.kind == "fewer" and any(back is not None and back > anomaly.since for back in backs)


def restart_words(restart: Restart) -> str:
    """How a journal names a restart; by these words it is found there again."""
    return f"restart {restart.id} of {restart.hub}"
