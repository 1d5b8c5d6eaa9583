"""A collector with real ports around it, stepped by hand, and an oracle that counts calls one by one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from collector.service import Collector
from domain import gauges
from domain.batch import Accounting, Batch, BatchName, Heartbeat, SourceState
from domain.bins import MIDDLES, bin_of, nearest_rank
from domain.cells import SCHEMA, add
from domain.clock import ManualClock
from domain.ports import Ledger, Receiver, SeriesStore
from domain.series import CALL_FAMILIES, DAY, FAMILIES, Family, Key, Rows, SeriesKey, floor_bucket, unknown_rows
from domain.settings import CollectorSettings
from domain.wire import encode_batch
from store.ledger import FileLedger, open_ledger
from transport.spool import SpoolReceiver, SpoolSender

BRUSSELS = ZoneInfo("Europe/Brussels")
START = 1_772_409_600  # 2026-03-02T00:00:00Z, a Monday
INCARNATION = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as an agent sees it."""

    time: int
    hub: str = "dpp"
    endpoint: str = "tip.registerData"
    vendor: str = "nova"
    pharmacy: str = "00000196"
    code: str = "TIP_200"
    klass: str = "ok"
    duration_us: int | None = 87_000

    def part(self, dimension: str) -> str:
        """Its value of a dimension; the simulated server is one."""
        return "web1" if dimension == "server" else str(getattr(self, dimension))


def cells_of(calls: Iterable[Call]) -> pl.DataFrame:
    """Calls as cells."""
    rows = [
        {
            "bucket": call.time // 10 * 10,
            "hub": call.hub,
            "endpoint": call.endpoint,
            "vendor": call.vendor,
            "version": "1",
            "pharmacy": call.pharmacy,
            "server": "web1",
            "code": call.code,
            "class": call.klass,
            "side": "",
            "bin": -1 if call.duration_us is None else bin_of(call.duration_us),
            "calls": 1,
            "sum_us": call.duration_us or 0,
            "max_us": call.duration_us or 0,
        }
        for call in calls
    ]
    return add([pl.DataFrame(rows, schema=SCHEMA)])


@dataclass(frozen=True, slots=True)
class Reading:
    """A technical figure, as an agent reads it. `value` is in thousandths."""

    time: int
    value: int
    name: str = "heap"
    kind: str = "gauge"
    hub: str = "dpp"
    server: str = "web1"

    @property
    def key(self) -> Key:
        """Its series."""
        return self.hub, "gc", self.server or "-", self.name, "bytes"


def gauges_of(readings: Iterable[Reading]) -> pl.DataFrame:
    """Readings as gauges."""
    rows = [
        (one.time // 10 * 10, "gc", one.hub, one.server, one.name, "bytes", one.kind, 1, one.value, one.value,
         one.value, one.time * 1_000_000, one.value)
        for one in readings
    ]  # fmt: skip
    return gauges.add([pl.DataFrame(rows, schema=gauges.SCHEMA, orient="row")])


def expected(calls: Sequence[Call], family: Family, step: int, past: int) -> dict[Key, dict[int, list[float]]]:
    """Every row of a family and step before bucket `past`, counted without any of the collector's code."""
    groups: dict[Key, dict[int, list[Call]]] = defaultdict(lambda: defaultdict(list))
    for call in calls:
        key = tuple(call.part(dimension) for dimension in family.dimensions)
        if "" not in key:
            groups[key][floor_bucket(call.time, step, BRUSSELS)].append(call)
    return {
        key: {bucket: _row(buckets.get(bucket, []), family) for bucket in range(min(buckets), past, step)}
        for key, buckets in groups.items()
        if min(buckets) < past
    }


def _row(calls: Sequence[Call], family: Family) -> list[float]:
    durations = sorted(call.duration_us for call in calls if call.duration_us is not None)
    values: dict[str, float] = {
        "calls": len(calls),
        "functional": sum(call.klass == "functional" for call in calls),
        "technical": sum(call.klass == "technical" for call in calls),
        "max": max(durations, default=math.nan),
        "mean": sum(durations) // len(durations) if durations else math.nan,
    }
    for name, quantile in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        if durations:
            nearest = durations[nearest_rank(len(durations), quantile) - 1]
            values[name] = min(int(MIDDLES[bin_of(nearest)]), max(durations))
        else:
            values[name] = math.nan
    return [values[source] for source in family.sources]


class MemorySeries:
    """The SeriesStore port in memory: rows by series, step and bucket."""

    def __init__(self) -> None:
        self.rows: dict[tuple[SeriesKey, int], dict[int, list[float]]] = {}
        self.rewritten = 0

    def write(self, series: SeriesKey, rows: Rows) -> None:
        known = self.rows.setdefault((series, rows.step), {})
        last = max(known, default=-1)
        for time, row in zip(rows.times.tolist(), rows.values.tolist(), strict=True):
            if time > last:
                known[time] = row

    def rewrite(self, series: SeriesKey, rows: Rows) -> None:
        self.rewritten += 1
        known = self.rows.setdefault((series, rows.step), {})
        known.update(zip(rows.times.tolist(), rows.values.tolist(), strict=True))

    def read(self, series: SeriesKey, step: int, start: int, end: int) -> Rows:
        rows = unknown_rows(start, end, step, FAMILIES[series.family].sources)
        for i, time in enumerate(rows.times.tolist()):
            if (row := self.rows.get((series, step), {}).get(time)) is not None:
                rows.values[i] = row
        return rows

    def last(self, series: SeriesKey, step: int) -> int | None:
        return max(self.rows.get((series, step), {}), default=None)

    def keys(self, family: str) -> Sequence[Key]:
        return sorted({series.key for series, _ in self.rows if series.family == family})


class MemoryState:
    """The StateStore port in memory."""

    def __init__(self) -> None:
        self.floors: dict[SeriesKey, int] = {}
        self.done: dict[str, tuple[int, int]] = {}

    def floor(self, series: SeriesKey) -> int:
        return self.floors.get(series, 0)

    def set_floors(self, floors: Mapping[SeriesKey, int]) -> None:
        self.floors.update(floors)

    def progress(self, name: str) -> tuple[int, int] | None:
        return self.done.get(name)

    def set_progress(self, name: str, done: int, total: int) -> None:
        self.done[name] = (done, total)


@dataclass
class World:
    """One agent, a spool, a ledger on disk, series, a collector. `die` and `start` are a kill and a restart."""

    root: Path
    series: SeriesStore = field(default_factory=MemorySeries)
    settings: CollectorSettings = field(default_factory=CollectorSettings)
    most_bins: int = 6_000_000

    def __post_init__(self) -> None:
        self.clock = ManualClock(START)
        self.state = MemoryState()
        self.sender = SpoolSender(self.root / "spool")
        self.sent: list[Call] = []
        self.read: list[Reading] = []
        self.sequence = 0
        self.start()

    def start(self) -> None:
        self.files: FileLedger = open_ledger(self.root / "ledger")
        self.collector = self.build(SpoolReceiver(self.root / "spool"), self.files, self.series)

    def build(self, receiver: Receiver, ledger: Ledger, series: SeriesStore) -> Collector:
        """A collector on these ports; a test may put something between."""
        return Collector(
            receiver, ledger, series, self.state, self.clock, self.clock, BRUSSELS, self.settings,
            most_bins=self.most_bins,
        )  # fmt: skip

    def die(self) -> None:
        self.files.close()

    def send(self, calls: Sequence[Call], agent: str = "agent", readings: Sequence[Reading] = ()) -> None:
        """Batch and spool some calls and readings."""
        self.sequence += 1
        name = BatchName(agent, INCARNATION, self.sequence)
        self.sender.send(name, encode_batch(Batch(name, cells_of(calls), (), gauges_of(readings))))
        self.sent += calls
        self.read += readings

    def send_sketches(self, patients: pl.DataFrame) -> None:
        """Batch and spool some sketches."""
        self.sequence += 1
        name = BatchName("agent", INCARNATION, self.sequence)
        self.sender.send(name, encode_batch(Batch(name, cells_of([]), (), gauges.empty(), patients)))

    def beat(self, watermark: float | None, agent: str = "agent", sequence: int | None = None) -> None:
        """Spool a heartbeat of one source."""
        source = SourceState(source="calls", watermark=watermark, accounting=Accounting())
        self.sender.beat(
            Heartbeat(
                version=1,
                agent=agent,
                incarnation=INCARNATION,
                sequence=self.sequence if sequence is None else sequence,
                at=self.clock.now(),
                sources=(source,),
            )
        )

    def step(self, seconds: float, calls: Sequence[Call] = (), readings: Sequence[Reading] = ()) -> None:
        """Time goes by, calls and readings come, the agent says it is complete two seconds ago, the collector ticks."""
        self.clock.advance(seconds)
        if calls or readings:
            self.send(calls, readings=readings)
        self.beat(self.clock.now() - 2)
        self.collector.tick()

    def check(self, calls: Sequence[Call] | None = None) -> int:
        """Every written row of every series equals the oracle's; how many rows were compared."""
        calls = self.sent if calls is None else calls
        written = self.files.written()
        compared = 0
        for family in CALL_FAMILIES:
            for step in family.days:
                past = written.get((family.name, step), 0)
                oldest = floor_bucket(self.clock.now() - family.days[step] * DAY, step, BRUSSELS)
                want = expected(calls, family, step, past)
                for key, rows in want.items():
                    got = self.series.read(SeriesKey(family.name, key), step, min(rows), past)
                    for time, row in zip(got.times.tolist(), got.values, strict=True):
                        if time >= oldest:
                            np.testing.assert_array_equal(row, rows[time], f"{family.name} {key} {step} s at {time}")
                            compared += 1
                extra = set(self.series.keys(family.name)) - {
                    tuple(call.part(d) for d in family.dimensions) for call in calls
                }
                assert not extra
        return compared
