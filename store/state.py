"""The state: what is neither cells nor series, in SQLite or PostgreSQL through SQLAlchemy Core.

Its version is the newest migration that was applied. Opening brings an older database forward, after a copy of
the file was made where it is SQLite's; one that is newer than the program is refused.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import ConfigError, StoreError
from domain.series import SeriesKey
from store.sql import database_name, told
from store.sqlite import copy_database
from store.tables import floors, progress

# Oldest first; a test holds this list against the scripts in migrations/versions.
REVISIONS = ("0001", "0002")
_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 10.0
_AT_ONCE = 500


def open_state(url: str) -> SqlState:
    """The state in the database `url` (`sqlite:///FILE`), brought up to date. Raises ConfigError, StoreError."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ConfigError(f'"{url}" names no file', path="state.url", mend='Write "sqlite:///FILE"')
            file = Path(parsed.database)
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.touch(mode=0o600)  # accounts are in it; what SQLite lays beside it has the same mode
            engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            engine = create_engine(parsed, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f'"{url}" is not a database this program can use ({error})',
            path="state.url",
            mend='Write "sqlite:///FILE", or "" for the one in site.data',
        ) from error
    except OSError as error:
        raise StoreError(f"{url}: {error.strerror or error}") from error
    try:
        with _alone(engine):
            upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return SqlState(engine)


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """Readers beside one writer, a sync at each commit, and transactions that begin where SQLAlchemy says.

    Left to itself the driver begins one only before it changes rows, so a migration killed half way would leave
    half of its tables.
    """
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    kind = connection.get_execution_options().get("pharmapulse_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """While this lasts no other process on this machine brings the same SQLite file to another version.

    The processes of a first start open the state at the same moment; SQLite does not let the second one wait,
    since a migration reads before it writes. The directory is locked: SQLite loses its own locks on a file that
    the same process opens beside it.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    with told(engine):
        handle = os.open(Path(str(engine.url.database)).parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest revision. Raises StoreError, also where it is newer than this program."""
    with told(engine), engine.connect() as connection:
        revision = _revision(connection)
    if revision == REVISIONS[-1]:
        return
    if revision is not None and revision not in REVISIONS:
        raise StoreError(
            f"{database_name(engine)}: this database has revision {revision}, and this program knows up to "
            f"{REVISIONS[-1]}. Install the newer program again, or restore the copy made before it was installed"
        )
    with told(engine):
        if revision is not None and engine.dialect.name == "sqlite":
            file = Path(str(engine.url.database))
            copy_database(file, file.with_name(f"{file.name}.before-{REVISIONS[-1]}"))
        _migrate(engine)


def _migrate(engine: Engine) -> None:
    # Imported here: an up-to-date database, the ordinary case, does not need it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


class SqlState:
    """A StateStore. Processes and threads may share the database; each call is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The connections, for the other stores over the same database."""
        return self._engine

    def floor(self, series: SeriesKey) -> int:
        """Rows of the series before this epoch second exist only in its files; 0 when there are none such."""
        wanted = select(floors.c.floor).where(floors.c.family == series.family, floors.c.key == _text(series))
        with told(self._engine), self._engine.connect() as connection:
            return connection.execute(wanted).scalar() or 0

    def set_floors(self, floors_: Mapping[SeriesKey, int]) -> None:
        """Record floors, all of them or none. Raises StoreError."""
        rows = [{"family": key.family, "key": _text(key), "floor": floor} for key, floor in floors_.items()]
        with told(self._engine), self._engine.begin() as connection:
            for at in range(0, len(rows), _AT_ONCE):
                some = rows[at : at + _AT_ONCE]
                for family in {row["family"] for row in some}:
                    names = [row["key"] for row in some if row["family"] == family]
                    connection.execute(delete(floors).where(floors.c.family == family, floors.c.key.in_(names)))
                connection.execute(insert(floors), some)

    def progress(self, name: str) -> tuple[int, int] | None:
        """How much of a long task is done, and of how much; None when it was never begun. Raises StoreError."""
        wanted = select(progress.c.done, progress.c.total).where(progress.c.name == name)
        with told(self._engine), self._engine.connect() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else (row.done, row.total)

    def set_progress(self, name: str, done: int, total: int) -> None:
        """Record how far a long task has come. Raises StoreError."""
        with told(self._engine), self._engine.begin() as connection:
            connection.execute(delete(progress).where(progress.c.name == name))
            connection.execute(insert(progress).values(name=name, done=done, total=total))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def _text(series: SeriesKey) -> str:
    return msgspec.json.encode(series.key).decode()
