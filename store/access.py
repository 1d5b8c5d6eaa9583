"""Accounts, one-time links, sessions, tokens and the audit log, in the state's database.

Secrets that are carried about are random and long, so a plain SHA-256 of each is kept and looked up by; whoever
reads the database can use none of them. Passwords are not: their hashes are made above, with argon2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Engine, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from domain.access import Ability, AuditEntry, Role, Scope, Session, Token, User
from domain.errors import UsageError
from domain.redact import lettered
from store.sql import told, writing
from store.tables import audit, links, sessions, tokens, users

# A use is noted at most so often (seconds): reading a page must not be a write each time.
_NOTED_SECONDS = 60.0


class SqlAccess:
    """An AccessStore over the state's connections. Each call is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # ---- accounts ----

    def users(self) -> Sequence[User]:
        """Every account, by name."""
        with told(self._engine), self._engine.connect() as connection:
            return [_user(row) for row in connection.execute(select(users).order_by(users.c.name)).mappings()]

    def user(self, name: str) -> User | None:
        """The account of this name."""
        with told(self._engine), self._engine.connect() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).mappings().one_or_none()
        return None if row is None else _user(row)

    def add_user(self, name: str, role: Role, scope: Scope, now: float) -> User:
        """A new account without a password. Raises UsageError where the name is taken."""
        row = {"name": name, "role": role, "scope": _scope_text(scope), "password_hash": "", "made": now}
        with writing(self._engine) as connection:
            try:
                number = connection.execute(insert(users).values(row).returning(users.c.id)).scalar_one()
            except IntegrityError as error:  # the database's own word decides, also between two processes
                raise UsageError(f'there is an account "{name}" already') from error
        return User(number, name, role, scope, "", now)

    def change_user(self, user: User) -> None:
        """Keep an account's role, scope, password hash and whether it is disabled.

        One that is disabled loses its sessions and its link.
        """
        row = {
            "role": user.role,
            "scope": _scope_text(user.scope),
            "password_hash": user.password_hash,
            "disabled": user.disabled,
        }
        with writing(self._engine) as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(row))
            if user.disabled is not None:
                connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
                connection.execute(delete(links).where(links.c.user_id == user.id))

    # ---- one-time links ----

    def add_link(self, user: User, secret: str, expires: float) -> None:
        """A one-time link of an account; older ones of it are void."""
        with writing(self._engine) as connection:
            connection.execute(delete(links).where(links.c.user_id == user.id))
            connection.execute(insert(links).values(hash=_hash(secret), user_id=user.id, expires=expires))

    def use_link(self, secret: str, password_hash: str, now: float) -> User | None:
        """Set the password by a link, once; all sessions of the account end. None: used, too old or unknown."""
        with writing(self._engine) as connection:
            user = _link_user(connection, secret, now)
            if user is None:
                return None
            # Of two at once one takes the link away: also where a database lets both read it first.
            if not connection.execute(delete(links).where(links.c.hash == _hash(secret))).rowcount:
                return None
            connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
            connection.execute(update(users).where(users.c.id == user.id).values(password_hash=password_hash))
        return replace(user, password_hash=password_hash)

    def link_user(self, secret: str, now: float) -> User | None:
        """Whose link this is, without using it; None as above."""
        with told(self._engine), self._engine.connect() as connection:
            return _link_user(connection, secret, now)

    # ---- sessions ----

    def add_session(self, user: User, secret: str, now: float, expires: float, address: str) -> None:
        """Somebody logged in. Sessions that are over are cleared away on this occasion."""
        row = {"hash": _hash(secret), "user_id": user.id, "made": now, "seen": now, "expires": expires}
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            connection.execute(insert(sessions).values(row | {"address": address[:100]}))

    def session_user(self, secret: str, now: float) -> User | None:
        """Whose session this is; None when it ended, is unknown, or the account is disabled."""
        mine = sessions.c.hash == _hash(secret)
        wanted = (
            select(users, sessions.c.seen)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(mine, sessions.c.expires > now, users.c.disabled.is_(None))
        )
        with told(self._engine), self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        if row is None:
            return None
        if now - row["seen"] >= _NOTED_SECONDS:
            with writing(self._engine) as connection:
                connection.execute(update(sessions).where(mine).values(seen=now))
        return _user(row)

    def end_session(self, secret: str) -> None:
        """Log out."""
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == _hash(secret)))

    def sessions(self, user: User, now: float) -> Sequence[Session]:
        """Where an account is logged in, newest first."""
        wanted = select(sessions).where(sessions.c.user_id == user.id, sessions.c.expires > now)
        with told(self._engine), self._engine.connect() as connection:
            rows = connection.execute(wanted.order_by(sessions.c.made.desc())).mappings().all()
        return [Session(row["hash"], row["made"], row["seen"], row["expires"], row["address"]) for row in rows]

    def session_id(self, secret: str) -> str:
        """The id of the session that a secret opens."""
        return _hash(secret)

    def end_sessions(self, user: User, only: str = "") -> int:
        """End one session of an account by its id, or all of them; how many there were."""
        wanted = delete(sessions).where(sessions.c.user_id == user.id)
        if only:
            wanted = wanted.where(sessions.c.hash == only)
        with writing(self._engine) as connection:
            return connection.execute(wanted).rowcount

    # ---- tokens ----

    def add_token(
        self, name: str, secret: str, role: Role, scope: Scope, abilities: frozenset[Ability], now: float,
        expires: float | None,
    ) -> Token:  # fmt: skip
        """A new token for machines."""
        row = {
            "name": name, "hash": _hash(secret), "role": role, "scope": _scope_text(scope),
            "abilities": " ".join(sorted(abilities)), "made": now, "expires": expires,
        }  # fmt: skip
        with writing(self._engine) as connection:
            number = connection.execute(insert(tokens).values(row).returning(tokens.c.id)).scalar_one()
        return Token(number, name, role, scope, abilities, now, expires, None, None)

    def tokens(self) -> Sequence[Token]:
        """Every token, revoked ones too."""
        with told(self._engine), self._engine.connect() as connection:
            return [_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.id)).mappings()]

    def token(self, secret: str, now: float) -> Token | None:
        """The token of a secret, its use noted; None when revoked, over or unknown."""
        wanted = select(tokens).where(tokens.c.hash == _hash(secret), tokens.c.revoked.is_(None))
        with told(self._engine), self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        if row is None or (row["expires"] is not None and row["expires"] <= now):
            return None
        if row["last_used"] is None or now - row["last_used"] >= _NOTED_SECONDS:
            with writing(self._engine) as connection:
                connection.execute(update(tokens).where(tokens.c.id == row["id"]).values(last_used=now))
        return _token(row)

    def revoke_token(self, number: int, now: float) -> bool:
        """Make a token void; False where there is none such."""
        wanted = update(tokens).where(tokens.c.id == number, tokens.c.revoked.is_(None)).values(revoked=now)
        with writing(self._engine) as connection:
            return connection.execute(wanted).rowcount > 0

    # ---- the audit log ----

    def write_audit(self, entry: AuditEntry) -> None:
        """Add to the audit log; what is longer than its column is cut."""
        row = {
            "at": entry.at, "who": entry.who[:100], "action": entry.action[:100], "what": entry.what[:1_000],
            "address": entry.address[:100],
        }  # fmt: skip
        with writing(self._engine) as connection:
            connection.execute(insert(audit).values(row))

    def audit(self, limit: int) -> Sequence[AuditEntry]:
        """The newest entries, newest first."""
        wanted = select(audit).order_by(audit.c.id.desc()).limit(limit)
        with told(self._engine), self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [AuditEntry(row["at"], row["who"], row["action"], row["what"], row["address"]) for row in rows]


def _hash(secret: str) -> str:
    # What comes in a header may be no text at all: it is only looked up, and never found.
    return lettered(hashlib.sha256(secret.encode(errors="backslashreplace")).digest())


def _link_user(connection: Connection, secret: str, now: float) -> User | None:
    wanted = (
        select(users)
        .join(links, links.c.user_id == users.c.id)
        .where(links.c.hash == _hash(secret), links.c.expires > now, users.c.disabled.is_(None))
    )
    row = connection.execute(wanted).mappings().one_or_none()
    return None if row is None else _user(row)


def _scope_text(scope: Scope) -> str:
    """As the tables keep it; sets are sorted, so that equal scopes are equal text."""
    kept = {"everything": scope.everything, "hubs": sorted(scope.hubs), "vendors": sorted(scope.vendors)}
    return msgspec.json.encode(kept).decode()


def _scope(text: str) -> Scope:
    kept: dict[str, Any] = msgspec.json.decode(text)
    return Scope(bool(kept["everything"]), frozenset(kept["hubs"]), frozenset(kept["vendors"]))


def _user(row: RowMapping) -> User:
    return User(
        row["id"], row["name"], row["role"], _scope(row["scope"]), row["password_hash"], row["made"], row["disabled"]
    )


def _token(row: RowMapping) -> Token:
    abilities = cast("frozenset[Ability]", frozenset(row["abilities"].split()))
    return Token(
        row["id"], row["name"], row["role"], _scope(row["scope"]), abilities, row["made"], row["expires"],
        row["revoked"], row["last_used"],
    )  # fmt: skip
