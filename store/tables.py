"""The tables of the state, in SQLAlchemy Core: nothing in them is of one database only."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
# SQLite numbers rows by itself only where the key's type is INTEGER.
_ID = BigInteger().with_variant(Integer, "sqlite")

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

# ---- who may do what ----
# Secrets that are carried about (links, sessions, tokens) are kept as SHA-256 only: they are random and long.

users = Table(
    "users",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    # The scope as JSON: {"everything": false, "hubs": [...], "vendors": [...]}
    Column("scope", Text, nullable=False),
    Column("password_hash", String(300), nullable=False),
    Column("made", Double, nullable=False),
    Column("disabled", Double),
)

links = Table(
    "links",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("expires", Double, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("made", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("address", String(100), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("scope", Text, nullable=False),
    Column("abilities", String(100), nullable=False),
    Column("made", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("last_used", Double),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False, index=True),
    Column("who", String(100), nullable=False),
    Column("action", String(100), nullable=False),
    Column("what", String(1000), nullable=False),
    Column("address", String(100), nullable=False),
)

# ---- what happened ----

incidents = Table(
    "incidents",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("hub", String(500), nullable=False),
    Column("endpoint", String(1000), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("side", String(20), nullable=False),
    Column("since", Double, nullable=False),
    Column("opened", Double, nullable=False, index=True),
    Column("changed", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("acknowledged_by", String(100), nullable=False),
    Column("resolved", Double),
    Column("closed", Double),
)

journal = Table(
    "journal",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("incident_id", BigInteger, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", Double, nullable=False),
    Column("event", String(20), nullable=False),
    Column("who", String(100), nullable=False),
    Column("text", Text, nullable=False),
)

# Written with the journal entry it tells of, in the same transaction; so nothing is forgotten and nothing told twice
# but for a process that dies between telling and writing it down.
notifications = Table(
    "notifications",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("entry_id", BigInteger, ForeignKey("journal.id"), nullable=False),
    Column("person", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("error", String(500), nullable=False),
    Column("sent", Double),
    UniqueConstraint("entry_id", "person"),
    Index("ix_notifications_waiting", "state", "next_at"),
)

restarts = Table(
    "restarts",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("hub", String(500), nullable=False),
    Column("target", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", String(100), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("planned", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("started", Double),
    Column("resumed", Double),
    Column("ended", Double),
)
