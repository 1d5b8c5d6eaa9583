"""Who may see and do what: roles, scopes, accounts.

A scope is asked wherever data is read (`dashboard.scoped` puts it before the stores), not page by page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.series import SeriesKey

Role = Literal["ops", "partner"]
Ability = Literal["read", "defer"]
# Counts below it are not told to partners.
SMALL_COUNT = 5

_OF_HUB = frozenset({"hub", "endpoint", "code", "server"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may read: everything, or the series of some hubs and some vendors."""

    everything: bool = False
    hubs: frozenset[str] = frozenset()
    vendors: frozenset[str] = frozenset()

    def allows(self, series: SeriesKey) -> bool:
        """Whether this measuring point may be read.

        Of a hub: its own, its endpoints', codes' and servers' series, and what each vendor sends to it. Of a
        vendor: its own, and what it sends to each endpoint. A pharmacy's are for those who may read everything.
        """
        if self.everything:
            return True
        if series.family in _OF_HUB:
            return series.key[0] in self.hubs
        if series.family == "vendor":
            return series.key[0] in self.vendors
        if series.family == "endpoint_vendor":
            return series.key[0] in self.hubs or series.key[2] in self.vendors
        return False

    def allows_hub(self, hub: str) -> bool:
        """Whether what happens to this hub may be read: its incidents and restarts."""
        return self.everything or hub in self.hubs


EVERYTHING = Scope(everything=True)


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever makes a request. `name` is an account's, a token's, "guest", or a user of this machine.

    `may_change` is false for guests, partners and tokens that only read.
    """

    name: str
    role: Role
    scope: Scope
    may_change: bool


@dataclass(frozen=True, slots=True)
class User:
    """An account. `password_hash` is "" until its one-time link was used; `disabled` is when it was shut, or None."""

    id: int
    name: str
    role: Role
    scope: Scope
    password_hash: str
    made: float
    disabled: float | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody logged in. `id` names it and opens nothing: the secret itself is kept nowhere."""

    id: str
    made: float
    seen: float
    expires: float
    address: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token for machines; the secret itself is kept nowhere, only its hash."""

    id: int
    name: str
    role: Role
    scope: Scope
    abilities: frozenset[Ability]
    made: float
    expires: float | None
    revoked: float | None
    last_used: float | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did or saw what, when, from where."""

    at: float
    who: str
    action: str
    what: str
    address: str
