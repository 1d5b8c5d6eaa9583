"""RabbitMQ beyond what all transports promise: rights, TLS, windows, strange messages, a busy or a silent process."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pika  # type: ignore[import-untyped] # pika ships no types
import pytest

from domain.batch import BatchName
from domain.errors import ConfigError, TransportError
from domain.settings import TransportSettings
from tests.services.rabbitmq import OwnRabbit, Rabbit, own_rabbitmq, queue, rabbitmq
from tests.store.some import INCARNATION
from tests.system.support import wait_for
from tests.transport.ways import AmqpWay, Closing, batch, heartbeat
from transport import link
from transport.amqp import WINDOW_BYTES, WINDOW_MESSAGES, AmqpSender
from transport.amqp_receiver import PREFETCH, AmqpReceiver
from transport.registry import OpenReceiver, OpenSender

__all__ = ["own_rabbitmq", "queue", "rabbitmq"]


@pytest.fixture
def way(rabbitmq: Rabbit, queue: str, tmp_path: Path) -> Iterator[AmqpWay]:
    made = AmqpWay(tmp_path, rabbitmq, queue)
    yield made
    made.close()


def goes_on(sender: OpenSender, sequence: int) -> None:
    """Wait until the sender can send again."""

    def sent() -> bool:
        try:
            sender.send(*batch(sequence))
        except TransportError:
            return False
        return True

    wait_for("the sender to go on", sent, 20)


def test_more_than_a_window_and_more_than_is_fetched_at_once_goes_through(way: AmqpWay) -> None:
    receiver, sender = way.open_receiver(), way.open_sender()
    assert isinstance(sender, AmqpSender)
    assert list(receiver.arrivals()) == []
    sent = [BatchName("agent", INCARNATION, sequence) for sequence in range(1, 2 * WINDOW_MESSAGES + 10)]
    assert list(sender.send_all((name, b"%d" % name.sequence) for name in sent)) == sent
    large = [BatchName("large", INCARNATION, sequence) for sequence in range(1, 4)]
    assert list(sender.send_all((name, bytes(WINDOW_BYTES - 1)) for name in large)) == large
    got = []
    for arrival in receiver.arrivals():
        got.append(arrival.name)
        receiver.done(arrival.name)
    assert sorted(got) == sorted(sent + large)
    assert list(receiver.arrivals()) == []


def test_what_is_not_done_bounds_what_is_in_hand(way: AmqpWay) -> None:
    receiver, sender = way.open_receiver(), way.open_sender()
    assert list(receiver.arrivals()) == []
    assert isinstance(sender, AmqpSender)
    many = 3 * PREFETCH
    list(sender.send_all((BatchName("agent", INCARNATION, sequence), b"x") for sequence in range(1, many + 1)))
    assert len(list(receiver.arrivals())) <= PREFETCH + 1
    assert len(list(receiver.arrivals())) <= PREFETCH + 1


def test_a_sender_without_a_collectors_queue_says_so_and_goes_on_once_it_is_there(way: AmqpWay) -> None:
    sender = way.open_sender()
    for _ in range(2):
        with pytest.raises(TransportError, match=r"no exchange|NOT_FOUND|connection"):
            sender.send(*batch(1))
    receiver = way.open_receiver()
    assert list(receiver.arrivals()) == []

    goes_on(sender, 1)
    assert [arrival.name for arrival in receiver.arrivals()] == [batch(1)[0]]


def test_an_exchange_without_its_queue_loses_nothing_silently(way: AmqpWay) -> None:
    receiver, sender = way.open_receiver(), way.open_sender()
    assert list(receiver.arrivals()) == []
    receiver.close()
    connection = way.broker.connect()
    connection.channel().queue_delete(way.queue)
    connection.close()
    with pytest.raises(TransportError, match=r"has no queue for .*the collector makes it when it starts"):
        sender.send(*batch(1))


def test_messages_that_are_none_of_ours_are_set_aside_and_stop_nobody(
    way: AmqpWay, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, sender = way.open_receiver(), way.open_sender()
    assert list(receiver.arrivals()) == []
    connection = way.broker.connect()
    channel = connection.channel()
    channel.basic_publish(way.queue, "batches", b"no name")
    channel.basic_publish(way.queue, "batches", b"a bad one", pika.BasicProperties(message_id="../../etc/passwd"))
    channel.basic_publish(way.queue, "heartbeats", b"{")
    channel.basic_publish(way.queue, "heartbeats", msgspec.json.encode(heartbeat(1, "../up")))
    connection.close()
    sender.send(*batch(1))
    sender.beat(heartbeat(1))
    with caplog.at_level(logging.ERROR):
        assert [arrival.name for arrival in receiver.arrivals()] == [batch(1)[0]]
        assert receiver.heartbeats() == [heartbeat(1)]
        assert len(list(receiver.arrivals())) == 1
    assert sorted(way.set_aside())[:3] == [b"a bad one", b"no name", b"{"]
    assert len([record for record in caplog.records if "set aside a message" in record.getMessage()]) == 4


def test_both_ends_work_with_the_least_rights_over_tls(
    own_rabbitmq: OwnRabbit, queue: str, tmp_path: Path, closing: Closing
) -> None:
    receiver = closing(AmqpReceiver(own_rabbitmq.tls_settings("collector", queue), tmp_path, tmp_path))
    sender = closing(AmqpSender(own_rabbitmq.tls_settings("agent", queue), tmp_path))
    assert list(receiver.arrivals()) == []
    sender.send(*batch(1))
    sender.beat(heartbeat(1))
    assert [arrival.payload for arrival in receiver.arrivals()] == [batch(1)[1]]
    assert receiver.heartbeats() == [heartbeat(1)]


def test_a_broker_whose_certificate_nobody_we_know_has_signed_is_not_told_the_password(
    own_rabbitmq: OwnRabbit, queue: str, tmp_path: Path, closing: Closing
) -> None:
    settings = msgspec.structs.replace(own_rabbitmq.tls_settings("agent", queue), ca_file="")
    sender = closing(AmqpSender(settings, tmp_path))
    with pytest.raises(TransportError, match=r"(?i)certificate"):
        sender.send(*batch(1))


def test_a_wrong_password_is_told_and_a_right_one_taken_without_a_restart(
    way: AmqpWay, tmp_path: Path, closing: Closing
) -> None:
    assert list(way.open_receiver().arrivals()) == []
    right = way.settings("agent")
    file = tmp_path / "password"
    file.write_text("wrong")
    sender = closing(AmqpSender(msgspec.structs.replace(right, password_file="password"), tmp_path))
    with pytest.raises(TransportError, match="does not know this user with this password") as caught:
        sender.send(*batch(1))
    assert "wrong" not in str(caught.value)
    file.write_text(Path(right.password_file).read_text())

    goes_on(sender, 1)


def test_an_agent_may_neither_read_nor_make_anything(way: AmqpWay, tmp_path: Path, closing: Closing) -> None:
    if not isinstance(way.broker, OwnRabbit):
        pytest.skip("the users of another broker have the rights that they have")
    receiver = closing(AmqpReceiver(way.settings("agent"), tmp_path, tmp_path))
    with pytest.raises(TransportError, match="ACCESS_REFUSED"):
        list(receiver.arrivals())


def test_the_brokers_heartbeats_are_answered_while_the_process_is_at_something_else(
    way: AmqpWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick of the collector may take minutes: with heartbeats of a second the broker hangs up after two or three."""
    monkeypatch.setattr("transport.broker.HEARTBEAT_SECONDS", 1)
    receiver, sender = way.open_receiver(), way.open_sender()
    assert isinstance(receiver, AmqpReceiver)
    assert list(receiver.arrivals()) == []
    sender.send(*batch(1))
    in_hand = receiver.arrivals()
    assert next(in_hand).name == batch(1)[0]
    # Nothing tells that no farewell will come: the broker's time for it has to pass.
    threading.Event().wait(4)
    receiver.done(batch(1)[0])
    assert list(receiver.arrivals()) == []
    assert receiver.connections == 1


def test_a_broker_that_is_full_is_left_alone_until_it_has_room(way: AmqpWay, own_rabbitmq: OwnRabbit) -> None:
    receiver, sender = way.open_receiver(), way.open_sender()
    assert list(receiver.arrivals()) == []
    sender.send(*batch(1))
    own_rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1")
    try:
        for sequence in (2, 3):
            with pytest.raises(TransportError, match="takes nothing for now: low on memory"):
                sender.send(*batch(sequence))
        # Who only reads is not held up.
        assert [arrival.name for arrival in receiver.arrivals()] == [batch(1)[0]]
    finally:
        own_rabbitmq.control("set_vm_memory_high_watermark", "0.4")
    goes_on(sender, 3)
    arrived = {arrival.name for arrival in receiver.arrivals()}
    assert arrived >= {batch(1)[0], batch(3)[0]}


def test_a_broker_that_stands_still_is_dropped_and_found_again(
    way: AmqpWay, own_rabbitmq: OwnRabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, sender = way.open_receiver(), way.open_sender()
    assert list(receiver.arrivals()) == []
    sender.send(*batch(1))
    monkeypatch.setattr("transport.amqp.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("transport.amqp_receiver.ANSWER_SECONDS", 0.3)
    own_rabbitmq.signal(signal.SIGSTOP)
    try:
        with pytest.raises(TransportError, match="no answer within 0 s"):
            sender.send(*batch(2))
        with pytest.raises(TransportError, match="no answer within 0 s"):
            receiver.done(batch(1)[0])
            list(receiver.arrivals())
    finally:
        own_rabbitmq.signal(signal.SIGCONT)
    monkeypatch.undo()
    goes_on(sender, 2)
    wait_for("the receiver to go on", partial(receives, receiver, {batch(1)[0], batch(2)[0]}), 20)


def receives(receiver: OpenReceiver, names: set[BatchName]) -> bool:
    """Whether these are what waits; what was done may come again."""
    try:
        return {arrival.name for arrival in receiver.arrivals()} | {batch(1)[0]} == names
    except TransportError:
        return False


def test_a_broker_that_says_nothing_is_given_up(
    queue: str, tmp_path: Path, closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "password").write_text("x")
        monkeypatch.setattr(link, "CONNECT_SECONDS", 0.2)
        monkeypatch.setattr("transport.broker.CONNECT_SECONDS", 0.2)
        settings = TransportSettings(
            url=f"amqp://agent@127.0.0.1:{silent.getsockname()[1]}", queue=queue, password_file="password"
        )
        sender = closing(AmqpSender(settings, tmp_path))
        with pytest.raises(TransportError, match=r"127\.0\.0\.1"):
            sender.send(*batch(1))


@pytest.mark.parametrize(
    ("changes", "path", "told"),
    [
        ({"url": "amqp://u:hunter2@h/v"}, "transport.url", "holds a password"),
        ({"url": "amqp://h/v"}, "transport.url", "names no user"),
        ({"url": "amqp://"}, "transport.url", "names no host"),
        ({"url": "amqp://u@h/v?heartbeat=1"}, "transport.url", "something after"),
        ({"url": "amqp://u@h:x/v"}, "transport.url", "is no URL"),
        ({"queue": "amq.direct"}, "transport.queue", "not a queue's name"),
        ({"password_file": ""}, "transport.password_file", "no password"),
        ({"password_file": "missing"}, "transport.password_file", "cannot be read"),
        ({"password_file": "empty"}, "transport.password_file", "is empty"),
        ({"url": "amqps://u@h/v", "ca_file": "missing"}, "transport.ca_file", "cannot be read"),
        (
            {"url": "amqps://u@h/v", "certificate_file": "missing", "key_file": "missing"},
            "transport.certificate_file",
            "cannot be used",
        ),
    ],
)
def test_settings_that_cannot_work_are_told_before_anything_is_opened(
    changes: dict[str, str], path: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "empty").write_text(" \n")
    settings = msgspec.structs.replace(TransportSettings(url="amqp://u@h/v", password_file="password"), **changes)
    with pytest.raises(ConfigError, match=told) as caught:
        AmqpSender(settings, tmp_path)
    assert caught.value.path == path
    assert "hunter2" not in str(caught.value)
