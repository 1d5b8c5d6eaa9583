"""The page of one series: a hub, an endpoint, a vendor, a pharmacy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alerts.judge import Minutes, State, judge
from alerts.measure import last_minutes
from dashboard.breakdown import Part, parts
from dashboard.charts import Chart, Scene, calls_chart, failures_chart, latency_chart, latency_step
from dashboard.data import Snapshot
from dashboard.few import shown_minutes, shown_state
from dashboard.incidents import TOLD, Row, covers, lasting_first, row, settled
from dashboard.marks import marks_of
from dashboard.overview import Trouble, judged_endpoints
from dashboard.recent import lasting_now, recent, turns
from dashboard.site import Site
from dashboard.windows import Window
from domain import figures
from domain.incident import Incident
from domain.series import FAMILIES, Key, SeriesKey


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about: its series, its name, and what stands small beside it."""

    series: SeriesKey
    name: str
    beside: str


@dataclass(frozen=True, slots=True)
class Table:
    """What fails, by one dimension. `kind` says where a row's name leads."""

    kind: str
    title: str
    note: str
    rows: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PageModel:
    """All of the page but its frame. `incidents` are those that last here, as lines of a list."""

    state: State
    minutes: Minutes
    sentence: str
    charts: tuple[Chart, ...]
    endpoints: tuple[tuple[Part, Trouble], ...]
    tables: tuple[Table, ...]
    incidents: tuple[Row, ...]


def page_model(site: Site, snapshot: Snapshot, subject: Subject, window: Window) -> PageModel:
    """The page's model. Its parts are kept until another minute is complete."""
    series = subject.series
    happened = lasting_now(site, snapshot)
    seen = site.models.get(("minutes", series, site.stamp(snapshot, 60)), lambda: last_minutes(snapshot, series))
    counted = site.models.get(
        ("below", series, window.start, window.end, site.stamp(snapshot, 60)),
        lambda: below(site, snapshot, series, window),
    )
    endpoints: tuple[tuple[Part, Trouble], ...] = ()
    if series.family == "hub":
        endpoints = site.models.get(
            ("endpoints", series, window.start, window.end, site.stamp(snapshot, 60), turns(happened)),
            lambda: _endpoints(site, snapshot, series.key[0], counted.endpoints, happened),
        )
    state, shown = shown_state(judge(seen, snapshot.bounds), seen, snapshot.least), shown_minutes(seen, snapshot.least)
    if series.family in ("hub", "endpoint"):
        hub, endpoint = (*series.key, "")[:2]
        state = settled(state, hub, endpoint, happened, snapshot.complete_up_to)
    charts = series_charts(site, snapshot, subject, window)
    lasting = tuple(
        row(one, site.names, site.zone, snapshot.now)
        for one in lasting_first(happened)
        if one.state in TOLD and covers(one, series)
    )
    return PageModel(state, shown, _sentence(shown), charts, endpoints, counted.tables, lasting)


def _sentence(seen: Minutes) -> str:
    """The last minutes in words."""
    if np.isnan(seen.calls):
        return "Nothing is known of the last minutes."
    week = f"; {figures.rate(seen.per_minute_week)} last week at this time" if not np.isnan(seen.calls_week) else ""
    told = [f"{figures.rate(seen.per_minute)} calls a minute{week}."]
    if seen.calls > 0:
        functional, technical = figures.percent(seen.functional_share), figures.percent(seen.technical_share)
        told.append(f"Technical failures {technical}, functional {functional}.")
    if not np.isnan(seen.p95):
        week = f"; {figures.millis(seen.p95_week)} last week" if not np.isnan(seen.p95_week) else ""
        told.append(f"p95 {figures.millis(seen.p95)}{figures.NBSP}ms{week}.")
    return " ".join(told)


def series_charts(site: Site, snapshot: Snapshot, subject: Subject, window: Window) -> tuple[Chart, ...]:
    """The charts, drawn again only when a bucket of their own resolution was added."""
    step = window.resolution(FAMILIES[subject.series.family], snapshot.now)
    marks = marks_of(recent(site, snapshot, window.start), subject.series, window, site.zone, snapshot.now)
    key = (subject.series, window.start, window.end, window.name, site.stamp(snapshot, step), marks)

    def make() -> tuple[Chart, ...]:
        now = snapshot.line(subject.series, window)
        compared = {name: snapshot.compared_line(subject.series, window, name) for name in window.comparisons}
        scene = Scene(window, site.zone, snapshot.now, subject.name, marks, snapshot.least)
        slow = snapshot.line(subject.series, window, latency_step(now, subject.series.family, window))
        return calls_chart(scene, now, compared), failures_chart(scene, now), latency_chart(scene, slow)

    return site.charts.get(key, make)


@dataclass(frozen=True, slots=True)
class Below:
    """The sums below a series: the tables of what fails, and (of a hub) its endpoints."""

    tables: tuple[Table, ...]
    endpoints: tuple[Part, ...] = ()


def below(site: Site, snapshot: Snapshot, series: SeriesKey, window: Window) -> Below:
    """What fails below a series in the window."""

    def added(family: str, fits: Callable[[Key], bool], by: tuple[int, ...]) -> tuple[Part, ...]:
        return parts(snapshot, family, [key for key in site.keys(snapshot, family).values() if fits(key)], window, by)

    def of_hub(hub: str, note: str) -> tuple[Table, Table]:
        codes = added("code", lambda key: key[0] == hub, (1,))
        # A code that is neither technical nor functional is no failure.
        failing = [part for part in codes if part.failed != 0]
        failing.sort(key=lambda part: (-part.technical, -part.functional, part.key))
        servers = added("server", lambda key: key[0] == hub, (1,))
        return _table("code", "Codes", note, failing), _table("server", "Servers", note, servers)

    if series.family == "hub":
        (hub,) = series.key
        vendors = added("endpoint_vendor", lambda key: key[0] == hub, (2,))
        endpoints = added("endpoint", lambda key: key[0] == hub, (1,))
        return Below((_table("vendor", "Vendors", "", vendors), *of_hub(hub, "")), endpoints)
    if series.family == "endpoint":
        hub, endpoint = series.key
        vendors = added("endpoint_vendor", lambda key: key[:2] == (hub, endpoint), (2,))
        return Below((_table("crossed", "Vendors", "", vendors), *of_hub(hub, f"all of {site.names.hub(hub)}")))
    if series.family == "vendor":
        endpoints = added("endpoint_vendor", lambda key: key[2] == series.key[0], (0, 1))
        return Below((_table("endpoint", "Endpoints", "", endpoints),))
    return Below(())


def _endpoints(
    site: Site, snapshot: Snapshot, hub: str, sums: Sequence[Part], happened: Sequence[Incident]
) -> tuple[tuple[Part, Trouble], ...]:  # fmt: skip
    """A hub's endpoints with their sums and their state now, those in trouble first, then by calls."""
    found = {part.key[0]: part for part in sums}
    keys = tuple(key for key in site.keys(snapshot, "endpoint").values() if key[0] == hub)
    judged = judged_endpoints(snapshot, site.names, keys, happened)
    rows = [(found.get(key[1], _nothing(key[1])), judged[key]) for key in keys]
    rows.sort(
        key=lambda row: (-max(row[1].judged.state.level, 1), -np.nan_to_num(row[0].calls), row[1].judged.endpoint)
    )
    return tuple(rows)


def _table(kind: str, title: str, note: str, rows: Sequence[Part]) -> Table:
    return Table(kind, title, note, tuple(rows[:20]))


def _nothing(name: str) -> Part:
    nan = float("nan")
    return Part((name,), nan, nan, nan, nan)
