"""The past: counts that add up, rows where they belong, nothing written twice or above the floor."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from domain.calendar import BRUSSELS
from domain.errors import UsageError
from domain.series import COUNTS, DAY, FAMILIES, Rows, SeriesKey, bucket_span, floor_bucket
from rrd.store import RrdSeriesStore
from simulator.faults import ORDINARY
from simulator.grid import SIX_HOURS, Grid
from simulator.history import PROGRESS, fill, plan
from simulator.latency import draw_quantiles, draw_sums, mixture
from simulator.past import Past, incidents
from simulator.traffic import calls_between
from simulator.world import build_world, generator
from store.state import SqlState, open_state

from .helpers import start_of

WORLD = build_world(8, load=120, pharmacies=2)
FLOOR = int(start_of("2026-11-04T13:00"))  # 12:00 UTC; the clock went back ten days before
DAYS = 40


@dataclass
class Site:
    """A real store of series and a real state."""

    root: Path

    def __post_init__(self) -> None:
        self.series = RrdSeriesStore(self.root / "series", durable=False)
        self.state: SqlState = open_state(f"sqlite:///{self.root}/state.db")

    def fill(self, most: int = 1_000_000) -> bool:
        """Fill, or stop after `most` more series."""
        left = iter(range(most))
        return fill(self.series, self.state, WORLD, FLOOR, days=DAYS, stop=lambda: next(left, None) is None)

    def rows(self, key: SeriesKey, step: int) -> Rows:
        return self.series.read(key, step, FLOOR - (DAYS - 2) * DAY, FLOOR + DAY)

    def keys(self, family: str, *begins: str) -> list[SeriesKey]:
        return [SeriesKey(family, key) for key in self.series.keys(family) if key[: len(begins)] == begins]

    def sum(self, keys: list[SeriesKey], step: int) -> npt.NDArray[np.float64]:
        assert keys
        total: npt.NDArray[np.float64] = np.sum([counts(self.rows(key, step)) for key in keys], axis=0)
        return total


def counts(rows: Rows) -> npt.NDArray[np.float64]:
    return np.column_stack([rows.column(source) for source in COUNTS])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    filled = Site(tmp_path_factory.mktemp("history"))
    assert filled.fill()
    yield filled
    filled.state.close()


@pytest.mark.parametrize("step", [60, 300, 3_600, SIX_HOURS, DAY])
def test_a_hub_is_the_sum_of_its_endpoints(site: Site, step: int) -> None:
    for hub in WORLD.hubs:
        whole = counts(site.rows(SeriesKey("hub", (hub,)), step))
        assert np.array_equal(whole, site.sum(site.keys("endpoint", hub), step), equal_nan=True)
        assert np.nansum(whole) > 0


@pytest.mark.parametrize("step", [60, 3_600, DAY])
def test_what_is_shared_out_adds_up(site: Site, step: int) -> None:
    vendors, hubs = site.sum(site.keys("vendor"), step), site.sum(site.keys("hub"), step)
    assert np.array_equal(vendors, hubs, equal_nan=True)
    dpp = counts(site.rows(SeriesKey("hub", ("dpp",)), step))[-100:]
    for family in ("code", "server"):
        assert np.array_equal(site.sum(site.keys(family, "dpp"), step)[-100:], dpp, equal_nan=True)
    place = ("dpp", "tip.registerData")
    crossed = site.sum(site.keys("endpoint_vendor", *place), step)[-100:]
    assert np.array_equal(crossed, counts(site.rows(SeriesKey("endpoint", place), step))[-100:], equal_nan=True)


@pytest.mark.parametrize("family", ["hub", "endpoint", "vendor", "endpoint_vendor", "code", "server", "pharmacy"])
def test_coarse_rows_are_the_sum_of_fine_ones(site: Site, family: str) -> None:
    key = site.keys(family)[0]
    steps = sorted(step for step in FAMILIES[family].days if 10 < step < DAY)
    for fine, coarse in pairwise(steps):
        long, short = site.rows(key, coarse), site.rows(key, fine)
        summed = counts(short).reshape(len(long.values), coarse // fine, -1).sum(axis=1)
        both = ~np.isnan(summed) & ~np.isnan(counts(long))
        assert both.sum() > 20
        assert (summed[both] == counts(long)[both]).all()
    hours, days = counts(site.rows(key, 3_600)), site.rows(key, DAY)
    begin = FLOOR - (DAYS - 2) * DAY
    for bucket, day in zip(days.times.tolist()[1:-2], counts(days)[1:-2], strict=True):
        start, end = bucket_span(bucket, DAY, BRUSSELS)
        assert (hours[(start - begin) // 3_600 : (end - begin) // 3_600].sum(axis=0) == day).all()


def test_the_day_of_the_floor_is_whole_and_nothing_else_is_above_it(site: Site) -> None:
    for key in (SeriesKey("hub", ("dpp",)), SeriesKey("pharmacy", (WORLD.pharmacies[0],))):
        for step in FAMILIES[key.family].days:
            if step > 10:
                assert site.series.last(key, step) == (
                    floor_bucket(FLOOR, DAY, BRUSSELS) if step == DAY else FLOOR - step
                )
        days = site.rows(key, DAY).column("calls")
        known = days[~np.isnan(days)]
        week_before = known[-8]
        assert 0.8 < known[-1] / week_before < 1.25


def test_a_family_keeps_what_it_keeps(site: Site) -> None:
    for key, step, days in (
        (SeriesKey("hub", ("dpp",)), 60, 33),
        (site.keys("code")[0], 60, 5),
        (site.keys("pharmacy")[0], 300, 12),
        (site.keys("pharmacy")[0], 3_600, DAYS),
    ):
        known = np.flatnonzero(~np.isnan(site.series.read(key, step, FLOOR - 60 * DAY, FLOOR).column("calls")))
        assert days * DAY / step <= len(known) <= (days + 1.3) * DAY / step
        assert (np.diff(known) == 1).all()


@pytest.mark.parametrize("step", [60, 300, 3_600, DAY])
def test_values_are_whole_and_in_order(site: Site, step: int) -> None:
    for key in (*site.keys("hub"), *site.keys("pharmacy"), *site.keys("server")):
        if step not in FAMILIES[key.family].days:
            continue
        rows = site.rows(key, step)
        known = rows.values[~np.isnan(rows.column("calls"))]
        assert np.array_equal(known, np.rint(known), equal_nan=True)
        calls = rows.column("calls")
        some = calls > 0
        assert (np.isnan(rows.column("p50")) == ~some).all()
        ascending = ["p50", "p95", *(("p99", "max") if "max" in rows.sources else ())]
        for low, high in pairwise(ascending):
            assert (rows.column(low)[some] <= rows.column(high)[some]).all()
        if "mean" in rows.sources:
            assert (rows.column("mean")[some] <= rows.column("max")[some]).all()
            alone = calls == 1
            for source in ("p50", "p95", "p99", "mean"):
                assert (rows.column(source)[alone] == rows.column("max")[alone]).all()


def test_progress_and_floors(site: Site) -> None:
    order = plan(WORLD)
    assert site.state.progress(PROGRESS) == (len(order), len(order))
    assert len(set(order)) == len(order)
    assert all(site.state.floor(key) == FLOOR for key in order)
    families = list(dict.fromkeys(key.family for key in order))
    assert families[:3] == ["endpoint", "hub", "vendor"]
    assert families[-1] == "pharmacy"
    assert {family: len(site.series.keys(family)) for family in families} == {
        family: sum(key.family == family for key in order) for family in families
    }


def test_a_fill_cut_short_goes_on_to_the_same_values(site: Site, tmp_path: Path) -> None:
    """Also where the collector wrote above the floor in the meantime."""
    other = Site(tmp_path)
    assert not other.fill(47)
    assert other.state.progress(PROGRESS) == (40, len(plan(WORLD)))
    last = plan(WORLD)[45]
    early = plan(WORLD)[60]
    for key in (last, early):
        width = len(FAMILIES[key.family].sources)
        other.series.write(key, Rows(FLOOR, 300, FAMILIES[key.family].sources, np.full((3, width), 5.0)))
    assert not other.fill(30)
    for key in plan(WORLD)[40:65]:
        for step in (60, 300, 3_600):
            one, two = (at.series.read(key, step, FLOOR - 30 * DAY, FLOOR).values for at in (site, other))
            assert np.array_equal(one, two, equal_nan=True)
    assert (other.series.read(early, 300, FLOOR, FLOOR + 900).values == 5).all()
    other.state.close()


def test_a_finished_fill_does_nothing(site: Site) -> None:
    assert site.fill(0)


def test_a_floor_off_the_grid_is_refused(tmp_path: Path) -> None:
    other = Site(tmp_path)
    with pytest.raises(UsageError, match="six hours"):
        fill(other.series, other.state, WORLD, FLOOR + 3_600)
    other.state.close()


def test_past_and_live_rates_are_one() -> None:
    """The same hours as counts of the past and call by call."""
    world = build_world(8, load=2, pharmacies=1_000)
    floor = FLOOR - FLOOR % DAY + DAY
    grid = Grid.of(floor, 2, 300, 60, 1, BRUSSELS)
    past = Past(world, grid)
    recent = (grid.starts >= floor - 14 * 3_600) & (grid.starts < floor - 12 * 3_600)
    calls = list(calls_between(world, ORDINARY, floor - 14 * 3_600, floor - 12 * 3_600))
    assert datetime.fromtimestamp(floor - 14 * 3_600, UTC).hour == 10
    operations = np.bincount(np.concatenate([part.operation for part in calls]), minlength=len(world.endpoints))
    drawn = np.array([past.operation(place)[recent].sum() for place in range(len(world.endpoints))])
    assert (np.abs(operations - drawn) < 5 * np.sqrt(operations + drawn + 10)).all()
    pharmacies = np.bincount(np.concatenate([part.pharmacy for part in calls]), minlength=1_000)
    some = np.arange(0, 1_000, 50)
    drawn = np.array([past.pharmacy(place)[recent].sum() for place in some.tolist()])
    assert (np.abs(pharmacies[some] - drawn) < 6 * np.sqrt(pharmacies[some] + drawn + 10)).all()


def test_past_incidents_show() -> None:
    floor = int(start_of("2026-11-04T13:00"))
    world = build_world(8)
    past = Past(world, Grid.of(floor, 396, 300, 60, 33, BRUSSELS))
    starts = past.grid.starts
    evening = next(i for i in incidents(floor) if i.hub == "recipe" and floor - i.start < 40 * DAY)
    during = (starts >= evening.start) & (starts < evening.end)
    place = world.endpoints.index("executor.markAsDelivered")
    drawn = past.operation(place)
    assert drawn[during, 2].sum() / drawn[during].sum() > 0.85
    assert drawn[~during, 2].sum() / drawn[~during].sum() < 0.02
    slow = next(i for i in incidents(floor) if i.hub == "ehealth" and i.slower > 2 and i.start > starts[0])
    during = (starts >= slow.start) & (starts + 300 <= slow.end)
    assert during.sum() > 800
    assert (past.slower("ehealth")[during] > 2.5 * past.slower()[during]).all()
    assert all(incident.end <= floor for incident in incidents(floor))


@pytest.mark.parametrize("count", [1, 2, 19, 20, 100, 3_000, 100_000])
def test_drawn_quantiles_are_those_of_drawn_calls(count: int) -> None:
    """Against the order statistics of real draws from the same mixture."""
    weights, medians, sigmas = np.array([3.0, 1.0]), np.array([80_000.0, 250_000.0]), np.array([0.45, 0.6])
    latency = mixture(weights, medians, sigmas)
    random, buckets = generator(1, count), max(40, 40_000 // count)
    calls, ones = np.full(4_000, float(count)), np.ones(4_000)
    longest, sums = draw_sums(random, latency, calls, ones)
    drawn = draw_quantiles(random, latency, calls, ones, longest, ("p50", "p95", "p99"))
    kind = (random.random((buckets, count)) < 0.25).astype(int)
    real = np.sort(medians[kind] * np.exp(sigmas[kind] * random.standard_normal((buckets, count))), axis=1)
    for name, quantile in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        nearest = real[:, int(np.ceil(quantile * count - 1e-9)) - 1]
        assert np.median(drawn[name]) == pytest.approx(np.median(nearest), rel=0.12)
        # The scatter too: the middle half of the buckets is about as wide.
        width, real_width = (np.subtract(*np.log(np.percentile(v, [75, 25]))) for v in (drawn[name], nearest))
        assert width == pytest.approx(real_width, rel=0.5, abs=0.02)
    assert np.median(longest) == pytest.approx(np.median(real[:, -1]), rel=0.12)
    assert np.mean(sums) / count == pytest.approx(real.mean(), rel=0.08)
