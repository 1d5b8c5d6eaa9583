"""Copies that wait beside their originals."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from logwatch.fingerprint import Seen

# They are looked at again after so long: the two may not stay alike.
AGAIN_SECONDS = 2.0
# A copy that stayed as it is for so long is complete; what its original counted is not to be read in it, ever.
SETTLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Wait:
    as_seen: Seen
    since: float
    until: float


class Waiting:
    """By their names."""

    def __init__(self) -> None:
        self._waits: dict[str, _Wait] = {}

    def holds(self, name: str, as_seen: Seen, now: float) -> bool:
        """Whether a file goes on waiting without being looked at: nothing changed."""
        wait = self._waits.get(name)
        return wait is not None and wait.as_seen == as_seen and wait.since <= now < wait.until

    def wait(self, name: str, as_seen: Seen, now: float) -> bool:
        """A file waits, or still waits; whether it stayed as it is for so long that it is settled."""
        before = self._waits.get(name)
        since = before.since if before is not None and before.as_seen == as_seen and before.since <= now else now
        self._waits[name] = _Wait(as_seen, since, now + AGAIN_SECONDS)
        return now - since >= SETTLED_SECONDS

    def no_more(self, name: str) -> None:
        """A file does not wait any more."""
        self._waits.pop(name, None)

    def look_again(self) -> None:
        """All are looked at again, for an original changed."""
        self._waits = {name: _Wait(w.as_seen, w.since, w.since) for name, w in self._waits.items()}

    def keep_only(self, names: Collection[str]) -> None:
        """Nothing more of names that are gone."""
        self._waits = {name: wait for name, wait in self._waits.items() if name in names}
