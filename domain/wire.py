"""The wire format of batches and heartbeats: bytes in, bytes out.

A batch is `PPB` and one version byte, the CRC-32 of all that follows it and the length of a JSON header (4 bytes
each, big-endian), the header, and cells, gauges and sketches, each an Arrow IPC stream compressed with zstd whose
length the header tells; one without rows has no bytes. Arrow notices few damages itself: without the check some are
counted as other calls, and some make polars panic. A reader takes its own version and the one before (DESIGN 3,
Versions); an older or newer one is refused with a WireError that names both. Version 1 had cells only, and no lengths.

How much each stream unpacks to is known, and bounded, before any is unpacked (`domain.arrow`).
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass

import msgspec
import polars as pl

from domain import cells, gauges, sketches
from domain.arrow import size_of
from domain.batch import Batch, BatchName, Heartbeat, Position
from domain.bins import BINS_VERSION
from domain.errors import WireError

FIRST_VERSION = 1
WIRE_VERSION = 2
READABLE = range(max(FIRST_VERSION, WIRE_VERSION - 1), WIRE_VERSION + 1)
# About four times what is ever sent at once: an agent's 200,000 events with what one more piece of a file holds, or an
# hour of the simulated hubs (some 430,000 calls at their peak). A row has about 180 bytes, and its longer texts.
MOST_CELLS = 1_600_000
MOST_CELL_BYTES = 384 << 20
# Twenty technical figures in every line of a batch; and an hour of 5,000 pharmacies at forty hubs.
MOST_GAUGES = 400_000
MOST_SKETCHES = 200_000
MOST_OTHER_BYTES = 96 << 20
# From the year 1 to the end of 9999: no hour before or after has a name.
_FIRST, _LAST = -62_135_596_800, 253_402_300_800
_MAGIC = b"PPB"
# What polars makes of bytes that somebody else wrote: also a column's name that is no text, also a panic.
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError)
_CHECKED = len(_MAGIC) + 1 + 4  # where what the check covers begins
_PREFIX = _CHECKED + 4


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one of the streams holds, and how much of it is taken."""

    name: str
    schema: pl.Schema
    time: str
    most_rows: int
    most_bytes: int


_KINDS = (
    _Kind("cells", cells.SCHEMA, "bucket", MOST_CELLS, MOST_CELL_BYTES),
    _Kind("gauges", gauges.SCHEMA, "bucket", MOST_GAUGES, MOST_OTHER_BYTES),
    _Kind("sketches", sketches.SCHEMA, "hour", MOST_SKETCHES, MOST_OTHER_BYTES),
)


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    cells_version: int
    bins_version: int
    positions: tuple[Position, ...]
    gauges_version: int = gauges.GAUGES_VERSION
    sketches_version: int = sketches.SKETCHES_VERSION
    lengths: tuple[int, int, int] | None = None

    @property
    def versions(self) -> dict[str, int]:
        """The version of each thing that is inside."""
        return {
            "cells": self.cells_version,
            "bins": self.bins_version,
            "gauges": self.gauges_version,
            "sketches": self.sketches_version,
        }


_VERSIONS = {
    "cells": cells.CELLS_VERSION,
    "bins": BINS_VERSION,
    "gauges": gauges.GAUGES_VERSION,
    "sketches": sketches.SKETCHES_VERSION,
}


def encode_batch(batch: Batch) -> bytes:
    """The bytes of a batch."""
    streams = [_encoded(frame) for frame in (batch.cells, batch.gauges, batch.sketches)]
    of_cells, of_gauges, of_sketches = map(len, streams)
    header = msgspec.json.encode(
        _Header(
            name=str(batch.name),
            cells_version=cells.CELLS_VERSION,
            bins_version=BINS_VERSION,
            positions=batch.positions,
            lengths=(of_cells, of_gauges, of_sketches),
        )
    )
    checked = b"".join((len(header).to_bytes(4, "big"), header, *streams))
    return b"".join((_MAGIC, bytes([WIRE_VERSION]), zlib.crc32(checked).to_bytes(4, "big"), checked))


def _encoded(frame: pl.DataFrame) -> bytes:
    if frame.is_empty():
        return b""
    stream = io.BytesIO()
    frame.write_ipc_stream(stream, compression="zstd")
    return stream.getvalue()


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
        if header.versions != _VERSIONS:
            raise WireError(f"a batch of {header.name} in {_told(header.versions)}, and {_told(_VERSIONS)} are read")
        lengths = (len(data) - begin, 0, 0) if data[3] == 1 else header.lengths
        if lengths is None or min(lengths) < 0 or begin + sum(lengths) != len(data):
            raise WireError("a damaged batch: its parts have other lengths than it says")
        frames = []
        for kind, length in zip(_KINDS, lengths, strict=True):
            frames.append(_frame(kind, header.name, data[begin : begin + length]))
            begin += length
        counted, figures, patients = frames
        if not sketches.well_formed(patients):
            raise WireError(f"a batch of {header.name} with sketches that are none")
    except (msgspec.MsgspecError, *_UNREADABLE) as error:
        raise WireError(f"a damaged batch: {error}") from error
    return Batch(BatchName.parse(header.name), counted, header.positions, figures, patients)


def _told(versions: dict[str, int]) -> str:
    return ", ".join(f"{what} version {version}" for what, version in versions.items())


def _frame(kind: _Kind, name: str, stream: bytes) -> pl.DataFrame:
    """The rows of an Arrow IPC stream, if they are not too many. Raises WireError, and what polars raises."""
    if not stream:
        return kind.schema.to_frame()
    size = size_of(stream, len(kind.schema))
    if size.rows > kind.most_rows or size.bytes > kind.most_bytes:
        raise WireError(
            f"a batch of {size.rows} {kind.name} in {size.bytes} bytes, "
            f"and {kind.most_rows} in {kind.most_bytes} are taken"
        )
    frame = pl.read_ipc_stream(io.BytesIO(stream))
    if frame.schema != kind.schema:
        raise WireError(f"a batch of {name} whose {kind.name} have other columns than {', '.join(kind.schema.names())}")
    if frame.is_empty():
        return frame
    if sum(frame.null_count().row(0)):
        raise WireError(f"a batch of {name} whose {kind.name} leave something out")
    if not frame[kind.time].is_between(_FIRST, _LAST, closed="left").all():
        raise WireError(f"a batch of {name} whose {kind.name} are of no year from 1 to 9999")
    # Many rows may show one long text: short here, and long wherever they are written out.
    shown = sum(_shown_bytes(column) for column in frame.iter_columns())
    if shown > kind.most_bytes:
        raise WireError(f"a batch whose texts have {shown} bytes, and {kind.most_bytes} are taken")
    return frame


def _shown_bytes(column: pl.Series) -> int:
    """How long the texts of a column are, each as often as it is shown."""
    if column.dtype == pl.String:
        return int(column.str.len_bytes().sum())
    return int(column.bin.size().sum()) if column.dtype == pl.Binary else 0


def encode_heartbeat(heartbeat: Heartbeat) -> bytes:
    """The bytes of a heartbeat (JSON)."""
    return msgspec.json.encode(heartbeat)


def decode_heartbeat(data: bytes) -> Heartbeat:
    """The heartbeat of some bytes. Raises WireError when they are none."""
    try:
        heartbeat = msgspec.json.decode(data, type=Heartbeat)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"not a heartbeat: {error}") from error
    _readable("heartbeat", heartbeat.version)
    return heartbeat


def _readable(what: str, version: int) -> None:
    if version not in READABLE:
        raise WireError(
            f"a {what} of version {version}, and this program reads {' and '.join(map(str, READABLE))}: "
            "upgrade the older side first to the version between"
        )
