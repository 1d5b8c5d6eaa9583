"""Traffic that looks like the pharmacies' days, written into real series files, and the ports around them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from collector.recent import RecentLines
from domain.batch import Accounting, Heartbeat, RecentLine, SourceState
from domain.calendar import day_class, local_midnight
from domain.errors import LiveUnavailableError
from domain.patients import PatientCount
from domain.ports import LiveRows
from domain.series import DAY, FAMILIES, Key, Rows, SeriesKey, Values, bucket_span, floor_bucket
from domain.settings import HubSettings, Settings, Site
from rrd.store import RrdSeriesStore

ZONE = ZoneInfo("Europe/Brussels")
NOW = datetime(2026, 11, 23, 10, 42, 20, tzinfo=ZONE).timestamp()
COMPLETE = NOW - 3.0
FAULT = datetime(2026, 11, 23, 10, 28, tzinfo=ZONE).timestamp()
FAILING = ("recipe", "executor.listOpenPrescriptions")
GUILTY = "apolline"

ENDPOINTS: dict[str, tuple[str, ...]] = {
    "recipe": (
        FAILING[1], "executor.getPrescriptionForExecutor", "executor.markAsDelivered", "prescriber.createPrescription",
    ),
    "dpp": ("tip.registerData", "pcdh.getData"),
    "assurpharma": ("registerBvac",),
    "raotd": ("archivePrescription",),
    "mycarenet": ("insurability.getInsurabilityForPharmacist", "tarification.consult"),
    "ehealth": ("sts.RequestSecurityToken", "etk.GetEtk", "GET /a//b/../{}?"),
}  # fmt: skip
VENDORS = {"apolline": 0.4, "Belofarm": 0.35, "Cito & Co/2": 0.25}
PHARMACIES = tuple(f"{number:06d}{97 - number % 97:02d}" for number in [*range(1, 61), 510101, 923456])
BUSIEST = PHARMACIES[7]

SETTINGS = Settings(
    site=Site(name="FarmaFlux", data="unused"),
    hubs=(
        HubSettings(key="recipe", name="Recip-e", does="prescriptions"),
        HubSettings(key="dpp", name="DPP", does="shared file"),
        HubSettings(key="assurpharma", name="AssurPharma", does="insurance"),
        HubSettings(key="raotd", name="RaOTD", does="archiving"),
        HubSettings(key="mycarenet", name="MyCareNet", does="insurability"),
        HubSettings(key="ehealth", name="eHealth", does="base services"),
    ),
)

_SIZES = {"recipe": 900.0, "dpp": 1_600.0, "assurpharma": 90.0, "raotd": 60.0, "mycarenet": 480.0, "ehealth": 2_600.0}


def all_series() -> Iterator[SeriesKey]:
    """Every measuring point."""
    for hub, endpoints in ENDPOINTS.items():
        yield SeriesKey("hub", (hub,))
        for endpoint in endpoints:
            yield SeriesKey("endpoint", (hub, endpoint))
            for vendor in VENDORS:
                yield SeriesKey("endpoint_vendor", (hub, endpoint, vendor))
        for server in ("a", "b"):
            yield SeriesKey("server", (hub, f"{hub}-{server}"))
        for code in ("OK", "ERR200009", "SOA-02001"):
            yield SeriesKey("code", (hub, code))
    for vendor in VENDORS:
        yield SeriesKey("vendor", (vendor,))
    for pharmacy in PHARMACIES:
        yield SeriesKey("pharmacy", (pharmacy,))


def _share(series: SeriesKey) -> float:
    """Calls a minute of a series at its morning peak."""
    family, key = series.family, series.key
    if family == "vendor":
        return sum(_SIZES.values()) * VENDORS[key[0]]
    if family == "pharmacy":
        return 24.0 if key[0] == BUSIEST else 0.9
    size = _SIZES[key[0]]
    if family == "hub":
        return size
    if family == "server":
        return size / 2
    if family == "code":
        return size * {"OK": 0.985, "ERR200009": 0.014, "SOA-02001": 0.001}[key[1]]
    size /= len(ENDPOINTS[key[0]])
    return size * VENDORS[key[2]] if family == "endpoint_vendor" else size


def _part_failing(series: SeriesKey) -> float:
    """Which share of the series' calls belongs to the failing endpoint's guilty vendor."""
    family, key = series.family, series.key
    mine = 1 / len(ENDPOINTS["recipe"]) * VENDORS[GUILTY]
    if family == "endpoint" and key == FAILING:
        return VENDORS[GUILTY]
    if family == "endpoint_vendor" and key == (*FAILING, GUILTY):
        return 1.0
    if (family in ("hub", "server") and key[0] == "recipe") or (family == "code" and key == ("recipe", "SOA-02001")):
        return mine if family != "code" else 60.0
    return mine * _SIZES["recipe"] / _share(series) if family == "vendor" and key == (GUILTY,) else 0.0


def _rhythm(times: Values) -> Values:
    """The day's curve, 0..1, by local time and class of the day."""
    out = np.empty(len(times))
    at = 0
    while at < len(times):
        begin = local_midnight(float(times[at]), ZONE)
        end = local_midnight(begin + 30 * 3_600, ZONE)
        stop = int(np.searchsorted(times, end))
        hours = (times[at:stop] - begin) / 3_600
        curve = np.exp(-(((hours - 10.4) / 1.7) ** 2)) + 0.75 * np.exp(-(((hours - 16.9) / 1.6) ** 2))
        curve += 0.22 * np.exp(-(((hours - 13.5) / 2.2) ** 2)) + 0.02
        scale = {"working": 1.0, "saturday": 0.5, "sunday": 0.04, "holiday": 0.04}[
            day_class(datetime.fromtimestamp(begin, ZONE).date())
        ]
        age = (NOW - begin) / (365 * DAY)
        out[at:stop] = curve * scale * (1 - 0.12 * age)
        at = stop
    return out


@lru_cache(maxsize=1_000)
def _day_mean(bucket: int) -> float:
    return float(_rhythm(np.arange(*bucket_span(bucket, DAY, ZONE), 1_800.0)).mean())


def rows_of(series: SeriesKey, step: int, start: int, end: int) -> Rows:
    """What was counted of a series: the same for the same bucket, whoever asks."""
    times = np.arange(start, end, step, dtype=np.float64)
    seed = np.random.default_rng(zlib.crc32(f"{series}{step}{start}".encode()))
    if step == DAY:
        expected = np.array([_day_mean(int(time)) for time in times]) * _share(series) * 1_440
    else:
        expected = _rhythm(times + step / 2) * _share(series) * step / 60
    calls = seed.poisson(np.maximum(expected, 0.02)).astype(np.float64)
    technical = seed.binomial(calls.astype(np.int64), 0.0012).astype(np.float64)
    functional = seed.binomial(calls.astype(np.int64), 0.012).astype(np.float64)
    spread = seed.normal(1, 0.05, len(times))
    p50 = np.round(70_000 * spread * (1 + 0.2 * seed.random(len(times))))
    slow = np.ones(len(times))
    part = _part_failing(series)
    if part:
        hit = (times + step > FAULT) & (times < NOW)
        failing = hit if step <= 300 else np.zeros(len(times), dtype=bool)
        technical[failing] = np.minimum(calls[failing] * min(part, 0.97), calls[failing]).round()
        if part > 1:
            calls[failing] = technical[failing] = (calls[failing] * part + 20).round()
    if series.key == ("mycarenet",) or series.key[0] == "mycarenet":
        slow = np.where(times > NOW - 1_500, 4.5, 1.0)
    quantiles = np.column_stack([p50 * slow, p50 * 3.1 * slow, p50 * 6.4 * slow, p50 * 9 * slow, p50 * 1.3 * slow])
    quantiles[calls == 0] = np.nan
    sources = FAMILIES[series.family].sources
    values = np.column_stack([calls, functional, technical, quantiles])[:, : len(sources)]
    return Rows(start, step, sources, np.round(values))


SPANS: Mapping[int, int] = {10: 7_200, 60: 9 * DAY, 300: 30 * DAY, 3_600: 60 * DAY, 21_600: 60 * DAY, DAY: 420 * DAY}


def written_end(step: int) -> int:
    """Where the written past ends: a bucket is written two minutes after the watermark passed it."""
    if step == DAY:
        return floor_bucket(COMPLETE, DAY, ZONE)
    return int((COMPLETE - 120) // step) * step


def write_all(store: RrdSeriesStore) -> None:
    """The written past of every series; last year's same days at five minutes where a page draws them."""
    for series in all_series():
        for step in FAMILIES[series.family].days:
            end, span = written_end(step), SPANS[step]
            if series.family not in ("hub", "endpoint"):
                span = min(span, {10: 1_800, 60: 2 * DAY, 300: 8 * DAY}.get(step, span))
            if step == 300 and series.family == "hub":
                year_ago = int(end - 364 * DAY) // 300 * 300
                store.write(series, rows_of(series, step, year_ago - DAY, year_ago + DAY))
            store.write(series, rows_of(series, step, end - span // step * step, end))


class OpenPresent:
    """LiveBuckets in memory: everything after the written past, the last bucket still growing."""

    def __init__(self) -> None:
        self.complete: float | None = COMPLETE
        self.answers = True
        self.questions = 0
        self.fresh: dict[SeriesKey, Key] = {}  # series first seen a moment ago, each with the key it looks like
        self.lines: list[RecentLine] = []
        accounting = Accounting(lines=1_000, events=990, ignored=9, malformed=1, bytes=184_000)
        self.states = [SourceState(source="dpp-calls", watermark=COMPLETE, accounting=accounting, files=1)]
        self.heard_at = NOW

    def _asked(self) -> None:
        self.questions += 1
        if not self.answers:
            raise LiveUnavailableError("the collector does not answer on its socket")

    def rows(self, family: str, step: int, keys: Sequence[Key] | None = None) -> LiveRows:
        self._asked()
        wanted = [series.key for series in all_series() if series.family == family]
        start, end = written_end(step), floor_bucket(COMPLETE, step, ZONE) + step
        rows = {key: rows_of(SeriesKey(family, key), step, start, end) for key in wanted if keys is None or key in keys}
        for series, like in self.fresh.items():
            if series.family == family and (keys is None or series.key in keys):
                rows[series.key] = rows_of(SeriesKey(family, like), step, start, end)
        return LiveRows(self.complete, rows)

    def sources(self) -> Sequence[Heartbeat]:
        self._asked()
        return (
            Heartbeat(
                version=1, agent="agent", incarnation="0123456789abcdef", sequence=7, at=self.heard_at,
                sources=tuple(self.states),
            ),
        )  # fmt: skip

    def complete_up_to(self) -> float | None:
        self._asked()
        return self.complete

    def patients(self, start: int, end: int) -> Sequence[PatientCount]:
        self._asked()
        hours = range(start // 3_600 * 3_600, min(end, int(COMPLETE)), 3_600)
        return [PatientCount(hour=hour, hub="dpp", patients=1_204, uncounted=3) for hour in hours]

    def recent(
        self, *, source: str = "", hub: str = "", endpoint: str = "", code: str = "", limit: int = 100
    ) -> Sequence[RecentLine]:
        self._asked()
        found = RecentLines(50)
        for line in self.lines:
            found.keep(line)
        return found.find(source=source, hub=hub, endpoint=endpoint, code=code, limit=limit)


class Progress:
    """StateStore in memory."""

    def __init__(self) -> None:
        self.done: dict[str, tuple[int, int]] = {}
        self.floors: dict[SeriesKey, int] = {}

    def floor(self, series: SeriesKey) -> int:
        return self.floors.get(series, 0)

    def set_floors(self, floors: Mapping[SeriesKey, int]) -> None:
        self.floors.update(floors)

    def progress(self, name: str) -> tuple[int, int] | None:
        return self.done.get(name)

    def set_progress(self, name: str, done: int, total: int) -> None:
        self.done[name] = (done, total)


def filled_store(root: Path) -> RrdSeriesStore:
    """Real series files with all of it."""
    store = RrdSeriesStore(root, durable=False)
    write_all(store)
    return store
