"""The batches that arrived and are not compacted yet: one synced file each, named by what makes it unique."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.batch import BatchName, Counts
from domain.errors import WireError
from domain.wire import decode_batch
from store.files import write_durably
from store.kinds import KINDS, Kind

SUFFIX = ".ppb"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extent:
    """The time that some rows cover, `end` exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ArrivedBatch:
    """A batch's file, how many rows it has in all, and what those of each kind cover that it has."""

    path: Path
    rows: int
    extents: Mapping[str, Extent]

    def read(self) -> Counts:
        """What was counted. Raises OSError, WireError."""
        return decode_batch(self.path.read_bytes()).counts


def pieces(batches: Iterable[ArrivedBatch], rows: int) -> Iterator[Sequence[ArrivedBatch]]:
    """Those that have rows, so many at a time that they have about `rows` together."""
    piece: list[ArrivedBatch] = []
    for batch in batches:
        if batch.rows:
            piece.append(batch)
        if sum(one.rows for one in piece) >= rows:
            yield piece
            piece = []
    if piece:
        yield piece


class Arrived:
    """The folder of arrived batches and an index of it."""

    def __init__(self, folder: Path, aside: Path, bad: Path) -> None:
        self._folder, self._aside, self._bad = folder, aside, bad
        self._index: dict[BatchName, ArrivedBatch] = {}

    def load(self, compacted: Container[BatchName]) -> None:
        """Index the folder, removing what compaction left behind.

        A file that cannot be read any more is set aside, so that its agent can send that batch again.
        Raises OSError.
        """
        for path in sorted(self._folder.iterdir()):
            try:
                name = BatchName.parse(path.name.removesuffix(SUFFIX))
                if name in compacted:
                    path.unlink()
                    continue
                self._index[name] = _describe(path, decode_batch(path.read_bytes()).counts)
            except WireError as error:
                path.replace(self._bad / path.name)
                _log.error("set aside %s: %s. Have its agent send that batch again", self._bad / path.name, error)

    def __contains__(self, name: BatchName) -> bool:
        return name in self._index

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[BatchName]:
        return iter(self._index)

    def keep(self, name: BatchName, payload: bytes, counts: Counts) -> None:
        """Keep a batch durably. Raises OSError; then it is not in the index, and keeping it again is harmless."""
        path = self._folder / f"{name}{SUFFIX}"
        write_durably(path, payload, self._aside)
        self._index[name] = _describe(path, counts)

    def batches(self) -> Sequence[ArrivedBatch]:
        """All batches."""
        return list(self._index.values())

    def batches_with(self, kind: Kind, start: int, end: int) -> Sequence[ArrivedBatch]:
        """The batches with a row of a kind in the time from `start` up to but not including `end`."""
        found = []
        for batch in self._index.values():
            extent = batch.extents.get(kind.name)
            if extent is not None and extent.end > start and extent.start < end:
                found.append(batch)
        return found

    def get(self, name: BatchName) -> ArrivedBatch:
        """One batch that is in the index."""
        return self._index[name]

    def forget(self, names: Iterable[BatchName]) -> Sequence[Path]:
        """Take batches out of the index; their files, which are to be removed once nobody reads them."""
        return [self._index.pop(name).path for name in names]


def _describe(path: Path, counts: Counts) -> ArrivedBatch:
    rows, extents = 0, {}
    for kind in KINDS:
        frame = kind.of(counts)
        if not frame.is_empty():
            first, last = kind.span(frame)
            extents[kind.name] = Extent(first, last + kind.seconds)
            rows += len(frame)
    return ArrivedBatch(path, rows, extents)
