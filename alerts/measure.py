"""The last complete minutes of a series beside the same minutes last week."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from alerts.judge import Minutes, minutes_of
from domain.calendar import comparable_day, day_class
from domain.series import FAMILIES, SeriesKey, unknown_rows
from rrd.present import Snapshot

BUCKETS = 5
# Minutes that lie further back say nothing of now: what was fine then must not be shown as fine.
STALE_SECONDS = 900


def judged_span(snapshot: Snapshot, family: str) -> tuple[int, int, int] | None:
    """Step, start and end of the last five complete buckets (minutes where the family keeps them).

    None while nothing is complete, and where the last that is complete was long ago.
    """
    if snapshot.complete_up_to is None or snapshot.now - snapshot.complete_up_to > STALE_SECONDS:
        return None
    step = max(60, FAMILIES[family].finest)
    end = int(snapshot.complete_up_to // step) * step
    return step, end - BUCKETS * step, end


def last_minutes(snapshot: Snapshot, series: SeriesKey) -> Minutes:
    """What `judge` decides from; all NaN where `judged_span` is None."""
    span = judged_span(snapshot, series.family)
    if span is None:
        nothing = unknown_rows(0, 60, 60, FAMILIES[series.family].sources)
        return minutes_of(nothing, nothing, comparable=False)
    step, start, end = span
    now = snapshot.read(series, step, start, end)
    week = snapshot.compared_rows(series, step, start, end, "last week")
    day = datetime.fromtimestamp(start, snapshot.zone).date()
    comparable = day_class(day) == day_class(comparable_day(day, "last week"))
    return minutes_of(now, week, comparable=comparable and bool((~np.isnan(week.column("calls"))).any()))
