"""Deferred calls: what is held, what is said of it. A call's content is opened only to hand it to its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CallState = Literal["waiting", "delivered", "dead"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in and as it goes out. `headers` holds only those that are handed on.

    `key` orders: calls of one key reach the target one after the other, as they came in; "" is of no order.
    `idempotency_key` is what the target knows it by: the caller's own, or the receipt's number.
    """

    target: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    key: str
    idempotency_key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a caller gets and may ask for later: nothing in it tells what the call held.

    `same` is False where the call's idempotency key was used for another one before: this is that one's receipt.
    """

    id: str
    target: str
    state: CallState
    accepted: float
    delivered: float | None = None
    same: bool = True


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How a target's queue stands. `oldest` is when the oldest waiting call came in; `held_by` is "" unless held.

    `delivered` and `dead` count since the store was made. `rate` is what was delivered a second in the last minute.
    """

    target: str
    held: bool
    held_by: str
    held_since: float | None
    reason: str
    waiting: int
    oldest: float | None
    delivered: int
    dead: int
    rate: float
