"""`make bench-rrd`: the series store's figures, beside those of librrd's own update on the same machine."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import rrdtool

from domain.series import DAY, FAMILIES, FIVE_SOURCES, SOURCES, Rows, SeriesKey
from rrd.store import RrdSeriesStore

START = 1_700_006_400 // DAY * DAY
STEP = 300
UPDATES_A_CALL = 250

Item = TypeVar("Item")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-rrd ARGS=", description=__doc__)
    parser.add_argument("--series", type=int, default=6_000, help="series of one bucket (default 6,000)")
    parser.add_argument("--json", action="store_true", help="for a machine to read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pharmapulse-bench-") as directory:
        figures = {
            **_history(Path(directory) / "history"),
            **_bucket(Path(directory) / "bucket", options.series),
        }
    if options.json:
        print(json.dumps({name: round(value, 6) for name, value in figures.items()}, indent=1))  # noqa: T201
    else:
        for name, value in figures.items():
            print(f"{name:62}{value:>16,.6f}" if value < 100 else f"{name:62}{value:>16,.0f}")  # noqa: T201
    return 0


def _cpu(work: Callable[[Item], object], over: Sequence[Item]) -> float:
    """The processor seconds of `work` over each item."""
    begin = time.process_time()
    for item in over:
        work(item)
    return time.process_time() - begin


def _rows(start: int, count: int, sources: tuple[str, ...]) -> Rows:
    values = np.random.default_rng(start % 1_000_003).integers(0, 10**6, (count, len(sources)))
    return Rows(start, STEP, sources, values.astype(np.float64))


def _history(root: Path) -> dict[str, float]:
    """Thirteen months at 5 min of eight sources, into new files and through librrd; a day and a year read."""
    store = RrdSeriesStore(root)
    count = FAMILIES["hub"].days[STEP] * DAY // STEP
    rows = _rows(START, count, SOURCES)
    series = [SeriesKey("hub", (f"h{number}",)) for number in range(5)]
    ours = _cpu(lambda key: store.write(key, rows), series) / 5
    path = str(root / "librrd.rrd")
    sources = [f"DS:{source}:GAUGE:{STEP}:U:U" for source in SOURCES]
    rrdtool.create(path, "--start", str(START), "--step", str(STEP), *sources, f"RRA:AVERAGE:0:1:{count}")
    updates = [
        f"{end}:" + ":".join(map(str, map(int, values)))
        for end, values in zip(range(START + STEP, rows.end + 1, STEP), rows.values.tolist(), strict=True)
    ]
    calls = [updates[at : at + UPDATES_A_CALL] for at in range(0, count, UPDATES_A_CALL)]
    librrd = _cpu(lambda call: rrdtool.update(path, "--skip-past-updates", *call), calls)
    hub = series[0]
    day = _cpu(lambda _: store.read(hub, STEP, rows.end - DAY, rows.end), range(200)) / 200
    everything = _cpu(lambda _: store.read(hub, STEP, START, rows.end), range(5)) / 5
    hour = _rows(rows.end - DAY, 12, SOURCES)
    late = _cpu(lambda _: store.rewrite(hub, hour), range(10)) / 10
    return {
        "history, rows of eight sources per CPU-second": count / ours,
        "the same by librrd's update, text made beforehand": count / librrd,
        f"an hour rewritten in a file of {count:,} rows, CPU seconds": late,
        "a day at 5 min read, CPU seconds": day,
        f"{count:,} rows read, CPU seconds": everything,
    }


def _bucket(root: Path, series: int) -> dict[str, float]:
    """One bucket of many series: made, then the next one appended, by us and by librrd."""
    store = RrdSeriesStore(root)
    keys = [SeriesKey("pharmacy", (f"{number:08d}",)) for number in range(series)]
    first = _rows(START, 1, FIVE_SOURCES)
    created = _cpu(lambda key: store.write(key, first), keys)
    following = _rows(START + STEP, 1, FIVE_SOURCES)
    appended = _cpu(lambda key: store.write(key, following), keys)
    paths = [str(root / "pharmacy" / key.key[0] / f"{STEP}.rrd") for key in keys]
    update = f"{START + 3 * STEP}:123456:12:0:12345:123456"
    librrd = _cpu(lambda path: rrdtool.update(path, update), paths)
    return {
        f"files of {series:,} new series made, CPU seconds": created,
        f"one bucket of {series:,} series, CPU seconds": appended,
        "the same by librrd's update": librrd,
    }


if __name__ == "__main__":
    sys.exit(main())
