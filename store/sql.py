"""What the stores over SQLAlchemy share: how a database is called, and how its errors are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from domain.errors import StoreError


def database_name(engine: Engine) -> str:
    """The database as it is called in messages, without its password."""
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def told(engine: Engine) -> Iterator[None]:
    """Tell what the database or the file system says as a StoreError."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreError(f"{database_name(engine)}: {error}") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads before it writes. Raises StoreError; nothing of it is kept then.

    SQLite gets its lock for writing at the start: a transaction that asks for it later, when another process
    has written since, is refused at once instead of waiting.
    """
    with told(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execution_options(pharmapulse_begin="IMMEDIATE")
        with connection.begin():
            yield connection
