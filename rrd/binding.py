"""The calls of librrd: a file made, rows appended. Its errors become ours.

Known of it (1.7, tried): an update divides what it multiplied by the step, so a value is exact only below
2^53 / step; after a pause longer than the heartbeat the whole next interval is unknown; a time in the future
blocks every update until then; update and fetch release the GIL and are safe in threads; xport leaks and
graphv crashes in threads, and neither is used.
"""

from __future__ import annotations

from math import isnan

import rrdtool

from domain.errors import SeriesError
from domain.series import Rows
from rrd.archive import Shape


def exact_below(step: int) -> int:
    """Values below this are kept exactly by an update."""
    return 2**53 // step


def create(path: str, shape: Shape, last: int) -> None:
    """Make (or replace) a file in which everything up to `last` is unknown. Raises SeriesError."""
    definitions = [f"DS:{source}:GAUGE:{shape.step}:U:U" for source in shape.sources]
    archive = f"RRA:AVERAGE:0:1:{shape.rows}"  # of one bucket a row, so nothing is ever averaged
    try:
        rrdtool.create(path, "--start", str(last), "--step", str(shape.step), *definitions, archive)
    except rrdtool.OperationalError as error:
        raise SeriesError(f"librrd: {error}") from error


def append(path: str, last: int, rows: Rows) -> None:
    """Append rows, all of them after `last`, the end of the bucket written last. Raises SeriesError.

    Every value is NaN or whole and below `exact_below(step)`. The buckets between are written as unknown, each
    by an update of its own: else the first row would end a pause longer than the heartbeat and be unknown
    itself, and a writer killed on the way could leave the ring's pointer more than one row ahead.
    """
    width = len(rows.sources)
    updates = [_unknown(end, width) for end in range(last + rows.step, rows.start + 1, rows.step)]
    end = rows.start
    for values in rows.values.tolist():
        end += rows.step
        updates.append(f"{end}:" + ":".join(["U" if isnan(value) else str(int(value)) for value in values]))
    _update(path, updates)


def advance(path: str, last: int, width: int) -> None:
    """Make everything after the bucket written last, up to `last`, unknown. Raises SeriesError."""
    _update(path, [_unknown(last, width)])


def _unknown(end: int, width: int) -> str:
    """The update that says that the bucket ending at `end` is unknown."""
    return f"{end}:" + ":".join("U" * width)


def _update(path: str, updates: list[str]) -> None:
    try:
        rrdtool.update(path, "--skip-past-updates", *updates)
    except rrdtool.OperationalError as error:
        raise SeriesError(f"librrd: {error}") from error
