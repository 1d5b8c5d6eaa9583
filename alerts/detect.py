"""Which hubs and endpoints are not as expected, judged up to the watermark and never beyond.

| kind | severity | what shows it |
|---|---|---|
| failing | page | `alerts.technical_share` of the calls of a stretch fail, more than usual and than chance has it |
| failing | notice | the same from 2 % on and three times the usual share: some calls fail |
| silent | page | no call in a time in which at least 30 came on comparable days |
| fewer | notice | in 15 minutes under `alerts.fewer_share` of the calls of comparable days, if those were 60 |

Comparable are the same minutes of the last week and of the last month's same weekday, holidays with holidays: of
what both say the smaller counts as expected, so that one odd day among them raises nothing. A new series compares
with nothing: its failures are judged, its silence is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from alerts.blame import blame, failures_by_code
from alerts.evidence import LEAST_USUAL, Stretch, failing_stretch, silence
from alerts.judge import FEWER_EXPECTED, SILENT_EXPECTED, SOME_CALLS, SOME_FACTOR, SOME_SHARE, share
from domain import figures
from domain.calendar import Comparison, comparable_day, day_class
from domain.codes import SIDE_WORDS, Judgement
from domain.incident import Anomaly
from domain.redact import mask_patients
from domain.series import Rows, SeriesKey, floor_bucket
from domain.settings import AlertSettings
from rrd.present import Snapshot

STEP = 10
# What is looked at, by 10 s; of a quiet series, with fewer calls than these in it, more, by the minute.
SECONDS, QUIET_CALLS, QUIET_SECONDS = 900, 20, 6 * 3_600
PRIOR_CALLS = 100.0
_COMPARED: tuple[Comparison, ...] = ("last week", "last month")


@dataclass(frozen=True, slots=True)
class Finding:
    """An anomaly, whether the evidence is enough to tell of it, and whether it is about to be over."""

    anomaly: Anomaly
    sure: bool
    ebbs: bool = False


@dataclass(frozen=True, slots=True)
class Usual:
    """What comparable days show: calls a second and the share that failed, NaN where nothing compares.

    `per_second` is the smaller of the comparable days, as is `share`; the `week` ones are last week's own, for words.
    """

    per_second: float
    share: float
    week_per_second: float
    week_share: float

    @property
    def words(self) -> str:
        """The calls that were expected."""
        if self.week_per_second == self.week_per_second:
            return f"{figures.rate(self.week_per_second * 60)} a minute last week"
        return f"{figures.rate(self.per_second * 60)} a minute four weeks ago"


class Detector:
    """Judges; remembers only what comparable days show, which is the same for a minute."""

    def __init__(self, settings: AlertSettings, codes: Mapping[str, Judgement]) -> None:
        self._settings, self._codes = settings, codes
        self._minute, self._usual = -1, dict[SeriesKey, Usual]()

    def findings(self, snapshot: Snapshot, mark: int, watched: Collection[SeriesKey]) -> list[Finding]:
        """All that is not as expected in the time before `mark`, a whole bucket at or before the watermark.

        `watched` have incidents: what shows that they last is looked for further back.
        """
        if mark // 60 != self._minute:
            self._minute, self._usual = mark // 60, {}
        found: list[Finding] = []
        for family in ("hub", "endpoint"):
            snapshot.open_rows(family, STEP)  # all at once, not one by one
            for key in snapshot.keys(family):
                series = SeriesKey(family, key)
                finding = self._finding(snapshot, series, mark, watched=series in watched)
                if finding is not None:
                    found.append(finding)
        return found

    def _finding(self, snapshot: Snapshot, series: SeriesKey, mark: int, *, watched: bool) -> Finding | None:
        rows = snapshot.read(series, STEP, mark - SECONDS, mark)
        calls = rows.column("calls")
        if np.isnan(calls).all():
            return None
        if watched or float(np.nansum(rows.column("technical"))) > 0:
            runs = [rows]
            if float(np.nansum(calls)) < QUIET_CALLS:
                snapshot.open_rows(series.family, 60)
                minute = floor_bucket(mark, 60, snapshot.zone)
                runs.append(snapshot.read(series, 60, minute - QUIET_SECONDS, minute))
            for run in runs:
                found = self._failing(snapshot, series, run, mark)
                if found is not None:
                    return found
        return self._too_few(snapshot, series, rows, mark)

    def _failing(self, snapshot: Snapshot, series: SeriesKey, rows: Rows, mark: int) -> Finding | None:
        usual = self._usual_of(snapshot, series, mark)
        limit = self._settings.technical_share
        stretch = failing_stretch(rows, limit, usual.share)
        if stretch is not None:
            return self._told_failing(snapshot, series, stretch, usual, mark, page=True)
        some = max(SOME_SHARE, SOME_FACTOR * usual.share) if usual.share == usual.share else SOME_SHARE
        stretch = failing_stretch(rows, some, usual.share) if some < limit else None
        if stretch is None or not stretch.sure or stretch.technical < SOME_CALLS:
            return None
        return self._told_failing(snapshot, series, stretch, usual, mark, page=False)

    def _told_failing(
        self, snapshot: Snapshot, series: SeriesKey, stretch: Stretch, usual: Usual, mark: int, *, page: bool
    ) -> Finding:
        whose = blame(failures_by_code(snapshot, series.key[0], stretch.since), self._codes)
        reason = f"{figures.percent(stretch.share)} of the calls fail technically"
        if usual.week_share == usual.week_share:
            reason += f" ({figures.percent(usual.week_share)} last week)"
        if whose.code:
            reason += f", mostly {whose.code}"
        if whose.side:
            reason += f"; {SIDE_WORDS[whose.side]}"
        anomaly = Anomaly(
            series=series,
            kind="failing",
            severity="page" if page else "notice",
            since=stretch.since,
            at=mark,
            observed=stretch.share,
            expected=None if np.isnan(usual.share) else usual.share,
            reason=mask_patients(reason),
            side=whose.side,
        )
        return Finding(anomaly, stretch.sure, stretch.ebbs)

    def _too_few(self, snapshot: Snapshot, series: SeriesKey, rows: Rows, mark: int) -> Finding | None:
        """No call, or few of them."""
        calls = rows.column("calls")
        seconds = float((~np.isnan(calls)).sum() * STEP)
        count = float(np.nansum(calls))
        none_lately = calls[-1] == 0
        # Comparing costs a read: not for what has calls, but once a minute.
        if not none_lately and mark % 60:
            return None
        usual = self._usual_of(snapshot, series, mark)
        if np.isnan(usual.per_second):
            return None
        if none_lately and (since := silence(rows, usual.per_second, SILENT_EXPECTED)) is not None:
            reason = f"no call for {_span(mark - since)}, {usual.words}"
            return Finding(self._few(series, "silent", since, mark, 0.0, usual, reason), True)
        expected = usual.per_second * seconds
        if seconds < SECONDS or expected < FEWER_EXPECTED or count >= self._settings.fewer_share * expected:
            return None
        per_minute = count * 60 / seconds
        reason = f"{figures.rate(per_minute)} calls a minute, {usual.words}"
        return Finding(self._few(series, "fewer", rows.start, mark, per_minute, usual, reason), True)

    @staticmethod
    def _few(
        series: SeriesKey, kind: str, since: int, mark: int, per_minute: float, usual: Usual, reason: str
    ) -> Anomaly:
        return Anomaly(
            series=series,
            kind="silent" if kind == "silent" else "fewer",
            severity="page" if kind == "silent" else "notice",
            since=since,
            at=mark,
            observed=per_minute,
            expected=usual.per_second * 60,
            reason=reason,
        )

    def _usual_of(self, snapshot: Snapshot, series: SeriesKey, mark: int) -> Usual:
        if series not in self._usual:
            end = floor_bucket(mark, 60, snapshot.zone)
            self._usual[series] = usual_of(snapshot, series, end)
        return self._usual[series]


def usual_of(snapshot: Snapshot, series: SeriesKey, end: int) -> Usual:
    """What comparable days show of the quarter of an hour before `end`; failures of the hour before it."""
    day = datetime.fromtimestamp(end, snapshot.zone).date()
    rates: dict[Comparison, float] = {}
    shares: list[float] = []
    week_share = nothing = float("nan")
    for comparison in _COMPARED:
        rows = snapshot.compared_rows(series, 60, end - 3_600, end, comparison)
        calls = rows.column("calls")
        known = ~np.isnan(calls)
        if not known.any():
            continue
        failed, count = float(np.nansum(rows.column("technical"))), float(np.nansum(calls))
        if comparison == "last week":
            week_share = share(failed, count)
        # Of few calls one that failed says little: as if a hundred more had been seen, one of them failed.
        shares.append((failed + PRIOR_CALLS * LEAST_USUAL) / (count + PRIOR_CALLS))
        recent = calls[-SECONDS // 60 :]
        # A day of another kind says how much fails, not how many call.
        if day_class(day) == day_class(comparable_day(day, comparison)) and not np.isnan(recent).any():
            rates[comparison] = float(recent.sum()) / SECONDS
    return Usual(
        per_second=min(rates.values(), default=nothing),
        share=min(shares, default=nothing),
        week_per_second=rates.get("last week", nothing),
        week_share=week_share,
    )


def _span(seconds: int) -> str:
    """A time in words, to the minute from two minutes on."""
    return figures.duration(seconds if seconds < 120 else seconds // 60 * 60)
