"""What waits, put into bundles: how it is divided, what is marked when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.batch import Heartbeat
from domain.carried import Kept
from domain.errors import StoreError, TransportError
from logwatch.exporting import Exported, Target, export, split
from store.carrying import Carrying
from store.outbox import SqliteOutbox, open_outbox
from tests.store.some import commit, some_cells
from tests.transport.ways import heartbeat
from transport.bundle import BATCH_FRAME_BYTES, Bundle

MANY = 1 << 30


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[SqliteOutbox]:
    with closing(open_outbox(tmp_path / "outbox.db", "agent")) as opened:
        for seed in range(6):
            commit(opened, some_cells(seed), [], {}, {})
        yield opened


@pytest.fixture
def desk(outbox: SqliteOutbox, tmp_path: Path) -> Iterator[Carrying]:
    with closing(Carrying(tmp_path / "outbox.db", "agent")) as opened:
        yield opened


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


class Times:
    """A clock that goes on a second each time somebody looks."""

    def __init__(self) -> None:
        self.now = 1_763_370_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def beat(desk: Carrying, sequence: int) -> Heartbeat:
    said = heartbeat(sequence)
    return Heartbeat(
        version=said.version, agent=desk.agent, incarnation=desk.incarnation, sequence=sequence, at=said.at, sources=()
    )


def held(exported: Exported) -> list[list[int]]:
    found = []
    for written in exported.bundles:
        assert written.bytes == written.file.stat().st_size
        with Bundle(written.file) as bundle:
            found.append([name.sequence for name, _ in bundle.batches()])
    return found


def test_batches_are_divided_so_that_none_is_too_large_unless_one_is() -> None:
    batches = [Kept(sequence, size) for sequence, size in enumerate([100, 100, 400, 50, 50, 50], 1)]
    frame = BATCH_FRAME_BYTES
    assert split([], 1_000) == []
    assert split(batches, 10_000) == [batches]
    assert [[batch.sequence for batch in run] for run in split(batches, 200 + 2 * frame)] == [[1, 2], [3], [4, 5], [6]]
    assert [len(run) for run in split(batches, 1)] == [1] * 6


def test_all_that_waits_goes_into_one_bundle_and_is_marked(desk: Carrying, out: Path) -> None:
    told: list[tuple[int, int]] = []
    done = export(desk, beat(desk, 6), Target(out, "", MANY), Times(), progress=lambda *at: told.append(at))
    assert (held(done), done.waiting, done.dropped) == ([[1, 2, 3, 4, 5, 6]], [], [])
    assert told == [(done.bundles[0].header.bytes,) * 2]
    with Bundle(done.bundles[0].file) as bundle:
        assert bundle.heartbeat == beat(desk, 6)
    assert (len(desk.waiting()), len(desk.unconfirmed())) == (0, 6)


def test_it_is_divided_and_each_part_is_within_the_bound_with_the_heartbeat_in_it(desk: Carrying, out: Path) -> None:
    most = 3 * max(batch.bytes for batch in desk.waiting())
    done = export(desk, beat(desk, 6), Target(out, "", most), Times())
    assert len(done.bundles) > 1
    assert [sequence for inside in held(done) for sequence in inside] == [1, 2, 3, 4, 5, 6]
    assert all(written.bytes <= most for written in done.bundles)
    for written in done.bundles:
        with Bundle(written.file) as bundle:
            assert bundle.heartbeat == beat(desk, 6)


def test_one_file_takes_what_fits_and_the_rest_waits(desk: Carrying, out: Path) -> None:
    most = 3 * max(batch.bytes for batch in desk.waiting())
    done = export(desk, None, Target(out, "one.ppx", most), Times())
    assert [written.file for written in done.bundles] == [out / "one.ppx"]
    [inside] = held(done)
    assert [*inside, *(batch.sequence for batch in done.waiting)] == [1, 2, 3, 4, 5, 6]
    assert [batch.sequence for batch in desk.waiting()] == [batch.sequence for batch in done.waiting] != []


def test_a_heartbeat_goes_alone_and_nothing_at_all_writes_nothing(desk: Carrying, out: Path) -> None:
    desk.exported(desk.waiting())
    assert held(export(desk, beat(desk, 6), Target(out, "", MANY), Times())) == [[]]
    assert export(desk, None, Target(out, "", MANY), Times()).bundles == []


def test_again_takes_what_no_receipt_confirmed(desk: Carrying, outbox: SqliteOutbox, out: Path) -> None:
    times = Times()
    export(desk, None, Target(out, "", MANY), times)
    desk.confirmed([(1, 2), (5, 5)])
    commit(outbox, some_cells(9), [], {}, {})
    assert held(export(desk, None, Target(out, "", MANY), times, again=True)) == [[3, 4, 6, 7]]
    assert held(export(desk, None, Target(out, "", MANY), times)) == []
    assert held(export(desk, None, Target(out, "", MANY), times, again=True)) == [[3, 4, 6, 7]]


def test_a_place_that_cannot_be_written_marks_nothing(desk: Carrying, out: Path) -> None:
    with pytest.raises(TransportError, match="No such file or directory"):
        export(desk, None, Target(out / "none", "", MANY), Times())
    assert len(desk.waiting()) == 6


def test_a_batch_that_the_agent_handed_over_meanwhile_ends_it_without_a_bundle(
    desk: Carrying, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "read", lambda _sequence: None)
    with pytest.raises(StoreError, match="batch 1 was handed over meanwhile"):
        export(desk, None, Target(out, "", MANY), Times())
    assert not list(out.iterdir())


def test_what_has_to_make_room_is_told_and_never_what_goes_now(outbox: SqliteOutbox, tmp_path: Path, out: Path) -> None:
    times = Times()
    with closing(Carrying(tmp_path / "outbox.db", "agent", unconfirmed_bytes=1)) as desk:
        assert not export(desk, None, Target(out, "", MANY), times).dropped
        assert len(desk.unconfirmed()) == 6
        commit(outbox, some_cells(9), [], {}, {})
        done = export(desk, None, Target(out, "", MANY), times)
        assert [batch.sequence for batch in done.dropped] == [1, 2, 3, 4, 5, 6]
        assert [batch.sequence for batch in desk.unconfirmed()] == [7]
