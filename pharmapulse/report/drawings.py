"""The report's drawings: lines over time as on the dashboard's pages, bars of our own. SVG without script or style."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.axes import decade_ticks, time_ticks, value_ticks
from dashboard.drawing import Frame, Stroke, draw
from domain.bins import EDGES
from logwatch.timeline import Counts, Step, Timeline

MOST_STEPS = 240
_WIDE, _NARROW = (1080, 240, 10), (350, 220, 4)
_ROOM = 1.05
_MOST_BARS = 48
_FEWEST_STEPS, _FEW_CALLS, _LEAST_CALLS = 2, 100, 10


@dataclass(frozen=True, slots=True)
class Drawing:
    """One chart: its title and a word on it, drawn for wide screens and for phones, and what its lines are."""

    title: str
    note: str
    wide: str
    narrow: str
    legend: tuple[tuple[str, str], ...] = ()


Points = list[tuple[float, float | None]]


def over_time(timeline: Timeline, zone: ZoneInfo) -> list[Drawing]:
    """Calls, failures and latency over time; those of which there is nothing to see are left out."""
    step, steps, _ = timeline.steps(MOST_STEPS)
    if len(steps) < _FEWEST_STEPS:
        return []
    each = duration_words(step)
    calls: Points = [(one.start, one.calls * 60 / step) for one in steps]
    found = [
        _lines(
            "Calls a minute",
            f"each point is {each}",
            [("now", "calls", calls)],
            step,
            zone,
            lambda value: f"{value:,g}",
        )
    ]
    # Shares and quantiles of a handful of calls say nothing: their steps are as long as they need.
    most = max(min(MOST_STEPS, sum(one.calls for one in steps) // _FEW_CALLS), _FEWEST_STEPS)
    step, steps, _ = timeline.steps(most)
    if len(steps) < _FEWEST_STEPS:
        return found
    each = duration_words(step)
    if any(one.functional or one.technical for one in steps):
        found.append(
            _lines(
                "Failures", f"share of the calls of {each}",
                [
                    ("technical", "technical: a component failed", _shares(steps, lambda one: one.technical)),
                    ("functional", "functional: the caller's doing", _shares(steps, lambda one: one.functional)),
                ],
                step, zone, lambda value: f"{value:g} %",
            )
        )  # fmt: skip
    if any(one.p50_us for one in steps):
        found.append(
            _lines(
                "Latency", f"half and 95 % of the calls of {each} took no longer",
                [
                    ("p50", "p50", [(one.start, _ms(one.p50_us)) for one in steps]),
                    ("p95", "p95", [(one.start, _ms(one.p95_us)) for one in steps]),
                ],
                step, zone, ms_words, logarithmic=True,
            )
        )  # fmt: skip
    return found


def _shares(steps: Sequence[Step], count: Callable[[Step], int]) -> Points:
    least = min(_LEAST_CALLS, max(one.calls for one in steps))
    return [(one.start, count(one) * 100 / one.calls if one.calls >= max(least, 1) else None) for one in steps]


def _ms(micros: int | None) -> float | None:
    return None if micros is None else max(micros / 1_000, 0.01)


def _lines(
    title: str, note: str, lines: Sequence[tuple[str, str, Points]], step: int, zone: ZoneInfo,
    word: Callable[[float], str], *, logarithmic: bool = False,
) -> Drawing:  # fmt: skip
    points = lines[0][2]
    start, end = int(points[0][0]), int(points[-1][0]) + step
    values = [value for _, _, line in lines for _, value in line if value is not None]
    top = max(values, default=0.0)
    ticks = decade_ticks(min(values), max(top, min(values) * 2)) if logarithmic else value_ticks(top * _ROOM)
    places = [math.log10(tick) for tick in ticks] if logarithmic else ticks
    low, high = places[0], places[-1] if logarithmic else max(top * _ROOM, places[-1])

    def place(value: float | None) -> float | None:
        return None if value is None else math.log10(value) if logarithmic else value

    strokes = [Stroke(css, name, [(time, place(value)) for time, value in line]) for css, name, line in lines]

    def drawn(width: int, height: int, most: int) -> str:
        frame = Frame(
            width, height, start, end, low, high, _days_named(time_ticks(start, end, zone, most), zone),
            [(at, word(tick)) for at, tick in zip(places, ticks, strict=True)], f"{title}: {note}",
        )  # fmt: skip
        return draw(frame, strokes)

    legend = tuple((css, name) for css, name, _ in lines) if len(lines) > 1 else ()
    return Drawing(title, note, drawn(*_WIDE), drawn(*_NARROW), legend)


def _days_named(ticks: Sequence[tuple[int, str]], zone: ZoneInfo) -> list[tuple[int, str]]:
    """Where a day begins, its name instead of the hour."""
    return [
        (at, f"{datetime.fromtimestamp(at, zone):%a %d}" if label == "00:00" else label) for at, label in ticks
    ]  # fmt: skip


def histogram(bins: Counts) -> Drawing | None:
    """How many calls took how long; None where no call has a duration."""
    there = np.flatnonzero(bins)
    if not len(there):
        return None
    first, last = int(there[0]), int(there[-1])
    width = max(1, -(-(last - first + 1) // _MOST_BARS))
    sums = [int(bins[at : at + width].sum()) for at in range(first, last + 1, width)]
    edges = [float(EDGES[min(at, len(EDGES) - 1)]) / 1_000 for at in range(first, last + width + 1, width)]
    label = "How long calls took"

    def drawn(size: tuple[int, int, int]) -> str:
        whole, height, most = size
        left, bottom = 8, 22
        step = (whole - 2 * left) / len(sums)
        out = [f'<svg class="chart" viewBox="0 0 {whole} {height}" role="img" aria-label="{label}">']
        for place, count in enumerate(sums):
            tall = (height - bottom - 8) * count / max(sums)
            out.append(
                f'<rect class="bar" x="{left + place * step:.1f}" y="{height - bottom - tall:.1f}" '
                f'width="{max(step - 1, 0.5):.1f}" height="{tall:.1f}"/>'
            )
        every = max(1, round(len(sums) / most))
        out += [
            f'<text x="{left + place * step:.1f}" y="{height - 6}" text-anchor="middle">{ms_words(edges[place])}</text>'
            for place in range(every // 2, len(sums), every)
        ]
        return "".join([*out, "</svg>"])

    return Drawing(label, f"{int(bins.sum()):,} calls that have a duration", drawn(_WIDE), drawn(_NARROW))


def fates(parts: Sequence[tuple[str, int]]) -> str:
    """One bar of all lines, cut by what became of them."""
    total = max(sum(count for _, count in parts), 1)
    words = ", ".join(f"{count:,} {name}" for name, count in parts if count)
    out = [f'<svg class="fates" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label="{words}">']
    at = 0.0
    for name, count in parts:
        wide = count * 1_000 / total
        if count:
            out.append(f'<rect class="{name}" x="{at:.1f}" y="0" width="{max(wide, 1):.1f}" height="14"/>')
        at += wide
    return "".join([*out, "</svg>"])


def bar(share: float) -> str:
    """A short bar for a row of a table."""
    return (
        '<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar" x="0" y="0" width="{max(share * 100, 0.5):.1f}" height="8"/></svg>'
    )


def ms_words(value: float) -> str:
    """Milliseconds as people say them."""
    if value >= 60_000:
        return f"{value / 60_000:.3g} min"
    return f"{value / 1_000:.3g} s" if value >= 1_000 else f"{value:.3g} ms"


def duration_words(seconds: int) -> str:
    """A length of time in words."""
    for size, name in ((7 * 86_400, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds == size:
            return f"an {name}" if name == "hour" else f"a {name}"
        if seconds % size == 0:
            return f"{seconds // size} {name}s"
    return f"{seconds} seconds"
