"""Bundles: what was put in comes out, and nothing of one that is damaged anywhere."""

from __future__ import annotations

import hashlib
import random
import resource
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from domain.batch import Heartbeat
from domain.carried import BundleHeader, bundle_name, spans
from domain.errors import StoreError, TransportError, WireError
from tests.store.some import INCARNATION
from tests.transport.ways import batch, heartbeat
from transport.bundle import Bundle, write_bundle
from transport.by_hand import ByHandSender, newest_heartbeat
from transport.whole import remove_unfinished

MADE = 1_763_370_000.0


def header(sequences: Sequence[int]) -> BundleHeader:
    size = sum(len(batch(sequence)[1]) for sequence in sequences)
    return BundleHeader(
        agent="agent",
        incarnation=INCARNATION,
        made=MADE,
        sequences=spans(sequences),
        batches=len(sequences),
        bytes=size,
    )


def write(folder: Path, sequences: Sequence[int], beat: Heartbeat | None = None) -> Path:
    of = header(sequences)
    path = folder / bundle_name(of)
    payloads = ((sequence, batch(sequence)[1]) for sequence in sequences)
    assert write_bundle(path, of, beat, payloads) == path.stat().st_size
    assert [file.name for file in folder.iterdir()] == [path.name]
    return path


def whole(path: Path) -> None:
    with Bundle(path) as bundle:
        bundle.check(lambda _: None)


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    path = write(tmp_path, [3, 4, 9], heartbeat(9))
    assert path.name == f"agent.{INCARNATION}.at-20251117T090000Z.from-3-to-9.ppx"
    with Bundle(path) as bundle:
        assert bundle.header == header([3, 4, 9])
        assert bundle.header.sequences == ((3, 4), (9, 9))
        assert bundle.heartbeat == heartbeat(9)
        assert list(bundle.batches()) == [batch(3), batch(4), batch(9)]
    looked: list[int] = []
    with Bundle(path) as bundle:
        bundle.check(looked.append)
    assert looked == [len(batch(sequence)[1]) for sequence in (3, 4, 9)]


def test_a_heartbeat_travels_alone(tmp_path: Path) -> None:
    path = write(tmp_path, [], heartbeat(4))
    assert path.name.endswith(".heartbeat.ppx")
    with Bundle(path) as bundle:
        assert (bundle.heartbeat, list(bundle.batches())) == (heartbeat(4), [])


def test_a_damage_anywhere_is_told_by_name_and_place(tmp_path: Path) -> None:
    path = write(tmp_path, [1, 2], heartbeat(2))
    good = path.read_bytes()
    places = {0, 3, 4, 8, 12, len(good) - 1, len(good) - 33, *random.Random(1).sample(range(len(good)), 300)}
    for place in places:
        damaged = bytearray(good)
        damaged[place] ^= 0x41
        path.write_bytes(damaged)
        with pytest.raises(WireError, match=path.name.replace(".", r"\.")):
            whole(path)
    path.write_bytes(good)
    whole(path)


def test_one_that_was_cut_off_or_goes_on_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, [1, 2], heartbeat(2))
    good = path.read_bytes()
    for length in (0, 3, 4, 10, len(good) // 2, len(good) - 41, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(WireError, match=r"damaged at byte \d+: it ends there, too early|not a bundle"):
            whole(path)
    path.write_bytes(good + b"\0")
    with pytest.raises(WireError, match="it goes on after its end"):
        whole(path)


def _sections(*parts: tuple[bytes, bytes], version: int = 1) -> bytes:
    data = b"PPX" + bytes([version])
    for kind, content in parts:
        made = hashlib.sha256(data).digest() if kind == b"E" else content
        frame = kind + len(made).to_bytes(4, "big")
        data += frame + zlib.crc32(made, zlib.crc32(frame)).to_bytes(4, "big") + made
    return data


_HEADER = b'{"agent":"agent","incarnation":"%s","made":1.0,"sequences":%s,"batches":1,"bytes":1}'
_ONE = _HEADER % (INCARNATION.encode(), b"[[1,1]]")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PPB" + bytes(50), "does not begin with PPX"),
        (_sections(version=9), "a bundle of version 9, and this program reads 1"),
        (_sections((b"E", b"")), "its header is missing"),
        (_sections((b"H", b"{}"), (b"E", b"")), "its header cannot be used"),
        (_sections((b"H", _ONE.replace(b'"agent":"agent"', b'"agent":"../x"')), (b"E", b"")), "cannot be used"),
        (_sections((b"H", _ONE), (b"T", b"{}"), (b"E", b"")), "not a heartbeat"),
        (_sections((b"H", _ONE), (b"E", b"")), "does not hold the batches that its header tells"),
        (_sections((b"H", _ONE), (b"B", b"short"), (b"E", b"")), "a batch is too short"),
        (_sections((b"H", _ONE), (b"H", _ONE), (b"E", b"")), "no known kind"),
        (_sections((b"H", _ONE), (b"B", bytes(7) + b"\2" + batch(2)[1]), (b"E", b"")), "does not hold the batches"),
        (_sections((b"H", _ONE), (b"B", bytes(7) + b"\1" + batch(2)[1]), (b"E", b"")), "says it is agent"),
        (_sections((b"H", _ONE), (b"B", bytes(7) + b"\1not a batch"), (b"E", b"")), "batch 1, .* not a batch"),
        (_sections((b"H", _ONE), *[(b"B", bytes(7) + b"\1" + batch(1)[1])] * 2, (b"E", b"")), "out of order"),
        (_sections((b"H", _ONE)) + b"B\xff\xff\xff\xff" + bytes(4), "no section begins there"),
    ],
)  # fmt: skip
def test_what_somebody_else_made_is_looked_at_twice(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.ppx"
    path.write_bytes(data)
    with pytest.raises(WireError, match=said):
        whole(path)


def test_another_agents_heartbeat_is_none_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path, [1], heartbeat(1, "other"))
    with pytest.raises(WireError, match="its heartbeat is another agent's"):
        Bundle(path)


def test_one_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(WireError, match="cannot be read: Is a directory"):
        Bundle(tmp_path)


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(TransportError, match=r"ppx: File too large"):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
            write(tmp_path, [1, 2, 3])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_what_stops_the_writing_leaves_nothing_behind_and_is_told_as_it_is(tmp_path: Path) -> None:
    def payloads() -> Iterator[tuple[int, bytes]]:
        yield 1, batch(1)[1]
        raise StoreError("gone")

    (tmp_path / "b.ppx").write_text("the one before")
    with pytest.raises(StoreError, match="gone"):
        write_bundle(tmp_path / "b.ppx", header([1, 2]), None, payloads())
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the one before"]


def test_what_a_killed_export_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left = [".agent.1.ppx.unfinished", ".agent-2.1.ppx.unfinished", "agent.1.ppx", ".agent.1.ppx"]
    for name in left:
        (tmp_path / name).touch()
    remove_unfinished(tmp_path, "agent.")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(left[1:])


def test_the_newest_heartbeat_is_kept_for_the_next_bundle(tmp_path: Path) -> None:
    assert newest_heartbeat(tmp_path, "agent", INCARNATION) is None
    sender = ByHandSender(tmp_path)
    for sequence in (1, 2):
        sender.beat(heartbeat(sequence))
    assert newest_heartbeat(tmp_path, "agent", INCARNATION) == heartbeat(2)
    assert newest_heartbeat(tmp_path, "agent", "0" * 16) is None
    assert newest_heartbeat(tmp_path, "other", INCARNATION) is None
    with pytest.raises(TransportError, match="waits to be carried"):
        sender.send(*batch(1))
