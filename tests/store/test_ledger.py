"""The ledger on a real disk: each batch exactly once, for readers beside compaction and through failures."""

from __future__ import annotations

import random
import resource
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import store.arrived
import store.files
import store.hours
import store.ledger
from domain import gauges, sketches
from domain.batch import Counts
from domain.cells import SCHEMA, add
from domain.errors import StoreError, WireError
from domain.ports import Arrival
from store.arrived import Arrived
from store.hours import HourFiles
from store.kinds import KINDS
from store.ledger import FileLedger, open_ledger
from store.looking import look_at_ledger
from store.manifest import Manifest
from tests.store.some import INCARNATION, START, arrival, full_arrival, some_cells, some_gauges, some_sketches

END = START + 7_200


def all_of(ledger: FileLedger) -> pl.DataFrame:
    return add([ledger.cells(START, END)])


def check_all(ledger: FileLedger, batches: Sequence[Counts]) -> None:
    """Each batch is in it, and once."""
    for kind, read in zip(KINDS, (ledger.cells, ledger.gauges, ledger.sketches), strict=True):
        assert kind.add([read(START, END)]).equals(kind.add([kind.of(counts) for counts in batches])), kind.name


def test_an_empty_ledger(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    assert ledger.cells(START, END).schema == SCHEMA
    assert list(ledger.arrived()) == []
    assert (ledger.span(), ledger.coverage(), ledger.written(), ledger.compact()) == (None, None, {}, 0)
    assert ledger.holds_up_to("agent", INCARNATION, 0)
    assert not ledger.holds_up_to("agent", INCARNATION, 1)


def test_a_batch_is_booked_once_whatever_happens_between(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    first = arrival(1, some_cells(1))
    assert ledger.book(first)
    assert not ledger.book(first)
    ledger.compact()
    assert not ledger.book(first)
    ledger.close()
    ledger = open_ledger(tmp_path)
    assert not ledger.book(first)
    assert all_of(ledger).equals(some_cells(1))


def test_cells_come_from_arrived_and_hours_alike(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    batches = [some_cells(i) for i in range(30)]
    for i, cells in enumerate(batches):
        ledger.book(arrival(i + 1, cells))
        if i % 3 == 0:
            ledger.compact()
        assert all_of(ledger).equals(add(batches[: i + 1]))
    assert len(list((tmp_path / "hours").iterdir())) <= 16
    within = pl.col("bucket").is_between(START + 3_000, START + 4_000, closed="left")
    assert add([ledger.cells(START + 3_000, START + 4_000)]).equals(add(batches).filter(within))
    everything = add(batches)["bucket"]
    assert ledger.span() == (everything.min(), int(str(everything.max())) + 10)
    assert sum(counts.cells.height for counts in ledger.arrived()) == batches[-1].height + batches[-2].height
    ledger.close()
    assert all_of(open_ledger(tmp_path)).equals(add(batches))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(1, 9)), compacted=st.sets(st.integers(0, 7)))
def test_sequences_are_a_set_whatever_their_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], compacted: set[int]
) -> None:
    ledger = open_ledger(tmp_path_factory.mktemp("ledger"))
    held: set[int] = set()
    for place, sequence in enumerate(order):
        assert ledger.book(arrival(sequence, some_cells(sequence, many=2)))
        held.add(sequence)
        if place in compacted:
            ledger.compact()
        for upto in range(10):
            assert ledger.holds_up_to("agent", INCARNATION, upto) == (set(range(1, upto + 1)) <= held)
    assert not ledger.holds_up_to("agent", "f" * 16, 1)
    ledger.close()


def test_coverage_and_written_grow_and_stay(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.cover(100, 200)
    ledger.cover(150, 180)
    ledger.cover(90, 210)
    ledger.set_written({("hub", 10): 5, ("hub", 60): 6})
    ledger.set_written({("hub", 10): 7})
    ledger.close()
    ledger = open_ledger(tmp_path)
    assert ledger.coverage() == (90, 210)
    assert ledger.written() == {("hub", 10): 7, ("hub", 60): 6}


def test_old_hours_are_dropped_and_their_batches_stay_known(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.book(arrival(1, some_cells(1)))
    ledger.compact()
    assert ledger.drop_before(START + 3_599) == 0
    assert ledger.drop_before(START + 3_600) == 1
    assert all_of(ledger).equals(some_cells(1).filter(pl.col("bucket") >= START + 3_600))
    assert not ledger.book(arrival(1, some_cells(1)))
    assert len(list((tmp_path / "hours").iterdir())) == 1


def test_hours_that_are_over_become_one_part_each(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    batches = [some_cells(i, START + 60 * i, seconds=600) for i in range(6)]
    batches += [some_cells(7, START + 7 * 3_600, seconds=600)]
    for i, cells in enumerate(batches):
        ledger.book(arrival(i + 1, cells))
        ledger.compact()
    assert sorted(part.hour - START for part in ledger._manifest.parts.values()) == [0, 7 * 3_600]
    assert add([ledger.cells(START, START + 9 * 3_600)]).equals(add(batches))
    assert len(list((tmp_path / "hours").iterdir())) == 2


def some_counts(seed: int, first: int = START) -> Counts:
    return Counts(some_cells(seed, first, 600), some_gauges(seed, first, 600), some_sketches(seed, first, 1))


def test_gauges_and_sketches_go_the_way_of_cells(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    batches = [Counts(some_cells(i), some_gauges(i), some_sketches(i)) for i in range(20)]
    for i, counts in enumerate(batches):
        assert ledger.book(full_arrival(i + 1, counts))
        if i % 2:
            ledger.compact()
        check_all(ledger, batches[: i + 1])
    assert ledger.compact() == 0
    ledger.book(full_arrival(21, some_counts(21)))
    (waiting,) = ledger.arrived()
    for kind in KINDS:
        assert kind.of(waiting).equals(kind.of(some_counts(21)))
        assert 0 < len(list((tmp_path / kind.folder).iterdir())) <= 16
    hour = ledger.sketches(START + 1, START + 3_601)
    assert set(hour["hour"]) == {START + 3_600}
    within = pl.col("bucket").is_between(START + 300, START + 400, closed="left")
    everything = gauges.add([counts.gauges for counts in [*batches, some_counts(21)]])
    assert gauges.add([ledger.gauges(START + 300, START + 400)]).equals(everything.filter(within))
    ledger.close()
    check_all(open_ledger(tmp_path), [*batches, some_counts(21)])


def test_batches_of_one_kind_only(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.book(full_arrival(1, Counts(gauges=some_gauges(1))))
    ledger.book(full_arrival(2, Counts(sketches=some_sketches(2))))
    ledger.book(full_arrival(3, Counts()))
    assert ledger.span() == (some_gauges(1)["bucket"].min(), int(str(some_gauges(1)["bucket"].max())) + 10)
    assert ledger.compact() == 3
    assert ledger.span() == (some_gauges(1)["bucket"].min(), int(str(some_gauges(1)["bucket"].max())) + 10)
    assert ledger.cells(START, END).is_empty()
    assert not list((tmp_path / "hours").iterdir())
    assert sketches.add([ledger.sketches(START, END)]).equals(some_sketches(2))


def test_what_is_forgotten_is_forgotten_of_every_kind(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.book(full_arrival(1, Counts(some_cells(1), some_gauges(1), some_sketches(1))))
    ledger.compact()
    assert ledger.drop_before(START + 3_600) == 3
    for kind, read in zip(KINDS, (ledger.cells, ledger.gauges, ledger.sketches), strict=True):
        assert read(START, END)[kind.time].min() >= START + 3_600  # type: ignore[operator]
        assert len(list((tmp_path / kind.folder).iterdir())) == 1


def test_hours_that_are_over_become_one_part_of_each_kind(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    batches = [some_counts(i) for i in range(4)] + [some_counts(5, START + 7 * 3_600)]
    for i, counts in enumerate(batches):
        ledger.book(full_arrival(i + 1, counts))
        ledger.compact()
    for kind in KINDS:
        assert len(list((tmp_path / kind.folder).iterdir())) == 2, kind.name
    check_all(ledger, batches[:4])


def test_an_hour_file_of_another_kind_that_is_missing_is_told(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.book(full_arrival(1, some_counts(1)))
    ledger.compact()
    ledger.close()
    [part] = (tmp_path / "sketches").iterdir()
    part.unlink()
    with pytest.raises(StoreError, match=r"sketches: 1 hour files are missing"):
        open_ledger(tmp_path)
    assert look_at_ledger(tmp_path).missing == [part.name]
    assert look_at_ledger(tmp_path).hours == 3


def test_a_ledger_of_before_there_were_other_kinds(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.book(arrival(1, some_cells(1)))
    ledger.compact()
    ledger.close()
    with closing(sqlite3.connect(tmp_path / "manifest.sqlite")) as database:
        database.executescript("ALTER TABLE parts DROP COLUMN kind; PRAGMA user_version = 1")
    assert (look_at_ledger(tmp_path).hours, look_at_ledger(tmp_path).missing) == (2, [])
    ledger = open_ledger(tmp_path)
    assert all_of(ledger).equals(some_cells(1))
    ledger.book(full_arrival(2, some_counts(2)))
    ledger.compact()
    check_all(ledger, [Counts(some_cells(1)), some_counts(2)])
    assert (tmp_path / "manifest.sqlite.before-2").exists()


def test_damaged_and_misnamed_batches_are_refused(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    good = arrival(1, some_cells(1))
    with pytest.raises(WireError, match="a damaged batch"):
        ledger.book(Arrival(good.name, good.payload[:200]))
    with pytest.raises(WireError, match=r"came as agent\.0123456789abcdef\.2 and says it is"):
        ledger.book(Arrival(arrival(2, some_cells(1)).name, good.payload))
    assert ledger.span() is None


def test_no_damage_to_a_batch_is_counted_or_ends_the_process(tmp_path: Path) -> None:
    ledger, good = open_ledger(tmp_path), arrival(1, some_cells(1))
    for place in range(len(good.payload)):
        damaged = bytearray(good.payload)
        damaged[place] ^= 0x11
        with pytest.raises(WireError):
            ledger.book(Arrival(good.name, bytes(damaged)))
    assert ledger.book(good)


def test_a_compaction_that_finds_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    for place in range(3):
        ledger.book(arrival(place + 1, some_cells(place, START + 3_600 * place, seconds=600)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(StoreError):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
            ledger.compact()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "hours").iterdir())
    assert ledger.compact() == 3


def test_one_process_at_a_time(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    with pytest.raises(StoreError, match="another process uses this ledger"):
        open_ledger(tmp_path)
    ledger.close()
    open_ledger(tmp_path).close()


def test_newer_files_are_refused(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.book(arrival(1, some_cells(1, seconds=3_600)))
    ledger.compact()
    ledger.close()
    [part] = (tmp_path / "hours").iterdir()
    cells = pl.read_parquet(part)
    cells.write_parquet(part, metadata={"pharmapulse.cells": "7"})
    with pytest.raises(StoreError, match="an hour file of version 7, and this program reads 0 and 1"):
        open_ledger(tmp_path)
    part.write_bytes(b"PAR1 not")
    with pytest.raises(StoreError, match="this hour file cannot be read"):
        open_ledger(tmp_path)
    part.unlink()
    with pytest.raises(StoreError, match="1 hour files are missing"):
        open_ledger(tmp_path)
    database = sqlite3.connect(tmp_path / "manifest.sqlite")
    database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(StoreError, match="has version 9"):
        open_ledger(tmp_path)


def test_an_arrived_file_that_rots_is_set_aside_and_can_come_again(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    for i in (1, 2):
        ledger.book(arrival(i, some_cells(i)))
    ledger.close()
    rotten = tmp_path / "arrived" / f"agent.{INCARNATION}.1.ppb"
    rotten.write_bytes(rotten.read_bytes()[:-50])
    ledger = open_ledger(tmp_path)
    assert all_of(ledger).equals(some_cells(2))
    assert not ledger.holds_up_to("agent", INCARNATION, 1)
    assert ledger.book(arrival(1, some_cells(1)))


class Killed(BaseException):
    """Stands for the end of the process."""


STEPS: list[tuple[Any, str]] = [
    (store.arrived, "write_durably"),
    (store.files, "sync_directory"),
    (Path, "replace"),
    (HourFiles, "write"),
    (HourFiles, "merge"),
    (store.hours, "sync_file"),
    (store.hours, "sync_directory"),
    (Manifest, "swap"),
    (Arrived, "forget"),
    (Path, "unlink"),
    (FileLedger, "_tidy"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 5])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_killed_at_each_step_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, at: int, after: bool
) -> None:
    """Nine batches booked with compactions between; a kill on the way; then all nine are sent again."""
    original: Callable[..., Any] = getattr(owner, name)
    count = 0

    def killing(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == at and not after:
            raise Killed
        result = original(*args, **kwargs)
        if count == at:
            raise Killed
        return result

    batches = [Counts(some_cells(i), some_gauges(i), some_sketches(i)) for i in range(9)]
    ledger = open_ledger(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killing)
        try:
            for i, counts in enumerate(batches):
                ledger.book(full_arrival(i + 1, counts))
                if i % 2:
                    ledger.compact()
        except Killed:
            count = -100
    ledger.close()
    ledger = open_ledger(tmp_path)
    for i, counts in enumerate(batches):
        ledger.book(full_arrival(i + 1, counts))
    check_all(ledger, batches)
    ledger.compact()
    check_all(ledger, batches)
    assert ledger.holds_up_to("agent", INCARNATION, 9)
    assert not list((tmp_path / "arrived").iterdir())
    assert not list((tmp_path / "unfinished").iterdir())
    listed = {path.name for kind in KINDS for path in (tmp_path / kind.folder).iterdir()}
    assert listed == set(ledger._manifest.parts)
    ledger.close()


def test_readers_beside_compaction_see_each_batch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.ledger.MOST_PARTS", 2)
    ledger = open_ledger(tmp_path)
    calls = [0]
    wrong: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            low = calls[0]
            seen = int(ledger.cells(START, END)["calls"].sum())
            high = calls[0] + 500  # the batch being booked may be seen
            if not low <= seen <= high:
                wrong.append(f"{seen} calls, not {low} to {high}")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    rng = random.Random(1)
    for i in range(60):
        cells = some_cells(i, many=20)
        ledger.book(arrival(i + 1, cells))
        calls[0] += int(cells["calls"].sum())
        if rng.random() < 0.4:
            ledger.compact()
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    ledger.compact()
    assert not list((tmp_path / "arrived").iterdir())


def test_what_arrived_is_read_a_bounded_piece_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.ledger.ROWS_AT_ONCE", 100)
    ledger = open_ledger(tmp_path)
    batches = [some_cells(i) for i in range(10)]
    for i, cells in enumerate(batches):
        ledger.book(arrival(i + 1, cells))
    pieces = [counts.cells for counts in ledger.arrived()]
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 100 + max(map(len, batches))
    assert add(pieces).equals(add(batches))
    ledger.close()
