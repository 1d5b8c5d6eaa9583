"""Looking for patient numbers in everything: files of every kind decoded as far as they go, and pages.

Two searches. *Planted* numbers are those of the simulator: found in any bytes, with or without separators, also
within longer runs of digits. *Others* are numbers that are valid by their check digits: looked for in decoded text
only, since one in fifty runs of eleven digits is valid by chance.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import sqlite3
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote_plus

import msgspec
import polars as pl
import zstandard

from domain.redact import has_patient
from domain.wire import decode_batch
from transport.bundle import MAGIC, Bundle

_DIGITS = re.compile(rb"\d(?:[ .\-/_]?\d){10,}")
_SEPARATORS = b" .-/_"
_ZSTD, _GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"
_MOST_BYTES = 1 << 28
# Coordinates are hundreds of numbers with single separators between: some would be valid by chance.
_INLINE = re.compile(r"</?(?:a|b|i|em|small|span|strong|time|wbr)\b[^>]*>")
_GEOMETRY = re.compile(r'\b(?:d|points|viewBox|transform)="[^"]*"')


@dataclass(frozen=True)
class Finding:
    """A number and where it stood."""

    place: str
    number: str


class Search:
    """Searches for the planted numbers, and for any other that is valid."""

    def __init__(self, planted: Iterable[str]) -> None:
        self._planted = frozenset(number.encode() for number in planted)
        self.findings: list[Finding] = []
        self.looked_at: dict[str, int] = {}

    def raw(self, place: str, data: bytes) -> None:
        """Raw bytes: planted numbers in any disguise."""
        for match in _DIGITS.finditer(data):
            digits = match.group().translate(None, _SEPARATORS)
            for at in range(len(digits) - 10):
                if digits[at : at + 11] in self._planted:
                    self.findings.append(Finding(place, digits[at : at + 11].decode()))

    def text(self, place: str, text: str) -> None:
        """Text: planted numbers, and others; also behind percent and character escapes."""
        for shape in {text, unquote_plus(text), unescape(text)}:
            self.raw(place, shape.encode("utf-8", "surrogateescape"))
            if has_patient(shape):
                self.findings.append(Finding(place, "a valid number"))

    def number(self, place: str, number: int) -> None:
        """A whole number, which may be a patient's without its leading zeros."""
        self.raw(place, f"{number:011d}".encode())

    def value(self, place: str, value: object) -> None:
        """A decoded value of any kind."""
        if isinstance(value, str):
            self.text(place, value)
        elif isinstance(value, bool) or value is None or isinstance(value, float):
            return
        elif isinstance(value, int):
            self.number(place, value)
        elif isinstance(value, bytes):
            self.blob(place, value)
        elif isinstance(value, dict):
            for key, part in value.items():
                self.value(place, key)
                self.value(place, part)
        elif isinstance(value, Iterable):
            for part in value:
                self.value(place, part)
        else:
            raise TypeError(f"{place}: a {type(value)}")

    def frame(self, place: str, frame: pl.DataFrame) -> None:
        """Every distinct value of every column."""
        self._seen("columns", frame.width)
        for column in frame.iter_columns():
            self.value(f"{place}: {column.name}", column.unique().to_list())

    def blob(self, place: str, data: bytes) -> None:
        """Bytes of unknown kind: a batch, JSON, text, something compressed, or only bytes."""
        self.raw(place, data)
        if data.startswith(b"PPB"):
            self._seen("batches")
            batch = decode_batch(data)
            for counted in (batch.cells, batch.gauges, batch.sketches):
                self.frame(place, counted)
            header = data[12 : 12 + int.from_bytes(data[8:12], "big")]
            self.value(place, json.loads(header))
        elif data.startswith(MAGIC):
            self._seen("bundles")
            self.bundle(place, data)
        elif data.startswith((_GZIP, _ZSTD)):
            self._seen("compressed")
            self.blob(f"{place}, decompressed", b"".join(_decompressed(data)))
        else:
            for frame in _compressed_parts(data):
                self.raw(f"{place}, a compressed part", frame)
            try:
                text = data.decode()
            except UnicodeDecodeError:
                return
            try:
                self.value(place, json.loads(text))
            except ValueError:
                self.text(place, text)

    def bundle(self, place: str, data: bytes) -> None:
        """What a bundle tells of itself, and each batch in it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.ppx"
            path.write_bytes(data)
            with Bundle(path) as bundle:
                self.value(place, msgspec.to_builtins((bundle.header, bundle.heartbeat)))
                for name, payload in bundle.batches():
                    self.blob(f"{place}, batch {name.sequence}", payload)

    def sqlite(self, path: Path) -> None:
        """Every column of every table, its write-ahead log included, from a copy."""
        with tempfile.TemporaryDirectory() as folder:
            for file in path.parent.glob(f"{path.name}*"):
                shutil.copy(file, folder)
            with closing(sqlite3.connect(Path(folder) / path.name)) as database:
                for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                    self._seen("tables")
                    rows = database.execute(f'SELECT * FROM "{table}"')
                    names = [column[0] for column in rows.description]
                    for row in rows:
                        for name, value in zip(names, row, strict=True):
                            self.value(f"{path}: {table}.{name}", value)

    def rrd(self, path: Path, *, dump: bool) -> None:
        """Its bytes; with `dump` also what rrdtool makes of it."""
        self.raw(str(path), path.read_bytes())
        if dump:
            self._seen("rrd dumps")
            told = subprocess.run(["rrdtool", "dump", path], capture_output=True, text=True, check=True).stdout
            self.text(f"{path}, dumped", re.sub(r"<row>.*?</row>|<!--.*?-->", " ", told, flags=re.DOTALL))
            for value in {float(value) for value in re.findall(r"<v>([^<]+)</v>", told)}:
                if value == value:
                    self.number(f"{path}, dumped", int(value))

    def file(self, path: Path, *, dump: bool = True) -> None:
        """A file of any kind, by what is in it; its name, too."""
        self.text(f"the name {path}", path.name)
        with path.open("rb") as opened:
            head = opened.read(16)
        kind = _kind(path, head)
        self._seen(kind)
        if kind == "rrd":
            self.rrd(path, dump=dump)
            return
        data = path.read_bytes()
        self.raw(str(path), data)
        if kind == "parquet":
            self.frame(str(path), pl.read_parquet(io.BytesIO(data)))
            self.value(str(path), pl.read_parquet_metadata(io.BytesIO(data)))
        elif kind == "arrow":
            self.frame(str(path), pl.read_ipc_stream(io.BytesIO(data)))
        elif kind == "sqlite":
            self.sqlite(path)
            for frame in _compressed_parts(data):
                self.raw(f"{path}, a compressed part", frame)
        else:
            self.blob(str(path), data)

    def page(self, place: str, body: bytes) -> None:
        """A page or an answer of the API."""
        self._seen("pages")
        text = _GEOMETRY.sub("", body.decode())
        try:
            self.value(place, json.loads(text))
        except ValueError:
            self.text(place, text)
            # A number may be parted by marks within a line, and does not go on from cell to cell.
            self.text(place, re.sub(r"<[^>]*>", "\n", _INLINE.sub("", text)))

    def _seen(self, kind: str, number: int = 1) -> None:
        self.looked_at[kind] = self.looked_at.get(kind, 0) + number


def _kind(path: Path, head: bytes) -> str:
    if head.startswith(b"SQLite format 3"):
        return "sqlite"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"RRD\0"):
        return "rrd"
    if head.startswith(b"\xff\xff\xff\xff"):
        return "arrow"
    if head.startswith(b"PPB"):
        return "batch"
    return path.suffix.lstrip(".") or path.name


def _decompressed(data: bytes) -> Iterator[bytes]:
    if data.startswith(_GZIP):
        yield gzip.decompress(data)
    else:
        yield zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read(_MOST_BYTES)


def _compressed_parts(data: bytes) -> Iterator[bytes]:
    """What can be decompressed of any zstd or gzip frame that begins anywhere in the data."""
    for magic in (_ZSTD, _GZIP):
        at = data.find(magic)
        while at >= 0:
            try:
                if magic == _ZSTD:
                    yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at : at + _MOST_BYTES])
                else:
                    yield zlib.decompressobj(31).decompress(data[at:], _MOST_BYTES)
            except (zstandard.ZstdError, zlib.error):
                yield b""  # these bytes only look like the beginning of a frame
            at = data.find(magic, at + 1)
