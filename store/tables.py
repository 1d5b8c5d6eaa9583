"""The tables of the state, in SQLAlchemy Core: nothing in them is of one database only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, String, Table

metadata = MetaData()

floors = Table(
    "floors",
    metadata,
    Column("family", String(64), primary_key=True),
    # The parts of the key as a JSON list: text that any database compares byte for byte.
    Column("key", String(2000), primary_key=True),
    Column("floor", BigInteger, nullable=False),
)

progress = Table(
    "progress",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
)
