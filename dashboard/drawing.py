"""Lines as SVG, drawn by pygal, without anything that a strict content policy forbids.

pygal puts a style sheet, a script and a link to another host into its SVG, and a tooltip that needs them.
Here the tree keeps shapes and words only; look and dashes come from the page's style sheet by class, so that
dark mode is the style sheet's matter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pygal
from pygal.style import Style

# pygal puts an importer for map plugins into the interpreter; it is of a kind that Python 3.11 warns about at every
# import that fails, anybody's. No maps are drawn here.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

_BAND_WIDTH = 2.0
_STYLE = Style(label_font_size=12, major_label_font_size=12, font_family="inherit")


@dataclass(frozen=True, slots=True)
class Stroke:
    """One line to draw: its class, its name, and points (x, y) whose y is None in a gap."""

    css: str
    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Frame:
    """The box and the axes: ticks are (position, label); x runs from `start` to `end`, y from `low` to `high`.

    `bands` are stretches of x that are shaded behind the lines.
    """

    width: int
    height: int
    start: float
    end: float
    low: float
    high: float
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    label: str
    bands: Sequence[tuple[float, float]] = ()


class _Chart(pygal.XY):  # type: ignore[misc] # pygal ships no types
    """An XY chart that draws each line as one short path, with gaps where nothing is known."""

    def _compute(self) -> None:
        """Let the axes run exactly as framed: pygal leaves two per cent of room, and has none without data."""
        super()._compute()
        self._box.margin = 0.0
        self._box.xmin, self._box.xmax = self.xrange
        self._box.ymin, self._box.ymax = self.range

    def line(self, serie: Any, rescale: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002, RUF100 # pygal's signature
        """Draw one line: one path of tenths of a unit, instead of pygal's six decimals and groups."""
        node = self.svg.serie(serie)["plot"]
        to_x, to_y = self.view.x, self.view.y
        data: list[str] = []
        pen, alone = "M", False
        for x, y in serie.points:
            if y is None:
                if alone:
                    data.append("h.1")  # a single known point shows as a dot, by its round cap
                pen, alone = "M", False
                continue
            data.append(f"{pen}{to_x(x):.1f} {to_y(y):.1f}")
            alone, pen = pen == "M", "L"
        if alone:
            data.append("h.1")
        if data:
            self.svg.node(node, "path", d="".join(data), class_="line")


def draw(frame: Frame, strokes: Sequence[Stroke]) -> str:
    """The SVG element as text. `data-plot` holds left, top, width and height of the plot in its box."""
    x_labels, y_labels = dict(frame.x_ticks), dict(frame.y_ticks)
    chart = _Chart(
        width=frame.width, height=frame.height, style=_STYLE, css=(), js=(), disable_xml_declaration=True,
        no_prefix=True, show_legend=False, show_dots=False, allow_interruptions=True, truncate_label=-1,
        margin_top=8, margin_right=14, margin_bottom=2, margin_left=2, spacing=6,
        xrange=(frame.start, frame.end), range=(frame.low, frame.high),
        x_labels=list(x_labels), x_value_formatter=lambda value: x_labels.get(value, ""),
        y_labels=list(y_labels), value_formatter=lambda value: y_labels.get(value, ""),
        no_data_text="nothing is known here",
    )  # fmt: skip
    for stroke in strokes:
        chart.add(stroke.name, list(stroke.points))
    chart.add_xml_filter(_cleaner(chart, frame, [stroke.css for stroke in strokes]))
    return str(chart.render())


def _cleaner(chart: Any, frame: Frame, classes: Sequence[str]) -> Callable[[Any], Any]:
    """What takes pygal's tree and keeps the shapes and words of it."""

    def clean(root: Any) -> Any:
        for child in [child for child in root if not isinstance(child.tag, str) or child.tag in ("defs", "title")]:
            root.remove(child)
        (graph,) = root
        for group in [*graph]:
            css = group.get("class", "")
            if group.tag == "rect" or (css != "plot" and css != "plot text-overlay"):
                graph.remove(group)
        for parent in list(graph.iter()):
            for child in list(parent):
                if child.tag == "title" or child.get("class") == "background":
                    parent.remove(child)
        for group in graph.iter("g"):
            words = group.get("class", "").split()
            if "series" in words:
                place = int(next(word for word in words if word.startswith("serie-"))[6:])
                group.set("class", f"series {classes[place]}")
        for start, end in reversed(frame.bands):
            _shade(chart, graph, max(start, frame.start), min(end, frame.end))
        root.attrib.pop("id", None)
        root.set("class", "chart")
        root.set("role", "img")
        root.set("aria-label", frame.label)
        box = chart.margin_box
        root.set("data-plot", f"{box.left:.0f} {box.top:.0f} {chart.view.width:.0f} {chart.view.height:.0f}")
        return root

    return clean


def _shade(chart: Any, graph: Any, start: float, end: float) -> None:
    """Put a band behind everything that the plot holds; at least as wide as an eye finds it."""
    plot = next((group for group in graph if group.get("class") == "plot"), None)
    if plot is None or end < start:
        return
    left, right = chart.view.x(start), chart.view.x(end)
    band = plot.makeelement("rect", {
        "class": "band", "x": f"{left:.1f}", "y": "0",
        "width": f"{max(right - left, _BAND_WIDTH):.1f}", "height": f"{chart.view.height:.0f}",
    })  # fmt: skip
    plot.insert(0, band)
