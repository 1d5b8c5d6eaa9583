"""The page of one technical figure: a chart of what the log lines said, and the same in a table. Pure.

A gauge's mean is drawn between its least and its greatest; of a counter what it grew by in each bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.axes import time_ticks, value_ticks
from dashboard.drawing import Frame, Stroke, draw
from dashboard.windows import Window
from domain import figures
from domain.gauges import PER_UNIT
from domain.series import Key, Rows, Values

_WIDE, _NARROW = (1060, 280), (350, 210)
_TABLE_ROWS = 24
# Class, name and source of each line; what is drawn last lies over the others.
_GAUGE = (("week", "the greatest", "max"), ("month", "the least", "min"), ("now", "mean", "mean"))
_COUNTER = (("now", "what it grew by", "last"),)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure ready for the page: its name and unit, two drawings (wide screens, phones), the table's rows."""

    name: str
    unit: str
    beside: str
    note: str
    wide: str
    narrow: str
    legend: tuple[tuple[str, str], ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figure(key: Key, rows: Rows, window: Window, zone: ZoneInfo, now: float) -> Figure:
    """One figure over a window. `key` is one of the family `value`, `rows` are its."""
    hub, source, server, name, unit = key
    unit = "" if unit == "-" else unit
    values = rows.values / PER_UNIT
    known = dict(zip(rows.sources, values.T, strict=True))
    is_counter = bool(np.isnan(known["mean"]).all())
    lines = _COUNTER if is_counter else _GAUGE
    low, high = (float(of(values, initial=0.0)) for of in (np.nanmin, np.nanmax))
    grid = value_ticks(max(high, -low))
    ticks = [-tick for tick in grid[:0:-1] if tick <= -low] + [tick for tick in grid if tick <= max(high, grid[1])]
    strokes = [Stroke(css, text, _points(rows, known[source], window)) for css, text, source in lines]

    def drawn(width: int, height: int) -> str:
        x_ticks = time_ticks(window.start, window.end, zone, width // 110 if width > _NARROW[0] else 5)
        labels = [(tick, f"{tick:,g}") for tick in ticks]
        label = f"{name}{f', {unit}' if unit else ''}: {window.label}"
        bottom, top = min(low, ticks[0]), max(high, ticks[-1]) * 1.001
        return draw(Frame(width, height, window.start, window.end, bottom, top, x_ticks, labels, label), strokes)

    columns = [("growth", known["last"])] if is_counter else [(s, known[s]) for s in ("last", "min", "mean", "max")]
    return Figure(
        name, unit, ", ".join(part for part in (hub, server, source) if part != "-"),
        f"{'growth in' if is_counter else 'of'} {figures.duration(rows.step)}", drawn(*_WIDE), drawn(*_NARROW),
        tuple((css, text) for css, text, _ in lines),
        ("Time", *(f"{heading}{f', {unit}' if unit else ''}" for heading, _ in columns)),
        _table(rows, [column for _, column in columns], zone, now),
    )  # fmt: skip


def _points(rows: Rows, values: Values, window: Window) -> list[tuple[float, float | None]]:
    """What was known in each bucket, at its middle."""
    return [
        (x, None if y != y else y)
        for x, y in zip((rows.times + rows.step / 2).tolist(), values.tolist(), strict=True)
        if window.start <= x <= window.end
    ]


def _table(rows: Rows, columns: list[Values], zone: ZoneInfo, now: float) -> tuple[tuple[str, ...], ...]:
    """The newest rows of which something is known, oldest first."""
    known = np.flatnonzero(~np.isnan(np.column_stack(columns)).all(axis=1))[-_TABLE_ROWS:]
    return tuple(
        (figures.moment(int(rows.times[row]), zone, now), *(_told(column[row]) for column in columns)) for row in known
    )


def _told(value: float) -> str:
    return figures.NONE if value != value else f"{value:,.12g}"
