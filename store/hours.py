"""Hour files: the rows of one kind and hour in Parquet, compressed with zstd, readable by polars or DuckDB.

A file names its version in its metadata (`pharmapulse.cells`, `pharmapulse.gauges`, `pharmapulse.sketches`). A reader
takes its own version and the one before, and refuses any other with a StoreError that names the file and both
versions. Version 1 is the first of each.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from domain.errors import StoreError
from domain.redact import lettered
from store.files import sync_directory, sync_file
from store.kinds import KINDS, Kind
from store.manifest import Part

HOUR = 3_600
_ROWS_IN_GROUP = 50_000
_BY_NAME = {kind.name: kind for kind in KINDS}


class HourFiles:
    """The folders of hour files of a ledger. A file counts once the manifest lists it."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError."""
        self._folders = {kind.name: directory / kind.folder for kind in KINDS}
        for folder in self._folders.values():
            folder.mkdir(parents=True, exist_ok=True)

    def check(self, listed: Mapping[str, Part]) -> None:
        """Remove files that are not listed, and look at the versions of those that are. Raises OSError, StoreError."""
        for kind, folder in self._folders.items():
            wanted = {name for name, part in listed.items() if part.kind == kind}
            there = {path.name: path for path in folder.iterdir()}
            for name, path in there.items():
                if name not in wanted:
                    path.unlink()
            if missing := sorted(wanted - there.keys()):
                raise StoreError(
                    f"{folder}: {len(missing)} hour files are missing, the first {missing[0]}. "
                    "Restore them from the backup"
                )
            for name in wanted:
                _check_version(there[name], _BY_NAME[kind])

    def path(self, part: Part) -> Path:
        """Where a part is."""
        return self._folders[part.kind] / part.file

    def read(self, kind: Kind, parts: Iterable[Part], start: int, end: int) -> pl.DataFrame:
        """The rows of some parts that begin from `start` up to but not including `end`. Raises PolarsError."""
        paths = [self.path(part) for part in parts]
        if not paths:
            return kind.schema.to_frame()
        return pl.scan_parquet(paths, glob=False).filter(kind.within(start, end)).collect()

    def write(self, kind: Kind, hour: int, rows: pl.DataFrame) -> Part:
        """Write the rows of one hour, sorted by time, as a new synced file. Raises OSError, PolarsError."""
        begin = datetime.fromtimestamp(hour, UTC).strftime("%Y-%m-%dT%HZ")
        path = self._folders[kind.name] / f"{begin}.{lettered(secrets.token_bytes(6))}.parquet"
        try:
            rows.write_parquet(
                path,
                compression="zstd",
                row_group_size=_ROWS_IN_GROUP,
                metadata={_version_key(kind): str(kind.version)},
            )
            sync_file(path)
        except BaseException:
            # What was begun on a full disk must not take the room that others still find there.
            path.unlink(missing_ok=True)
            raise
        first, last = kind.span(rows)
        return Part(hour, path.name, first, last, len(rows), kind.name)

    @contextmanager
    def adding(self) -> Iterator[list[Part]]:
        """A list for the parts that are written inside. Their names are durable at the end.

        The files of an attempt that an error ends are removed: the next writes others.
        """
        new: list[Part] = []
        try:
            yield new
            for name in {part.kind for part in new}:
                sync_directory(self._folders[name])
        except BaseException:
            for part in new:
                self.path(part).unlink(missing_ok=True)
            raise

    def merge(self, kind: Kind, hour: int, parts: Sequence[Part], more: pl.DataFrame) -> Part:
        """One part of an hour's parts and some more of its rows. Raises OSError, PolarsError."""
        old = self.read(kind, parts, hour, hour + HOUR)
        return self.write(kind, hour, split_by_hour(kind, [old, more])[hour])


def split_by_hour(kind: Kind, frames: Sequence[pl.DataFrame]) -> dict[int, pl.DataFrame]:
    """Rows by the start of their hour, rows of one key added, sorted."""
    if all(frame.is_empty() for frame in frames):
        return {}
    hours = (pl.col(kind.time) // HOUR * HOUR).alias("of hour")
    summed = kind.add(frames).with_columns(hours)
    parts = summed.partition_by("of hour", include_key=False, as_dict=True)
    return {int(str(key[0])): frame for key, frame in parts.items()}


def _version_key(kind: Kind) -> str:
    return f"pharmapulse.{kind.name}"


def _check_version(path: Path, kind: Kind) -> None:
    """Raise StoreError unless this program reads the hour file."""
    try:
        version = pl.read_parquet_metadata(path).get(_version_key(kind), "none")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"{path}: this hour file cannot be read: {error}. Restore it from the backup") from error
    readable = (str(kind.version - 1), str(kind.version))
    if version not in readable:
        raise StoreError(
            f"{path}: an hour file of version {version}, and this program reads {' and '.join(readable)}. "
            "Use the release that wrote it, or one between"
        )
