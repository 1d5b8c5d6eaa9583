"""Bundles that somebody brought, taken into the spool that the collector reads.

Flows in: bundles in any order, any of them twice. Flows out: batches and heartbeats in the spool, which is their
receiver: once they are there, the agent may know it. What is missing of each agent; a receipt.

A bundle is looked at whole, each batch decoded, before anything of it is taken. One that is damaged is told of and
left out. Killed in between, whatever is in the spool is whole by itself, and the rest comes when it is imported again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from domain.batch import BatchName, Heartbeat
from domain.carried import BUNDLE_SUFFIX, BundleHeader, HeldOf, Spans
from domain.errors import InputError, WireError
from store.held import Held
from store.intervals import Intervals
from transport.bundle import Bundle

Of = tuple[str, str]


class Spool(Protocol):
    """Where batches are put: `transport.spool`."""

    def send(self, name: BatchName, payload: bytes) -> None:
        """Put a batch there durably."""
        ...

    def beat(self, heartbeat: Heartbeat) -> None:
        """Replace the agent's heartbeat."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A bundle that was taken: how many batches were new, and how many known already."""

    file: Path
    header: BundleHeader
    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Sequences of an incarnation that exist, or did, and are not held."""

    agent: str
    incarnation: str
    sequences: Spans


@dataclass(slots=True)
class Imported:
    """What came of an import: bundles taken, what is wrong with others, what is missing; what is held of all agents."""

    taken: list[Taken] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missing: Sequence[Missing] = ()
    held: Sequence[HeldOf] = ()


def bundles_in(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and the bundles in folders that are. Raises InputError where there is no such thing."""
    found: dict[Path, None] = {}
    for path in paths:
        try:
            if path.is_dir():
                found |= dict.fromkeys(sorted(path.glob(f"[!.]*{BUNDLE_SUFFIX}")))
            else:
                path.stat()
                found[path] = None
        except OSError as error:
            raise InputError(str(path), error.strerror or str(error)) from error
    return list(found)


class Importer:
    """Takes bundles in, one after the other."""

    def __init__(
        self,
        spool: Spool,
        held: Held,
        heard: Iterable[Heartbeat],
        progress: Callable[[int], None] = lambda _bytes: None,
    ) -> None:
        """`held` is what ledger and spool have, `heard` the heartbeats in the spool.

        `progress` is told of bytes: each bundle's are looked at once, and those of what is taken once more.
        """
        self._spool, self._held, self._progress = spool, held, progress
        self._heard = {heartbeat.agent: heartbeat for heartbeat in heard}
        self._last: dict[Of, int] = {}

    def take(self, files: Iterable[Path]) -> Imported:
        """Take them in. Raises TransportError where the spool cannot keep them; what is there by then stays."""
        imported = Imported()
        for file in files:
            try:
                with Bundle(file) as bundle:
                    imported.taken.append(self._take(file, bundle))
            except WireError as error:
                imported.wrong.append(str(error))
        imported.missing = [
            Missing(*of, tuple(gaps)) for of, last in sorted(self._last.items()) if (gaps := self._of(of).gaps(last))
        ]
        imported.held = [
            HeldOf(agent=of[0], incarnation=of[1], held=tuple(held))
            for of, held in sorted(self._held.items())
            if held.last
        ]
        return imported

    def _take(self, file: Path, bundle: Bundle) -> Taken:
        header = bundle.header
        of = header.agent, header.incarnation
        held = self._of(of)
        if all(held.covers(first, last) for first, last in header.sequences):
            taken = Taken(file, header, 0, header.batches)
        else:
            bundle.check(self._progress)
            with Bundle(file) as again:
                if again.header != header:
                    raise WireError(f"{file}: was replaced while it was read. Import it again")
                new = 0
                for name, payload in again.batches():
                    self._progress(len(payload))
                    if name.sequence not in held:
                        self._spool.send(name, payload)
                        held.add(name.sequence, name.sequence)
                        new += 1
            taken = Taken(file, header, new, header.batches - new)
        self._hear(bundle.heartbeat)
        known = 0 if bundle.heartbeat is None else bundle.heartbeat.sequence
        self._last[of] = max(self._last.get(of, 0), held.last, known)
        return taken

    def _of(self, of: Of) -> Intervals:
        return self._held.setdefault(of, Intervals())

    def _hear(self, heartbeat: Heartbeat | None) -> None:
        if heartbeat is not None and is_newer(heartbeat, self._heard.get(heartbeat.agent)):
            self._spool.beat(heartbeat)
            self._heard[heartbeat.agent] = heartbeat


def is_newer(heartbeat: Heartbeat, known: Heartbeat | None) -> bool:
    """Whether a heartbeat says more than one known: by sequence first, as its agent's clock may be set back."""
    if known is None:
        return True
    if heartbeat.incarnation != known.incarnation:
        return heartbeat.at > known.at
    return (heartbeat.sequence, heartbeat.at) > (known.sequence, known.at)
