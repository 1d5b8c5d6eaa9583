"""How to reach a broker, and what the collector makes there.

All names begin with `transport.queue` (Q): the exchange Q hands batches to the quorum queue Q and heartbeats to the
quorum queue Q.heartbeats; what cannot be used lies in Q.bad.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped] # pika ships no types

from domain.settings import TransportSettings
from transport import addresses
from transport.link import CONNECT_SECONDS, HEARTBEAT_SECONDS
from transport.tls import calling, secret_in

# Routing keys. The last two are also what a queue's name ends in.
BATCHES, HEARTBEATS, BAD = "batches", "heartbeats", "bad"
# How long is waited for the broker's answer or confirmation.
ANSWER_SECONDS = 20.0
# Heartbeats that wait while no collector takes them; beyond, the oldest make room.
MOST_HEARTBEATS = 50_000
# The broker counts how often a message came back, by a lost connection, too, and drops it beyond its limit: 20 by
# default from RabbitMQ 4 on. No limit is "-1" there, which is not known before, and all that declare a queue must agree
# on its arguments: so a limit that nobody reaches. What would reach it goes to Q.bad.
DELIVERY_LIMIT = 1_000_000_000


def parameters(settings: TransportSettings, base: Path, name: str) -> Callable[[], pika.ConnectionParameters]:
    """How to connect, read anew each time: a password or a certificate may be another by then. Raises ConfigError."""
    broker = addresses.broker(settings)

    def read() -> pika.ConnectionParameters:
        password = secret_in(base, settings.password_file, "transport.password_file")
        tls = pika.SSLOptions(calling(settings, base), broker.host) if broker.tls else None
        return pika.ConnectionParameters(
            host=broker.host,
            port=broker.port,
            virtual_host=broker.vhost,
            credentials=pika.PlainCredentials(broker.user, password, erase_on_connect=True),
            ssl_options=tls,
            heartbeat=HEARTBEAT_SECONDS,
            socket_timeout=CONNECT_SECONDS / 2,
            stack_timeout=CONNECT_SECONDS,
            connection_attempts=1,
            client_properties={"connection_name": name},
        )

    read()
    return read


def make_queues(channel: Any, queue: str, then: Callable[[object], None]) -> None:
    """Make what is missing at the broker, then call `then`. A step that fails closes the channel."""
    heartbeats, bad = f"{queue}.{HEARTBEATS}", f"{queue}.{BAD}"
    safe = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
    # Dead letters only move on when they are safe in Q.bad; that needs a queue that refuses when it is full.
    dead = {"x-dead-letter-exchange": queue, "x-dead-letter-routing-key": BAD}
    dead |= {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    newest = {"x-max-length": MOST_HEARTBEATS, "x-overflow": "drop-head"}
    in_turn(
        functools.partial(channel.exchange_declare, queue, "direct", durable=True),
        functools.partial(channel.queue_declare, bad, durable=True, arguments={"x-queue-type": "quorum"}),
        functools.partial(channel.queue_declare, queue, durable=True, arguments={**safe, **dead}),
        functools.partial(channel.queue_declare, heartbeats, durable=True, arguments={**safe, **newest}),
        functools.partial(channel.queue_bind, bad, queue, BAD),
        functools.partial(channel.queue_bind, queue, queue, BATCHES),
        functools.partial(channel.queue_bind, heartbeats, queue, HEARTBEATS),
        then=then,
    )


def in_turn(*steps: Callable[..., object], then: Callable[[object], None]) -> None:
    """Do steps one after the other, each when the broker has answered the one before, then call `then`."""
    waiting = list(steps)

    def next_step(answer: object = None) -> None:
        if waiting:
            waiting.pop(0)(callback=next_step)
        else:
            then(answer)

    next_step()
