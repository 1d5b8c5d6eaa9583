"""The outbox on a real disk: kept whole or not at all, through closing and killing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from domain.batch import Accounting, BatchName
from domain.errors import StoreError, WireError
from domain.wire import decode_batch
from store.outbox import open_outbox
from tests.store.some import commit, position, some_cells


def test_a_new_outbox_is_empty_and_has_its_own_name(tmp_path: Path) -> None:
    outbox, other = open_outbox(tmp_path / "a" / "outbox.sqlite", "agent"), open_outbox(tmp_path / "b.sqlite", "agent")
    assert (outbox.agent, outbox.sequence, len(outbox.incarnation)) == ("agent", 0, 16)
    assert outbox.incarnation != other.incarnation
    assert not outbox.waiting()
    assert not outbox.positions()


def test_everything_committed_is_there_when_opened_again(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    cells, totals = some_cells(1), {"calls": Accounting(lines=3, events=3)}
    name = commit(outbox, cells, [position()], totals, {"endpoint": ["a", "b"]})
    assert name == BatchName("agent", outbox.incarnation, 1)
    assert commit(outbox, None, [position(offset=20)], totals, {"endpoint": ["b", "c"], "vendor": ["v"]}) is None
    outbox.close()

    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    assert outbox.sequence == 1
    assert outbox.positions() == (position(offset=20),)
    assert outbox.totals() == totals
    assert outbox.registry() == {"endpoint": ("a", "b", "c"), "vendor": ("v",)}
    [(waiting, payload)] = outbox.waiting()
    batch = decode_batch(payload)
    assert (waiting, batch.name, batch.positions) == (name, name, (position(),))
    assert batch.cells.equals(cells)


def test_forgotten_files_are_dropped_and_their_totals_stay(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    totals = {"calls": Accounting(lines=3, events=3)}
    commit(outbox, None, [position(), position(identity="3:4")], totals, {})
    commit(outbox, None, [position(identity="3:4", offset=30)], {}, {}, forget=["1:2"])
    outbox.close()
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    assert outbox.positions() == (position(identity="3:4", offset=30),)
    assert outbox.totals() == totals


def test_batches_wait_in_order_until_delivered(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    names = [commit(outbox, some_cells(i), [], {}, {}) for i in range(4)]
    waiting = outbox.waiting()
    assert [name for name, _ in waiting] == names
    assert [name for name, _ in waiting[1:3]] == names[1:3]
    assert names[0] is not None
    outbox.delivered(names[0])
    outbox.delivered(names[0])
    assert [name for name, _ in outbox.waiting()] == names[1:]
    with pytest.raises(StoreError, match="not a batch of this outbox"):
        outbox.delivered(BatchName("agent", "0" * 16, 2))


def test_delivered_batches_are_kept_within_a_bound_and_waiting_ones_always(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent", kept_bytes=10_000)
    for i in range(20):
        commit(outbox, some_cells(i), [], {}, {})
    assert len(outbox.waiting()) == 20
    for name, _ in outbox.waiting():
        outbox.delivered(name)
        assert outbox.read(name.sequence)
    outbox.close()
    database = sqlite3.connect(tmp_path / "outbox.sqlite")
    [(many, size, last)] = database.execute("SELECT count(*), sum(length(payload)), max(sequence) FROM batches")
    database.close()
    assert 0 < size <= 10_000
    assert (many < 20, last) == (True, 20)
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent", kept_bytes=10_000)
    with pytest.raises(StoreError, match="batch 1 is not here any more"):
        outbox.read(1)


def test_a_tick_without_news_writes_nothing(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    totals = {"calls": Accounting(lines=1, events=1)}
    commit(outbox, None, [position()], totals, {"endpoint": ["a"]})
    before = (tmp_path / "outbox.sqlite-wal").stat().st_size
    commit(outbox, some_cells(1, many=0), [position()], totals, {"endpoint": ["a"]})
    assert (tmp_path / "outbox.sqlite-wal").stat().st_size == before
    assert outbox.sequence == 0


def test_a_failed_commit_keeps_nothing(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    commit(outbox, some_cells(1), [position()], {}, {})
    outbox._database.execute("PRAGMA max_page_count = 1")  # as a disk that is full
    with pytest.raises(StoreError, match=r"outbox\.sqlite: database or disk is full"):
        commit(outbox, some_cells(2, many=5_000), [position(offset=99)], {}, {"endpoint": ["z"]})
    assert (outbox.sequence, outbox.positions(), outbox.registry()) == (1, (position(),), {})
    outbox._database.execute("PRAGMA max_page_count = 1000000")
    assert commit(outbox, some_cells(2), [position(offset=99)], {}, {}) == BatchName("agent", outbox.incarnation, 2)


def test_two_agents_cannot_share_it(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.sqlite", "agent")
    with pytest.raises(StoreError, match="another process uses this outbox"):
        open_outbox(tmp_path / "outbox.sqlite", "agent")
    outbox.close()
    with pytest.raises(StoreError, match="belongs to the agent agent, not other"):
        open_outbox(tmp_path / "outbox.sqlite", "other")
    open_outbox(tmp_path / "outbox.sqlite", "agent").close()


def test_a_name_that_no_batch_could_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WireError):
        open_outbox(tmp_path / "outbox.sqlite", "No Such Name")


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    open_outbox(tmp_path / "outbox.sqlite", "agent").close()
    database = sqlite3.connect(tmp_path / "outbox.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="has version 99, and this program reads up to 2"):
        open_outbox(tmp_path / "outbox.sqlite", "agent")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"not a database at all, but long enough to look like one" * 100)
    with pytest.raises(StoreError, match=r"outbox\.sqlite: file is not a database"):
        open_outbox(tmp_path / "outbox.sqlite", "agent")


_WRITER = """
import sys
from pathlib import Path
from store.outbox import open_outbox
from tests.store.some import commit, position, some_cells
outbox = open_outbox(Path(sys.argv[1]), "agent")
for i in range(outbox.sequence + 1, 10_000):
    commit(outbox, some_cells(i, many=3), [position(offset=i)], {}, {"endpoint": [str(i)]})
    print(i, flush=True)
"""


def test_killed_at_any_moment_batch_and_checkpoint_agree(tmp_path: Path) -> None:
    path, incarnations = tmp_path / "outbox.sqlite", set()
    for round_ in range(5):
        child = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(3 + 17 * round_)]
        child.send_signal(signal.SIGKILL)
        told += map(int, child.communicate()[0].split())
        outbox = open_outbox(path, "agent")
        incarnations.add(outbox.incarnation)
        sequence = outbox.sequence
        assert sequence >= told[-1]
        assert [position.offset for position in outbox.positions()] == [sequence]
        assert [name.sequence for name, _ in outbox.waiting()] == list(range(1, sequence + 1))
        assert outbox.registry()["endpoint"] == tuple(map(str, range(1, sequence + 1)))
        outbox.close()
    assert len(incarnations) == 1
