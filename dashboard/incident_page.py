"""The page of one incident: the sentence, its graph, what failed while it lasted, its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from alerts.lifecycle import LIFE
from dashboard.breakdown import sums
from dashboard.charts import Chart
from dashboard.data import Snapshot
from dashboard.few import is_few, told
from dashboard.incidents import ended, event_look, lasting, names_side, sentence, span, where
from dashboard.seen_lines import SeenLine, of_incident
from dashboard.site import Site
from dashboard.subject import Subject, Table, below, series_charts
from dashboard.windows import Window
from domain import figures
from domain.codes import SIDE_WORDS
from domain.incident import Incident, JournalEntry, Telling
from domain.series import DAY, SeriesKey

_PAD = 1_800  # seconds shown before and after, at least
_CHARTS = 2  # calls and failures; latency is the endpoint's own page's matter
_SYSTEM = "pharmapulse"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal."""

    at: str
    css: str
    word: str
    by: str
    text: str
    told: str


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """All of the page but its frame. One of a source has neither charts nor tables; `lines` are ops' to see."""

    span: str
    sentence: str
    place_name: str
    may_take: bool
    facts: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    journal: tuple[Line, ...]
    lines: tuple[SeenLine, ...] = ()


def window_around(incident: Incident, now: float) -> Window:
    """What the graph shows: the incident with at least half an hour on each side, on whole minutes, up to now."""
    until = ended(incident, now)
    pad = max(_PAD, (until - incident.since) / 2)
    end = min(until + pad, now)
    return Window("incident", f"incident {incident.id}", int(incident.since - pad) // 60 * 60, int(-end // 60) * -60)


def window_of(incident: Incident, now: float) -> Window:
    """From its first bucket to its end, on whole minutes: what was counted in it."""
    start = int(incident.since) // 60 * 60
    return Window("incident", "while it lasted", start, max(int(-ended(incident, now) // 60) * -60, start + 60))


def incident_page(
    site: Site,
    snapshot: Snapshot,
    incident: Incident,
    journal: Sequence[JournalEntry],
    tellings: Sequence[Telling],
) -> IncidentPage:  # fmt: skip
    """The page's model. The graphs are kept as those of any series are."""
    now = snapshot.now
    told_of = IncidentPage(
        span=span_text(incident, site.zone, now),
        sentence=in_words(incident, now),
        place_name=where(incident, site.names),
        may_take=(incident.state, "acknowledged") in LIFE,
        facts=(),
        charts=(),
        tables=(),
        journal=journal_lines(journal, tellings, site.zone, now),
        lines=of_incident(site.live, incident, ended(incident, now), site.zone, now),
    )
    if incident.is_of_source:
        return told_of
    subject = subject_of(site, incident)
    counted = window_of(incident, now)
    found = site.models.get(
        ("incident", incident.id, counted.start, counted.end, site.stamp(snapshot, 60)),
        lambda: (_facts(snapshot, subject.series, counted), below(site, snapshot, subject.series, counted).tables),
    )
    return replace(
        told_of,
        facts=found[0],
        charts=series_charts(site, snapshot, subject, window_around(incident, now))[:_CHARTS],
        tables=tuple(table for table in found[1] if table.kind != "server"),
    )


def subject_of(site: Site, incident: Incident) -> Subject:
    """The measuring point it stands on."""
    return Subject(incident.series, incident.endpoint or site.names.hub(incident.hub), site.names.hub(incident.hub))


def span_text(incident: Incident, zone: ZoneInfo, now: float) -> str:
    """`since 10:28`, `from 10:28 to 10:41`."""
    if incident.is_open:
        return f"since {figures.moment(incident.since, zone, now)}"
    return f"from {span(incident.since, ended(incident, now), zone, now, 'to')}"


def in_words(incident: Incident, now: float) -> str:
    """What was seen, for how long, whose side it is, who is on it."""
    lasted = lasting(ended(incident, now) - incident.since)
    parts = [sentence(incident.reason), f"It has lasted {lasted}." if incident.is_open else f"It lasted {lasted}."]
    side = SIDE_WORDS.get(incident.side, "")
    # The reason may name the side already.
    if side and not names_side(incident.reason, side):
        parts.append(sentence(side))
    if incident.acknowledged_by:
        parts.append(f"{incident.acknowledged_by} took it up.")
    elif incident.is_open:
        parts.append("Nobody took it up yet.")
    return " ".join(part for part in parts if part)


def journal_lines(
    journal: Sequence[JournalEntry], tellings: Sequence[Telling], zone: ZoneInfo, now: float
) -> tuple[Line, ...]:
    """The journal, newest first: what happened last is what one looks for; each with who was told of it."""
    lines = []
    for entry in reversed(journal):
        css, word = event_look(entry.event)
        day = "" if now - entry.at < DAY / 2 else f"{figures.day(entry.at, zone, now)} "
        by = "" if entry.by == _SYSTEM else entry.by
        told_of = told_text([one for one in tellings if one.entry == entry.id], zone)
        lines.append(Line(f"{day}{figures.clock_time(entry.at, zone)}", css, word, by, entry.text, told_of))
    return tuple(lines)


def told_text(tellings: Sequence[Telling], zone: ZoneInfo) -> str:
    """`Told duty at 10:39:02. second duty could not be told: …`; "" where nobody was to be told."""
    parts = []
    for one in tellings:
        why = f": {one.error.rstrip('.')}" if one.error else ""
        if one.sent is not None:
            parts.append(f"Told {one.person} at {figures.clock_time(one.sent, zone)}.")
        elif one.given_up:
            parts.append(f"{one.person} could not be told{why}.")
        else:
            times = "once" if one.attempts == 1 else f"{figures.count(one.attempts)} times"
            tried = f" (tried {times}{why})" if one.attempts else ""
            parts.append(f"{one.person} is still to be told{tried}.")
    return " ".join(parts)


def _facts(snapshot: Snapshot, series: SeriesKey, window: Window) -> tuple[tuple[str, str], ...]:
    """What was counted while it lasted."""
    seen = sums(snapshot, series, window)
    calls = seen["calls"]

    def beside(count: float, share: str) -> str:
        # Neither a small count nor what tells it is for everybody.
        return figures.count(told(count, snapshot.least)) + ("" if is_few(count, snapshot.least) else f" ({share})")

    def part(of: str) -> str:
        return beside(seen[of], figures.percent(seen[of] / calls)) if calls > 0 else figures.NONE

    return (
        ("Calls", beside(calls, f"{figures.rate(calls * 60 / window.seconds)} a minute")),
        ("Technical failures", part("technical")),
        ("Functional refusals", part("functional")),
    )
