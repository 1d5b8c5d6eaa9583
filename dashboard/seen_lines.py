"""Lines of logs as pages show them: masked where they were read, and for ops only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain import figures
from domain.batch import RecentLine
from domain.errors import LiveUnavailableError
from domain.incident import Incident
from domain.ports import LiveBuckets
from domain.series import DAY

SHOWN, OF_INCIDENT = 60, 5
# A call that began an incident may have ended a little before its first bucket is complete.
_AROUND_SECONDS = 60.0
_MOST = 2_000
_LOOKS = {"ok": ("ok", "ok"), "functional": ("degraded", "functional"), "technical": ("down", "technical")}


@dataclass(frozen=True, slots=True)
class SeenLine:
    """A line with what it was understood as."""

    at: str
    css: str
    word: str
    hub: str
    endpoint: str
    code: str
    text: str


def of_source(live: LiveBuckets, source: str, zone: ZoneInfo, now: float, *, failing: bool) -> tuple[SeenLine, ...]:
    """The newest lines of a source, or of its failing calls; none while the collector does not answer."""
    lines = _ask(live, source=source)
    return _seen([one for one in lines if not failing or one.klass != "ok"][:SHOWN], zone, now)


def of_incident(live: LiveBuckets, incident: Incident, end: float, zone: ZoneInfo, now: float) -> tuple[SeenLine, ...]:
    """A few lines of an incident's place and time: of calls that failed where that is what it is about."""
    if incident.is_of_source:
        return ()
    lines = _ask(live, hub=incident.hub, endpoint=incident.endpoint)
    begin, past = (at * 1_000_000 for at in (incident.since - _AROUND_SECONDS, end + _AROUND_SECONDS))
    found = [one for one in lines if begin <= one.at_us < past]
    if incident.kind == "failing":
        found = [one for one in found if one.klass == "technical"]
    return _seen(found[:OF_INCIDENT], zone, now)


def _ask(live: LiveBuckets, source: str = "", hub: str = "", endpoint: str = "") -> Sequence[RecentLine]:
    try:
        return live.recent(source=source, hub=hub, endpoint=endpoint, limit=_MOST)
    except LiveUnavailableError:
        return ()  # the page says so at its top


def _seen(lines: Sequence[RecentLine], zone: ZoneInfo, now: float) -> tuple[SeenLine, ...]:
    found = []
    for line in lines:
        at = line.at_us / 1_000_000
        day = "" if now - at < DAY / 2 else f"{figures.day(at, zone, now)} "
        css, word = _LOOKS[line.klass]
        found.append(
            SeenLine(f"{day}{figures.clock_time(at, zone)}", css, word, line.hub, line.endpoint, line.code, line.text)
        )
    return tuple(found)
