"""Sketches add in any order and estimate within the error that they promise; what is none is told."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.hyperloglog import Hashes, pairs_of
from domain.sketches import SCHEMA, add, empty, estimate, packed, well_formed

HOUR = 1_772_409_600


def hashes(seed: int, many: int) -> Hashes:
    return np.random.default_rng(seed).integers(2, 2**64, many, dtype=np.uint64)


def sketch(
    of: Hashes, *, hour: int = HOUR, hub: str = "dpp", pharmacy: str = "00000196", more: int = 0
) -> pl.DataFrame:
    registers = packed(np.zeros(len(of), dtype=np.int64), pairs_of(of), 1)
    return pl.DataFrame([[hour], [hub], [pharmacy], registers, [more]], schema=SCHEMA)


def told(of: Hashes) -> float:
    return float(estimate(sketch(of)["registers"])[0])


@pytest.mark.parametrize("many", [0, 1, 2, 5])
def test_a_few_are_counted_as_they_are(many: int) -> None:
    assert round(told(hashes(3, many))) == many


@pytest.mark.parametrize("many", [10, 40, 300, 2_000, 5_000, 10_000, 20_000, 100_000, 1_000_000])
def test_the_standard_error_is_that_of_hyperloglog(many: int) -> None:
    errors = np.array([told(hashes(seed, many)) / many - 1 for seed in range(40 if many <= 100_000 else 6)])
    assert np.sqrt((errors**2).mean()) < 0.022
    assert abs(errors.mean()) < 0.01


def test_a_patient_seen_again_changes_nothing() -> None:
    seen = hashes(1, 500)
    assert sketch(np.concatenate([seen, seen[::-1]])).equals(sketch(seen))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 3_000), max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from([("hour", "hub", "pharmacy"), ("hour", "hub")]),
)
def test_sketches_add_up_in_any_order_and_in_any_parts(cuts: list[int], random: object, by: tuple[str, ...]) -> None:
    rng = np.random.default_rng(len(cuts))
    seen, of = hashes(2, 3_000), rng.integers(0, 4, 3_000)
    parts = [
        sketch(seen[begin:end][of[begin:end] == place], pharmacy=str(place), more=1)
        for begin, end in pairwise(sorted({0, 3_000, *cuts}))
        for place in range(4)
    ]
    getattr(random, "shuffle")(parts)  # noqa: B009 (hypothesis' own type of random)
    whole = add([sketch(seen[of == place], pharmacy=str(place), more=len(parts) // 4) for place in range(4)], by)
    assert add(parts, by).equals(whole)
    assert add([add(parts[::2]), add(parts[1::2])], by).equals(whole)
    assert whole["uncounted"].sum() == len(parts)


def test_no_sketches_add_to_none() -> None:
    assert add([]).equals(empty())
    assert add([empty()]).schema == SCHEMA
    assert estimate(empty()["registers"]).shape == (0,)


def test_a_sketch_of_few_is_small_and_none_is_larger_than_all_registers() -> None:
    assert len(sketch(hashes(4, 40))["registers"][0]) <= 80
    assert len(sketch(hashes(4, 500_000))["registers"][0]) == 8_192


def test_a_sketch_keeps_26_bits_of_a_hash_and_shows_13_or_a_few_more() -> None:
    seen = hashes(5, 1_000)
    blurred = seen & ~np.uint64(2**38 - 1)
    assert sketch(blurred).equals(sketch(seen))
    # One hash in 8,192 has the pair that is likeliest: without any key it is of more than a thousand of 11 million.
    among = pairs_of(hashes(6, 100_000))
    assert (among == pairs_of(np.array([1 << 63 | 1 << 51], dtype=np.uint64))[0]).sum() > 3


@pytest.mark.parametrize(
    "registers",
    [b"\x01", b"\x10\x00", b"\x11\x00\x11\x00", b"\x21\x00\x11\x00", b"\x11\x00\x12\x00", None],
    ids=["half a pair", "a value of nothing", "twice", "not in order", "two values", "null"],
)
def test_registers_that_are_none_are_told(registers: bytes | None) -> None:
    rows = {"hour": [HOUR], "hub": [""], "pharmacy": [""], "registers": [registers], "uncounted": [0]}
    assert not well_formed(pl.DataFrame(rows, schema=SCHEMA))


def test_those_of_a_part_of_an_hour_are_told() -> None:
    assert well_formed(sketch(hashes(7, 30)))
    assert not well_formed(sketch(hashes(7, 30), hour=HOUR + 1))
