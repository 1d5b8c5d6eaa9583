"""The positions of one source's files: those of the checkpoint, by whose they are and by how they begin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from domain.batch import Position
from logwatch.fingerprint import Identity

# A file that is gone is remembered so long, so that a compressed copy of it is not read from its start.
REMEMBER_SECONDS = 7 * 86_400.0
# An agent that is started often begins to wait anew each time. So beyond so many of a source, those that grew longest
# ago are remembered only so long; not shorter, for a whole disk may be away for a while.
MOST_REMEMBERED = 20_000
REMEMBER_ANY_SECONDS = 3_600.0


class Known:
    """Where each file was left, the last that grew last. `positions` are those of the last checkpoint."""

    def __init__(self, positions: Iterable[Position]) -> None:
        self._by_identity: dict[str, Position] = {}
        self._alike: dict[str, dict[str, None]] = {}
        self._gone: dict[str, float] = {}
        # Of which files it was last asked which are gone; None where positions came since.
        self._asked: Collection[str] | None = None
        for position in positions:
            self.keep(position)

    def __contains__(self, identity: str) -> bool:
        return identity in self._by_identity

    def __bool__(self) -> bool:
        return bool(self._by_identity)

    def __iter__(self) -> Iterator[Position]:
        return reversed(self._by_identity.values())

    def get(self, identity: str) -> Position | None:
        """Where this file was left; None for one that was not read."""
        return self._by_identity.get(identity)

    def keep(self, position: Position) -> None:
        """This is kept, in the checkpoint or by the next."""
        if position.identity not in self._by_identity:
            self._asked = None
        self._by_identity.pop(position.identity, None)  # the last one that grew stands last
        self._by_identity[position.identity] = position
        self._alike.setdefault(Identity.parse(position.identity).fingerprint, {})[position.identity] = None

    def alike(self, fingerprint: str) -> list[Position]:
        """The positions of contents that begin so, those that were read furthest first."""
        found = [self._by_identity[identity] for identity in self._alike.get(fingerprint, ())]
        return sorted(found, key=lambda position: -position.offset)

    def remember(self, followed: Collection[str], now: float) -> None:
        """Those that are not followed are gone since now, or since before."""
        if followed == self._asked:
            return
        self._asked = set(followed)
        gone = [identity for identity in self._by_identity if identity not in followed]
        self._gone = {identity: self._gone.get(identity, now) for identity in gone}

    def set_back(self, now: float) -> None:
        """The clock was set back: none is gone since later than now."""
        self._gone = {identity: min(now, since) for identity, since in self._gone.items()}

    def forgettable(self, now: float) -> list[str]:
        """Identities of files that are gone for so long that nothing of them can come again; they are forgotten."""
        too_many = max(0, len(self._gone) - MOST_REMEMBERED)
        old = [
            identity
            for place, (identity, since) in enumerate(self._gone.items())
            if now - since > (REMEMBER_ANY_SECONDS if place < too_many else REMEMBER_SECONDS)
        ]
        for identity in old:
            del self._gone[identity]
            self._by_identity.pop(identity, None)
            begins = Identity.parse(identity).fingerprint
            self._alike.get(begins, {}).pop(identity, None)
            if not self._alike.get(begins):
                self._alike.pop(begins, None)
        return old
