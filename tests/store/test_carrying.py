"""A second hand at an outbox: batches are taken and marked beside the agent that counts into it."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.carried import Kept
from domain.errors import StoreError
from domain.wire import decode_batch
from store.carrying import Carrying, beyond
from store.held import held_by
from store.ledger import open_ledger
from store.outbox import SqliteOutbox, open_outbox
from tests.store.some import INCARNATION, arrival, commit, position, some_cells
from transport.spool import SpoolSender

GOLDEN = Path(__file__).parent / "version-0.1" / "agent" / "outbox.db"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[SqliteOutbox]:
    """An agent's, which stays open: the agent runs."""
    with closing(open_outbox(tmp_path / "outbox.db", "agent")) as opened:
        yield opened


@pytest.fixture
def desk(outbox: SqliteOutbox, tmp_path: Path) -> Iterator[Carrying]:
    for seed in range(5):
        commit(outbox, some_cells(seed), [position(offset=seed)], {}, {})
    with closing(Carrying(tmp_path / "outbox.db", "agent")) as opened:
        yield opened


def numbers(batches: object) -> list[int]:
    assert isinstance(batches, list | tuple)
    return [batch.sequence for batch in batches]


def test_what_waits_is_taken_beside_the_agent(desk: Carrying, outbox: SqliteOutbox) -> None:
    assert (desk.agent, desk.incarnation) == ("agent", outbox.incarnation)
    assert numbers(desk.waiting()) == [1, 2, 3, 4, 5]
    payload = desk.read(3)
    assert payload is not None
    assert decode_batch(payload).name.sequence == 3
    assert desk.waiting()[2].bytes == len(payload)
    desk.exported(desk.waiting()[:3])
    desk.exported(desk.waiting()[:0])
    assert [name.sequence for name, _ in outbox.waiting()] == [4, 5]
    assert (len(outbox.waiting()), numbers(desk.unconfirmed())) == (2, [1, 2, 3])
    commit(outbox, some_cells(9), [position(offset=9)], {}, {})
    assert numbers(desk.waiting()) == [4, 5, 6]


def test_a_receipt_confirms_what_it_names_and_nothing_else(desk: Carrying, outbox: SqliteOutbox) -> None:
    desk.exported(desk.waiting()[:3])
    # 4 came to the collector without its mark: killed between the two.
    assert numbers(desk.confirmed([(1, 1), (3, 4)])) == [1, 3, 4]
    assert numbers(desk.confirmed([(1, 1), (3, 4)])) == []
    assert (numbers(desk.unconfirmed()), numbers(desk.waiting())) == ([2], [5])
    assert [name.sequence for name, _ in outbox.waiting()] == [5]
    with pytest.raises(
        StoreError, match="holds batch 6, and this outbox has given out none after 5: it is an old copy"
    ):
        desk.confirmed([(1, 6)])


def test_delivered_by_the_agent_wins_over_exported(desk: Carrying, outbox: SqliteOutbox) -> None:
    first = desk.waiting()[:1]
    desk.exported(first)
    waiting = sum(batch.bytes for batch in desk.waiting())
    assert outbox.waiting_bytes == waiting
    [(name, _)] = [outbox.read(1)]
    outbox.delivered(name)
    assert outbox.waiting_bytes == waiting
    outbox.delivered(outbox.read(2)[0])
    outbox.delivered(outbox.read(2)[0])
    assert outbox.waiting_bytes == sum(batch.bytes for batch in desk.waiting()) < waiting
    desk.exported(first)
    assert numbers(desk.unconfirmed()) == []


def test_confirmed_batches_are_kept_within_the_bound_and_the_agent_knows(tmp_path: Path) -> None:
    with closing(open_outbox(tmp_path / "outbox.db", "agent", kept_bytes=10_000)) as outbox:
        for seed in range(20):
            commit(outbox, some_cells(seed), [], {}, {})
        with closing(Carrying(tmp_path / "outbox.db", "agent", kept_bytes=10_000)) as desk:
            desk.exported(desk.waiting()[:15])
            assert len(desk.confirmed([(1, 14)])) == 14
            assert desk.read(1) is None
            assert desk.read(14) is not None
            assert numbers(desk.unconfirmed()) == [15]
            # Handed over by the agent now: what another process confirmed and dropped counts in its bound, too.
            for name, _ in outbox.waiting():
                outbox.delivered(name)
            assert desk.read(15) is not None
            assert desk.read(20) is not None
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        [(size,)] = database.execute("SELECT sum(length(payload)) FROM batches WHERE delivered = 1")
    assert 0 < size <= 10_000


def test_exported_batches_make_room_only_beyond_their_own_bound_and_that_is_told(tmp_path: Path) -> None:
    with closing(open_outbox(tmp_path / "outbox.db", "agent")) as outbox:
        for seed in range(20):
            commit(outbox, some_cells(seed), [], {}, {})
    with closing(Carrying(tmp_path / "outbox.db", "agent", unconfirmed_bytes=10_000)) as desk:
        desk.exported(desk.waiting())
        assert len(desk.unconfirmed()) == 20
        gone = desk.drop_unconfirmed()
        assert numbers(gone) == list(range(1, len(gone) + 1))
        assert 0 < sum(batch.bytes for batch in desk.unconfirmed()) <= 10_000
        assert numbers(desk.unconfirmed())[-1] == 20
        assert not desk.drop_unconfirmed()


def test_the_oldest_are_beyond_a_bound() -> None:
    batches = [Kept(1, 5), Kept(2, 1), Kept(3, 4)]
    assert [numbers(beyond(batches, most)) for most in (10, 9, 5, 4, 3, 0)] == [
        [],
        [1],
        [1],
        [1, 2],
        [1, 2, 3],
        [1, 2, 3],
    ]


def test_what_0_1_left_is_brought_forward_and_taken(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path / "outbox.db")
    with closing(Carrying(tmp_path / "outbox.db", "agent")) as desk:
        assert numbers(desk.waiting()) == [3]
        desk.exported(desk.waiting())
    with closing(open_outbox(tmp_path / "outbox.db", "agent")) as outbox:
        assert not outbox.waiting()


def test_an_older_file_of_an_agent_that_runs_is_left_alone(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path / "outbox.db")
    with closing(open_outbox(tmp_path / "outbox.db", "agent")):
        with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
            database.execute("PRAGMA user_version = 1")
        with pytest.raises(StoreError, match="Start the log watcher again"):
            Carrying(tmp_path / "outbox.db", "agent")


def test_no_outbox_another_agents_and_another_hand_are_told(outbox: SqliteOutbox, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no outbox yet"):
        Carrying(tmp_path / "none.db", "agent")
    with (
        closing(Carrying(tmp_path / "outbox.db", "agent")),
        pytest.raises(StoreError, match="another process uses this outbox to carry"),
    ):
        Carrying(tmp_path / "outbox.db", "agent")
    with pytest.raises(StoreError, match="belongs to the agent agent, not other"):
        Carrying(tmp_path / "outbox.db", "other")
    Carrying(tmp_path / "outbox.db", "agent").close()


_MARKER = """
import sys
from pathlib import Path
from store.carrying import Carrying
desk = Carrying(Path(sys.argv[1]), "agent")
while True:
    for batch in desk.waiting()[:2]:
        desk.exported([batch])
        print(batch.sequence, flush=True)
"""


def test_killed_while_the_agent_counts_nothing_is_lost(tmp_path: Path) -> None:
    path, marked = tmp_path / "outbox.db", list[int]()
    with closing(open_outbox(path, "agent")) as outbox:
        for round_ in range(3):
            child = subprocess.Popen([sys.executable, "-c", _MARKER, str(path)], stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            for seed in range(15):
                commit(outbox, some_cells(seed, many=3), [position(offset=100 * round_ + seed)], {}, {})
            marked += [int(child.stdout.readline()) for _ in range(10)]
            child.send_signal(signal.SIGKILL)
            marked += map(int, child.communicate()[0].split())
        waiting = [name.sequence for name, _ in outbox.waiting()]
        with closing(Carrying(path, "agent")) as desk:
            exported = numbers(desk.unconfirmed())
            assert sorted([*waiting, *exported]) == list(range(1, 46))
            assert set(marked) <= set(exported)
            assert len(exported) - len(marked) <= 3


def test_held_is_what_spool_arrived_and_hour_files_have_together(tmp_path: Path) -> None:
    ledger, spool = tmp_path / "ledger", tmp_path / "spool"
    assert held_by(ledger, spool) == {}
    with closing(open_ledger(ledger)) as opened:
        for sequence in (1, 2, 4):
            opened.book(arrival(sequence, some_cells(sequence)))
        opened.compact()
        opened.book(arrival(5, some_cells(5)))
        SpoolSender(spool).send(*(arrival(7, some_cells(7)).name, b"waits"))
        (spool / "batches" / "README").touch()
        held = held_by(ledger, spool)
        assert {of: list(intervals) for of, intervals in held.items()} == {
            ("agent", INCARNATION): [(1, 2), (4, 5), (7, 7)]
        }
    assert list(held_by(ledger, spool)["agent", INCARNATION]) == [(1, 2), (4, 5), (7, 7)]
    with closing(sqlite3.connect(ledger / "manifest.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="has version 99"):
        held_by(ledger, spool)
