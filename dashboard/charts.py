"""The three charts of a series: calls a minute beside comparable periods, failures, latency.

Everything drawn is also in a table beneath, for whoever cannot see the drawing or wants the figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.axes import decade_ticks, time_ticks, value_ticks
from dashboard.drawing import Frame, Stroke, draw
from dashboard.few import is_few, shown_line
from dashboard.lines import Line, readable_points, thin
from dashboard.marks import Mark, texts
from dashboard.windows import Window
from domain import figures
from domain.calendar import Comparison
from domain.series import FAMILIES, Values

_NARROW_WIDTH, _NARROW_POINTS = 350, 240
_TABLE_ROWS = 24
_SHARE_CALLS, _SHARE_POINTS = 40, 60
_QUANTILE_CALLS = 20
_PAST = 3_600  # seconds ago: what ended before that is not called now
_ROOM = 1.04  # above the highest value
CSS: dict[str, str] = {"last week": "week", "last month": "month", "last year": "year"}


@dataclass(frozen=True, slots=True)
class Legend:
    """A line's name with the class that draws it."""

    css: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready for the page: two drawings (wide screens, phones), legend and table of the same figures."""

    measure: str
    title: str
    note: str
    wide: str
    narrow: str
    legend: tuple[Legend, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What all charts of a page share. Counts under `least` are not told."""

    window: Window
    zone: ZoneInfo
    now: float
    subject: str
    marks: tuple[Mark, ...] = ()
    least: int = 0


def period_label(comparison: Comparison, scene: Scene) -> str:
    """`last week, Mon 16 Nov`; of several days the first and the last."""
    begin, end = scene.window.compared(comparison, scene.zone)
    first, last = (figures.day(time, scene.zone, scene.now) for time in (min(begin, end - 1), end - 1))
    return f"{comparison}, {first}" if first == last else f"{comparison}, {first} – {last}"


def now_label(scene: Scene) -> str:
    """What the line of now is called."""
    if scene.window.name == "today":
        return f"today, {figures.day(scene.now, scene.zone, scene.now)}"
    past = scene.window.end < scene.now - _PAST
    return figures.day(scene.window.start, scene.zone, scene.now) if past else "now"


def calls_chart(scene: Scene, now: Line, compared: dict[Comparison, Line]) -> Chart:
    """Calls a minute, now against what is known of comparable periods."""
    lines = {"now": now} | {CSS[name]: line for name, line in compared.items() if line.known}
    names = {"now": now_label(scene)} | {CSS[name]: period_label(name, scene) for name in compared}
    most = readable_points(lines.values(), scene.window.seconds, scene.window.drawn_points)
    shown = [shown_line(thin(line, most), scene.least) for line in lines.values()]
    top = max((float(np.nanmax(line.per_minute, initial=0.0)) for line in shown if line.known), default=0.0)
    ticks = [(value, f"{value:,g}") for value in value_ticks(top * _ROOM)]

    def strokes(points: int) -> list[Stroke]:
        thinned = {css: shown_line(thin(line, min(points, most)), scene.least) for css, line in lines.items()}
        # Now is drawn last, over the others.
        return [
            Stroke(css, names[css], _points(line.middles, line.per_minute, scene.window))
            for css, line in reversed(thinned.items())
        ]

    wide, narrow = _drawings(scene, "Calls a minute", (1060, 280), (210, strokes), ticks, top * _ROOM)
    drawn = thin(now, most).span
    note = f"a point is the mean of {figures.duration(drawn)}" if drawn > now.span else ""
    slots = {css: _slots(line, scene) for css, line in lines.items()}
    return Chart(
        "calls", "Calls a minute", note, wide, narrow,
        (*(Legend(css, names[css]) for css in lines), *_marked(scene)),
        ("Time", *(names[css] for css in lines)),
        _table(scene, [[figures.rate(value) for value in slot.per_minute] for slot in slots.values()]),
    )  # fmt: skip


def failures_chart(scene: Scene, now: Line) -> Chart:
    """The shares of technical and functional failures."""
    shown = thin(now, max(_SHARE_POINTS, scene.window.drawn_points // 3))
    shares = [_shares(shown, source, scene.least) for source in ("technical", "functional")]
    top = max((value for points in shares for _, value in points if value is not None), default=0.0)
    ticks = [(value, f"{value:g}{figures.NBSP}%") for value in value_ticks(max(top, 1.0) * _ROOM, 3)]

    def strokes(points: int) -> list[Stroke]:
        thinned = thin(now, max(_SHARE_POINTS, points // 3))
        return [Stroke(source, source, _shares(thinned, source, scene.least)) for source in ("functional", "technical")]

    wide, narrow = _drawings(
        scene, "Failures, per cent of the calls", (700, 170), (150, strokes), ticks, max(top, 1.0) * _ROOM
    )
    slot = _slots(now, scene)
    columns = [
        [figures.count(value) for value in slot.column("technical")],
        [figures.percent(value) for value in _ratio(slot, "technical")],
        [figures.count(value) for value in slot.column("functional")],
        [figures.percent(value) for value in _ratio(slot, "functional")],
    ]
    return Chart(
        "failures", "Failures", f"share of the calls; a point holds at least {_SHARE_CALLS}", wide, narrow,
        (Legend("technical", "technical: a component failed"), Legend("functional", "functional: the caller’s doing"),
         *_marked(scene)),
        ("Time", "Technical", "of calls", "Functional", "of calls"), _table(scene, columns),
    )  # fmt: skip


def latency_step(line: Line, family: str, window: Window) -> int:
    """The finest step whose buckets hold calls enough for a quantile, from the line's rate; it draws 24 at least.

    Coarser rows have quantiles of their own, computed from all their calls, so nothing is averaged.
    """
    rate = float(np.nansum(line.column("calls")) / line.seconds.sum()) if line.known else 0.0
    steps = [
        step for step in sorted(FAMILIES[family].days) if line.span <= step <= max(line.span, window.seconds // 24)
    ]
    return next((step for step in steps if step * rate >= _QUANTILE_CALLS), steps[-1])


def latency_chart(scene: Scene, now: Line) -> Chart:
    """p50, p95 and p99 (where kept) in ms, on a logarithmic axis."""
    now = shown_line(now, scene.least)  # before the slowest of each point is taken: not one of a few calls
    kept = tuple(source for source in ("p50", "p95", "p99") if source in now.sources)
    known = np.concatenate([now.column(source) for source in kept])
    known = np.maximum(known[~np.isnan(known)], 1.0) / 1000
    low, high = (float(known.min()), float(known.max())) if len(known) else (10.0, 1000.0)
    ticks = [(math.log10(value), f"{value:,g}{figures.NBSP}ms") for value in decade_ticks(low, high)]

    def strokes(points: int) -> list[Stroke]:
        thinned = thin(now, points)
        return [
            Stroke(source, source, _points(thinned.middles, _log_ms(thinned.column(source)), scene.window))
            for source in kept
        ]

    wide, narrow = _drawings(scene, "Latency, milliseconds", (700, 170), (150, strokes), ticks, ticks[-1][0])
    slot = _slots(now, scene)
    columns = [[figures.millis(value) for value in slot.column(source)] for source in kept]
    drawn = thin(now, scene.window.drawn_points).span
    slowest = f"; a point is the slowest {figures.duration(now.span)} of {figures.duration(drawn)}"
    words = {"p50": "p50: half are faster", "p95": "p95: 19 of 20 are faster", "p99": "p99: 99 of 100 are faster"}
    return Chart(
        "latency", "Latency", f"logarithmic{slowest if drawn > now.span else ''}", wide, narrow,
        (*(Legend(source, words[source]) for source in kept), *_marked(scene)),
        ("Time", *(f"{source}, ms" for source in kept)), _table(scene, columns),
    )  # fmt: skip


def _marked(scene: Scene) -> list[Legend]:
    return [Legend("mark", text) for text in texts(scene.marks)]


def _log_ms(durations: Values) -> Values:
    """The logarithm of durations in µs as milliseconds, from a thousandth of one."""
    logarithms: Values = np.log10(np.maximum(durations, 1.0) / 1000)
    return logarithms


def _points(xs: Values, ys: Values, window: Window) -> list[tuple[float, float | None]]:
    """Points to draw. A coarse point whose middle lies outside the window is left out: it would leave the chart."""
    return [
        (x, None if y != y else y)
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True)
        if window.start <= x <= window.end
    ]


def _shares(line: Line, source: str, least: int) -> list[tuple[float, float | None]]:
    """Per cent of the calls, with neighbouring buckets added until a point holds enough calls to have a share.

    A gap ends a point. Fewer calls than that since the last gap: one point of what there is. No point is made of
    fewer calls or failures than may be told.
    """

    def may_tell(calls: float, failed: float) -> bool:
        return calls > 0 and not is_few(calls, least) and not is_few(failed, least)

    points: list[tuple[float, float | None]] = []
    calls = failed = begin = 0.0
    known = (line.seconds > 0).tolist()
    rows = zip(line.times.tolist(), line.column("calls").tolist(), line.column(source).tolist(), known, strict=True)
    for time, count, bad, there in rows:
        if not there:
            if may_tell(calls, failed):
                points.append(((begin + time) / 2, failed / calls * 100))
            if points and points[-1][1] is not None:
                points.append((time, None))
            calls = failed = 0.0
            continue
        if not calls:
            begin = time
        calls, failed = calls + count, failed + (bad if bad == bad else 0.0)
        if calls >= _SHARE_CALLS and may_tell(calls, failed):
            points.append(((begin + time + line.span) / 2, failed / calls * 100))
            calls = failed = 0.0
    if may_tell(calls, failed):
        points.append(((begin + float(line.times[-1]) + line.span) / 2, failed / calls * 100))
    return points


def _ratio(line: Line, source: str) -> Values:
    calls = line.column("calls")
    return np.where(calls > 0, line.column(source) / np.where(calls > 0, calls, 1), np.nan)


def _drawings(
    scene: Scene,
    title: str,
    size: tuple[int, int],
    narrow: tuple[int, Callable[[int], list[Stroke]]],
    ticks: Sequence[tuple[float, str]],
    high: float,
) -> tuple[str, str]:
    """The drawing for wide screens and the one for phones, on the same scale."""
    low_height, strokes = narrow
    window, label = scene.window, f"{title}: {scene.subject}, {scene.window.label}"
    label = "; ".join([label, *texts(scene.marks)])
    bands = [(mark.start, mark.end) for mark in scene.marks]

    def one(width: int, height: int, points: int) -> str:
        x_ticks = time_ticks(window.start, window.end, scene.zone, width // 110 if width > 400 else 5)
        low, top = ticks[0][0], max(high, ticks[-1][0] + 1e-3)  # pygal leaves out a label on the very edge
        frame = Frame(width, height, window.start, window.end, low, top, x_ticks, ticks, label, bands)
        return draw(frame, strokes(points))

    points = window.drawn_points
    return one(*size, points), one(_NARROW_WIDTH, low_height, min(points, _NARROW_POINTS))


def _slots(line: Line, scene: Scene) -> Line:
    """The line in a fixed number of equal slots of the window, for the table; FEW where a figure is not told."""
    window, least, span = scene.window, scene.least, -(-scene.window.seconds // _TABLE_ROWS)
    places = np.clip((line.times - window.start) // span, 0, _TABLE_ROWS - 1)
    known = line.seconds > 0
    seconds = np.zeros(_TABLE_ROWS)
    np.add.at(seconds, places, line.seconds)
    columns = []
    for source in line.sources:
        column = line.column(source)
        if source in ("calls", "functional", "technical"):
            into = np.zeros(_TABLE_ROWS)
            np.add.at(into, places[known], column[known])
            columns.append(np.where(seconds > 0, into, np.nan))
        else:
            into = np.full(_TABLE_ROWS, np.nan)
            np.fmax.at(into, places, column)
            columns.append(into)
    times = window.start + np.arange(_TABLE_ROWS, dtype=np.int64) * span
    return shown_line(Line(times, span, line.sources, np.column_stack(columns), seconds), least, figures.FEW)


def _table(scene: Scene, columns: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """The slots' rows, those without any figure left out."""
    span = -(-scene.window.seconds // _TABLE_ROWS)
    rows = []
    for place, cells in enumerate(zip(*columns, strict=True)):
        if any(cell != figures.NONE for cell in cells):
            time = scene.window.start + place * span
            rows.append((figures.moment(time, scene.zone, scene.now), *cells))
    return tuple(rows)
