"""The spool: what was sent is there whole, in order, until it is done; what cannot be used is set aside."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from domain.batch import Accounting, BatchName, Heartbeat, SourceState
from domain.errors import ConfigError, TransportError
from domain.settings import TransportSettings
from transport.registry import open_receiver, open_sender
from transport.spool import SpoolReceiver, SpoolSender

INCARNATION = "0123456789abcdef"


def name(sequence: int, agent: str = "agent") -> BatchName:
    return BatchName(agent, INCARNATION, sequence)


def heartbeat(sequence: int, agent: str = "agent", watermark: float | None = 12.5) -> Heartbeat:
    source = SourceState(source="calls", watermark=watermark, accounting=Accounting(lines=1, events=1))
    return Heartbeat(version=1, agent=agent, incarnation=INCARNATION, sequence=sequence, at=15.0, sources=(source,))


def test_batches_come_in_sequence_order_for_each_agent_until_done(tmp_path: Path) -> None:
    sender, receiver = SpoolSender(tmp_path / "spool"), SpoolReceiver(tmp_path / "spool")
    for sequence in (10, 9, 2, 1):
        sender.send(name(sequence), b"%d" % sequence)
    sender.send(name(3, "other"), b"other")
    sender.send(name(2), b"2 again")
    arrived = list(receiver.arrivals())
    assert [arrival.name for arrival in arrived] == [name(1), name(2), name(9), name(10), name(3, "other")]
    assert [arrival.payload for arrival in arrived] == [b"1", b"2 again", b"9", b"10", b"other"]
    receiver.done(name(1))
    receiver.done(name(1))
    assert next(receiver.arrivals()).name == name(2)


def test_what_another_program_is_copying_is_left_alone(tmp_path: Path) -> None:
    receiver = SpoolReceiver(tmp_path)
    copying = tmp_path / "batches" / f".{name(1)}.ppb.Xy12Zw"
    copying.write_bytes(b"half")
    assert list(receiver.arrivals()) == []
    assert copying.exists()


def test_what_cannot_be_used_is_set_aside_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sender, receiver = SpoolSender(tmp_path), SpoolReceiver(tmp_path)
    sender.send(name(1), b"good")
    sender.send(name(2), b"bad")
    (tmp_path / "batches" / "README.txt").write_text("what is this")
    (tmp_path / "batches" / "agent.x.y.ppb").write_text("what is this")
    (tmp_path / "heartbeats" / "broken.json").write_text("{")
    with caplog.at_level(logging.ERROR):
        assert [arrival.name for arrival in receiver.arrivals()] == [name(1), name(2)]
        receiver.refuse(name(2), "it is damaged")
        assert receiver.heartbeats() == []
    assert [arrival.name for arrival in receiver.arrivals()] == [name(1)]
    assert sorted(path.name for path in (tmp_path / "bad").iterdir()) == [
        "README.txt",
        f"{name(2)}.ppb",
        "agent.x.y.ppb",
        "broken.json",
    ]
    assert len(caplog.records) == 4
    assert "it is damaged" in caplog.text


def test_one_batch_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sender, receiver = SpoolSender(tmp_path), SpoolReceiver(tmp_path)
    sender.send(name(2), b"2")
    unreadable = tmp_path / "batches" / f"{name(1)}.ppb"
    unreadable.mkdir()  # what a test run by root cannot read either
    for _ in range(3):
        assert [arrival.name for arrival in receiver.arrivals()] == [name(2)]
    assert len(caplog.records) == 1
    unreadable.rmdir()
    sender.send(name(1), b"1")
    assert [arrival.name for arrival in receiver.arrivals()] == [name(1), name(2)]


def test_only_the_newest_heartbeat_of_each_agent_stays(tmp_path: Path) -> None:
    sender, receiver = SpoolSender(tmp_path), SpoolReceiver(tmp_path)
    for sequence in range(3):
        sender.beat(heartbeat(sequence))
    sender.beat(heartbeat(7, "other", None))
    assert receiver.heartbeats() == [heartbeat(2), heartbeat(7, "other", None)]


def test_a_spool_that_cannot_be_written_says_where_and_may_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(TransportError, match=r"file.*: Not a directory"):
        SpoolSender(tmp_path / "file" / "spool")
    sender = SpoolSender(tmp_path / "spool")
    (tmp_path / "spool" / "unfinished").rmdir()
    with pytest.raises(TransportError, match="No such file or directory") as caught:
        sender.send(name(1), b"")
    assert caught.value.retry
    assert list(SpoolReceiver(tmp_path / "spool").arrivals()) == []


def test_the_url_chooses(tmp_path: Path) -> None:
    default, named = TransportSettings(), TransportSettings(url="spool:named")
    open_sender(default, tmp_path / "default", tmp_path).send(name(1), b"x")
    assert [arrival.name for arrival in open_receiver(default, tmp_path / "default", tmp_path).arrivals()] == [name(1)]
    open_sender(named, tmp_path / "default", tmp_path).send(name(2), b"x")
    absolute = TransportSettings(url=f"spool:{tmp_path}/named")
    [arrival] = open_receiver(absolute, tmp_path, Path("/elsewhere")).arrivals()
    assert arrival.name == name(2)


@pytest.mark.parametrize("url", ["ftp://broker", "spool", "spool:", "spool://", "/var/spool", "SPOOL:x"])
def test_an_url_that_is_none_names_its_place_and_the_mend(url: str, tmp_path: Path) -> None:
    for opening in (open_sender, open_receiver):
        with pytest.raises(ConfigError, match='Write "spool:DIR"') as caught:
            opening(TransportSettings(url=url), tmp_path, tmp_path)
        assert caught.value.path == "transport.url"
