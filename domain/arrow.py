"""How much an Arrow IPC stream unpacks to, read from its metadata alone: nothing of its content is unpacked.

Compressed buffers name the length they unpack to, and a reader sets aside that much before it looks at them: a
quarter of a megabyte may ask for most of a gigabyte. So a stream from somebody else is measured first. Measured is
what our encoder makes (DESIGN 3, Batch): flat columns, no dictionaries, one end and nothing after it. A stream that
is anything else is refused, not guessed at.

Source: Apache Arrow, "Arrow Columnar Format", Encapsulated message format and IPC Streaming Format; the tables are
those of format/Message.fbs and format/Schema.fbs, laid out as FlatBuffers ("FlatBuffers Internals"). A zstd frame
names its content's size, too (RFC 8878, 3.1.1.1): a buffer that names another one would be filled up with whatever
lay in memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from domain.errors import WireError

_CONTINUES = 0xFFFF_FFFF
_V5 = 4
_SCHEMA, _RECORDS = 1, 3
# The fields of the tables, by their place in format/Message.fbs.
_VERSION, _KIND, _HEADER, _BODY_LENGTH = 0, 1, 2, 3
_LENGTH, _NODES, _BUFFERS, _COMPRESSION = 0, 1, 2, 3
_PAIR = 16  # bytes of a FieldNode (length, nulls) and of a Buffer (offset, length)
# A zstd frame's first bytes, and how long the field of its content's size is by the first bits of its descriptor.
_ZSTD = 0xFD2F_B528
_SIZES = (0, 2, 4, 8)
_UNCOMPRESSED = -1  # stands for a length where a buffer did not get smaller and is kept as it was


@dataclass(frozen=True, slots=True)
class Size:
    """What a stream unpacks to: rows, and the bytes of all columns."""

    rows: int
    bytes: int


def size_of(stream: bytes, columns: int) -> Size:
    """What a stream of so many flat columns unpacks to. Raises WireError where that cannot be vouched for."""
    rows = total = 0
    for number, (kind, header, body) in enumerate(_messages(stream)):
        if kind != (_RECORDS if number else _SCHEMA):
            raise WireError("an Arrow stream with other messages than a schema and records")
        if number:
            added = _records(header, body, columns)
            rows, total = rows + added.rows, total + added.bytes
    return Size(rows, total)


def _messages(stream: bytes) -> Iterator[tuple[int, _Table, memoryview]]:
    """Each message's kind, header and body, up to the end of the stream, which must be its last bytes."""
    data, place = memoryview(stream), 0
    while True:
        continues, length = _at("<Ii", data, place)
        place += 8
        if continues != _CONTINUES or length < 0:
            raise WireError("an Arrow stream with something else between its messages")
        if length == 0:
            if place != len(data):
                raise WireError("an Arrow stream with something behind its end")
            return
        message = _Table(_part(data, place, length), None)
        place += length
        body = _part(data, place, message.number(_BODY_LENGTH, "<q"))
        place += len(body)
        if message.number(_VERSION, "<h") != _V5:
            raise WireError("an Arrow stream of another version of its metadata")
        yield message.number(_KIND, "<B"), message.table(_HEADER), body


def _records(header: _Table, body: memoryview, columns: int) -> Size:
    """What the columns of one message of records unpack to."""
    rows = header.number(_LENGTH, "<q")
    lengths = [length for length, _ in header.pairs(_NODES)]
    # A column within another has a node of its own, and might have any length.
    if rows < 0 or lengths != [rows] * columns:
        raise WireError(f"an Arrow stream with other columns than {columns} flat ones of one length")
    compressed, total = header.has(_COMPRESSION), 0
    for offset, length in header.pairs(_BUFFERS):
        buffer = _part(body, offset, length)
        whole = length
        if compressed and length:
            (whole,) = _at("<q", buffer, 0)
            if whole == _UNCOMPRESSED:
                whole = length - 8
            elif whole != _content_size(buffer[8:]):
                raise WireError("an Arrow stream with a buffer that says another length than its content")
        total += whole
    return Size(rows, total)


def _content_size(frame: memoryview) -> int:
    """What a zstd frame says that it unpacks to. Raises WireError where it is none, or does not say."""
    magic, descriptor = _at("<IB", frame, 0)
    single, size = descriptor & 0x20, _SIZES[descriptor >> 6]
    if magic != _ZSTD or descriptor & 0x0F or not (size or single):
        raise WireError("an Arrow stream with a buffer that is not compressed as ours are")
    content = int.from_bytes(_part(frame, 5 if single else 6, size or 1), "little")
    return content + 256 if size == 2 else content


class _Table:
    """A FlatBuffers table: `data[place]` points back to its list of fields, each at an offset or absent."""

    def __init__(self, data: memoryview, place: int | None) -> None:
        self._data = data
        self._place: int = _at("<I", data, 0)[0] if place is None else place
        self._fields: int = self._place - _at("<i", data, self._place)[0]
        self._size: int = _at("<H", data, self._fields)[0]

    def _field(self, number: int) -> int:
        """Where a field lies; 0 where it is absent."""
        entry = 4 + 2 * number
        offset: int = _at("<H", self._data, self._fields + entry)[0] if entry + 2 <= self._size else 0
        return self._place + offset if offset else 0

    def has(self, number: int) -> bool:
        """Whether the field is there."""
        return bool(self._field(number))

    def number(self, number: int, form: str) -> int:
        """A field's number; 0, the default of all that are read here, where it is absent."""
        place = self._field(number)
        return int(_at(form, self._data, place)[0]) if place else 0

    def table(self, number: int) -> _Table:
        """The table a field points to. Raises WireError where there is none."""
        return _Table(self._data, self._follow(number))

    def pairs(self, number: int) -> Iterator[tuple[int, int]]:
        """A field's list of pairs of 8-byte integers."""
        if not self.has(number):
            return
        place = self._follow(number)
        (count,) = _at("<I", self._data, place)
        listed = _part(self._data, place + 4, count * _PAIR)
        yield from struct.iter_unpack("<qq", listed)

    def _follow(self, number: int) -> int:
        place = self._field(number)
        if not place:
            raise WireError("an Arrow stream with a message that says nothing")
        return place + int(_at("<I", self._data, place)[0])


def _at(form: str, data: memoryview, place: int) -> tuple[int, ...]:
    return struct.unpack(form, _part(data, place, struct.calcsize(form)))


def _part(data: memoryview, place: int, length: int) -> memoryview:
    """So many bytes from `place` on. Raises WireError where the data have not so many."""
    if place < 0 or length < 0 or place + length > len(data):
        raise WireError("an Arrow stream that leads out of itself")
    return data[place : place + length]
