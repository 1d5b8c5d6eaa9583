from __future__ import annotations

import zlib
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import gauges, sketches
from domain.batch import Accounting, Batch, BatchName, Heartbeat, Position, SourceState
from domain.cells import KEY, SCHEMA, add, empty
from domain.errors import WireError
from domain.wire import FIRST_VERSION, WIRE_VERSION, decode_batch, decode_heartbeat, encode_batch, encode_heartbeat

NAME = BatchName("hub-1", "0123456789abcdef", 7)
TEXTS = ("hub", "endpoint", "vendor", "version", "pharmacy", "server", "code", "class", "side")


def cells(count: int) -> pl.DataFrame:
    rows = [
        {"bucket": 10 * (place % 3), **dict.fromkeys(TEXTS, f"é{place % 2}"), "bin": place % 4, "calls": 1,
         "sum_us": place, "max_us": place}
        for place in range(count)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def figures(count: int) -> pl.DataFrame:
    rows = [
        {"bucket": 10 * place, "source": "é", "hub": "dpp", "server": "", "name": "heap", "unit": "bytes",
         "kind": "gauge", "count": 2, "sum": 5, "min": -1, "max": 6, "last_us": 10_000_000 * place + 1, "last": 6}
        for place in range(count)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=gauges.SCHEMA)


def patients(count: int) -> pl.DataFrame:
    rows = [
        {"hour": 3_600 * place, "hub": "dpp", "pharmacy": "00000196", "registers": b"\x11\x00\x23\x00", "uncounted": 1}
        for place in range(count)
    ]
    return pl.DataFrame(rows, schema=sketches.SCHEMA)


@given(st.lists(st.integers(0, 30), max_size=5), st.randoms(use_true_random=False))
def test_cells_add_up_in_any_order(cuts: list[int], random: object) -> None:
    whole = cells(30)
    places = sorted({0, 30, *cuts})
    parts = [whole[begin:end] for begin, end in pairwise(places)]
    assert add([add(parts[::-1])]).equals(add([whole]))
    assert add([]).equals(empty())
    assert add([whole], by=("hub",))["calls"].sum() == 30
    assert add([whole]).columns == [*KEY, "calls", "sum_us", "max_us"]


def test_a_batch_travels() -> None:
    position = Position(
        source="dpp", path="/x", identity="1-2-3", offset=99, accounting=Accounting(lines=2, events=2, bytes=99)
    )
    batch = Batch(NAME, add([cells(20)]), (position,), figures(9), patients(5))
    back = decode_batch(encode_batch(batch))
    assert back.name == NAME
    assert back.positions == (position,)
    assert back.cells.equals(batch.cells)
    assert back.cells.schema == SCHEMA
    assert back.gauges.equals(batch.gauges)
    assert back.sketches.equals(batch.sketches)


@pytest.mark.parametrize("which", range(3))
def test_each_of_its_parts_may_be_empty(which: int) -> None:
    parts = [add([cells(20)]), figures(9), patients(5)]
    parts[which] = parts[which].clear()
    back = decode_batch(encode_batch(Batch(NAME, parts[0], (), parts[1], parts[2])))
    for frame, sent in zip((back.cells, back.gauges, back.sketches), parts, strict=True):
        assert frame.equals(sent)
        assert frame.schema == sent.schema


def test_a_batch_of_the_version_before_is_read() -> None:
    [file] = (Path(__file__).parents[1] / "store" / "version-0.1" / "ledger" / "arrived").iterdir()
    data = file.read_bytes()
    assert data[3] == 1
    batch = decode_batch(data)
    assert str(batch.name) == file.name.removesuffix(".ppb")
    assert batch.cells["calls"].sum() == 30
    assert batch.gauges.equals(gauges.empty())
    assert batch.sketches.equals(sketches.empty())


def test_lengths_that_are_not_those_of_the_parts_are_refused() -> None:
    data = encode_batch(Batch(NAME, cells(5), (), figures(2)))
    for change in (b'"lengths":[0,', b'"lengths":[-9,', b'"lengths":[9999,', b'"longths":['):
        body = data[8:].replace(b'"lengths":[', change, 1)
        body = (int.from_bytes(body[:4], "big") + len(change) - 11).to_bytes(4, "big") + body[4:]
        with pytest.raises(WireError, match="damaged batch"):
            decode_batch(data[:4] + zlib.crc32(body).to_bytes(4, "big") + body)


@pytest.mark.parametrize("which", ["gauges", "sketches"])
def test_other_versions_of_what_is_inside_are_refused(which: str) -> None:
    data = encode_batch(Batch(NAME, cells(5)))
    body = data[8:].replace(f'"{which}_version":1'.encode(), f'"{which}_version":7'.encode())
    with pytest.raises(WireError, match=f"{which} version 7.* and .*{which} version 1.* are read"):
        decode_batch(data[:4] + zlib.crc32(body).to_bytes(4, "big") + body)


def test_sketches_that_are_none_are_refused() -> None:
    with pytest.raises(WireError, match="sketches that are none"):
        decode_batch(encode_batch(Batch(NAME, empty(), (), gauges.empty(), patients(3).with_columns(registers=b"x"))))


@pytest.mark.parametrize("column", ["bucket", "hub", "max_us"])
def test_what_leaves_something_out_is_refused(column: str) -> None:
    holes = cells(3).with_columns(pl.when(pl.col("sum_us") > 0).then(pl.col(column)).alias(column))
    with pytest.raises(WireError, match="cells leave something out"):
        decode_batch(encode_batch(Batch(NAME, holes)))


@pytest.mark.parametrize("time", [-(2**40), 2**40, -(2**63)])
def test_times_that_no_hour_file_could_have_are_refused(time: int) -> None:
    with pytest.raises(WireError, match="gauges are of no year from 1 to 9999"):
        decode_batch(
            encode_batch(Batch(NAME, empty(), (), figures(3).with_columns(bucket=pl.lit(time, dtype=pl.Int64))))
        )


def test_too_many_gauges_are_refused() -> None:
    many = figures(100).select(pl.all().repeat_by(5_000).explode())
    with pytest.raises(WireError, match=r"500000 gauges in .* and 400000 in"):
        decode_batch(encode_batch(Batch(NAME, empty(), (), many)))


def test_a_heartbeat_travels() -> None:
    heartbeat = Heartbeat(
        version=WIRE_VERSION, agent="a", incarnation="00000000", sequence=3, at=1.5,
        sources=(SourceState(source="dpp", watermark=None, accounting=Accounting()),),
    )  # fmt: skip
    assert decode_heartbeat(encode_heartbeat(heartbeat)) == heartbeat


@pytest.mark.parametrize("version", [0, FIRST_VERSION - 1, WIRE_VERSION + 1, 255])
def test_a_version_that_is_not_read_is_refused_and_named(version: int) -> None:
    data = bytearray(encode_batch(Batch(NAME, empty())))
    data[3] = version
    with pytest.raises(WireError, match=f"version {version}"):
        decode_batch(bytes(data))
    with pytest.raises(WireError, match=f"version {version}"):
        decode_heartbeat(
            f'{{"version":{version},"agent":"a","incarnation":"b","sequence":0,"at":0,"sources":[]}}'.encode()
        )


@given(st.integers(0, 5_000), st.binary(max_size=4))
def test_damaged_bytes_are_a_wire_error_or_the_batch(place: int, junk: bytes) -> None:
    data = encode_batch(Batch(NAME, cells(5)))
    cut = place % len(data)
    for damaged in (data[:cut], junk, data[:cut] + junk):
        with pytest.raises(WireError):
            decode_batch(damaged)


def test_a_damage_that_the_check_sum_agrees_with_is_a_wire_error_too() -> None:
    data = encode_batch(Batch(NAME, cells(5)))
    assert data.count(b"endpoint") == 1
    body = data[8:].replace(b"endpoint", b"endpo\xffnt")
    with pytest.raises(WireError):
        decode_batch(data[:4] + zlib.crc32(body).to_bytes(4, "big") + body)


def test_other_columns_are_refused() -> None:
    with pytest.raises(WireError, match="other columns"):
        decode_batch(encode_batch(Batch(NAME, cells(2).drop("bin"))))


@pytest.mark.parametrize(
    "text", ["", "a", "a.b.1", "A.00000000.1", "a.00000000.x", "../a.00000000.1", "a.00000000.1.2"]
)
def test_a_name_that_is_none(text: str) -> None:
    with pytest.raises(WireError):
        BatchName.parse(text)


def test_names_and_accounts() -> None:
    assert BatchName.parse(str(NAME)) == NAME
    total = Accounting(lines=3, events=1, malformed=2) + Accounting(lines=2, ignored=1, future=1, bytes=9)
    assert total == Accounting(lines=5, events=1, malformed=2, ignored=1, future=1, bytes=9)
    assert total.balanced
    assert not Accounting(lines=1).balanced
