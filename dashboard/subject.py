"""The page of one series: a hub, an endpoint, a vendor, a pharmacy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard import figures
from dashboard.breakdown import Part, parts
from dashboard.charts import Chart, Scene, calls_chart, failures_chart, latency_chart
from dashboard.data import Snapshot
from dashboard.judge import Minutes, State, judge
from dashboard.measure import last_minutes
from dashboard.overview import Trouble, judged_endpoints
from dashboard.site import Site
from dashboard.windows import Window
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
    """All of the page but its frame."""

    state: State
    minutes: Minutes
    sentence: str
    charts: tuple[Chart, ...]
    endpoints: tuple[tuple[Part, Trouble], ...]
    tables: tuple[Table, ...]


def page_model(site: Site, snapshot: Snapshot, subject: Subject, window: Window) -> PageModel:
    """The page's model, kept while nothing it was made from has moved."""
    key = ("page", subject.series, window.start, window.end, site.stamp(snapshot))
    return site.models.get(key, lambda: _make(site, snapshot, subject, window))


def _make(site: Site, snapshot: Snapshot, subject: Subject, window: Window) -> PageModel:
    seen = last_minutes(snapshot, subject.series)
    endpoints, tables = _breakdowns(site, snapshot, subject.series, window)
    return PageModel(
        judge(seen), seen, _sentence(seen), series_charts(site, snapshot, subject, window), endpoints, tables
    )  # fmt: skip


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
    key = (subject.series, window.start, window.end, window.name, site.stamp(snapshot, step))

    def make() -> tuple[Chart, ...]:
        now = snapshot.line(subject.series, window)
        compared = {name: snapshot.compared_line(subject.series, window, name) for name in window.comparisons}
        scene = Scene(window, site.zone, snapshot.now, subject.name)
        return calls_chart(scene, now, compared), failures_chart(scene, now), latency_chart(scene, now)

    return site.charts.get(key, make)


def _breakdowns(
    site: Site, snapshot: Snapshot, series: SeriesKey, window: Window
) -> tuple[tuple[tuple[Part, Trouble], ...], tuple[Table, ...]]:
    """The tables below a series: endpoints (of a hub, with their state now) and what fails."""

    def under(family: str, fits: Callable[[Key], bool]) -> list[Key]:
        return [key for key in site.keys(snapshot, family).values() if fits(key)]

    if series.family == "hub":
        (hub,) = series.key
        keys = under("endpoint", lambda key: key[0] == hub)
        found = {part.key[0]: part for part in parts(snapshot, "endpoint", keys, window, by=(1,))}
        judged = judged_endpoints(snapshot, site.names, tuple(keys))
        below = [(found.get(key[1], _nothing(key[1])), judged[key]) for key in keys]
        below.sort(key=lambda row: (-max(row[1].judged.state.level, 1), -np.nan_to_num(row[0].calls), row[0].key))
        vendors = parts(
            snapshot, "endpoint_vendor", under("endpoint_vendor", lambda key: key[0] == hub), window, by=(2,)
        )
        return tuple(below), (_table("vendor", "Vendors", "", vendors), *_of_hub(site, snapshot, hub, window, ""))
    if series.family == "endpoint":
        hub, endpoint = series.key
        keys = under("endpoint_vendor", lambda key: key[:2] == (hub, endpoint))
        vendors = parts(snapshot, "endpoint_vendor", keys, window, by=(2,))
        beside = f"all of {site.names.hub(hub)}"
        return (), (_table("crossed", "Vendors", "", vendors), *_of_hub(site, snapshot, hub, window, beside))
    if series.family == "vendor":
        keys = under("endpoint_vendor", lambda key: key[2] == series.key[0])
        endpoints = parts(snapshot, "endpoint_vendor", keys, window, by=(0, 1))
        return (), (_table("endpoint", "Endpoints", "", endpoints),)
    return (), ()


def _of_hub(site: Site, snapshot: Snapshot, hub: str, window: Window, note: str) -> tuple[Table, ...]:
    """Codes and servers of a hub; codes that are neither technical nor functional are no failures."""
    codes, servers = (
        parts(snapshot, family, [key for key in site.keys(snapshot, family).values() if key[0] == hub], window, by=(1,))
        for family in ("code", "server")
    )
    failing = tuple(part for part in codes if part.technical > 0 or part.functional > 0)
    return _table("code", "Codes", note, failing), _table("server", "Servers", note, servers)


def _table(kind: str, title: str, note: str, rows: Sequence[Part]) -> Table:
    return Table(kind, title, note, tuple(rows[:20]))


def _nothing(name: str) -> Part:
    nan = float("nan")
    return Part((name,), nan, nan, nan, nan)
