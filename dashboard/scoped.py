"""The ports as one person may read them: what is not theirs is as if it had never been counted.

Put before the real stores for each request, so that no page and no address has to think of it. The same questions
are asked of the real ones whoever asks, so that an answer's time tells no more than its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn, TypeVar

from dashboard.few import without_figures
from domain.access import Scope
from domain.batch import Heartbeat, RecentLine
from domain.errors import AccessError
from domain.incident import Incident, JournalEntry, Notification, Telling
from domain.patients import PatientCount
from domain.ports import IncidentStore, LiveBuckets, LiveRows, RestartStore, SeriesStore
from domain.restart import Restart
from domain.series import FAMILIES, Key, Rows, SeriesKey, unknown_rows

T = TypeVar("T")


def _refuse(*_given: object, **_named: object) -> NoReturn:
    """What would change something. Raises AccessError."""
    raise AccessError("this account reads; changes are made by ops")


class ScopedSeries:
    """A SeriesStore that knows only the series of a scope, and writes none."""

    def __init__(self, real: SeriesStore, scope: Scope) -> None:
        self._real, self._scope = real, scope

    def read(self, series: SeriesKey, step: int, start: int, end: int) -> Rows:
        """Rows of an allowed series; of another one nothing is known."""
        if self._scope.allows(series):
            return self._real.read(series, step, start, end)
        return unknown_rows(start, end, step, FAMILIES[series.family].sources)

    def last(self, series: SeriesKey, step: int) -> int | None:
        """The last bucket written of an allowed series."""
        return self._real.last(series, step) if self._scope.allows(series) else None

    def keys(self, family: str) -> Sequence[Key]:
        """The allowed keys of the family."""
        return [key for key in self._real.keys(family) if self._scope.allows(SeriesKey(family, key))]

    write = rewrite = _refuse


class ScopedLive:
    """LiveBuckets that hold only the open rows of a scope."""

    def __init__(self, real: LiveBuckets, scope: Scope) -> None:
        self._real, self._scope = real, scope

    def rows(self, family: str, step: int, keys: Sequence[Key] | None = None) -> LiveRows:
        """Open rows of the allowed keys. Raises LiveUnavailableError."""
        found = self._real.rows(family, step, keys)
        mine = {key: rows for key, rows in found.rows.items() if self._scope.allows(SeriesKey(family, key))}
        return LiveRows(found.complete_up_to, mine)

    def sources(self) -> Sequence[Heartbeat]:
        """Nothing: the log watchers serve all hubs at once, and are for those who may read everything."""
        return ()

    def complete_up_to(self) -> float | None:
        """The watermark, which is everybody's. Raises LiveUnavailableError."""
        return self._real.complete_up_to()

    def recent(self, **_asked: object) -> Sequence[RecentLine]:
        """Nothing: lines name pharmacies and every vendor, and are for ops."""
        return ()

    def patients(self, *_asked: object) -> Sequence[PatientCount]:
        """Nothing: how many there are is for ops."""
        return ()


class LinelessLive:
    """LiveBuckets without lines and patients, for partners who may read everything else that is counted."""

    def __init__(self, real: LiveBuckets) -> None:
        self._real = real
        self.rows, self.sources, self.complete_up_to = real.rows, real.sources, real.complete_up_to

    def recent(self, **_asked: object) -> Sequence[RecentLine]:
        """Nothing: lines name pharmacies and every vendor, and are for ops."""
        return ()

    def patients(self, *_asked: object) -> Sequence[PatientCount]:
        """Nothing: how many there are is for ops."""
        return ()


class ScopedIncidents:
    """An IncidentStore that knows only the incidents of a scope's hubs, and changes none."""

    def __init__(self, real: IncidentStore, scope: Scope) -> None:
        self._real, self._scope = real, scope

    def unsettled(self) -> Sequence[Incident]:
        """Those of its hubs that are not closed."""
        return [one for one in self._real.unsettled() if self._scope.allows_hub(one.hub)]

    def incidents(self, since: float, limit: int) -> Sequence[Incident]:
        """Those of its hubs that were opened or changed since, newest first."""
        return _enough(
            lambda most: self._real.incidents(since, most), lambda one: self._scope.allows_hub(one.hub), limit
        )

    def incident(self, number: int) -> Incident | None:
        """One of its hubs' incidents."""
        found = self._real.incident(number)
        return found if found is not None and self._scope.allows_hub(found.hub) else None

    def journal(self, number: int) -> Sequence[JournalEntry]:
        """Its journal; empty where there is no such incident."""
        entries = self._real.journal(number)
        return entries if self.incident(number) is not None else ()

    def entries_after(self, entry: int, limit: int) -> Sequence[JournalEntry]:
        """Journal entries of its hubs' incidents, oldest first."""
        return _enough(
            lambda most: self._real.entries_after(entry, most),
            lambda one: self.incident(one.incident) is not None,
            limit,
        )

    def last_entry(self) -> int:
        """The number of the newest journal entry."""
        return self._real.last_entry()

    def to_tell(self, *_given: object, **_named: object) -> Sequence[Notification]:
        """Nothing: who is told what is not for those who read a part."""
        return ()

    def tellings(self, number: int) -> Sequence[Telling]:  # noqa: ARG002 (the port's signature)
        """Nothing, likewise."""
        return ()

    keep = touch = told = not_told = _refuse


class DiscreetIncidents(ScopedIncidents):
    """The incidents of a scope without the shares and rates in their words, for whom small counts are not told."""

    def unsettled(self) -> Sequence[Incident]:
        """Those that are not closed."""
        return [_discreet(one) for one in super().unsettled()]

    def incidents(self, since: float, limit: int) -> Sequence[Incident]:
        """Those that were opened or changed since, newest first."""
        return [_discreet(one) for one in super().incidents(since, limit)]

    def incident(self, number: int) -> Incident | None:
        """One of them."""
        found = super().incident(number)
        return None if found is None else _discreet(found)

    def journal(self, number: int) -> Sequence[JournalEntry]:
        """Its journal."""
        return [replace(one, text=without_figures(one.text)) for one in super().journal(number)]

    def entries_after(self, entry: int, limit: int) -> Sequence[JournalEntry]:
        """Journal entries, oldest first."""
        return [replace(one, text=without_figures(one.text)) for one in super().entries_after(entry, limit)]


class ScopedRestarts:
    """A RestartStore that knows only the restarts of a scope's hubs, and changes none."""

    def __init__(self, real: RestartStore, scope: Scope) -> None:
        self._real, self._scope = real, scope

    def restart(self, number: int) -> Restart | None:
        """One of its hubs' restarts."""
        found = self._real.restart(number)
        return found if found is not None and self._scope.allows_hub(found.hub) else None

    def unfinished(self) -> Sequence[Restart]:
        """Planned, holding and draining ones of its hubs."""
        return [one for one in self._real.unfinished() if self._scope.allows_hub(one.hub)]

    def restarts(self, since: float, limit: int) -> Sequence[Restart]:
        """Those of its hubs, newest first."""
        return _enough(
            lambda most: self._real.restarts(since, most), lambda one: self._scope.allows_hub(one.hub), limit
        )

    add = change = _refuse


def _discreet(incident: Incident) -> Incident:
    return replace(incident, reason=without_figures(incident.reason))


def _enough(ask: Callable[[int], Sequence[T]], mine: Callable[[T], bool], limit: int) -> Sequence[T]:
    """The first `limit` that are mine, asking for more until there are so many or no more at all."""
    most = limit
    while True:
        found = ask(most)
        kept = [one for one in found if mine(one)]
        if len(kept) >= limit or len(found) < most:
            return kept[:limit]
        most *= 4
