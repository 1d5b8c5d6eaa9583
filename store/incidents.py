"""Incidents, their journal and what is still to be told of them: `domain.ports.IncidentStore` over the state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args

from sqlalchemy import Engine, Row, func, insert, or_, select, update

from domain.errors import StoreError
from domain.incident import (
    Incident,
    IncidentEvent,
    IncidentState,
    JournalEntry,
    Kind,
    Notification,
    Severity,
    Telling,
)
from store.sql import told, writing
from store.tables import incidents, journal, notifications

_LONGEST_ERROR = 500
_FIELDS = tuple(column.name for column in incidents.columns if column.name != "id")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "severity": get_args(Severity),
    "state": get_args(IncidentState),
}
_WAITING, _SENT, _GIVEN_UP = "waiting", "sent", "given up"
_TO_TELL = (
    select(notifications, journal.c.incident_id)
    .join_from(notifications, journal, notifications.c.entry_id == journal.c.id)
    .order_by(notifications.c.next_at, notifications.c.id)
)


class SqlIncidents:
    """An IncidentStore. Processes and threads may share the database; each call is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unsettled(self) -> Sequence[Incident]:
        """Those that are not closed, oldest first."""
        wanted = select(incidents).where(incidents.c.state != "closed").order_by(incidents.c.id)
        with told(self._engine), self._engine.connect() as connection:
            return [_incident(row) for row in connection.execute(wanted)]

    def incidents(self, since: float, limit: int) -> Sequence[Incident]:
        """Those opened or changed since, newest first."""
        recent = or_(incidents.c.opened >= since, incidents.c.changed >= since)
        wanted = select(incidents).where(recent).order_by(incidents.c.opened.desc(), incidents.c.id.desc()).limit(limit)
        with told(self._engine), self._engine.connect() as connection:
            return [_incident(row) for row in connection.execute(wanted)]

    def incident(self, number: int) -> Incident | None:
        """One of them."""
        with told(self._engine), self._engine.connect() as connection:
            row = connection.execute(select(incidents).where(incidents.c.id == number)).one_or_none()
        return None if row is None else _incident(row)

    def journal(self, number: int) -> Sequence[JournalEntry]:
        """An incident's journal, oldest first."""
        wanted = select(journal).where(journal.c.incident_id == number).order_by(journal.c.id)
        with told(self._engine), self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(wanted)]

    def entries_after(self, entry: int, limit: int) -> Sequence[JournalEntry]:
        """Journal entries of all incidents that came after entry number `entry`, oldest first."""
        wanted = select(journal).where(journal.c.id > entry).order_by(journal.c.id).limit(limit)
        with told(self._engine), self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(wanted)]

    def last_entry(self) -> int:
        """The number of the newest journal entry; 0 before the first."""
        with told(self._engine), self._engine.connect() as connection:
            return connection.execute(select(func.max(journal.c.id))).scalar() or 0

    def keep(
        self, incident: Incident, expected: Incident | None, event: IncidentEvent, by: str, text: str, now: float,
        tell: Sequence[str] = (),
    ) -> Incident | None:  # fmt: skip
        """Keep an incident with a journal entry and a notification for each person in `tell`, in one transaction.

        `expected` is what the caller took it to be before (None: it is new). None when somebody else changed its
        state meanwhile; then nothing was kept.
        """
        values = {field: getattr(incident, field) for field in _FIELDS}
        with writing(self._engine) as connection:
            if expected is None:
                number = _number(connection.execute(insert(incidents).values(values)).inserted_primary_key)
            else:
                number = expected.id
                # `changed` tells two passages through one state apart.
                as_it_was = (
                    incidents.c.id == number,
                    incidents.c.state == expected.state,
                    incidents.c.changed == expected.changed,
                )
                if connection.execute(update(incidents).where(*as_it_was).values(values)).rowcount == 0:
                    return None
            entry = insert(journal).values(incident_id=number, at=now, event=event, who=by, text=text)
            written = _number(connection.execute(entry).inserted_primary_key)
            rows = [
                {"entry_id": written, "person": person, "state": _WAITING, "attempts": 0, "next_at": now, "error": ""}
                for person in dict.fromkeys(tell)
            ]
            if rows:
                connection.execute(insert(notifications), rows)
            row = connection.execute(select(incidents).where(incidents.c.id == number)).one()
        return _incident(row)

    def touch(self, seen: Mapping[int, tuple[float, str]]) -> None:
        """Note of incidents (by number) that they were seen again, when and how (a reason), without an entry."""
        if not seen:
            return
        with writing(self._engine) as connection:
            for number, (at, reason) in sorted(seen.items()):
                connection.execute(update(incidents).where(incidents.c.id == number).values(seen=at, reason=reason))

    def to_tell(self, now: float, limit: int, but: Collection[str] = ()) -> Sequence[Notification]:
        """Notifications that are due, oldest first, but for those of these people."""
        due = (
            notifications.c.state == _WAITING, notifications.c.next_at <= now, notifications.c.person.not_in(but),
        )  # fmt: skip
        with told(self._engine), self._engine.connect() as connection:
            return [_notification(row) for row in connection.execute(_TO_TELL.where(*due).limit(limit))]

    def told(self, notification: Notification, now: float) -> None:
        """A notification was delivered."""
        self._settle(notification, state=_SENT, sent=now, error="")

    def not_told(self, notification: Notification, error: str, next_at: float | None) -> None:
        """It was not; when to try again, or None to give up."""
        state = _GIVEN_UP if next_at is None else _WAITING
        at = notification.next_at if next_at is None else next_at
        self._settle(notification, state=state, next_at=at, error=error[:_LONGEST_ERROR])

    def tellings(self, number: int) -> Sequence[Telling]:
        """Who was told of an incident, and who is still to be, in the order of its journal."""
        wanted = (
            select(notifications)
            .join_from(notifications, journal, notifications.c.entry_id == journal.c.id)
            .where(journal.c.incident_id == number)
            .order_by(notifications.c.entry_id, notifications.c.id)
        )
        with told(self._engine), self._engine.connect() as connection:
            return [
                Telling(row.entry_id, row.person, row.attempts, row.sent, row.state == _GIVEN_UP, row.error)
                for row in connection.execute(wanted)
            ]

    def _settle(self, notification: Notification, **values: Any) -> None:
        change = update(notifications).where(notifications.c.id == notification.id)
        with told(self._engine), self._engine.begin() as connection:
            connection.execute(change.values(attempts=notification.attempts + 1, **values))


def _number(key: Row[Any] | None) -> int:
    if key is None:
        raise StoreError("the database gave no number to a new row")
    return int(key[0])


def _incident(row: Row[Any]) -> Incident:
    """A row as an incident. Raises StoreError where a word in it is none of ours."""
    values = row._asdict()
    for name, words in _WORDS.items():
        if values[name] not in words:
            raise StoreError(f'incident {row.id}: "{values[name]}" is no {name} that this program knows')
    return Incident(**values)


def _entry(row: Row[Any]) -> JournalEntry:
    if row.event not in get_args(IncidentEvent):
        raise StoreError(f'journal entry {row.id}: "{row.event}" is no event that this program knows')
    return JournalEntry(row.id, row.incident_id, row.at, row.event, row.who, row.text)


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        row.id, row.incident_id, row.entry_id, row.person, row.attempts, row.next_at, row.error
    )  # fmt: skip
