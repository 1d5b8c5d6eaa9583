"""What waits in an outbox, put into bundles that somebody carries.

Flows in: batches that wait, the newest heartbeat. Flows out: files, and which batches are in them.

A bundle is whole on its disk before its batches are marked: killed between the two, they are in the next one, too, and
the collector knows them by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from domain.batch import Heartbeat
from domain.carried import BundleHeader, Kept, bundle_name, spans
from domain.errors import StoreError
from transport.bundle import BATCH_FRAME_BYTES, frame_bytes, write_bundle
from transport.whole import remove_unfinished


class Desk(Protocol):
    """Where batches are taken from: `store.carrying.Carrying`."""

    agent: str
    incarnation: str

    def waiting(self) -> Sequence[Kept]:
        """The batches that nobody took yet, in order."""
        ...

    def unconfirmed(self) -> Sequence[Kept]:
        """The batches that were exported and of which no receipt came, in order."""
        ...

    def read(self, sequence: int) -> bytes | None:
        """One batch; None where it was handed over and dropped meanwhile."""
        ...

    def exported(self, batches: Iterable[Kept]) -> None:
        """These are in a bundle that is there durably."""
        ...

    def drop_unconfirmed(self) -> Sequence[Kept]:
        """Keep the bound of exported batches; what had to be dropped."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where bundles go: into a folder, each under its own name, or one into `file`; none larger if that can be."""

    folder: Path
    file: str
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Written:
    """A bundle that was written: its file, its size, what it holds."""

    file: Path
    bytes: int
    header: BundleHeader


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of an export: bundles, batches that wait still, what of earlier exports was dropped for its age."""

    bundles: Sequence[Written]
    waiting: Sequence[Kept]
    dropped: Sequence[Kept]


def split(batches: Sequence[Kept], most_bytes: int) -> list[list[Kept]]:
    """Batches in runs of at most so many bytes with their frames; one that has more by itself is a run of its own."""
    runs: list[list[Kept]] = []
    left = 0
    for batch in batches:
        size = batch.bytes + BATCH_FRAME_BYTES
        if not runs or size > left:
            runs.append([])
            left = most_bytes
        runs[-1].append(batch)
        left -= size
    return runs


def export(
    desk: Desk,
    heartbeat: Heartbeat | None,
    target: Target,
    now: Callable[[], float],
    *,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Exported:
    """Write what waits into bundles, with `again` also what was exported and is not confirmed.

    `heartbeat` was read before: all it speaks of is here by now. Without batches it travels alone. `progress` is told
    how many bytes of how many are written. Raises StoreError, TransportError; the bundles written until then count.
    """
    remove_unfinished(target.folder, f"{desk.agent}.")
    waiting = list(desk.waiting())
    batches = sorted([*waiting, *desk.unconfirmed()], key=lambda batch: batch.sequence) if again else waiting
    dropped = () if again else desk.drop_unconfirmed()
    runs = split(batches, target.most_bytes - frame_bytes(heartbeat))
    if not runs and heartbeat is not None:
        runs = [[]]
    if target.file:
        del runs[1:]
    total, done = sum(batch.bytes for run in runs for batch in run), 0
    written: list[Written] = []
    for run in runs:
        header = _header(desk, run, now())
        path = target.folder / (target.file or bundle_name(header))
        written.append(Written(path, write_bundle(path, header, heartbeat, _payloads(desk, run)), header))
        desk.exported(run)
        done += header.bytes
        progress(done, total)
    taken = {batch.sequence for run in runs for batch in run}
    return Exported(written, [batch for batch in waiting if batch.sequence not in taken], dropped)


def _header(desk: Desk, run: Sequence[Kept], now: float) -> BundleHeader:
    return BundleHeader(
        agent=desk.agent,
        incarnation=desk.incarnation,
        made=now,
        sequences=spans([batch.sequence for batch in run]),
        batches=len(run),
        bytes=sum(batch.bytes for batch in run),
    )


def _payloads(desk: Desk, run: Sequence[Kept]) -> Iterator[tuple[int, bytes]]:
    for batch in run:
        payload = desk.read(batch.sequence)
        if payload is None:
            raise StoreError(f"batch {batch.sequence} was handed over meanwhile and dropped: export again")
        yield batch.sequence, payload
