"""Planned restarts, in the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Engine, RowMapping, func, insert, or_, select, update

from domain.restart import Restart, RestartState
from store.sql import told, writing
from store.tables import restarts

_ACTIVE = ("holding", "draining")
_UNFINISHED = ("planned", *_ACTIVE)


class SqlRestarts:
    """A RestartStore. Processes and threads may share the database; each call is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, restart: Restart) -> Restart:
        """A new one, with its number."""
        with writing(self._engine) as connection:
            key = connection.execute(insert(restarts).values(_row(restart))).inserted_primary_key
        assert key is not None  # noqa: S101 (SQLAlchemy types it as missing only for inserts of many rows)
        return replace(restart, id=int(key[0]))

    def restart(self, number: int) -> Restart | None:
        """One of them."""
        with told(self._engine), self._engine.connect() as connection:
            row = connection.execute(select(restarts).where(restarts.c.id == number)).mappings().one_or_none()
        return None if row is None else _restart(row)

    def unfinished(self) -> Sequence[Restart]:
        """Planned, holding and draining ones, by time."""
        wanted = select(restarts).where(restarts.c.state.in_(_UNFINISHED)).order_by(restarts.c.planned, restarts.c.id)
        with told(self._engine), self._engine.connect() as connection:
            return [_restart(row) for row in connection.execute(wanted).mappings()]

    def restarts(self, since: float, limit: int) -> Sequence[Restart]:
        """Those planned, begun or ended since, newest first."""
        columns = (restarts.c.planned, restarts.c.started, restarts.c.ended)
        newest = func.coalesce(restarts.c.started, restarts.c.planned)
        wanted = (
            select(restarts)
            .where(or_(*(column >= since for column in columns)))
            .order_by(newest.desc(), restarts.c.id.desc())
            .limit(limit)
        )
        with told(self._engine), self._engine.connect() as connection:
            return [_restart(row) for row in connection.execute(wanted).mappings()]

    def change(self, restart: Restart, expected: Restart) -> bool:
        """Keep a restart that was `expected` before; False when somebody else changed its state meanwhile.

        False, too, where it would be under way beside another one of the same hub.
        """
        same = update(restarts).where(restarts.c.id == restart.id, restarts.c.state == expected.state)
        beside = select(restarts.c.id).where(
            restarts.c.hub == restart.hub, restarts.c.id != restart.id, restarts.c.state.in_(_ACTIVE)
        )
        with writing(self._engine) as connection:
            if restart.is_active and not expected.is_active and connection.execute(beside.limit(1)).first() is not None:
                return False
            return connection.execute(same.values(_row(restart))).rowcount > 0


def _row(restart: Restart) -> dict[str, Any]:
    return {
        "hub": restart.hub, "target": restart.target, "reason": restart.reason, "who": restart.by,
        "state": restart.state, "planned": restart.planned, "until": restart.until, "started": restart.started,
        "resumed": restart.resumed, "ended": restart.ended,
    }  # fmt: skip


def _restart(row: RowMapping) -> Restart:
    return Restart(
        id=row["id"], hub=row["hub"], target=row["target"], reason=row["reason"], by=row["who"],
        state=cast("RestartState", row["state"]), planned=row["planned"], until=row["until"], started=row["started"],
        resumed=row["resumed"], ended=row["ended"],
    )  # fmt: skip
