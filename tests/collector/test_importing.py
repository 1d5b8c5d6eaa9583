"""Bundles taken into the spool: in any order, twice, with gaps told; nothing of a damaged one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from collector.importing import Imported, Importer, bundles_in, is_newer
from domain.batch import BatchName, Heartbeat
from domain.carried import HeldOf, bundle_name, make_receipt, read_receipt, spans, spelt
from domain.errors import InputError, TransportError, WireError
from store.held import held_by
from tests.store.some import INCARNATION
from tests.transport.test_bundle import header
from tests.transport.ways import batch, heartbeat
from transport.bundle import write_bundle
from transport.spool import SpoolReceiver, SpoolSender


def bundle(folder: Path, sequences: Sequence[int], beat: Heartbeat | None = None) -> Path:
    of = header(sequences)
    path = folder / bundle_name(of)
    write_bundle(path, of, beat, ((sequence, batch(sequence)[1]) for sequence in sequences))
    return path


def take(home: Path, files: Sequence[Path]) -> Imported:
    """One call of the command."""
    spool = home / "spool"
    sender = SpoolSender(spool, "importing")
    return Importer(sender, held_by(home / "ledger", spool), SpoolReceiver(spool).heartbeats()).take(files)


def there(home: Path) -> list[int]:
    return [arrival.name.sequence for arrival in SpoolReceiver(home / "spool").arrivals()]


def test_any_order_twice_and_the_gap_is_told_until_it_is_filled(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    files = [bundle(out, [1, 2]), bundle(out, [3]), bundle(out, [4, 5], heartbeat(5))]
    for place, order in enumerate(permutations(files)):
        home = tmp_path / str(place)
        seen: set[int] = set()
        for file in order:
            once, again = take(home, [file]), take(home, [file])
            seen |= {1, 2} if file == files[0] else {3} if file == files[1] else {4, 5}
            assert ([part.new for part in again.taken], again.wrong) == ([0], [])
            assert once.missing == again.missing
            told = {number for gap in once.missing for low, high in gap.sequences for number in range(low, high + 1)}
            assert told == set(range(1, max(seen) + 1)) - seen
            assert once.held == [HeldOf(agent="agent", incarnation=INCARNATION, held=spans(sorted(seen)))]
        assert there(home) == [1, 2, 3, 4, 5]
        assert [arrival.payload for arrival in SpoolReceiver(home / "spool").arrivals()] == [
            batch(sequence)[1] for sequence in range(1, 6)
        ]
        assert SpoolReceiver(home / "spool").heartbeats() == [heartbeat(5)]


def test_the_heartbeat_tells_of_batches_that_are_in_no_bundle_yet(tmp_path: Path) -> None:
    imported = take(tmp_path, [bundle(tmp_path, [1], heartbeat(4))])
    [gap] = imported.missing
    assert (gap.agent, gap.incarnation, gap.sequences) == ("agent", INCARNATION, ((2, 4),))


def test_what_else_lies_among_bundles_is_told_and_waited_for_by_nobody(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    good = bundle(out, [1])
    os.mkfifo(out / "pipe.ppx")
    (out / "lost.ppx").symlink_to("nowhere")
    (out / "zero.ppx").symlink_to("/dev/zero")
    (out / "folder.ppx").mkdir()
    imported = take(tmp_path, bundles_in([out]))
    assert [part.file for part in imported.taken] == [good]
    told = {words.partition(": ")[0]: words for words in imported.wrong}
    assert set(told) == {str(out / f"{name}.ppx") for name in ("pipe", "lost", "zero", "folder")}
    assert "no regular file" in told[str(out / "pipe.ppx")]


def test_one_that_is_replaced_between_the_look_and_the_taking_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    file, other = bundle(tmp_path, [1, 2]), bundle(tmp_path / "other", [7])
    spool = tmp_path / "spool"

    def replace(_bytes: int) -> None:
        if other.exists():
            other.replace(file)

    importer = Importer(SpoolSender(spool, "importing"), held_by(tmp_path / "ledger", spool), (), replace)
    imported = importer.take([file])
    assert "was replaced" in imported.wrong[0]
    assert there(tmp_path) == []


def test_nothing_of_a_damaged_one_is_taken_and_the_others_are(tmp_path: Path) -> None:
    good, bad = bundle(tmp_path, [1]), bundle(tmp_path, [2, 3])
    data = bytearray(bad.read_bytes())
    data[-60] ^= 1  # in the last batch
    bad.write_bytes(data)
    imported = take(tmp_path, [bad, good])
    assert there(tmp_path) == [1]
    [wrong] = imported.wrong
    assert wrong.startswith(f"{bad}: damaged at byte ")


def test_an_older_heartbeat_does_not_replace_a_newer(tmp_path: Path) -> None:
    for sequence in (3, 2, 4, 1):
        take(tmp_path, [bundle(tmp_path, [sequence], heartbeat(sequence))])
    assert SpoolReceiver(tmp_path / "spool").heartbeats() == [heartbeat(4)]
    anew = Heartbeat(version=1, agent="agent", incarnation="f" * 16, sequence=1, at=heartbeat(4).at + 1, sources=())
    assert is_newer(anew, heartbeat(4))
    assert not is_newer(heartbeat(4), anew)


def test_a_full_disk_stops_it_and_the_same_call_goes_on_from_there(tmp_path: Path) -> None:
    class Full(SpoolSender):
        def send(self, name: BatchName, payload: bytes) -> None:
            if name.sequence > 2:
                raise TransportError("the disk is full")
            super().send(name, payload)

    file = bundle(tmp_path, [1, 2, 3, 4], heartbeat(4))
    with pytest.raises(TransportError, match="the disk is full"):
        Importer(Full(tmp_path / "spool"), {}, ()).take([file])
    assert there(tmp_path) == [1, 2]
    imported = take(tmp_path, [file])
    assert ([(part.new, part.known) for part in imported.taken], imported.missing) == ([(2, 2)], [])
    assert there(tmp_path) == [1, 2, 3, 4]


def test_files_and_folders_may_be_named(tmp_path: Path) -> None:
    for name in ("b.ppx", "a.ppx", ".c.ppx", "d.txt"):
        (tmp_path / name).touch()
    assert bundles_in([tmp_path / "d.txt", tmp_path, tmp_path / "b.ppx"]) == [
        tmp_path / name for name in ("d.txt", "a.ppx", "b.ppx")
    ]
    with pytest.raises(InputError, match=r"none\.ppx: No such file"):
        bundles_in([tmp_path / "none.ppx"])


def test_a_receipt_that_was_changed_on_its_way_is_not_believed() -> None:
    held = (HeldOf(agent="agent", incarnation=INCARNATION, held=((1, 17),)),)
    receipt = make_receipt(12.5, held)
    assert read_receipt(receipt).agents == held
    for changed in (receipt.replace(b"17", b"18"), receipt[:-3], receipt.replace(b"12.5", b"12.6"), b"{}", b""):
        with pytest.raises(WireError, match="receipt"):
            read_receipt(changed)
    with pytest.raises(WireError, match="version 9"):
        read_receipt(receipt.replace(b'"version": 1', b'"version": 9'))


def test_intervals_are_spelt_for_people() -> None:
    assert spelt(spans([1, 2, 3, 7, 9])) == "1-3, 7, 9"
    assert spelt(spans(range(1, 60, 2))).endswith("17, 19 and 20 more gaps")
    assert spans([]) == ()
