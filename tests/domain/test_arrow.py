"""How much a batch unpacks to is known before it is unpacked, and what cannot be vouched for is refused."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import zlib

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from domain.arrow import Size, size_of
from domain.batch import Batch, BatchName
from domain.cells import DIMENSIONS, SCHEMA, empty
from domain.errors import WireError
from domain.wire import MOST_CELL_BYTES, MOST_CELLS, decode_batch, encode_batch

NAME = BatchName("hub-1", "0123456789abcdef", 7)
COLUMNS = len(SCHEMA)
NUMBERS = ("bucket", "calls", "sum_us", "max_us")


def stream_of(cells: pl.DataFrame) -> bytes:
    body = io.BytesIO()
    cells.write_ipc_stream(body, compression="zstd")
    return body.getvalue()


def batch_around(stream: bytes) -> bytes:
    """A batch with its check sum, whatever its cells are."""
    whole = encode_batch(Batch(NAME, empty()))
    header = whole[12:].replace(b'"lengths":[0,0,0]', b'"lengths":[%d,0,0]' % len(stream))
    checked = len(header).to_bytes(4, "big") + header + stream
    return whole[:4] + zlib.crc32(checked).to_bytes(4, "big") + checked


def rows(count: int, text: str = "x") -> pl.DataFrame:
    one = {name: [text if name in DIMENSIONS else 1] for name in SCHEMA.names()}
    return pl.DataFrame(one, schema=SCHEMA).select(pl.all().repeat_by(count).explode())


def lengths_at(stream: bytes) -> list[int]:
    """Where the buffers' lengths stand: before each zstd frame."""
    magic, found, place = b"\x28\xb5\x2f\xfd", [], 0
    while (place := stream.find(magic, place)) >= 0:
        found.append(place - 8)
        place += 4
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {name: st.text(max_size=40) if name in DIMENSIONS else st.integers(0, 2**15 - 1) for name in SCHEMA.names()}
        ),
        max_size=30,
    ),
    st.lists(st.integers(0, 30), max_size=3),
)
def test_every_batch_that_we_make_is_read(made: list[dict[str, object]], cuts: list[int]) -> None:
    whole = pl.DataFrame(made, schema=SCHEMA)
    parts = pl.concat([whole[:cut] for cut in cuts] + [whole], rechunk=False)
    assert decode_batch(encode_batch(Batch(NAME, parts))).cells.equals(parts)
    size = size_of(stream_of(parts), COLUMNS)
    assert size.rows == len(parts)
    assert size.bytes >= len(parts) * (8 * len(NUMBERS) + 2 + 16 * len(DIMENSIONS))


def test_no_cells_are_no_rows() -> None:
    assert size_of(stream_of(empty()), COLUMNS).rows == 0


@pytest.mark.parametrize("many", [100_000, 400_000])
def test_as_many_as_are_ever_sent_are_far_within_the_bounds(many: int) -> None:
    texts = pl.Series([f"/a/path/longer/than/twelve/bytes/{number}" for number in range(300)])
    whole = rows(many).with_columns(endpoint=texts.gather([number % 300 for number in range(many)]))
    size = size_of(stream_of(whole), COLUMNS)
    assert size.rows == many <= MOST_CELLS / 4
    assert size.bytes <= MOST_CELL_BYTES / 3
    assert len(decode_batch(encode_batch(Batch(NAME, whole))).cells) == many


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 100_000))
@example(0, 48_000)
@example(0, 23_999)
@example(1, 24_000)
@example(2, 0)
def test_another_length_of_a_buffer_is_refused(which: int, length: int) -> None:
    stream = bytearray(stream_of(rows(3_000)))
    places = lengths_at(bytes(stream))
    assert len(places) >= COLUMNS
    place = places[which % len(places)]
    assume(length != struct.unpack_from("<q", stream, place)[0])
    stream[place : place + 8] = struct.pack("<q", length)
    with pytest.raises(WireError):
        decode_batch(batch_around(bytes(stream)))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 3_000), st.integers(1, 255))
def test_another_byte_is_refused_or_stays_within_the_bounds(place: int, change: int) -> None:
    stream = bytearray(stream_of(rows(5, "twelve bytes and more")))
    stream[place % len(stream)] ^= change
    try:
        cells = decode_batch(batch_around(bytes(stream))).cells
    except WireError:
        return
    assert len(cells) <= MOST_CELLS
    assert cells.estimated_size() <= MOST_CELL_BYTES


@settings(max_examples=100)
@given(st.binary(max_size=200), st.integers(0, 3_000))
def test_bytes_that_are_no_stream_are_refused(junk: bytes, cut: int) -> None:
    stream = stream_of(rows(5))
    for broken in (junk, stream[: cut % len(stream)], stream[: cut % len(stream)] + junk, stream + junk + b"."):
        if broken == stream:
            continue
        with pytest.raises(WireError):
            size_of(broken, COLUMNS)


def test_the_end_must_be_the_end() -> None:
    stream = stream_of(rows(5))
    with pytest.raises(WireError, match="behind its end"):
        size_of(stream + stream, COLUMNS)
    with pytest.raises(WireError, match="leads out"):
        size_of(stream[:-8], COLUMNS)


@pytest.mark.parametrize(
    "frame",
    [
        rows(2).with_columns(hub=pl.col("hub").cast(pl.Categorical)),
        rows(2).with_columns(hub=pl.concat_list("hub")),
        rows(2).with_columns(hub=pl.struct("hub")),
        rows(2).drop("hub"),
        pl.DataFrame(),
    ],
    ids=["dictionary", "list", "struct", "a column less", "none"],
)
def test_what_we_never_make_is_refused(frame: pl.DataFrame) -> None:
    with pytest.raises(WireError):
        decode_batch(batch_around(stream_of(frame)))


def test_one_long_text_in_many_rows_is_refused() -> None:
    long = pl.DataFrame({"endpoint": ["x" * 1_000_000]})
    many = rows(1_000).with_columns(endpoint=long["endpoint"].gather([0] * 1_000))
    data = encode_batch(Batch(NAME, many))
    with pytest.raises(WireError, match="texts have 1000008000 bytes"):
        decode_batch(data)


def test_uncompressed_buffers_count_as_they_are() -> None:
    body = io.BytesIO()
    rows(1_000).write_ipc_stream(body, compression="uncompressed")
    size = size_of(body.getvalue(), COLUMNS)
    assert size.rows == 1_000
    assert 1_000 * 178 <= size.bytes <= len(body.getvalue())
    assert isinstance(size, Size)


BOMB = """
import resource, sys
from domain.errors import WireError
from domain.wire import decode_batch
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode_batch(data)
except WireError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""


def bomb() -> bytes:
    """A quarter of a megabyte that unpacks to some 700 MB."""
    return encode_batch(Batch(NAME, pl.concat([rows(500_000)] * 8)))


def test_a_bomb_is_refused_with_flat_memory() -> None:
    data = bomb()
    assert len(data) < 500_000
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="4000000 cells"):
            decode_batch(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
    # What polars sets aside is not Python's, so a process of its own is looked at, too.
    told = subprocess.run([sys.executable, "-c", BOMB], input=data, capture_output=True, check=True).stdout.split()
    assert int(told[0]) < 8_192, told
