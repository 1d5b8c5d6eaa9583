"""Hour files: the cells of one hour in Parquet, compressed with zstd, readable by polars or DuckDB.

A file names its version in its metadata (`pharmapulse.cells`). A reader takes its own version and the one
before, and refuses any other with a StoreError that names the file and both versions. Version 1 is the first.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from domain.cells import CELLS_VERSION, SCHEMA, add
from domain.errors import StoreError
from domain.redact import lettered
from store.files import sync_file
from store.manifest import Part

HOUR = 3_600
READABLE = (CELLS_VERSION - 1, CELLS_VERSION)
_VERSION_KEY = "pharmapulse.cells"
_ROWS_IN_GROUP = 50_000


def split_by_hour(cells: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Cells by the start of their hour, cells of one key added, sorted."""
    summed = add([cells]).with_columns((pl.col("bucket") // HOUR * HOUR).alias("hour"))
    return {
        int(str(key[0])): frame for key, frame in summed.partition_by("hour", include_key=False, as_dict=True).items()
    }


def write_part(folder: Path, hour: int, cells: pl.DataFrame) -> Part:
    """Write the cells of one hour, sorted by bucket, as a new synced file; it counts once the manifest lists it.

    Raises OSError, PolarsError. Its directory is synced by whoever lists it.
    """
    begin = datetime.fromtimestamp(hour, UTC).strftime("%Y-%m-%dT%HZ")
    name = f"{begin}.{lettered(secrets.token_bytes(6))}.parquet"
    try:
        cells.write_parquet(
            folder / name,
            compression="zstd",
            row_group_size=_ROWS_IN_GROUP,
            metadata={_VERSION_KEY: str(CELLS_VERSION)},
        )
        sync_file(folder / name)
    except BaseException:
        # What was begun on a full disk must not take the room that others still find there.
        (folder / name).unlink(missing_ok=True)
        raise
    first, last = cells.select(pl.col("bucket").min().alias("first"), pl.col("bucket").max().alias("last")).row(0)
    return Part(hour, name, int(first), int(last), len(cells))


def check_version(path: Path) -> None:
    """Raise StoreError unless this program reads the hour file."""
    try:
        version = pl.read_parquet_metadata(path).get(_VERSION_KEY, "none")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"{path}: this hour file cannot be read: {error}. Restore it from the backup") from error
    if version not in map(str, READABLE):
        raise StoreError(
            f"{path}: an hour file of version {version}, and this program reads {' and '.join(map(str, READABLE))}. "
            "Use the release that wrote it, or one between"
        )


def read_parts(paths: Sequence[Path], start: int, end: int) -> pl.DataFrame:
    """The cells of some hour files in the buckets from `start` up to but not including `end`. Raises PolarsError."""
    if not paths:
        return SCHEMA.to_frame()
    within = pl.col("bucket").is_between(start, end, closed="left")
    return pl.scan_parquet(list(paths), glob=False).filter(within).collect()
