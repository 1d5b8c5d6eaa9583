"""The search for patient numbers finds one planted in each kind of container, and nothing where there is none."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
import rrdtool
import zstandard

from domain import gauges, sketches
from domain.batch import Accounting, Batch, BatchName, Position
from domain.cells import SCHEMA, empty
from domain.identifiers import pharmacy_number
from domain.wire import encode_batch
from simulator.patients import pool
from tests.system.patients import Search

PATIENT = pool(1)[17]
DOTTED = f"{PATIENT[:2]}.{PATIENT[2:4]}.{PATIENT[4:6]}-{PATIENT[6:9]}.{PATIENT[9:]}"
SPACED = f"{PATIENT[:2]} {PATIENT[2:4]} {PATIENT[4:6]} {PATIENT[6:9]} {PATIENT[9:]}"


def cells(endpoint: str) -> pl.DataFrame:
    row = {name: 1 if kind.is_integer() else "x" for name, kind in SCHEMA.items()}
    return pl.DataFrame([{**row, "endpoint": endpoint}], schema=SCHEMA)


def batch(endpoint: str = "x", path: str = "x") -> bytes:
    position = Position(source="s", path=path, identity="x", offset=1, accounting=Accounting())
    return encode_batch(Batch(BatchName("agent", "0" * 16, 1), cells(endpoint), (position,)))


def other_batch(schema: pl.Schema, column: str, text: str) -> bytes:
    """A batch of one gauge or sketch with a text in it."""
    given: dict[object, object] = {pl.Int64: 0, pl.String: "x", pl.Binary: b"\x11\x00"}
    row = {name: given[kind] for name, kind in schema.items()}
    frame = pl.DataFrame([{**row, column: text}], schema=schema)
    name = BatchName("agent", "0" * 16, 1)
    of_gauges = schema == gauges.SCHEMA
    return encode_batch(Batch(name, empty(), (), *((frame,) if of_gauges else (gauges.empty(), frame))))


def sqlite_file(path: Path, value: str | bytes | int, *, in_log: bool = False) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE t (a INTEGER, b BLOB)")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("INSERT INTO t VALUES (1, ?)", (value,))
    if in_log:
        # Copied while it is open: the row is in the write-ahead log only.
        for name in (path.name, f"{path.name}-wal"):
            path.with_name(f"copy-{name}").write_bytes(path.with_name(name).read_bytes())
    database.close()
    if in_log:
        path.unlink()


def rrd_file(path: Path, value: int) -> None:
    definitions = ["DS:calls:GAUGE:60:U:U", "RRA:AVERAGE:0:1:10"]
    rrdtool.create(str(path), "--start", "1763370000", "--step", "60", *definitions)
    rrdtool.update(str(path), f"1763370060:{value}")


def parquet(path: Path, value: str) -> None:
    cells(value).write_parquet(path, compression="zstd")


CONTAINERS: dict[str, Callable[[Path, str], object]] = {
    "lines.log": lambda path, text: path.write_text(f"2026-11-22 10:36:12 PatientId : {text}PatientIdType\n"),
    "escaped.html": lambda path, text: path.write_text(f'<a href="/x?id={text.replace(".", "%2E")}">'),
    "state.json": lambda path, text: path.write_text(json.dumps({"a": [{"b": text}]})),
    "rotated.gz": lambda path, text: path.write_bytes(gzip.compress(f"x{text}y".encode())),
    "rotated.zst": lambda path, text: path.write_bytes(zstandard.compress(f"x{text}y".encode())),
    "twice.gz": lambda path, text: path.write_bytes(gzip.compress(zstandard.compress(f"x{text}y".encode()))),
    "hour.parquet": parquet,
    "stream.arrow": lambda path, text: cells(text).write_ipc_stream(path, compression="zstd"),
    "batch.ppb": lambda path, text: path.write_bytes(batch(endpoint=text)),
    "position.ppb": lambda path, text: path.write_bytes(batch(path=text)),
    "figure.ppb": lambda path, text: path.write_bytes(other_batch(gauges.SCHEMA, "name", text)),
    "sketch.ppb": lambda path, text: path.write_bytes(other_batch(sketches.SCHEMA, "pharmacy", text)),
    "text.db": sqlite_file,
    "payload.db": lambda path, text: sqlite_file(path, batch(endpoint=text)),
    "ahead.db": lambda path, text: sqlite_file(path, text, in_log=True),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("disguise", [PATIENT, DOTTED, SPACED])
def test_a_planted_number_is_found(container: str, disguise: str, tmp_path: Path) -> None:
    CONTAINERS[container](tmp_path / container, disguise)
    search = Search(pool(1))
    for path in tmp_path.iterdir():
        search.file(path)
    assert PATIENT in {finding.number for finding in search.findings}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_number_nobody_planted_is_found_by_its_check_digits(container: str, tmp_path: Path) -> None:
    CONTAINERS[container](tmp_path / container, "64.02.29-999.71")
    search = Search([])
    for path in tmp_path.iterdir():
        search.file(path)
    assert search.findings


@pytest.mark.parametrize("container", CONTAINERS)
def test_pharmacies_times_and_longer_numbers_are_no_patients(container: str, tmp_path: Path) -> None:
    for text in (pharmacy_number(123), "2026-11-22T10:36:12.123456Z", "1763370000123456789", f"{int(PATIENT) + 1}"):
        (tmp_path / container).unlink(missing_ok=True)
        CONTAINERS[container](tmp_path / container, text)
        search = Search(pool(1))
        for path in tmp_path.iterdir():
            search.file(path)
        assert not search.findings, text


def test_a_number_as_a_number_a_name_or_a_value_of_a_series_is_found(tmp_path: Path) -> None:
    sqlite_file(tmp_path / "number.db", int(PATIENT))
    cells("x").with_columns(sum_us=pl.lit(int(PATIENT))).write_parquet(tmp_path / "number.parquet")
    rrd_file(tmp_path / "value.rrd", int(PATIENT))
    (tmp_path / f"endpoint,{PATIENT[:6]}-{PATIENT[6:]}").write_text("")
    for path in list(tmp_path.iterdir()):
        search = Search(pool(1))
        search.file(path)
        assert {finding.number for finding in search.findings} >= {PATIENT}, path


def test_pages(tmp_path: Path) -> None:
    for body in (f"<p>No hub “{DOTTED}”</p>", json.dumps({"key": SPACED}), f'<a href="/hub/{PATIENT}">',
                 f"<b>{PATIENT[:5]}</b>{PATIENT[5:]}"):  # fmt: skip
        search = Search(pool(1))
        search.page("a page", body.encode())
        assert search.findings, body
    search = Search(pool(1))
    search.page("a page", b'<path d="M50.01.01-999.28 50010199928"/> complete up to 10:36:12')
    assert not search.findings


def test_the_database_is_read_where_tables_cross_pages(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("CREATE TABLE t (a TEXT)")
        database.executemany("INSERT INTO t VALUES (?)", [("x" * length + PATIENT,) for length in range(3_900, 4_100)])
        database.commit()
    search = Search(pool(1))
    search.sqlite(tmp_path / "a.db")
    assert sum(finding.number == PATIENT for finding in search.findings) == 200
