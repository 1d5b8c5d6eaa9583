"""How a hub or endpoint is doing, decided from a few minutes and the same minutes last week.

Pure: what was counted goes in, a state with its reason comes out. These are plain bounds on shares that a
person can check by eye; expected values from many comparable days belong to the alerts, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from domain import figures
from domain.series import Rows, Values
from domain.settings import AlertSettings

# The bounds that a site sets; without its settings, their defaults.
DEFAULTS = AlertSettings()
FAILING_CALLS = 3
SOME_SHARE, SOME_CALLS, SOME_FACTOR = 0.02, 5, 3.0
FEWER_EXPECTED = 60.0
SILENT_EXPECTED = 30.0
SLOW_FACTOR, SLOW_EXTRA_US, SLOW_BUCKETS, SLOW_CALLS = 2.0, 100_000.0, 3, 20


class Level(IntEnum):
    """How bad, from fine to worst. Its class on the pages gives shape and colour."""

    UNKNOWN = 0
    OK = 1
    FEWER = 2
    SLOW = 3
    SOME = 4
    SILENT = 5
    FAILING = 6

    @property
    def css(self) -> str:
        """The class that draws the shape and the colour."""
        if self in (Level.SILENT, Level.FAILING):
            return "down"
        return {Level.UNKNOWN: "unknown", Level.OK: "ok"}.get(self, "degraded")


@dataclass(frozen=True, slots=True)
class Minutes:
    """What was counted in the last complete buckets, and in the same ones last week. NaN where unknown.

    `p95` and `p95_week` are the usual ones of those buckets (their median), in µs; `slow` counts the buckets
    with enough calls whose p95 is far above last week's usual. `comparable`: the two days are of one class.
    """

    seconds: float
    calls: float
    technical: float
    functional: float
    p95: float
    calls_week: float
    technical_week: float
    p95_week: float
    slow: int
    comparable: bool

    @property
    def per_minute(self) -> float:
        """Calls a minute now."""
        return self.calls * 60 / self.seconds if self.seconds else float("nan")

    @property
    def per_minute_week(self) -> float:
        """Calls a minute last week."""
        return self.calls_week * 60 / self.seconds if self.seconds else float("nan")

    @property
    def technical_share(self) -> float:
        """Share of calls that failed technically."""
        return share(self.technical, self.calls)

    @property
    def functional_share(self) -> float:
        """Share of calls refused for a functional reason."""
        return share(self.functional, self.calls)


@dataclass(frozen=True, slots=True)
class State:
    """A state in a word, with the reason for it."""

    level: Level
    word: str
    reason: str


def share(part: float, whole: float) -> float:
    """A share, NaN of nothing."""
    return part / whole if whole > 0 else float("nan")


def minutes_of(now: Rows, week: Rows, *, comparable: bool) -> Minutes:
    """The figures of two runs of rows that stand beside each other."""
    calls = now.column("calls")
    known = ~np.isnan(calls)
    both = known & ~np.isnan(week.column("calls"))
    p95, p95_week = _usual(now.column("p95")), _usual(week.column("p95"))
    slow = now.column("p95") > max(p95_week * SLOW_FACTOR, p95_week + SLOW_EXTRA_US)
    scale = float(known.sum() / both.sum()) if both.any() else float("nan")
    return Minutes(
        seconds=float(known.sum() * now.step),
        calls=_sum(calls, known),
        technical=_sum(now.column("technical"), known),
        functional=_sum(now.column("functional"), known),
        p95=p95,
        calls_week=_sum(week.column("calls"), both) * scale,
        technical_week=_sum(week.column("technical"), both) * scale,
        p95_week=p95_week,
        slow=int((slow & (calls >= SLOW_CALLS)).sum()),
        comparable=comparable,
    )


def _usual(quantiles: Values) -> float:
    """The median of the known ones; of one quantile it says what most buckets show, whatever one of them did."""
    known = quantiles[~np.isnan(quantiles)]
    return float(np.median(known)) if len(known) else float("nan")


def _sum(values: Values, where: npt.NDArray[np.bool_]) -> float:
    return float(np.nansum(values[where])) if where.any() else float("nan")


def judge(seen: Minutes, bounds: AlertSettings = DEFAULTS) -> State:
    """The state of what was seen."""
    if np.isnan(seen.calls):
        return State(Level.UNKNOWN, "unknown", "nothing is known of the last minutes")
    failed, usual = seen.technical_share, share(seen.technical_week, seen.calls_week)
    if seen.technical >= FAILING_CALLS and failed >= bounds.technical_share:
        return State(Level.FAILING, "failing", f"{figures.percent(failed)} of the calls fail technically")
    if seen.calls == 0 and seen.comparable and seen.calls_week >= SILENT_EXPECTED:
        return State(Level.SILENT, "silent", f"no call, {figures.rate(seen.per_minute_week)} a minute last week")
    # Without last week's share the bound stands alone.
    above = np.isnan(usual) or failed >= SOME_FACTOR * usual
    if seen.technical >= SOME_CALLS and failed >= SOME_SHARE and above:
        return State(Level.SOME, "some calls fail", f"{figures.percent(failed)} of the calls fail technically")
    if seen.slow >= SLOW_BUCKETS:
        text = f"p95 {figures.millis(seen.p95)} ms, {figures.millis(seen.p95_week)} ms last week"
        return State(Level.SLOW, "slow", text)
    if seen.comparable and seen.calls_week >= FEWER_EXPECTED and seen.calls < bounds.fewer_share * seen.calls_week:
        text = f"{figures.rate(seen.per_minute)} calls a minute, {figures.rate(seen.per_minute_week)} last week"
        return State(Level.FEWER, "fewer calls", text)
    if seen.calls == 0 and not seen.calls_week > 0:
        return State(Level.OK, "quiet", "no call, and none was usual")
    if seen.comparable and not np.isnan(seen.calls_week):
        return State(Level.OK, "as last week", "shares, latency and calls are as last week")
    return State(Level.OK, "answering", "calls are answered; there is no comparable time last week")


def failing_since(rows: Rows, level: Level, bounds: AlertSettings = DEFAULTS) -> int | None:
    """When the failures of the last rows began: the first bucket (epoch seconds) of the run that still lasts.

    Walks back over buckets that fail at half the state's bound or more. A bucket without a call says nothing;
    two healthy ones in a row end the run. None when the rows show no such run.
    """
    bound = (bounds.technical_share if level is Level.FAILING else SOME_SHARE) / 2
    calls, technical = rows.column("calls"), rows.column("technical")
    since, healthy = None, 0
    for place in range(len(calls) - 1, -1, -1):
        if not calls[place] > 0:
            continue
        if technical[place] / calls[place] >= bound:
            since, healthy = int(rows.start + place * rows.step), 0
        elif (healthy := healthy + 1) == 2:
            break
    return since
