"""A picture of a measuring point for messages: calls and technical failures now, beside last week, in a PNG.

Drawn by rrdtool out of a file of its own, in a directory that is removed again: the open present is in no series
file. What is drawn are calls a minute, over half a minute where the rows are of 10 s.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import rrdtool

from domain.errors import SeriesError
from domain.series import Rows, SeriesKey, Values, floor_bucket
from rrd.present import Snapshot

WIDTH, HEIGHT = 800, 380
_SMOOTH = 3  # rows of 10 s that are drawn as one
_AT_ONCE = 500
# What fits into the width, in letters.
_LONGEST_TITLE, _LONGEST_LINE = 70, 76
_MOST_LINES = 2  # of a mark's words
_INDENT = "   "  # as wide as the legend's sign
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that is marked with an upright line, and its words."""

    time: float
    words: str


def window(since: float, end: float) -> tuple[int, int]:
    """Start and step of a picture up to `end` that shows what began at `since` with some time before it."""
    span = max(1_500.0, (end - since) * 1.5 + 600)
    step = 10 if span <= 3 * 3_600 else 60 if span <= 86_400 else 300
    return int((end - span) // step) * step, step


def picture(snapshot: Snapshot, series: SeriesKey, title: str, since: float, marks: Sequence[Mark]) -> bytes:
    """The PNG of a series around what began at `since`. Raises SeriesError."""
    end_of_all = snapshot.now if snapshot.complete_up_to is None else snapshot.complete_up_to
    start, step = window(since, end_of_all)
    end = floor_bucket(end_of_all, step, snapshot.zone)
    now = snapshot.read(series, step, start, end)
    # Rows of 10 s are kept two days: last week's come by the minute.
    coarse = max(60, step)
    begin = start // coarse * coarse
    week = snapshot.compared_rows(series, coarse, begin, -(-end // coarse) * coarse, "last week")
    lines = {
        "calls": _rates(now.column("calls"), step),
        "failed": _rates(now.column("technical"), step),
        "week": _spread(week, now),
    }
    return draw(start, step, lines, title, marks, snapshot.zone)


def _rates(counts: Values, step: int) -> Values:
    """Calls a minute; of rows of 10 s the mean of the last half minute."""
    rates = counts * 60 / step
    if step != 10 or len(rates) < _SMOOTH:
        return rates
    smooth = rates.copy()
    smooth[_SMOOTH - 1 :] = np.convolve(rates, np.full(_SMOOTH, 1 / _SMOOTH), "valid")
    return smooth


def _spread(coarse: Rows, axis: Rows) -> Values:
    """Coarse rows as calls a minute at each row of a finer axis, joined by straight lines."""
    if not len(coarse.values) or not len(axis.values):
        return np.full(len(axis.values), np.nan)
    rates = coarse.column("calls") * 60 / coarse.step
    known = ~np.isnan(rates)
    if not known.any():
        return np.full(len(axis.values), np.nan)
    middles = coarse.times + coarse.step / 2
    times = axis.times + axis.step / 2
    drawn = np.interp(times, middles[known], rates[known])
    places = np.clip((axis.times - coarse.start) // coarse.step, 0, len(rates) - 1)
    return np.where(known[places], drawn, np.nan)


def draw(start: int, step: int, lines: dict[str, Values], title: str, marks: Sequence[Mark], zone: ZoneInfo) -> bytes:
    """A PNG of values a minute from `start` on. Raises SeriesError."""
    with tempfile.TemporaryDirectory(prefix="pharmapulse-graph-") as directory:
        try:
            file, out = f"{directory}/graph.rrd", Path(directory) / "graph.png"
            _fill(file, start, step, lines)
            end = start + step * len(lines["calls"])
            told = _drawn(file, marks, _when(end, zone), step)
            # A process of its own: its drawing is not made for threads, and takes the zone from its environment.
            subprocess.run(  # noqa: S603 (no shell; titles are arguments of their own)
                [_program(), "graph", str(out), *_options(start, end, title), *told],
                env={**os.environ, "TZ": zone.key, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=_PATIENCE_SECONDS,
            )  # fmt: skip
            return out.read_bytes()
        except subprocess.CalledProcessError as error:
            raise SeriesError(f"the picture could not be drawn: {str(error.stderr).strip()}") from error
        except (rrdtool.OperationalError, OSError, subprocess.TimeoutExpired) as error:
            raise SeriesError(f"the picture could not be drawn: {error}") from error


def _program() -> str:
    found = shutil.which("rrdtool")
    if found is None:
        raise SeriesError("the picture could not be drawn: there is no rrdtool. Install Debian's package rrdtool")
    return found


def _fill(file: str, start: int, step: int, lines: dict[str, Values]) -> None:
    sources = [f"DS:{name}:GAUGE:{step}:0:U" for name in lines]
    count = len(lines["calls"])
    rrdtool.create(file, "--start", str(start), "--step", str(step), *sources, f"RRA:AVERAGE:0.5:1:{count + 1}")
    columns = np.column_stack(list(lines.values()))
    updates = [
        ":".join([str(start + (place + 1) * step), *("U" if np.isnan(value) else f"{value:.3f}" for value in row)])
        for place, row in enumerate(columns)
    ]
    for at in range(0, count, _AT_ONCE):
        rrdtool.update(file, *updates[at : at + _AT_ONCE])


def _options(start: int, end: int, title: str) -> list[str]:
    shown = _cut(title, _LONGEST_TITLE)
    return [
        "--start", str(start), "--end", str(end), "--width", str(WIDTH), "--height", str(HEIGHT),
        "--full-size-mode", "--imgformat", "PNG", "--title", shown, "--vertical-label", "calls a minute",
        "--lower-limit", "0", "--alt-autoscale-max", "--units-exponent", "0", "--slope-mode", "--border", "0",
        "--font", "DEFAULT:12:DejaVu Sans", "--font", "TITLE:15:DejaVu Sans", "--font", "WATERMARK:1",
        "--color", "BACK#ffffff", "--color", "CANVAS#ffffff", "--color", "GRID#e4e7ec", "--color", "MGRID#b9c0ca",
        "--color", "FRAME#8a94a3", "--color", "AXIS#39424e", "--color", "ARROW#39424e", "--color", "FONT#1b222c",
        "--disable-rrdtool-tag",
    ]  # fmt: skip


def _drawn(file: str, marks: Sequence[Mark], when: str, step: int) -> list[str]:
    drawn = [f"DEF:{name}={file}:{name}:AVERAGE" for name in ("calls", "failed", "week")]
    drawn += [
        "AREA:failed#d9480f66",
        "LINE2:week#8a94a3: last week (dashed)   :dashes=6,4",
        "LINE2:calls#1663b8: calls now   ",
        "LINE2:failed#c92a2a: technical failures (filled)\\l",
    ]
    for mark in marks:
        # The words stand in the legend: librrd writes none beside the line.
        first, *more = mark_lines(mark)
        drawn.append(f"VRULE:{int(mark.time // step * step)}#1b222c: {_legend(first)}\\l:dashes=2,3")
        drawn += [f"COMMENT:{_INDENT}{_legend(line)}\\l" for line in more]
    drawn.append(f"COMMENT:{_legend(when)}\\l")
    return drawn


def mark_lines(mark: Mark) -> list[str]:
    """A mark's words, as lines that fit into the width."""
    return textwrap.wrap(mark.words, _LONGEST_LINE, max_lines=_MOST_LINES, placeholder=" …") or [""]


def _when(end: int, zone: ZoneInfo) -> str:
    local = datetime.fromtimestamp(end, zone)
    return f"up to {local:%a} {local.day} {local:%b %Y %H:%M:%S}, times of {zone.key}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _legend(text: str) -> str:
    """Text for a legend, where a colon and a backslash have a meaning."""
    return text.replace("\\", "/").replace(":", "\\:")
