"""The call of librrd that makes a file. Its errors become ours.

Known of the others (1.7, tried): update and fetch release the GIL and are safe in threads; xport leaks and
graphv crashes in threads; a time in the future blocks every update until then.
"""

from __future__ import annotations

import rrdtool

from domain.errors import SeriesError
from rrd.archive import Shape


def create(path: str, shape: Shape, last: int) -> None:
    """Make (or replace) a file in which everything up to `last`, a multiple of the step, is unknown.

    Raises SeriesError.
    """
    definitions = [f"DS:{source}:GAUGE:{shape.step}:U:U" for source in shape.sources]
    archive = f"RRA:AVERAGE:0:1:{shape.rows}"  # of one bucket a row, so nothing is ever averaged
    try:
        rrdtool.create(path, "--start", str(last), "--step", str(shape.step), *definitions, archive)
    except rrdtool.OperationalError as error:
        # On a full disk librrd says nothing at all.
        raise SeriesError(f"{path}: librrd could not make it: {str(error) or 'is the disk full?'}") from error
