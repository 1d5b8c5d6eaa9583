"""One suite over all transports: what agents and collector rely on, whichever way the batches take."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.batch import BatchName
from domain.errors import TransportError
from domain.ports import Receiver
from tests.services.rabbitmq import own_rabbitmq, queue, rabbitmq
from tests.system.support import wait_for
from tests.transport.ways import AmqpWay, HttpsWay, SpoolWay, Way, batch, heartbeat, in_time
from transport.registry import OpenReceiver
from transport.spool import SpoolSender

__all__ = ["own_rabbitmq", "queue", "rabbitmq"]


@pytest.fixture(params=["spool", "https", "amqp"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    if request.param == "spool":
        made: Way = SpoolWay(tmp_path)
    elif request.param == "https":
        made = HttpsWay(tmp_path)
    else:
        made = AmqpWay(tmp_path, request.getfixturevalue("rabbitmq"), request.getfixturevalue("queue"))
    try:
        yield made
    finally:
        made.close()


def names(receiver: Receiver) -> list[BatchName]:
    return [arrival.name for arrival in receiver.arrivals()]


def begun(way: Way) -> OpenReceiver:
    """A receiver that has made what it needs, and finds nothing."""
    receiver = way.open_receiver()
    assert names(receiver) == []
    return receiver


def restarted(way: Way, receiver: OpenReceiver) -> OpenReceiver:
    """The collector's end, let go and opened anew."""
    receiver.close()
    return way.open_receiver()


def test_what_was_sent_arrives_byte_for_byte_in_the_order_of_each_agent(way: Way) -> None:
    receiver = begun(way)
    sender = way.open_sender()
    sent = dict([batch(1), batch(2), batch(3), batch(10), batch(11), batch(1, "other")])
    for name, payload in sent.items():
        sender.send(name, payload)
    arrived = list(receiver.arrivals())
    assert [arrival.name for arrival in arrived] == sorted(sent)
    assert {arrival.name: arrival.payload for arrival in arrived} == sent


def test_it_comes_again_until_it_is_done(way: Way) -> None:
    receiver = begun(way)
    sender = way.open_sender()
    for sequence in range(1, 4):
        sender.send(*batch(sequence))
    for _ in range(2):
        assert len(names(receiver)) == 3
    receiver.done(batch(2)[0])
    receiver.done(batch(2)[0])
    assert names(receiver) == [batch(1)[0], batch(3)[0]]
    for arrival in receiver.arrivals():
        receiver.done(arrival.name)
    assert names(receiver) == []
    again = restarted(way, receiver)
    assert names(again) == []


def test_a_receiver_that_starts_again_sees_what_was_not_done(way: Way) -> None:
    receiver = begun(way)
    sender = way.open_sender()
    for sequence in range(1, 4):
        sender.send(*batch(sequence))
    sender.beat(heartbeat(3))
    in_hand = receiver.arrivals()
    receiver.done(next(in_hand).name)
    assert next(in_hand).name == batch(2)[0]
    assert receiver.heartbeats() == [heartbeat(3)]
    again = restarted(way, receiver)
    # A broker gives out again what the old one had in hand once it has seen that one go.
    wait_for("the rest", lambda: names(again) == [batch(2)[0], batch(3)[0]], 5)
    assert [arrival.payload for arrival in again.arrivals()] == [batch(2)[1], batch(3)[1]]
    assert again.heartbeats() == [heartbeat(3)]


def test_a_sender_that_starts_again_sends_again_and_nothing_is_there_twice_for_long(way: Way) -> None:
    receiver = begun(way)
    first = way.open_sender()
    first.send(*batch(1))
    first.close()
    second = way.open_sender()
    second.send(*batch(1))
    second.send(*batch(2))
    assert names(receiver) == [batch(1)[0], batch(2)[0]]
    for arrival in receiver.arrivals():
        receiver.done(arrival.name)
    assert names(receiver) == []
    assert names(restarted(way, receiver)) == []


def test_only_the_newest_heartbeat_of_each_agent_counts(way: Way) -> None:
    receiver = way.open_receiver()
    assert receiver.heartbeats() == []
    sender = way.open_sender()
    for sequence in range(5):
        sender.beat(heartbeat(sequence))
    sender.beat(heartbeat(7, "other"))
    assert receiver.heartbeats() == [heartbeat(4), heartbeat(7, "other")]
    assert receiver.heartbeats() == [heartbeat(4), heartbeat(7, "other")]
    sender.beat(heartbeat(5))
    assert restarted(way, receiver).heartbeats() == [heartbeat(5), heartbeat(7, "other")]


def test_what_is_refused_is_kept_aside_loudly(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    receiver = begun(way)
    sender = way.open_sender()
    sender.send(*batch(1))
    sender.send(*batch(2))
    with caplog.at_level(logging.ERROR):
        assert len(names(receiver)) == 2
        receiver.refuse(batch(1)[0], "it is of another world")
    assert "it is of another world" in caplog.text
    assert str(batch(1)[0]) in caplog.text
    assert names(receiver) == [batch(2)[0]]
    again = restarted(way, receiver)
    wait_for("the other one", lambda: names(again) == [batch(2)[0]], 5)
    assert way.set_aside() == [batch(1)[1]]


def test_what_somebody_carried_here_arrives_beside_it(way: Way) -> None:
    receiver = begun(way)
    carried = SpoolSender(way.folder / "spool", "importing")
    carried.send(*batch(2))
    carried.send(*batch(3))
    carried.beat(heartbeat(3))
    sender = way.open_sender()
    sender.send(*batch(1))
    sender.send(*batch(2))
    wait_for("all of them", lambda: {*names(receiver)} == {batch(sequence)[0] for sequence in (1, 2, 3)})
    assert receiver.heartbeats() == [heartbeat(3)]
    receiver.refuse(batch(3)[0], "it is of another world")
    while waiting := names(receiver):
        receiver.done(waiting[0])
    assert not list((way.folder / "spool" / "batches").iterdir())
    assert [path.name for path in (way.folder / "spool" / "bad").iterdir()] == [f"{batch(3)[0]}.ppb"]
    assert names(restarted(way, receiver)) == []


def test_a_large_batch_goes_through(way: Way) -> None:
    receiver = begun(way)
    sender = way.open_sender()
    name, payload = batch(1, header_bytes=20 << 20)
    sender.send(name, payload)
    [arrival] = receiver.arrivals()
    assert len(payload) > 20 << 20
    assert arrival.payload == payload
    receiver.done(name)
    assert names(receiver) == []


def test_what_was_sent_outlives_the_peer_and_who_was_away_is_found_again(way: Way) -> None:
    receiver = begun(way)
    sender = way.open_sender()
    sender.beat(heartbeat(1))
    sender.send(*batch(1))
    way.away(receiver)
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            sender.send(*batch(2))
        assert caught.value.retry
        assert "\n" not in str(caught.value)
        with pytest.raises(TransportError):
            sender.beat(heartbeat(2))
    receiver = way.back() or receiver
    in_time("the sender to find its peer", lambda: sender.send(*batch(2)))
    sender.beat(heartbeat(2))
    assert in_time("the receiver to find its peer", lambda: names(receiver)) == [batch(1)[0], batch(2)[0]]
    assert receiver.heartbeats() == [heartbeat(2)]
    for arrival in receiver.arrivals():
        assert arrival.payload == batch(arrival.name.sequence)[1]
        receiver.done(arrival.name)
    wait_for("all to be done", lambda: not names(receiver))
