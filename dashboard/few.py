"""Counts under five, which partners are not told: neither as figures nor in shares, rates or lines made from them.

Pure. States are decided from the true counts; what is masked is what is shown. A masked figure is `figures.FEW`,
which every figure is written from as "<5" or "few" and which JSON tells as null; in a drawn line it is a gap.
Each figure is looked at by itself: whoever subtracts one from another may still learn a small one.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from alerts.judge import Minutes, State
from dashboard.lines import Line
from domain.figures import FEW
from domain.series import COUNTS, Rows, Values

_FIGURE = r"(?:<?\d[\d.,]*|few|–)"
_SHARE = re.compile(rf"{_FIGURE}\s?%")
_BESIDE = re.compile(rf" \({_FIGURE}\s?%[^()]*\)")
_USUAL = re.compile(rf", {_FIGURE} a minute (?:last week|four weeks ago)")
_FEWER = re.compile(rf"{_FIGURE} calls a minute(?={_USUAL.pattern})")
_UNTOLD = "counts under five are not told"


def is_few(count: float, least: int) -> bool:
    """Whether a count is one that is not told. Nothing at all may be told, and what is unknown is none."""
    return 0 < count < least


def told(count: float, least: int) -> float:
    """The count, or FEW."""
    return FEW if is_few(count, least) else count


def without_figures(text: str) -> str:
    """What an incident or its journal says, without shares and rates: of how few calls they are is not known there.

    `22.8 % of the calls fail technically (0.3 % last week), mostly E1` becomes `some of the calls fail technically,
    mostly E1`.
    """
    text = _BESIDE.sub("", text)
    text = _FEWER.sub("fewer calls than usual", text)
    return _SHARE.sub("some", _USUAL.sub("", text))


def shown_minutes(seen: Minutes, least: int) -> Minutes:
    """The last minutes with the figures that may be told."""
    if not least:
        return seen
    nan = float("nan")
    return replace(
        seen,
        calls=told(seen.calls, least),
        technical=told(seen.technical, least),
        functional=told(seen.functional, least),
        p95=nan if is_few(seen.calls, least) else seen.p95,
        calls_week=told(seen.calls_week, least),
        technical_week=told(seen.technical_week, least),
        p95_week=nan if is_few(seen.calls_week, least) else seen.p95_week,
    )


def shown_state(state: State, seen: Minutes, least: int) -> State:
    """The state; its reason is left out where it may tell a small count."""
    small = any(is_few(count, least) for count in (seen.calls, seen.technical, seen.calls_week, seen.technical_week))
    return replace(state, reason=_UNTOLD) if small else state


def few_places(values: Values, sources: tuple[str, ...], least: int) -> dict[str, list[int]]:
    """Per source, the rows whose value is not told: small counts, and every other figure of a few calls.

    Technical figures count nobody's calls.
    """
    found: dict[str, list[int]] = {}
    if "calls" not in sources:
        return found
    few_calls = _few(values[:, sources.index("calls")], least)
    for index, source in enumerate(sources):
        places = np.flatnonzero(_few(values[:, index], least) if source in COUNTS else few_calls)
        if len(places):
            found[source] = places.tolist()
    return found


def masked(values: Values, sources: tuple[str, ...], least: int, instead: float = float("nan")) -> Values:
    """The values with those that are not told replaced."""
    if not least or not len(values):
        return values
    out = values.copy()
    for source, places in few_places(values, sources, least).items():
        out[places, sources.index(source)] = instead
    return out


def shown_rows(rows: Rows, least: int) -> Rows:
    """Rows with gaps where a figure is not told."""
    return Rows(rows.start, rows.step, rows.sources, masked(rows.values, rows.sources, least)) if least else rows


def shown_line(line: Line, least: int, instead: float = float("nan")) -> Line:
    """A line with gaps (or `instead`) where a figure is not told. Thin it first: sums of few are many."""
    return replace(line, values=masked(line.values, line.sources, least, instead)) if least else line


def _few(counts: Values, least: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((counts > 0) & (counts < least))
