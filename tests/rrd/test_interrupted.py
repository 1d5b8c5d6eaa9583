"""Readers beside a writer, a writer killed at any moment, files that are not what they should be."""

from __future__ import annotations

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from domain.errors import SeriesError
from domain.series import DAY, FAMILIES, FIVE_SOURCES, Rows
from rrd.archive import append_rows, shape_of
from rrd.store import RrdSeriesStore
from tests.rrd.helpers import HUB, NAN, PHARMACY, T, fetched, numbered, rows_of, same

KEPT = FAMILIES["pharmacy"].days[DAY]

# Appends and rewrites for ever; every value of the row at bucket b is b / DAY or, once rewritten, the same.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from domain.series import DAY, FIVE_SOURCES, Rows
from rrd.store import RrdSeriesStore
from tests.rrd.helpers import PHARMACY, T

def rows(start, count):
    days = (start // DAY + np.arange(count)).astype(float)
    return Rows(start, DAY, FIVE_SOURCES, np.repeat(days[:, None], 5, axis=1))

store = RrdSeriesStore(Path(sys.argv[1]), durable=False)
last = store.last(PHARMACY, DAY)
start = T if last is None else last + DAY
print("ready", flush=True)
while True:
    for count in (1, 1, 1, 7, 120, 600):
        store.write(PHARMACY, rows(start, count))
        start += count * DAY
    store.rewrite(PHARMACY, rows(start - 300 * DAY, 200))
"""


def writer(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def check_days(rows: Rows) -> None:
    """Every known value is that of its own bucket."""
    expected = np.repeat((rows.times // DAY).astype(float)[:, None], 5, axis=1)
    known = ~np.isnan(rows.values)
    assert (rows.values[known] == expected[known]).all()


def test_a_reader_beside_a_writer_never_sees_a_row_at_the_wrong_place(tmp_path: Path) -> None:
    process = writer(tmp_path / "series")
    try:
        store = RrdSeriesStore(tmp_path / "series")
        seen = 0
        for _ in range(20_000):
            if seen == 500:
                break
            last = store.last(PHARMACY, DAY)
            if last is None:
                continue
            rows = store.read(PHARMACY, DAY, last - (KEPT + 5) * DAY, last + DAY)
            check_days(rows)
            seen += not np.isnan(rows.values[-300:]).any()
        assert seen == 500, "the newest rows are there, unless the writer overtakes us by a whole turn"
    finally:
        stop(process)


def test_a_writer_killed_at_any_moment_leaves_right_rows_that_can_be_continued(tmp_path: Path) -> None:
    store = RrdSeriesStore(tmp_path / "series")
    moment = random.Random(7)
    last: int | None = None
    for _ in range(8):
        process = writer(tmp_path / "series")
        begin = store.last(PHARMACY, DAY) or T
        beyond = begin + moment.randrange(3_000) * DAY
        while (store.last(PHARMACY, DAY) or 0) < beyond:
            check_days(store.read(PHARMACY, DAY, begin - 500 * DAY, begin + 500 * DAY))
        stop(process)
        last = store.last(PHARMACY, DAY)
        assert last is not None
        check_days(store.read(PHARMACY, DAY, last - KEPT * DAY, last + 10 * DAY))
    assert last is not None
    store.write(PHARMACY, Rows(last + DAY, DAY, FIVE_SOURCES, np.full((1, 5), last / DAY + 1)))
    rows = store.read(PHARMACY, DAY, last - 3_000 * DAY, last + 2 * DAY)
    check_days(rows)
    assert rows.values[-1, 0] == last / DAY + 1
    path = tmp_path / "series" / "pharmacy" / "00012371" / f"{DAY}.rrd"
    assert same(fetched(path, rows.start, rows.end), rows.values)


class TestKilledBetweenTwoWrites:
    """Each moment of an append, made by hand: pointer moved, rows written in part, time not yet."""

    def half_written(self, store: RrdSeriesStore, root: Path, count: int) -> Path:
        full = numbered(PHARMACY, DAY, T, KEPT)
        store.write(PHARMACY, full)
        path = root / "pharmacy" / "00012371" / f"{DAY}.rrd"
        shape = shape_of("pharmacy", DAY)
        file = os.open(path, os.O_RDWR)
        append_rows(file, shape, full.end, np.full((count, 5), 666.0))
        os.pwrite(file, struct.pack("@l", full.end), shape.live_offset)  # the time is the last to be written
        os.close(file)
        return path

    @pytest.mark.parametrize("count", [1, 3, 499])
    def test_readers_leave_out_the_rows_it_was_at(self, store: RrdSeriesStore, tmp_path: Path, count: int) -> None:
        self.half_written(store, tmp_path / "series", count)
        full = numbered(PHARMACY, DAY, T, KEPT)
        read = store.read(PHARMACY, DAY, T, full.end + 1_000 * DAY).values
        assert np.isnan(read[:count]).all()
        assert same(read[count:KEPT], full.values[count:])
        assert np.isnan(read[KEPT:]).all()

    @pytest.mark.parametrize("count", [1, 3, 499])
    def test_the_next_writer_puts_it_right(self, store: RrdSeriesStore, tmp_path: Path, count: int) -> None:
        path = self.half_written(store, tmp_path / "series", count)
        full = numbered(PHARMACY, DAY, T, KEPT)
        store.write(PHARMACY, numbered(PHARMACY, DAY, full.end, 2, first=5_000))
        read = store.read(PHARMACY, DAY, T, full.end + 2 * DAY).values
        assert np.isnan(read[: max(count, 2)]).all()
        assert same(read[max(count, 2) : KEPT], full.values[max(count, 2) :])
        assert same(read[KEPT:], numbered(PHARMACY, DAY, full.end, 2, first=5_000).values)
        assert same(fetched(path, T + 2 * DAY, full.end + 2 * DAY), read[2:])


def test_writers_of_one_series_wait_for_each_other(store: RrdSeriesStore) -> None:
    """History put in by one thread while another appends: neither loses a row of the other."""
    store.write(PHARMACY, numbered(PHARMACY, 300, T, 1))
    history = numbered(PHARMACY, 300, T - 600 * 300, 600, first=10**6)

    def fill() -> None:
        for begin in range(0, 600, 20):
            store.rewrite(
                PHARMACY, Rows(history.start + begin * 300, 300, FIVE_SOURCES, history.values[begin : begin + 20])
            )

    filler = threading.Thread(target=fill)
    filler.start()
    for row in range(1, 400):
        store.write(PHARMACY, numbered(PHARMACY, 300, T + row * 300, 1, first=row * 10))
    filler.join()
    read = store.read(PHARMACY, 300, history.start, T + 400 * 300).values
    assert same(read[:600], history.values)
    assert same(read[600:], numbered(PHARMACY, 300, T, 400).values)


def test_a_draft_left_by_a_kill_does_no_harm(store: RrdSeriesStore, tmp_path: Path) -> None:
    store.write(HUB, numbered(HUB, 60, T, 5))
    draft = tmp_path / "series" / "hub" / "dpp" / "60.rrd.new"
    draft.write_bytes(b"half a file")
    assert store.last(HUB, 60) == T + 240
    store.rewrite(HUB, numbered(HUB, 60, T, 5, first=100))
    assert not draft.exists()
    assert store.read(HUB, 60, T, T + 60).values[0, 0] == 100


def test_an_error_leaves_no_draft_and_the_old_file(store: RrdSeriesStore, tmp_path: Path) -> None:
    """A full disk: the file's size is limited for this process, as a quota would."""
    store.write(HUB, numbered(HUB, 60, T, 5))
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from domain.errors import SeriesError\n"
        "from rrd.store import RrdSeriesStore\n"
        "from tests.rrd.helpers import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "store = RrdSeriesStore(Path(sys.argv[1]))\n"
        "for act, series in ((store.rewrite, HUB), (store.write, PHARMACY)):\n"
        "    try:\n"
        "        act(series, numbered(series, 300 if series is PHARMACY else 60, T, 5, first=100))\n"
        "    except SeriesError as error:\n"
        "        print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "series")], capture_output=True, text=True, check=True
    )
    large, made = run.stdout.splitlines()
    assert "60.rrd" in large
    assert "File too large" in large
    assert "300.rrd.new: librrd could not make it" in made
    assert [path.name for path in (tmp_path / "series").rglob("*.rrd*")] == ["60.rrd"]
    assert same(store.read(HUB, 60, T, T + 300).values, numbered(HUB, 60, T, 5).values)


class TestDamaged:
    @pytest.fixture
    def path(self, store: RrdSeriesStore, tmp_path: Path) -> Path:
        store.write(HUB, numbered(HUB, 60, T, 5))
        return tmp_path / "series" / "hub" / "dpp" / "60.rrd"

    def refused(self, store: RrdSeriesStore, match: str) -> None:
        for act in (
            lambda: store.read(HUB, 60, T, T + 60),
            lambda: store.last(HUB, 60),
            lambda: store.write(HUB, numbered(HUB, 60, T + 300, 1)),
            lambda: store.rewrite(HUB, numbered(HUB, 60, T, 1)),
        ):
            with pytest.raises(SeriesError, match=match) as caught:
                act()
            assert "60.rrd" in str(caught.value)

    def test_cut_short(self, store: RrdSeriesStore, path: Path) -> None:
        os.truncate(path, 5_000)
        self.refused(store, "not .* bytes long")

    def test_empty(self, store: RrdSeriesStore, path: Path) -> None:
        os.truncate(path, 0)
        self.refused(store, "not .* bytes long")

    def test_no_rrd(self, store: RrdSeriesStore, path: Path) -> None:
        path.write_bytes(bytes(path.stat().st_size))
        self.refused(store, "not an RRD file")

    def test_a_directory(self, store: RrdSeriesStore, path: Path) -> None:
        path.unlink()
        path.mkdir()
        self.refused(store, "Is a directory")

    def test_another_step(self, store: RrdSeriesStore, path: Path) -> None:
        data = bytearray(path.read_bytes())
        struct.pack_into("@L", data, 40, 61)
        path.write_bytes(data)
        self.refused(store, "other sources or steps")

    def test_restored_by_rrdtool(self, store: RrdSeriesStore, path: Path) -> None:
        shape = shape_of("hub", 60)
        with path.open("r+b") as file:
            os.pwrite(
                file.fileno(), struct.pack("@L", (shape.place(T + 300) + 20_000) % shape.rows), shape.pointer_offset
            )
        with pytest.raises(SeriesError, match=r"60\.rrd: its rows are not in pharmapulse's order"):
            store.write(HUB, numbered(HUB, 60, T + 300, 1))


def test_an_unreadable_file_is_told(store: RrdSeriesStore, tmp_path: Path) -> None:
    store.write(PHARMACY, rows_of(PHARMACY, 300, T, [[1, 0, 0, NAN, NAN]]))
    place = tmp_path / "series" / "pharmacy" / "00012371"
    shutil.rmtree(place)
    place.write_text("a file where a directory should be")
    with pytest.raises(SeriesError, match="Not a directory"):
        store.read(PHARMACY, 300, T, T + 300)
    with pytest.raises(SeriesError, match="Not a directory"):
        store.write(PHARMACY, rows_of(PHARMACY, 300, T, [[1, 0, 0, NAN, NAN]]))
