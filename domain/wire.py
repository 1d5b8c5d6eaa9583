"""The wire format of batches and heartbeats: bytes in, bytes out.

A batch is `PPB` and one version byte, the CRC-32 of all that follows it and the length of a JSON header (4 bytes
each, big-endian), the header, and the cells as an Arrow IPC stream compressed with zstd. Arrow notices few damages
itself: without the check some are counted as other calls, and some make polars panic. A reader takes its own version
and the one before (DESIGN 3, Versions); an older or newer one is refused with a WireError that names both. Version 1
is the first.

How much the cells unpack to is known, and bounded, before any is unpacked (`domain.arrow`).
"""

from __future__ import annotations

import io
import zlib

import msgspec
import polars as pl

from domain.arrow import size_of
from domain.batch import Batch, BatchName, Heartbeat, Position
from domain.bins import BINS_VERSION
from domain.cells import CELLS_VERSION, DIMENSIONS, SCHEMA
from domain.errors import WireError

FIRST_VERSION = WIRE_VERSION = 1
READABLE = range(max(FIRST_VERSION, WIRE_VERSION - 1), WIRE_VERSION + 1)
# About four times what is ever sent at once: an agent's 200,000 events with what one more piece of a file holds, or an
# hour of the simulated hubs (some 430,000 calls at their peak). A row has about 180 bytes, and its longer texts.
MOST_CELLS = 1_600_000
MOST_CELL_BYTES = 384 << 20
_MAGIC = b"PPB"
# What polars makes of bytes that somebody else wrote: also a column's name that is no text, also a panic.
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError)
_CHECKED = len(_MAGIC) + 1 + 4  # where what the check covers begins
_PREFIX = _CHECKED + 4


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    cells_version: int
    bins_version: int
    positions: tuple[Position, ...]


def encode_batch(batch: Batch) -> bytes:
    """The bytes of a batch."""
    header = msgspec.json.encode(
        _Header(
            name=str(batch.name),
            cells_version=CELLS_VERSION,
            bins_version=BINS_VERSION,
            positions=batch.positions,
        )
    )
    body = io.BytesIO()
    batch.cells.write_ipc_stream(body, compression="zstd")
    checked = b"".join((len(header).to_bytes(4, "big"), header, body.getvalue()))
    return b"".join((_MAGIC, bytes([WIRE_VERSION]), zlib.crc32(checked).to_bytes(4, "big"), checked))


def decode_batch(data: bytes) -> Batch:
    """The batch of some bytes. Raises WireError when they are none, damaged, or of a version not read here."""
    if len(data) < _PREFIX or data[:3] != _MAGIC:
        raise WireError("not a batch: it does not begin with PPB")
    _readable("batch", data[3])
    if zlib.crc32(memoryview(data)[_CHECKED:]) != int.from_bytes(data[_CHECKED - 4 : _CHECKED], "big"):
        raise WireError("a damaged batch: its check sum is another")
    begin = _PREFIX + int.from_bytes(data[_CHECKED:_PREFIX], "big")
    try:
        header = msgspec.json.decode(data[_PREFIX:begin], type=_Header)
        cells = _cells(data[begin:])
    except (msgspec.MsgspecError, *_UNREADABLE) as error:
        raise WireError(f"a damaged batch: {error}") from error
    if cells.schema != SCHEMA:
        raise WireError(f"a batch of {header.name} whose cells have other columns than {', '.join(SCHEMA.names())}")
    if header.bins_version != BINS_VERSION or header.cells_version != CELLS_VERSION:
        raise WireError(f"a batch of {header.name} in cells version {header.cells_version}, bins {header.bins_version}")
    return Batch(BatchName.parse(header.name), cells, header.positions)


def _cells(stream: bytes) -> pl.DataFrame:
    """The cells of an Arrow IPC stream, if they are not too many. Raises WireError, and what polars raises."""
    size = size_of(stream, len(SCHEMA))
    if size.rows > MOST_CELLS or size.bytes > MOST_CELL_BYTES:
        raise WireError(
            f"a batch of {size.rows} cells in {size.bytes} bytes, and {MOST_CELLS} in {MOST_CELL_BYTES} are taken"
        )
    cells = pl.read_ipc_stream(io.BytesIO(stream))
    # Many rows may show one long text: short here, and long wherever they are written out.
    texts = [name for name in DIMENSIONS if cells.schema.get(name) == pl.String]
    shown = sum(int(cells[name].str.len_bytes().sum()) for name in texts)
    if shown > MOST_CELL_BYTES:
        raise WireError(f"a batch whose texts have {shown} bytes, and {MOST_CELL_BYTES} are taken")
    return cells


def encode_heartbeat(heartbeat: Heartbeat) -> bytes:
    """The bytes of a heartbeat (JSON)."""
    return msgspec.json.encode(heartbeat)


def decode_heartbeat(data: bytes) -> Heartbeat:
    """The heartbeat of some bytes. Raises WireError when they are none."""
    try:
        heartbeat = msgspec.json.decode(data, type=Heartbeat)
    except msgspec.MsgspecError as error:
        raise WireError(f"not a heartbeat: {error}") from error
    _readable("heartbeat", heartbeat.version)
    return heartbeat


def _readable(what: str, version: int) -> None:
    if version not in READABLE:
        raise WireError(
            f"a {what} of version {version}, and this program reads {' and '.join(map(str, READABLE))}: "
            "upgrade the older side first to the version between"
        )
