"""Where deferred calls are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.deferred import Call, QueueStatus, Receipt


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits, without its content. `number` orders those of one `lane` (a key's own; "" has none)."""

    number: int
    receipt: str
    target: str
    lane: str
    attempts: int
    next_at: float


class DeferredStore(Protocol):
    """The durable queue of deferred calls: contents encrypted, order per key. All raise StoreError.

    Gateways put in while one drain takes out; both may be killed at any moment.
    """

    def put(self, calls: Sequence[Call], now: float) -> Sequence[Receipt]:
        """Keep calls durably, in order; one whose idempotency key its target has seen gives the first one's receipt.

        Where that was another call, `same` in it is False, and nothing is kept.
        """
        ...

    def apart(self) -> Mapping[str, str]:
        """The targets whose calls can be neither put in nor opened, since their key is gone: why, and the mend."""
        ...

    def receipt(self, number: str) -> Receipt | None:
        """What became of a call."""
        ...

    def due(self, target: str, now: float, limit: int) -> Sequence[Waiting]:
        """The first waiting call of each lane that may go out now, oldest first; none while the target is held."""
        ...

    def open(self, waiting: Waiting) -> Call:
        """The content of a waiting call. Raises StoreError where its key is gone."""
        ...

    def delivered(self, done: Sequence[Waiting], now: float) -> None:
        """These reached their target: their keys and contents are destroyed, their receipts say so."""
        ...

    def failed(self, waiting: Waiting, error: str, next_at: float) -> None:
        """This one did not; when it is tried again. Its lane waits with it."""
        ...

    def bury(self, waiting: Waiting, error: str, now: float) -> None:
        """This one will never be taken: set aside as dead, and its lane goes on."""
        ...

    def hold(self, target: str, reason: str, by: str, now: float) -> None:
        """Let nothing of the target out."""
        ...

    def resume(self, target: str) -> None:
        """Let it out again."""
        ...

    def status(self, targets: Sequence[str], now: float) -> Sequence[QueueStatus]:
        """How the queues of these targets stand."""
        ...

    def pulse(self, now: float) -> None:
        """The drain says that it lives."""
        ...

    def pulsed(self) -> float | None:
        """When the drain last said so; None when it never did."""
        ...

    def rewrap(self, target: str) -> int:
        """Protect the target's waiting calls by its newest key, where an older one does; how many there were."""
        ...

    def tidy(self, now: float) -> int:
        """Forget what was settled long ago (how many), and wipe what may be left of destroyed keys."""
        ...
