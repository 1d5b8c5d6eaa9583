"""Which batches a ledger holds, read beside the collector that has it.

Flows out: the set of sequences of each incarnation.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from domain.batch import BatchName
from domain.errors import StoreError, WireError
from store.arrived import SUFFIX
from store.intervals import Intervals
from store.manifest import VERSION
from store.sqlite import stored

Held = dict[tuple[str, str], Intervals]


def held_by(directory: Path, spool: Path) -> Held:
    """What the ledger in `directory` holds, or will once it has booked what waits in the spool. Raises StoreError.

    Each batch goes from the spool to the arrived to the hour files: looked at in that order, none is missed.
    """
    held: Held = {}
    waiting = spool / "batches"
    with stored(waiting):
        if waiting.exists():
            add_names(held, waiting)
    arrived, manifest = directory / "arrived", directory / "manifest.sqlite"
    with stored(directory):
        if arrived.exists():
            add_names(held, arrived)
    if not manifest.exists():
        return held
    with stored(manifest), closing(sqlite3.connect(f"{manifest.absolute().as_uri()}?mode=ro", uri=True)) as database:
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise StoreError(f"{manifest}: this file has version {version}, and this program reads up to {VERSION}")
        if version:  # 0: the collector is just making it
            for agent, incarnation, first, last in database.execute(
                "SELECT agent, incarnation, first, last FROM held"
            ).fetchall():
                held.setdefault((agent, incarnation), Intervals()).add(first, last)
    return held


def add_names(held: Held, folder: Path) -> None:
    """Add the batches whose files are in a folder. Raises OSError."""
    for path in folder.iterdir():
        try:
            name = BatchName.parse(path.name.removesuffix(SUFFIX))
        except WireError:
            continue  # its owner sets it aside
        held.setdefault((name.agent, name.incarnation), Intervals()).add(name.sequence, name.sequence)
