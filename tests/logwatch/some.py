"""Formats to read with, and what a reading gave in values that two ways of reading can be compared by."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
from hypothesis import HealthCheck, settings

from domain.batch import Accounting
from domain.codes import CLASSES, SIDES
from domain.settings import Fields, Format, Join, Picked, Template, TimeField, Value
from logwatch.catalog import shipped
from logwatch.count import count
from logwatch.events import LINE_KEYS, EventBlock, Tally
from logwatch.joins import Tail
from logwatch.lines import LineCutter
from logwatch.reader import Reader, Way
from logwatch.registry import Registry

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp()
ZONE = "Europe/Brussels"


def bounded(examples: int) -> settings:
    """So many examples; the same ones at every run where CI is set."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# Beside the shipped ones: formats that use what a format may declare.
OWN: Mapping[str, Format] = {
    "logfmt-all": Format(
        kind="logfmt",
        time=TimeField(field="ts", zone=ZONE, marks="start"),
        fields=Fields(
            hub="hub",
            endpoint="op",
            vendor=Picked(field="client", match="^([a-z]+)"),
            version=Picked(field="client", match=r"/([0-9.]+)$"),
            pharmacy="apb",
            code="code",
            status="status",
            duration_us="dt",
            patient="msg",
        ),
        values={"took": Value(field="dt", unit="us"), "of": Value(field=Picked(field="client", match="/([0-9.]+)$"))},
        template=(Template(pattern="[0-9]{4,}"), Template(pattern="^$", by="none")),
        join=Join(starts="^ts="),
        ignore=("^#", r"level=DEBUG\b"),
    ),
    "logfmt-local": Format(
        kind="logfmt",
        time=TimeField(field="ts", zone=ZONE),
        fields=Fields(endpoint="op", code="code", duration_s="dt", patient="op"),
        values={"dt": Value(field="dt", kind="counter")},
    ),
    "access-all": Format(
        kind="access",
        time=TimeField(field="time", zone=ZONE, marks="start"),
        fields=Fields(
            hub=Picked(field="path", match="^/([a-z]+)"),
            endpoint=Picked(field="path", match="^/[a-z]+/(.*)$"),
            vendor=Picked(field="agent", match="^[a-z]+"),
            server="host",
            pharmacy="user",
            code=Picked(field="referer", match="code=([A-Z0-9_]+)"),
            status="status",
            duration_ms="duration",
            patient=Picked(field="request", match="subject/([^?]*)|ssin=.*"),
        ),
        values={"size": Value(field="bytes", unit="bytes"), "took": Value(field="duration", unit="ms")},
        template=(Template(pattern="[0-9]{4,}"),),
        join=Join(starts="^[0-9]"),
        ignore=(r"^10\.9\.", "healthz"),
    ),
}
FORMATS: Mapping[str, Format] = {**shipped(), **OWN}


@dataclass
class Read:
    """All that reading some blocks gave: events as tuples of values, in the order of their lines."""

    events: list[tuple[object, ...]] = field(default_factory=list)
    accounting: Accounting = field(default_factory=Accounting)
    tally: Tally = field(default_factory=Tally)
    blocks: list[EventBlock] = field(default_factory=list)
    registry: dict[str, list[str]] = field(default_factory=dict)
    cells: pl.DataFrame = field(default_factory=pl.DataFrame)

    def told(self) -> tuple[object, ...]:
        """Everything but the cells, to be compared; a shorter text where it differs."""
        return self.events, self.accounting, self.tally, self.registry


def cut_into_blocks(content: bytes, pieces: Iterable[bytes]) -> tuple[list[bytes], int]:
    """What a LineCutter makes of a content that arrives in pieces, and how many lines were too long for it."""
    cutter = LineCutter()
    blocks = [cutter.feed(piece) for piece in pieces]
    blocks.append(cutter.finish())
    assert cutter.unfinished == 0
    return [block for block in blocks if block], cutter.oversized


def read_blocks(form: Format, blocks: Sequence[bytes], way: Way, cap: int = 300, now: float = NOW) -> Read:
    """What one reader gives for blocks of whole lines, read one way."""
    registry = Registry(cap)
    reader = Reader(form, registry, patients=DayKeys())
    read, tail = Read(), Tail()
    whole = [part for block in blocks for part in tail.feed(block, (), reader.held)]
    for block in (*whole, tail.release()):
        reading = reader.read(block, now, way)
        read.accounting += reading.accounting
        read.tally.add(reading.tally)
        read.events += as_values(reading.events, registry)
        read.blocks.append(reading.events)
    read.registry = registry.values()
    read.cells = count(read.blocks, registry)
    return read


def as_values(events: EventBlock, registry: Registry) -> list[tuple[object, ...]]:
    """Each event as (time, duration, keys…, class, side, patient's hash, values…)."""
    names = [[registry.dictionaries[key].values[i] for i in events.ids[key].tolist()] for key in LINE_KEYS]
    klass = [CLASSES[i] for i in events.ids["class"].tolist()]
    side = [SIDES[i] for i in events.ids["side"].tolist()]
    patients = [0] * len(events) if events.patients is None else events.patients.tolist()
    values = [events.values[name].tolist() for name in sorted(events.values)]
    times, durations = events.time_us.tolist(), events.duration_us.tolist()
    return list(zip(times, durations, *names, klass, side, patients, *values, strict=True))


class DayKeys:
    """A key of each day; that of 2026-10-25 is destroyed."""

    def key_of(self, day: int) -> bytes | None:
        """The day's key."""
        return None if day == 20_751 else day.to_bytes(16, "big")
