"""What concerns people: accounts, incidents and what was told of them, planned restarts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.access import Ability, AuditEntry, Role, Scope, Session, Token, User
from domain.incident import Incident, IncidentEvent, JournalEntry, Notification, Telling
from domain.restart import Restart


class AccessStore(Protocol):
    """Accounts, one-time links, sessions, tokens, and the audit log. Secrets are given in plain and kept as hashes.

    All raise StoreError.
    """

    def users(self) -> Sequence[User]:
        """Every account, by name."""
        ...

    def user(self, name: str) -> User | None:
        """The account of this name."""
        ...

    def add_user(self, name: str, role: Role, scope: Scope, now: float) -> User:
        """A new account without a password. Raises UsageError where the name is taken."""
        ...

    def change_user(self, user: User) -> None:
        """Keep an account's role, scope, password hash and whether it is disabled; one disabled loses its sessions."""
        ...

    def add_link(self, user: User, secret: str, expires: float) -> None:
        """A one-time link of an account; older ones of it are void."""
        ...

    def use_link(self, secret: str, password_hash: str, now: float) -> User | None:
        """Set the password by a link, once; all sessions of the account end. None: used, too old or unknown."""
        ...

    def link_user(self, secret: str, now: float) -> User | None:
        """Whose link this is, without using it; None as above."""
        ...

    def add_session(self, user: User, secret: str, now: float, expires: float, address: str) -> None:
        """Somebody logged in."""
        ...

    def session_user(self, secret: str, now: float) -> User | None:
        """Whose session this is; None when it ended, is unknown, or the account is disabled."""
        ...

    def end_session(self, secret: str) -> None:
        """Log out."""
        ...

    def sessions(self, user: User, now: float) -> Sequence[Session]:
        """Where an account is logged in, newest first."""
        ...

    def session_id(self, secret: str) -> str:
        """The id of the session that a secret opens."""
        ...

    def end_sessions(self, user: User, only: str = "") -> int:
        """End one session of an account by its id, or all of them; how many there were."""
        ...

    def add_token(
        self, name: str, secret: str, role: Role, scope: Scope, abilities: frozenset[Ability], now: float,
        expires: float | None,
    ) -> Token:  # fmt: skip
        """A new token for machines."""
        ...

    def tokens(self) -> Sequence[Token]:
        """Every token, revoked ones too."""
        ...

    def token(self, secret: str, now: float) -> Token | None:
        """The token of a secret, its use noted; None when revoked, over or unknown."""
        ...

    def revoke_token(self, number: int, now: float) -> bool:
        """Make a token void; False where there is none such."""
        ...

    def write_audit(self, entry: AuditEntry) -> None:
        """Add to the audit log."""
        ...

    def audit(self, limit: int) -> Sequence[AuditEntry]:
        """The newest entries, newest first."""
        ...


class IncidentStore(Protocol):
    """Incidents with their journal, and what is still to be told. All raise StoreError."""

    def unsettled(self) -> Sequence[Incident]:
        """Those that are not closed."""
        ...

    def incidents(self, since: float, limit: int) -> Sequence[Incident]:
        """Those opened or changed since, newest first."""
        ...

    def incident(self, number: int) -> Incident | None:
        """One of them."""
        ...

    def journal(self, number: int) -> Sequence[JournalEntry]:
        """An incident's journal, oldest first."""
        ...

    def entries_after(self, entry: int, limit: int) -> Sequence[JournalEntry]:
        """Journal entries of all incidents that came after entry number `entry`, oldest first."""
        ...

    def last_entry(self) -> int:
        """The number of the newest journal entry; 0 before the first."""
        ...

    def keep(
        self, incident: Incident, expected: Incident | None, event: IncidentEvent, by: str, text: str, now: float,
        tell: Sequence[str] = (),
    ) -> Incident | None:  # fmt: skip
        """Keep an incident with a journal entry and a notification for each person in `tell`, in one transaction.

        `expected` is what the caller took it to be before (None: it is new). None when somebody else changed its
        state meanwhile; then nothing was kept.
        """
        ...

    def touch(self, seen: Mapping[int, tuple[float, str]]) -> None:
        """Note of incidents (by number) that they were seen again, when and how (a reason), without an entry."""
        ...

    def to_tell(self, now: float, limit: int, but: Collection[str] = ()) -> Sequence[Notification]:
        """Notifications that are due, oldest first, but for those of these people."""
        ...

    def told(self, notification: Notification, now: float) -> None:
        """A notification was delivered."""
        ...

    def not_told(self, notification: Notification, error: str, next_at: float | None) -> None:
        """It was not; when to try again, or None to give up."""
        ...

    def tellings(self, number: int) -> Sequence[Telling]:
        """Who was told of an incident, and who is still to be, in the order of its journal."""
        ...


class RestartStore(Protocol):
    """Planned restarts. All raise StoreError."""

    def add(self, restart: Restart) -> Restart:
        """A new one, with its number."""
        ...

    def restart(self, number: int) -> Restart | None:
        """One of them."""
        ...

    def unfinished(self) -> Sequence[Restart]:
        """Planned, holding and draining ones, by time."""
        ...

    def restarts(self, since: float, limit: int) -> Sequence[Restart]:
        """Those planned, begun or ended since, newest first."""
        ...

    def change(self, restart: Restart, expected: Restart) -> bool:
        """Keep a restart that was `expected` before; False when somebody else changed its state meanwhile.

        False, too, where it would be under way beside another one of the same hub.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is told: a title, the text, and a picture (PNG) where there is one."""

    title: str
    text: str
    picture: bytes | None = None


class Notifier(Protocol):
    """Tells people."""

    def people(self) -> Sequence[str]:
        """Who can be told."""
        ...

    def tell(self, person: str, delivery: Delivery) -> None:
        """Tell somebody by all their channels. Raises NotifyError, which says whether trying again can help."""
        ...
