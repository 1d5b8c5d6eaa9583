"""What is inside one of our RRD files: one archive of one-bucket rows, each row at a place known beforehand.

librrd makes the file; rows are read and written here, at their place, as the numbers they are. An update by
librrd multiplies by the step and divides again, so that values from 2^53 / step on come out wrong, makes the
interval after a pause unknown, and takes text; a fetch makes an object of each value.

librrd keeps a row by the time at which its bucket ENDS; series name a bucket by its START. Here `end` is the
former: `start + step`, for a local day too (the UTC midnight that ends its date). An archive is a ring that
librrd begins anywhere. Ours begin so that the row of a bucket is always `end / step` modulo the number of
rows, so that a reader needs no pointer, which a writer may be moving just now.

The file stays an ordinary RRD file that rrdtool reads, draws and updates (version 0003, in this machine's own
number format, as all RRD files are); the tests let rrdtool judge that.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from domain.errors import SeriesError
from domain.series import DAY, FAMILIES, Values

# rrd_format.h, in native sizes and alignment: the head, then for each source its definition, ...
_HEAD = struct.Struct("@4s5sdLLL")
_HEAD_SIZE = struct.calcsize("@4s5sdLLL10d")
_SOURCE = struct.calcsize("@20s20s10d")
_ARCHIVE = struct.calcsize("@20sLL10d")
_LIVE = struct.Struct("@ll")
_SOURCE_STATE = struct.calcsize("@30s10d")
_ARCHIVE_STATE = struct.calcsize("@10d")
_POINTER = struct.Struct("@L")
_MAGIC, _FORMAT, _FLOAT_COOKIE = b"RRD\0", b"0003\0", 8.642135e130
_VALUE = np.dtype(np.float64)


@dataclass(frozen=True)
class Shape:
    """What a file of a family and step looks like. `step` in seconds, `rows` in the archive, `width` sources."""

    step: int
    rows: int
    sources: tuple[str, ...]

    @property
    def width(self) -> int:
        """The number of sources."""
        return len(self.sources)

    @cached_property
    def live_offset(self) -> int:
        """Where the time of the last update stands, in bytes."""
        return _HEAD_SIZE + self.width * _SOURCE + _ARCHIVE

    @cached_property
    def pointer_offset(self) -> int:
        """Where the place of the last row stands, in bytes: at the end of the header."""
        return self.live_offset + _LIVE.size + self.width * (_SOURCE_STATE + _ARCHIVE_STATE)

    @cached_property
    def rows_offset(self) -> int:
        """Where the rows begin, in bytes."""
        return self.pointer_offset + _POINTER.size

    @cached_property
    def row_size(self) -> int:
        """The bytes of a row."""
        return self.width * _VALUE.itemsize

    @cached_property
    def size(self) -> int:
        """The bytes of the file."""
        return self.rows_offset + self.rows * self.row_size

    def place(self, end: int) -> int:
        """The row that holds the bucket ending at `end`."""
        return end // self.step % self.rows


@cache
def shape_of(family: str, step: int) -> Shape:
    """The shape of a family's files at a step. Raises SeriesError when there is no such family or step."""
    if family not in FAMILIES:
        raise SeriesError(f'there is no family "{family}" of series; there are {", ".join(FAMILIES)}')
    days = FAMILIES[family].days
    if step not in days:
        raise SeriesError(f"{family} is not kept at {step} s; it is at {', '.join(map(str, sorted(days)))}")
    return Shape(step, days[step] * DAY // step, FAMILIES[family].sources)


@dataclass(frozen=True, slots=True)
class State:
    """How far a file is written. `last` is the end of the last bucket.

    `moving` is how many rows the pointer is ahead of it: rows after the last that are being written, or were
    when a writer was killed. So they still hold, in part, what is one turn of the ring older.
    """

    last: int
    moving: int


def read_state(file: int, shape: Shape, path: str) -> State:
    """The state of an open file (a descriptor). Raises SeriesError when it is not a file of this shape."""
    head = os.pread(file, shape.rows_offset, 0)
    if len(head) < shape.rows_offset or os.fstat(file).st_size != shape.size:
        raise SeriesError(f"{path}: not {shape.size} bytes long as a series of its kind is; {_MEND}")
    magic, version, cookie, sources, archives, step = _HEAD.unpack_from(head)
    if (magic, version, cookie) != (_MAGIC, _FORMAT, _FLOAT_COOKIE):
        raise SeriesError(f"{path}: not an RRD file of this machine's kind; {_MEND}")
    if (sources, archives, step) != (shape.width, 1, shape.step):
        raise SeriesError(f"{path}: has other sources or steps than pharmapulse gives it; {_MEND}")
    last: int = _LIVE.unpack_from(head, shape.live_offset)[0]
    pointer: int = _POINTER.unpack_from(head, shape.pointer_offset)[0]
    return State(last, (pointer - shape.place(last)) % shape.rows)


_MEND = "remove it, and it is written again from the ledger as far as that reaches back"


def read_rows(file: int, shape: Shape, path: str, start: int, end: int) -> Values:
    """Rows of the buckets that start from `start` up to but not including `end` (multiples of the step).

    Shape (rows, sources), NaN where the file has no value. Safe while another process writes: a row that
    it may have been overwriting is given as unknown. Raises SeriesError for a file of another shape.
    """
    step, span = shape.step, shape.rows * shape.step
    values = np.full(((end - start) // step, shape.width), np.nan)
    last = read_state(file, shape, path).last
    first, after = max(start, last - span), min(end, last)
    if first >= after:
        return values
    values[(first - start) // step : (after - start) // step] = _ring(file, shape, first + step, after + step)
    now = read_state(file, shape, path)
    overwritten = now.last + now.moving * step - span
    if overwritten > first:
        values[: max(0, (overwritten - start) // step)] = np.nan
    return values


def _ring(file: int, shape: Shape, end: int, after: int) -> Values:
    """The rows of the buckets that end from `end` up to but not including `after`: at most once round."""
    place, count = shape.place(end), (after - end) // shape.step
    before_turn = min(count, shape.rows - place)
    data = os.pread(file, before_turn * shape.row_size, shape.rows_offset + place * shape.row_size)
    if count > before_turn:
        data += os.pread(file, (count - before_turn) * shape.row_size, shape.rows_offset)
    return np.frombuffer(data, dtype=_VALUE).reshape(count, shape.width)


def append_rows(file: int, shape: Shape, last: int, values: Values) -> None:
    """Write the rows of the buckets that follow `last`, the end of the file's last bucket.

    Safe for readers, and for a kill at any moment: the pointer says first which rows are being written, the
    time says at last that they are.
    """
    end = last + len(values) * shape.step
    _pwrite(file, memoryview(_POINTER.pack(shape.place(end))), shape.pointer_offset)
    keep = values[-shape.rows :]
    _write_ring(file, shape, end - (len(keep) - 1) * shape.step, keep)
    _pwrite(file, memoryview(_LIVE.pack(end, 0)), shape.live_offset)


def replace_rows(file: int, shape: Shape, last: int, start: int, values: Values) -> None:
    """Replace rows of a file that nobody else sees yet: row i is of the bucket at `start + i * step`.

    None is after `last`, the end of the file's last bucket. Rows before the file's reach are left out.
    """
    skip = max(0, (last - start) // shape.step - shape.rows)
    _write_ring(file, shape, start + (skip + 1) * shape.step, values[skip:])


def settle(file: int, shape: Shape, state: State) -> None:
    """Make the rows that a writer left half written unknown, and point to the last row again.

    A file that librrd has just made is settled by this, too: its rows are all unknown.
    """
    lost = np.full((state.moving, shape.width), np.nan)
    _write_ring(file, shape, state.last + shape.step, lost)
    _pwrite(file, memoryview(_POINTER.pack(shape.place(state.last))), shape.pointer_offset)


def _write_ring(file: int, shape: Shape, end: int, values: Values) -> None:
    """Write rows from the bucket ending at `end` on: at most once round."""
    place = shape.place(end)
    before_turn = min(len(values), shape.rows - place)
    for at, part in ((place, values[:before_turn]), (0, values[before_turn:])):
        if len(part):
            data = np.ascontiguousarray(part, dtype=_VALUE).data.cast("B")
            _pwrite(file, data, shape.rows_offset + at * shape.row_size)


def _pwrite(file: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written
