"""Figures and patients of lines, counted into gauges and sketches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import cells, gauges, sketches
from domain.batch import Batch, BatchName
from domain.formats import Value
from domain.patients import NO_PATIENT, UNCOUNTED
from domain.wire import decode_batch, encode_batch
from logwatch.events import LINE_KEYS, NO_DURATION, NO_VALUE, EventBlock
from logwatch.gauging import gauge
from logwatch.registry import Registry
from logwatch.sketching import sketch

US = 1_000_000
START = 1_772_409_600
DECLARED = {"calls": {"heap": Value(field="heap", unit="bytes"), "seen": Value(field="seen", kind="counter")}, "gc": {}}
HUBS, SERVERS, PHARMACIES = ("", "dpp", "recipe"), ("", "s1"), ("", "00000196", "00004255")


@pytest.fixture
def registry() -> Registry:
    return Registry(300, {"hub": HUBS[1:], "server": SERVERS[1:], "pharmacy": PHARMACIES[1:]})


def events(seed: int, many: int, seconds: int = 7_200) -> EventBlock:
    rng = np.random.default_rng(seed)

    def among(number: int) -> np.ndarray:
        return rng.integers(0, number, many).astype(np.int32)

    ids = dict.fromkeys((*LINE_KEYS, "class", "side"), np.zeros(many, dtype=np.int32))
    ids |= {"hub": among(len(HUBS)), "server": among(len(SERVERS)), "pharmacy": among(len(PHARMACIES))}
    # Few distinct patients and times, so that many meet; some without a patient, some of a day without a key.
    patients = rng.choice(np.r_[[NO_PATIENT, UNCOUNTED], rng.integers(2, 2**64, 30, dtype=np.uint64)], many)
    heap = np.where(rng.random(many) < 0.3, NO_VALUE, rng.integers(-50, 50, many))
    return EventBlock(
        (START + rng.integers(0, seconds, many)) * US + rng.integers(0, 3, many),
        np.full(many, NO_DURATION, dtype=np.int64),
        ids,
        patients.astype(np.uint64),
        {"heap": heap, "seen": np.full(many, NO_VALUE)},
    )


def part(block: EventBlock, begin: int, end: int) -> EventBlock:
    assert block.patients is not None
    return EventBlock(
        block.time_us[begin:end],
        block.duration_us[begin:end],
        {key: ids[begin:end] for key, ids in block.ids.items()},
        block.patients[begin:end],
        {name: values[begin:end] for name, values in block.values.items()},
    )


def plain_gauges(block: EventBlock) -> pl.DataFrame:
    """The same, line by line."""
    lines: dict[tuple[int, str, str], list[tuple[int, int]]] = {}
    for place, value in enumerate(block.values["heap"].tolist()):
        if value != NO_VALUE:
            at = int(block.time_us[place])
            key = at // (10 * US) * 10, HUBS[block.ids["hub"][place]], SERVERS[block.ids["server"][place]]
            lines.setdefault(key, []).append((at, value))
    rows = [
        (bucket, "calls", hub, server, "heap", "bytes", "gauge", len(read), sum(v for _, v in read),
         min(v for _, v in read), max(v for _, v in read), *max(read))
        for (bucket, hub, server), read in sorted(lines.items())
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=gauges.SCHEMA, orient="row")


def test_figures_are_those_of_the_lines(registry: Registry) -> None:
    block = events(1, 3_000)
    assert gauge([("calls", block)], DECLARED, registry).equals(plain_gauges(block))


def cut(block: EventBlock, cuts: Sequence[int]) -> list[EventBlock]:
    places = sorted({0, len(block), *cuts})
    return [part(block, begin, end) for begin, end in pairwise(places)]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.lists(st.integers(0, 400), max_size=5), st.randoms(use_true_random=False))
def test_any_parts_in_any_order_give_the_same(seed: int, cuts: list[int], rng: random.Random) -> None:
    registry = Registry(300, {"hub": HUBS[1:], "server": SERVERS[1:], "pharmacy": PHARMACIES[1:]})
    block = events(seed, 400)
    parts = cut(block, cuts)
    rng.shuffle(parts)
    whole = gauge([("calls", block)], DECLARED, registry)
    assert gauge([("calls", one) for one in parts], DECLARED, registry).equals(whole)
    assert gauges.add([gauge([("calls", one)], DECLARED, registry) for one in parts]).equals(whole)
    patients = sketch([block], registry)
    assert sketch(parts, registry).equals(patients)
    assert sketches.add([sketch([one], registry) for one in parts]).equals(patients)


def test_distinct_patients_are_those_of_each_hour_hub_and_pharmacy(registry: Registry) -> None:
    block = events(2, 4_000)
    assert block.patients is not None
    there: dict[tuple[int, str, str], set[int]] = {}
    uncounted: dict[tuple[int, str, str], int] = {}
    for place, patient in enumerate(block.patients.tolist()):
        hour = int(block.time_us[place]) // (3_600 * US) * 3_600
        key = hour, HUBS[block.ids["hub"][place]], PHARMACIES[block.ids["pharmacy"][place]]
        uncounted[key] = uncounted.get(key, 0) + (patient == UNCOUNTED)
        there.setdefault(key, set()).update({patient} - {NO_PATIENT, UNCOUNTED})
    rows = sketch([block], registry)
    assert {(hour, hub, pharmacy): more for hour, hub, pharmacy, _, more in rows.rows()} == uncounted
    about = np.rint(sketches.estimate(rows["registers"])).astype(int)
    assert {row[:3]: number for row, number in zip(rows.rows(), about, strict=True)} == {
        key: len(patients) for key, patients in there.items()
    }
    assert sketches.well_formed(rows)
    assert rows.equals(rows.sort("hour", "hub", "pharmacy"))


def test_lines_without_either_give_none(registry: Registry) -> None:
    block = events(3, 50)
    bare = EventBlock(block.time_us, block.duration_us, block.ids)
    for blocks in ([], [bare], [part(block, 0, 0)]):
        assert gauge([("gc", one) for one in blocks], DECLARED, registry).equals(gauges.empty())
        assert sketch(blocks, registry).equals(sketches.empty())


def test_two_sources_with_a_figure_of_one_name_stay_apart(registry: Registry) -> None:
    block = events(4, 100)
    other = {**DECLARED, "more": {"heap": Value(field="h", unit="MB"), "seen": Value(field="seen")}}
    both = gauge([("calls", block), ("more", block)], other, registry)
    assert set(both.select("source", "unit").rows()) == {("calls", "bytes"), ("more", "MB")}
    assert both.filter(pl.col("source") == "calls").equals(plain_gauges(block))


def test_they_travel(registry: Registry) -> None:
    block = events(5, 500)
    batch = Batch(
        BatchName("a", "0" * 8, 1), cells.empty(), (),
        gauge([("calls", block)], DECLARED, registry), sketch([block], registry),
    )  # fmt: skip
    back = decode_batch(encode_batch(batch))
    assert back.gauges.equals(batch.gauges)
    assert back.sketches.equals(batch.sketches)
