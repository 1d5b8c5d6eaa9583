"""A small site whose every figure and name tells whose it is: what strays into somebody else's answer is found."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from domain.access import EVERYTHING, Role, Scope
from domain.ports import LiveRows
from domain.series import DAY, FAMILIES, Key, Rows, SeriesKey, floor_bucket
from domain.settings import HubSettings, Settings, Site, WebSettings
from rrd.store import RrdSeriesStore
from tests.dashboard.traffic import COMPLETE, ZONE, OpenPresent, written_end

HOST = "pulse.example.be"
PHARMACY = "00012371"
SETTINGS = Settings(
    site=Site(name="Planted", data="unused"),
    web=WebSettings(hosts=(HOST,), guests="local"),
    hubs=(HubSettings(key="alpha", name="First Hub"), HubSettings(key="beta", name="Second Hub")),
)
# p50 and p95 of a series in µs: its mark, as 525252 in JSON and as 525 ms on a page.
MARKS: dict[SeriesKey, int] = {
    SeriesKey("hub", ("alpha",)): 414_141,
    SeriesKey("endpoint", ("alpha", "alpha.ask")): 424_242,
    SeriesKey("code", ("alpha", "ALPHA_ERR")): 434_343,
    SeriesKey("server", ("alpha", "alpha-1")): 444_444,
    SeriesKey("hub", ("beta",)): 515_151,
    SeriesKey("endpoint", ("beta", "beta.tell")): 525_252,
    SeriesKey("code", ("beta", "BETA_ERR")): 535_353,
    SeriesKey("server", ("beta", "beta-1")): 545_454,
    SeriesKey("vendor", ("acme",)): 616_161,
    SeriesKey("vendor", ("bolt",)): 626_262,
    SeriesKey("endpoint_vendor", ("alpha", "alpha.ask", "acme")): 717_171,
    SeriesKey("endpoint_vendor", ("alpha", "alpha.ask", "bolt")): 727_272,
    SeriesKey("endpoint_vendor", ("beta", "beta.tell", "acme")): 737_373,
    SeriesKey("endpoint_vendor", ("beta", "beta.tell", "bolt")): 747_474,
    SeriesKey("pharmacy", (PHARMACY,)): 818_181,
}
# The accounts of the tests: role, scope, and the names that must not occur in anything they are given.
ACCOUNTS: dict[str, tuple[Role, Scope, tuple[str, ...]]] = {
    "hub": (
        "partner", Scope(hubs=frozenset({"alpha"})),
        ("beta", "Second Hub", "BETA_ERR", PHARMACY),
    ),
    "vendor": (
        "partner", Scope(vendors=frozenset({"acme"})),
        ("bolt", "ALPHA_ERR", "BETA_ERR", "alpha-1", "beta-1", PHARMACY),
    ),
    "full": ("partner", EVERYTHING, ()),
    "ops": ("ops", EVERYTHING, ()),
}  # fmt: skip


def rows_of(series: SeriesKey, step: int, start: int, end: int) -> Rows:
    """A hundred calls a minute; of the failing codes fewer: two technical failures in five minutes."""
    sources = FAMILIES[series.family].sources
    count = (end - start) // step
    calls = 1_000.0 if step == 10 else 100.0 * step / 60
    values = np.tile([calls, 0.0, 0.0, *[float(MARKS[series])] * (len(sources) - 3)], (count, 1))
    values[:, 2] = 2.0 if step <= 300 else 30.0
    return Rows(start, step, sources, values)


def write_planted(root: Path) -> RrdSeriesStore:
    """The written past of a day and of the same day last week."""
    store = RrdSeriesStore(root, durable=False)
    for series in MARKS:
        for step in FAMILIES[series.family].days:
            end = written_end(step)
            if step in (60, 300):
                week = end - 7 * DAY
                store.write(series, rows_of(series, step, week - 2_400, week + 2_400))
            store.write(series, rows_of(series, step, end - max(2_400 // step * step, step), end))
    return store


class PlantedPresent(OpenPresent):
    """The open rows of the same series."""

    def rows(self, family: str, step: int, keys: Sequence[Key] | None = None) -> LiveRows:
        self._asked()
        start, end = written_end(step), floor_bucket(COMPLETE, step, ZONE) + step
        wanted = [series for series in MARKS if series.family == family and (keys is None or series.key in keys)]
        return LiveRows(self.complete, {series.key: rows_of(series, step, start, end) for series in wanted})


def strays(text: str, scope: Scope, names: Sequence[str], *, is_html: bool) -> Iterator[str]:
    """What an answer holds that whoever has the scope may not read."""
    for name in names:
        if name in html.unescape(text):
            yield name
    words = re.sub(r"<[^>]*>", " ", text) if is_html else text
    for series, mark in MARKS.items():
        told = str(mark) if not is_html else str(mark // 1_000)
        if not scope.allows(series) and re.search(rf"(?<![\d.,:]){told}(?![\d.,:])", words):
            yield f"{told} of {series}"
