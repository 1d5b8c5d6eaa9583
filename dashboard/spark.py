"""The small chart in a table row: today's calls over last week's same day, as two SVG paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.lines import Line
from dashboard.windows import Window

WIDTH, HEIGHT, PAD = 190, 36, 2


@dataclass(frozen=True, slots=True)
class Spark:
    """Path data in a box of WIDTH × HEIGHT; `dot` is where now is, None while nothing is known."""

    week: str
    now: str
    dot: tuple[float, float] | None


def spark(now: Line, week: Line, window: Window) -> Spark:
    """The paths of today's line and last week's area on one scale from 0."""
    tops = [float(np.nanmax(line.per_minute, initial=0.0)) for line in (now, week) if line.known]
    top = max([*tops, 1e-9])

    def points(line: Line) -> list[list[tuple[float, float]]]:
        runs: list[list[tuple[float, float]]] = [[]]
        for middle, value in zip(line.middles.tolist(), line.per_minute.tolist(), strict=True):
            if value != value:
                runs.append([])
                continue
            x = (middle - window.start) / window.seconds * WIDTH
            runs[-1].append((round(x, 1), round(HEIGHT - PAD - value / top * (HEIGHT - 2 * PAD), 1)))
        return [run for run in runs if run]

    drawn, area = points(now), points(week)
    floor = HEIGHT - PAD
    return Spark(
        "".join(f"M{run[0][0]} {floor}L{_joined(run)}L{run[-1][0]} {floor}Z" for run in area),
        "".join(f"M{_joined(run)}" for run in drawn),
        drawn[-1][-1] if drawn else None,
    )


def _joined(run: list[tuple[float, float]]) -> str:
    return "L".join(f"{x:g} {y:g}" for x, y in run)
