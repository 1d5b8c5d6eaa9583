"""The batches that arrived and are not compacted yet: one synced file each, named by what makes it unique."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from domain.batch import BatchName
from domain.cells import BUCKET_SECONDS
from domain.errors import WireError
from domain.wire import decode_batch
from store.files import write_durably

SUFFIX = ".ppb"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ArrivedBatch:
    """A batch's file, the buckets it touches (`end` exclusive; equal where it has no cells) and its cells' number."""

    path: Path
    start: int
    end: int
    cells: int

    def read(self) -> pl.DataFrame:
        """Its cells. Raises OSError, WireError."""
        return decode_batch(self.path.read_bytes()).cells


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
                self._index[name] = _describe(path, decode_batch(path.read_bytes()).cells)
            except WireError as error:
                path.replace(self._bad / path.name)
                _log.error("set aside %s: %s. Have its agent send that batch again", self._bad / path.name, error)

    def __contains__(self, name: BatchName) -> bool:
        return name in self._index

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[BatchName]:
        return iter(self._index)

    def keep(self, name: BatchName, payload: bytes, cells: pl.DataFrame) -> None:
        """Keep a batch durably. Raises OSError; then it is not in the index, and keeping it again is harmless."""
        path = self._folder / f"{name}{SUFFIX}"
        write_durably(path, payload, self._aside)
        self._index[name] = _describe(path, cells)

    def batches(self, start: int | None = None, end: int | None = None) -> Sequence[ArrivedBatch]:
        """The batches with a bucket from `start` up to but not including `end`."""
        return [
            batch
            for batch in self._index.values()
            if batch.cells and (start is None or batch.end > start) and (end is None or batch.start < end)
        ]

    def get(self, name: BatchName) -> ArrivedBatch:
        """One batch that is in the index."""
        return self._index[name]

    def forget(self, names: Iterable[BatchName]) -> Sequence[Path]:
        """Take batches out of the index; their files, which are to be removed once nobody reads them."""
        return [self._index.pop(name).path for name in names]


def _describe(path: Path, cells: pl.DataFrame) -> ArrivedBatch:
    if cells.is_empty():
        return ArrivedBatch(path, 0, 0, 0)
    first, last = cells.select(pl.col("bucket").min().alias("first"), pl.col("bucket").max().alias("last")).row(0)
    return ArrivedBatch(path, int(first), int(last) + BUCKET_SECONDS, len(cells))
