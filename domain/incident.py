"""Anomalies and incidents: what was not as expected, and what became of it.

The order of an incident's states and who may move it is a table in `alerts.lifecycle`; here are the words.
All times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from domain.series import SeriesKey

Severity = Literal["page", "notice", "log"]
# What is amiss with the logs of a source rather than with calls.
SourceKind = Literal["lost", "unbalanced", "unread", "unreadable", "absent", "skewed"]
Kind = Literal[
    "failing", "silent", "fewer", "lost", "unbalanced", "unread", "unreadable", "absent", "skewed"
]  # fmt: skip
IncidentState = Literal["suspected", "firing", "acknowledged", "resolved", "closed"]
# What happens to an incident: seen for the first time, seen long enough to be told, taken up by somebody, seen no
# more, seen again soon after, and over for good.
IncidentEvent = Literal["opened", "confirmed", "acknowledged", "recovered", "relapsed", "closed", "noted"]

SEVERITIES: tuple[Severity, ...] = ("page", "notice", "log")
SOURCE_KINDS: frozenset[str] = frozenset(get_args(SourceKind))


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One series that is not as expected, judged up to `at` (the watermark).

    `since` is the start of the first bucket that shows it. `observed` and `expected` are calls a minute for
    "silent" and "fewer", shares of technical failures (0..1) for "failing"; `expected` is None where nothing
    compares. `side` is whose doing the failing codes say it is, "" where they say nothing.
    """

    series: SeriesKey
    kind: Kind
    severity: Severity
    since: int
    at: float
    observed: float
    expected: float | None
    reason: str
    side: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One trouble with one cause. `hub` and `endpoint` say where ("" for a whole hub); `id` is 0 until it is kept.

    One of a source has no hub, and `endpoint` is "AGENT/SOURCE".
    """

    id: int
    hub: str
    endpoint: str
    kind: Kind
    severity: Severity
    state: IncidentState
    side: str
    since: float
    opened: float
    changed: float
    seen: float
    reason: str
    acknowledged_by: str = ""
    resolved: float | None = None
    closed: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether it lasts: not resolved, not closed."""
        return self.state in ("suspected", "firing", "acknowledged")

    @property
    def is_of_source(self) -> bool:
        """Whether it is of the logs that are read, and not of calls."""
        return self.kind in SOURCE_KINDS

    @property
    def series(self) -> SeriesKey:
        """The measuring point it stands on; one of a source has none that is drawn."""
        if self.is_of_source:
            agent, _, source = self.endpoint.partition("/")
            return SeriesKey("source", (agent, source))
        return SeriesKey("endpoint", (self.hub, self.endpoint)) if self.endpoint else SeriesKey("hub", (self.hub,))


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of an incident's journal. `by` is an account, or "pharmapulse"; `id` is 0 until it is kept."""

    id: int
    incident: int
    at: float
    event: IncidentEvent
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Notification:
    """Something somebody is to be told: kept with the journal entry it tells of, until it was delivered."""

    id: int
    incident: int
    entry: int
    person: str
    attempts: int
    next_at: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """What became of a notification: `sent` is when it was delivered, None where it was not (yet, or for good)."""

    entry: int
    person: str
    attempts: int
    sent: float | None
    given_up: bool
    error: str
