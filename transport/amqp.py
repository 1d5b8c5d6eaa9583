"""RabbitMQ as transport, for agents that may hold a connection. The broker is the receiver (DESIGN 3).

All names begin with `transport.queue` (Q). Agents publish to the exchange Q, which hands batches to the quorum
queue Q and heartbeats to the quorum queue Q.heartbeats; what cannot be used lies in Q.bad. The collector makes all of
these; agents may do nothing but write to the exchange. A batch is delivered when the broker has confirmed it, which a
quorum queue does once most of its nodes have it on disk.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from domain.batch import BatchName, Heartbeat
from domain.settings import TransportSettings
from domain.wire import encode_heartbeat
from transport import addresses
from transport.amqp_receiver import AmqpReceiver
from transport.broker import ANSWER_SECONDS, BATCHES, HEARTBEATS, parameters
from transport.confirms import Confirms, Message
from transport.link import Link

# One at a time made 1,200 a second on two cores, windows of 500 ten times as many (docs/transport.md).
WINDOW_MESSAGES, WINDOW_BYTES = 500, 8 << 20


def open_sender(settings: TransportSettings, _default_dir: Path, base: Path) -> AmqpSender:
    """The agent's end. Raises ConfigError; that the broker is away is told when something is sent."""
    return AmqpSender(settings, base)


def open_receiver(settings: TransportSettings, default_dir: Path, base: Path) -> AmqpReceiver:
    """The collector's end; the newest heartbeats are kept in `default_dir`. Raises ConfigError, TransportError."""
    return AmqpReceiver(settings, default_dir, base)


def _windows(batches: Iterable[tuple[BatchName, bytes]]) -> Iterator[list[tuple[BatchName, bytes]]]:
    """Batches in runs that are not too many and not too large."""
    window: list[tuple[BatchName, bytes]] = []
    size = 0
    for name, payload in batches:
        if window and (len(window) == WINDOW_MESSAGES or size + len(payload) > WINDOW_BYTES):
            yield window
            window, size = [], 0
        window.append((name, payload))
        size += len(payload)
    if window:
        yield window


class AmqpSender:
    """The agent's end of a broker."""

    def __init__(self, settings: TransportSettings, base: Path) -> None:
        """Begin to connect. Raises ConfigError."""
        to = str(addresses.broker(settings))
        self._confirms = Confirms(settings.queue, to)
        self._link = Link(parameters(settings, base, "pharmapulse logwatch"), self._prepare, lambda: None, to)

    def send(self, name: BatchName, payload: bytes) -> None:
        """Hand over a batch; the broker has it durably on return. Raises TransportError."""
        for _ in self.send_all([(name, payload)]):
            pass

    def send_all(self, batches: Iterable[tuple[BatchName, bytes]]) -> Iterator[BatchName]:
        """Hand over batches in their order; each name comes once the broker has it durably. Raises TransportError."""
        for window in _windows(batches):
            self._publish([Message(BATCHES, str(name), payload) for name, payload in window])
            yield from (name for name, _ in window)

    def beat(self, heartbeat: Heartbeat) -> None:
        """Hand over the newest heartbeat. Raises TransportError."""
        self._publish([Message(HEARTBEATS, heartbeat.agent, encode_heartbeat(heartbeat))])

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    @property
    def connections(self) -> int:
        """How often a connection was made."""
        return self._link.connections

    def _publish(self, window: Sequence[Message]) -> None:
        self._link.ask(functools.partial(self._confirms.publish, window=window), ANSWER_SECONDS)

    def _prepare(self, channel: Any, ready: Callable[[], None]) -> None:
        self._confirms.begin(channel, lambda _: ready())
