"""What the gateway's threads share: calls of many callers kept in one commit, tokens asked for rarely."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

from domain.access import Token
from domain.clock import Clock
from domain.deferred import Call, Receipt
from domain.errors import StoreError
from domain.ports import AccessStore, DeferredStore
from store.group import GroupCommit

# How long the queues' length is believed; so many calls more than the bound may come in meanwhile.
_COUNT_SECONDS = 1.0
TOKEN_SECONDS = 30.0
_GRACE_SECONDS = 600.0
_MOST_TOKENS = 4_096


class QueueFullError(StoreError):
    """As many calls wait as may."""


class Intake:
    """Keeps calls durably, those of many threads together."""

    def __init__(self, store: DeferredStore, targets: Sequence[str], most_waiting: int, clock: Clock) -> None:
        self._store, self._targets, self._most, self._clock = store, tuple(targets), most_waiting, clock
        self._waiting, self._counted = 0, float("-inf")
        self._group: GroupCommit[Call, Receipt] = GroupCommit(self._commit, "intake")

    def keep(self, call: Call) -> Receipt:
        """Keep a call; returns once it is durable. Raises StoreError, and QueueFullError where too many wait."""
        return self._group.submit(call)

    def _commit(self, calls: Sequence[Call]) -> Sequence[Receipt]:
        now = self._clock.now()
        if not 0 <= now - self._counted < _COUNT_SECONDS:
            self._waiting = sum(status.waiting for status in self._store.status(self._targets, now))
            self._counted = now
        if self._waiting >= self._most:
            raise QueueFullError(f"{self._waiting} calls wait, and {self._most} may")
        return self._store.put(calls, now)

    def close(self) -> None:
        """Keep what was brought, and end."""
        self._group.close()


class Tokens:
    """The tokens of callers, each remembered for TOKEN_SECONDS; one that is revoked works so long at most."""

    def __init__(self, access: AccessStore, clock: Clock) -> None:
        self._access, self._clock = access, clock
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[Token | None, float]] = {}

    def token(self, secret: str) -> Token | None:
        """The token of a secret; None where it is revoked, over or unknown. Raises StoreError."""
        now, key = self._clock.now(), hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            known = self._known.get(key)
        if known is not None and 0 <= now - known[1] < TOKEN_SECONDS:
            token = known[0]
            return None if token is not None and token.expires is not None and now >= token.expires else token
        try:
            token = self._access.token(secret, now)
        except StoreError:
            # A full disk stops the state before it stops the queue: who was known a moment ago is let in.
            if known is None or known[0] is None or not 0 <= now - known[1] < _GRACE_SECONDS:
                raise
            return known[0]
        with self._lock:
            if len(self._known) >= _MOST_TOKENS:
                self._known.clear()
            self._known[key] = (token, now)
        return token
