"""Troubles of sources as incidents: what the log watchers say is amiss with the files they read.

These are facts and no anomalies: one of lost lines, or of lines that do not add up, is told as soon as it is heard
of, the others once they have lasted (`CONFIRM`). One source's troubles of one kind are one incident. It is over when
its log watcher no longer says so for a minute and a half, and closed after half an hour more. While a log watcher is
not heard its incidents stay as they are: that it is silent is told otherwise. Where lines are lost again while the
incident lasts, that is told again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alerts.lifecycle import moved
from alerts.step import CLOSE, RELAPSE, Change, Step
from domain.batch import Heartbeat, SourceState, Trouble
from domain.incident import Incident, Severity, SourceKind
from domain.redact import mask_patients
from domain.series import DAY
from domain.troubles import SKEW_SECONDS, skew_words, trouble_mend, trouble_words

SEVERITIES: Mapping[SourceKind, Severity] = {
    "lost": "page", "unbalanced": "page", "unread": "notice", "unreadable": "notice", "absent": "notice",
    "skewed": "notice",
}  # fmt: skip
CONFIRM: Mapping[SourceKind, float] = {"unreadable": 60.0, "absent": 300.0, "skewed": 300.0}
HAPPENED: frozenset[SourceKind] = frozenset({"lost", "unbalanced"})
# A heartbeat comes every two seconds. Of an older one nothing is learnt, and of a log watcher that was not heard for
# a day no more comes.
FRESH_SECONDS, GONE_SECONDS = 300.0, float(DAY)
# It is noted now and then that an incident still lasts; one that was not seen for longer is over.
NOTED_SECONDS, OVER_SECONDS = 30.0, 90.0
_MOST_FILES = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A trouble of a source, `place` being "AGENT/SOURCE". `newest` is when the newest of what it is made of began."""

    place: str
    kind: SourceKind
    since: float
    newest: float
    reason: str


def found_in(heartbeats: Sequence[Heartbeat], now: float) -> tuple[list[Found], set[str]]:
    """What is amiss by the newest heartbeats, and the agents that were heard lately."""
    found: list[Found] = []
    fresh = [beat for beat in heartbeats if now - beat.at <= FRESH_SECONDS]
    for beat in fresh:
        for source in beat.sources:
            found += _of_source(f"{beat.agent}/{source.source}", source, now)
    return found, {beat.agent for beat in fresh}


def _of_source(place: str, source: SourceState, now: float) -> list[Found]:
    found = []
    kinds = dict.fromkeys(trouble.kind for trouble in source.troubles)
    for kind in kinds:
        theirs = [trouble for trouble in source.troubles if trouble.kind == kind]
        since, newest = (pick(trouble.since for trouble in theirs) for pick in (min, max))
        found.append(Found(place, kind, since, newest, _reason(kind, theirs)))
    if not source.accounting.balanced and "unbalanced" not in kinds:
        found.append(Found(place, "unbalanced", now, now, f"its lines do not add up. {trouble_mend('unbalanced')}"))
    skew = source.skew_seconds
    if skew is not None and abs(skew) > SKEW_SECONDS:
        found.append(Found(place, "skewed", now, now, f"{skew_words(skew)}. Set both by NTP"))
    return found


def _reason(kind: str, troubles: Sequence[Trouble]) -> str:
    told = "; ".join(trouble_words(trouble) for trouble in troubles[:_MOST_FILES])
    more = f"; and {len(troubles) - _MOST_FILES} more files" if len(troubles) > _MOST_FILES else ""
    return mask_patients(f"{told}{more}. {trouble_mend(kind)}")


def step(unsettled: Sequence[Incident], found: Sequence[Found], heard: set[str], now: float) -> Step:
    """What changes of the incidents of sources (`unsettled`) by what was `found`, now."""
    out = Step()
    left = {(one.endpoint, one.kind): one for one in unsettled}
    for one in found:
        incident = left.pop((one.place, one.kind), None)
        if incident is None:
            out.changes.append(_opened(one, now))
        else:
            _lasts(out, incident, one, now)
    for incident in left.values():
        _unseen(out, incident, heard, now)
    return out


def _opened(found: Found, now: float) -> Change:
    incident = Incident(
        id=0, hub="", endpoint=found.place, kind=found.kind, severity=SEVERITIES[found.kind], state="suspected",
        side="", since=found.since, opened=now, changed=now, seen=now, reason=found.reason,
    )  # fmt: skip
    return Change(None, incident, "opened", found.reason)


def _lasts(out: Step, incident: Incident, found: Found, now: float) -> None:
    fresh = replace(incident, seen=now, reason=found.reason)
    change = _turn(incident, fresh, found, now)
    if change is not None:
        out.changes.append(change)
    elif now - incident.seen >= NOTED_SECONDS:
        out.seen[incident.id] = found.reason


def _turn(incident: Incident, fresh: Incident, found: Found, now: float) -> Change | None:
    """What becomes of an incident that is seen again; None where it merely lasts."""
    if incident.state == "resolved":
        again = moved(fresh, "relapsed", now)
        late = now - (incident.resolved or now) >= RELAPSE or found.kind in HAPPENED
        if late:
            again = replace(again, resolved=None, acknowledged_by="")
        return Change(incident, again, "relapsed", f"again: {found.reason}", tell=late)
    if incident.state == "suspected":
        if now - incident.opened < CONFIRM.get(found.kind, 0.0):
            return None
        sure = replace(moved(fresh, "confirmed", now), since=min(incident.since, found.since))
        return Change(incident, sure, "confirmed", found.reason, tell=True)
    if found.kind in HAPPENED and found.newest > incident.seen:
        return Change(incident, moved(fresh, "noted", now), "noted", f"again: {found.reason}", tell=True)
    if incident.resolved is not None and now - incident.changed >= RELAPSE:
        # It came back so soon that nobody was told; now it has lasted.
        return Change(incident, replace(fresh, resolved=None), "noted", f"it lasts again: {found.reason}", tell=True)
    return None


def _unseen(out: Step, incident: Incident, heard: set[str], now: float) -> None:
    agent = incident.endpoint.partition("/")[0]
    silent = agent not in heard
    if silent and now - incident.seen < GONE_SECONDS:
        return
    why = "its log watcher is not heard any more" if silent else "it is so no more"
    if incident.state == "resolved":
        if now - incident.changed >= CLOSE:
            out.changes.append(Change(incident, moved(incident, "closed", now), "closed", "it did not come back"))
    elif now - incident.seen < OVER_SECONDS:
        return
    elif incident.state == "suspected":
        gone = moved(incident, "closed", now)
        out.changes.append(Change(incident, gone, "closed", "seen no more before it had lasted"))
    else:
        tell = incident.resolved is None and not silent
        out.changes.append(Change(incident, moved(incident, "recovered", now), "recovered", why, tell=tell))
