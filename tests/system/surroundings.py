"""What a soak is surrounded by: the logs' writer, a broker, a disk that may be full; and what was booked of it all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import polars as pl

from store.ledger import open_ledger
from tests.services.rabbitmq import PROGRAMS, OwnRabbit
from tests.system.writing import CELLS, KEYS, Plan

# What an outbox keeps of batches that were delivered, and as much again for those that wait.
DISK = "256m"


@contextmanager
def disk_of_its_own(place: Path) -> Iterator[None]:
    """A small disk, which one may fill without harm: in memory, for whoever may mount one (root)."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextmanager
def broker(folder: Path) -> Iterator[OwnRabbit]:
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    folder.mkdir()
    rabbit = OwnRabbit(program, folder)
    try:
        rabbit.start()
        yield rabbit
    finally:
        rabbit.close()


@contextmanager
def writer(folder: Path, plan: Plan) -> Iterator[subprocess.Popen[bytes]]:
    """The process that writes the logs."""
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.system.writing", str(folder / "plan.json")], stdin=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def booked(ledger_directory: Path) -> pl.DataFrame:
    """All that a ledger holds, added over what the writer does not know: side and bin."""
    with closing(open_ledger(ledger_directory)) as ledger:
        span = ledger.span() or (0, 0)
        hours = range(span[0] // 3_600 * 3_600, span[1] + 1, 3_600)
        cells = [_totals(ledger.cells(hour, hour + 3_600)) for hour in hours]
    return pl.concat([CELLS.to_frame(), *cells]).sort(CELLS.names())


def _totals(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells added over what the writer does not know: side and bin."""
    by = ["bucket", *KEYS, "class"]
    totals = pl.col("calls").sum(), pl.col("sum_us").sum(), pl.col("max_us").max()
    return cells.group_by(by).agg(*totals).select(pl.col(name).cast(of) for name, of in CELLS.items())
