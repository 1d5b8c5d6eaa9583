"""Looking at the other end without sending or taking: a real broker, a real collector's end over TLS."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from domain.errors import TransportError
from tests.services.rabbitmq import Rabbit, queue, rabbitmq
from tests.transport.ways import AmqpWay, Closing, HttpsWay, batch
from transport.looking import BrokerFacts, look_at_broker, look_at_https

__all__ = ["queue", "rabbitmq"]


def test_a_broker(rabbitmq: Rabbit, queue: str, tmp_path: Path, closing: Closing) -> None:
    way = closing(AmqpWay(tmp_path, rabbitmq, queue))
    settings = way.settings("collector")
    assert look_at_broker(settings, tmp_path) == BrokerFacts(None, None), "no collector has made its queues yet"
    receiver = way.open_receiver()
    assert list(receiver.arrivals()) == []
    receiver.close()
    way.open_sender().send(*batch(1))
    assert look_at_broker(settings, tmp_path) == BrokerFacts(1, 0)
    assert look_at_broker(settings, tmp_path) == BrokerFacts(1, 0), "nothing was taken"
    # An agent's user may write and nothing else; whether it may count differs by the broker's version.
    assert look_at_broker(way.settings("agent"), tmp_path) in (
        BrokerFacts(1, 0), BrokerFacts(None, None, may_look=False)
    )  # fmt: skip


def test_a_broker_that_does_not_know_us(rabbitmq: Rabbit, queue: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("S3cret")
    settings = msgspec.structs.replace(rabbitmq.settings("agent", queue), password_file="password")
    with pytest.raises(TransportError, match="does not know this user") as caught:
        look_at_broker(settings, tmp_path)
    assert "S3cret" not in str(caught.value)


def test_a_collector_over_https(tmp_path: Path, closing: Closing) -> None:
    way = closing(HttpsWay(tmp_path))
    with pytest.raises(TransportError, match="is not reached"):
        look_at_https(way.settings("agent"), tmp_path)
    way.open_receiver()
    assert look_at_https(way.settings("agent"), tmp_path).startswith("localhost:")
    # Whose certificate nobody we know has signed is not taken for the collector.
    with pytest.raises(TransportError, match=r"(?i)certificate"):
        look_at_https(msgspec.structs.replace(way.settings("agent"), ca_file=""), tmp_path)
