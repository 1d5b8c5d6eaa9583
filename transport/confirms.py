"""Publishing in windows: many messages in a row, and one wait until the broker has confirmed them all."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pika  # type: ignore[import-untyped] # pika ships no types

from transport.link import fail, succeed

_PERSISTENT = 2


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: to which routing key, under which id."""

    key: str
    id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Confirms:
    """The publishing side of one channel. For the link's thread only; begun anew with each channel."""

    def __init__(self, exchange: str, to: str) -> None:
        self._exchange, self._to = exchange, to
        self._last = 0
        self._open: dict[int, concurrent.futures.Future[None]] = {}
        self._problems: dict[concurrent.futures.Future[None], str] = {}

    def begin(self, channel: Any, callback: Callable[[object], None]) -> None:
        """Put a new channel into confirm mode, and call `callback` with the broker's answer."""
        self._last, self._open, self._problems = 0, {}, {}
        channel.add_on_return_callback(self._returned)
        channel.confirm_delivery(self._confirmed, callback=callback)

    def publish(self, channel: Any, future: concurrent.futures.Future[None], *, window: Sequence[Message]) -> None:
        """Publish a window; the future is settled when all of it is confirmed, or with a TransportError.

        While an earlier window waits for the broker nothing is added to it: that is all that is ever under way.
        """
        if self._open:
            fail(future, f"{self._to} has not confirmed {len(self._open)} messages yet")
            return
        for message in window:
            properties = pika.BasicProperties(
                delivery_mode=_PERSISTENT, message_id=message.id, headers=dict(message.headers) or None
            )
            # Not in the broker's hands before it is confirmed; mandatory, for where no queue is there it would be
            # confirmed and thrown away.
            channel.basic_publish(self._exchange, message.key, message.body, properties, mandatory=True)
            self._last += 1
            self._open[self._last] = future

    def _returned(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        # Comes before the confirmation of the same message.
        for future in set(self._open.values()):
            self._problems.setdefault(
                future,
                f"{self._to} has no queue for {method.exchange}/{method.routing_key} ({method.reply_text}): the "
                "collector makes it when it starts",
            )

    def _confirmed(self, frame: Any) -> None:
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._open if tag <= method.delivery_tag]
        for tag in tags:
            future = self._open.pop(tag, None)
            if future is None:
                continue
            if isinstance(method, pika.spec.Basic.Nack):
                self._problems.setdefault(
                    future, f"{self._to} could not keep a message: its queue is full or not whole"
                )
        if not self._open and future is not None:
            problem = self._problems.pop(future, None)
            if problem is None:
                succeed(future, None)
            else:
                fail(future, problem)
