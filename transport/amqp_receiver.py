"""The collector's end of a broker: what it consumes, what it acknowledges, what it sets aside."""

from __future__ import annotations

import concurrent.futures
import functools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped] # pika ships no types

from domain.batch import BatchName, Heartbeat
from domain.errors import WireError
from domain.ports import Arrival
from domain.settings import TransportSettings
from domain.wire import decode_heartbeat
from transport import addresses
from transport.broker import ANSWER_SECONDS, BAD, HEARTBEATS, in_turn, make_queues, parameters
from transport.confirms import Confirms, Message
from transport.link import Link, Work, succeed
from transport.spool import SpoolReceiver, SpoolSender

# Batches in hand that are not booked yet, and heartbeats between two ticks.
PREFETCH, PREFETCH_HEARTBEATS = 50, 2_000

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    """A batch in hand: its bytes, and by which tags the broker knows it (more than one where it was sent again)."""

    channel: Any
    payload: bytes
    tags: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Message:
    """A message that is not acknowledged yet."""

    channel: Any
    tag: int
    body: bytes


class AmqpReceiver:
    """The collector's end of a broker. Its methods are for one thread."""

    def __init__(self, settings: TransportSettings, directory: Path, base: Path) -> None:
        """Begin to connect. Raises ConfigError, and TransportError where `directory` cannot be used."""
        self._queue = settings.queue
        self._to = str(addresses.broker(settings))
        self._keep, self._kept = SpoolSender(directory), SpoolReceiver(directory)
        self._carried: set[BatchName] = set()
        self._lock = threading.Lock()
        self._held: dict[BatchName, _Held] = {}
        self._beats: list[_Message] = []
        self._strange: list[tuple[_Message, str]] = []
        self._getting: concurrent.futures.Future[bool] | None = None
        self._confirms = Confirms(self._queue, self._to)
        self._link = Link(parameters(settings, base, "pharmapulse collector"), self._prepare, self._forget, self._to)

    def arrivals(self) -> Iterator[Arrival]:
        """Batches that wait, oldest sequence first for each agent as far as they are here. Raises TransportError.

        Before them those that somebody carried here (`collector import`), whether the broker is there or not.
        """
        for arrival in self._kept.arrivals():
            self._carried.add(arrival.name)
            yield arrival
        seen: set[BatchName] = set()
        while True:
            self._set_strange_aside()
            names = self._not_in(seen)
            if not names and len(self._held) < PREFETCH:
                self._get(self._queue)
                names = self._not_in(seen)
            if not names:
                return
            for name in names:
                with self._lock:
                    held = self._held.get(name)
                if held is not None:
                    seen.add(name)
                    yield Arrival(name, held.payload)

    def _not_in(self, seen: set[BatchName]) -> list[BatchName]:
        with self._lock:
            return sorted(self._held.keys() - seen)

    def done(self, name: BatchName) -> None:
        """Let the broker forget a batch. Where it is not reached, the batch comes again, which is harmless.

        Raises TransportError where one that was carried here cannot be taken away.
        """
        if name in self._carried:
            self._kept.done(name)
            self._carried.discard(name)
        with self._lock:
            held = self._held.pop(name, None)
        if held is not None:
            self._acknowledge(held.channel, held.tags)

    def refuse(self, name: BatchName, reason: str) -> None:
        """Set a batch that cannot be used aside in Q.bad, for somebody to look at. Raises TransportError."""
        if name in self._carried:
            self._kept.refuse(name, reason)
            self._carried.discard(name)
            return  # what the broker may have of it comes in its turn
        with self._lock:
            held = self._held.get(name)
        if held is None:
            return  # the connection was lost meanwhile: it comes again, and is refused again
        self._set_aside(str(name), held.payload, reason)
        self.done(name)

    def heartbeats(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent, those of agents that have gone silent too. Raises TransportError."""
        more = True
        while more:
            while len(self._beats) < PREFETCH_HEARTBEATS and self._get(f"{self._queue}.{HEARTBEATS}"):
                pass
            with self._lock:
                beats, self._beats = self._beats, []
            more = len(beats) >= PREFETCH_HEARTBEATS
            self._keep_newest(beats)
        return self._kept.heartbeats()

    def _keep_newest(self, beats: Sequence[_Message]) -> None:
        """Keep the last heartbeat of each agent, which the broker may forget then."""
        newest: dict[str, Heartbeat] = {}
        good: list[_Message] = []
        for beat in beats:
            try:
                heartbeat = decode_heartbeat(beat.body)
                BatchName.parse(f"{heartbeat.agent}.{heartbeat.incarnation}.{heartbeat.sequence}")
            except WireError as error:
                with self._lock:
                    self._strange.append((beat, str(error)))
            else:
                newest[heartbeat.agent] = heartbeat
                good.append(beat)
        for heartbeat in newest.values():
            self._keep.beat(heartbeat)
        for beat in good:
            self._acknowledge(beat.channel, [beat.tag])

    def close(self) -> None:
        """Close the connection; what is not done comes again."""
        self._link.close()

    @property
    def connections(self) -> int:
        """How often a connection was made."""
        return self._link.connections

    def _set_aside(self, name: str, payload: bytes, reason: str) -> None:
        window = [Message(BAD, name, payload, {"reason": reason[:1_000]})]
        self._link.ask(functools.partial(self._confirms.publish, window=window), ANSWER_SECONDS)
        _log.error(
            "set aside %s in the queue %s.%s: %s. Look at it; one made good again is taken when it is moved back",
            name, self._queue, BAD, reason,
        )  # fmt: skip

    def _set_strange_aside(self) -> None:
        """Set aside what is neither batch nor heartbeat."""
        while self._strange:
            strange = self._strange
            message, reason = strange[0]
            self._set_aside("a message", message.body, reason)
            self._acknowledge(message.channel, [message.tag])
            with self._lock:
                strange.pop(0)

    def _acknowledge(self, channel: Any, tags: Iterable[int]) -> None:
        for tag in tags:
            self._link.tell(channel, functools.partial(channel.basic_ack, tag))

    def _get(self, queue: str) -> bool:
        """Ask for one more message; whether there was one. What the broker had sent us before is here after that.

        The broker's channel answers "none" while what it is to deliver waits behind the question, so it is asked twice.
        """
        work: Work[bool] = functools.partial(self._ask_for, queue)
        return self._link.ask(work, ANSWER_SECONDS) or self._link.ask(work, ANSWER_SECONDS)

    # -- in the link's thread ----------------------------------------------------------------------------------------

    def _ask_for(self, queue: str, channel: Any, future: concurrent.futures.Future[bool]) -> None:
        self._getting = future
        channel.basic_get(queue, self._take_batch if queue == self._queue else self._take_beat)

    def _answered(self, found: bool) -> None:
        getting, self._getting = self._getting, None
        if getting is not None:
            succeed(getting, found)

    def _prepare(self, channel: Any, ready: Callable[[], None]) -> None:
        """Make what is missing at the broker, then begin to consume."""
        channel.add_callback(lambda _: self._answered(False), [pika.spec.Basic.GetEmpty], one_shot=False)

        def consume(_answer: object) -> None:
            in_turn(
                functools.partial(self._confirms.begin, channel),
                functools.partial(channel.basic_qos, prefetch_count=PREFETCH),
                functools.partial(channel.basic_consume, self._queue, self._take_batch),
                functools.partial(channel.basic_qos, prefetch_count=PREFETCH_HEARTBEATS),
                functools.partial(channel.basic_consume, f"{self._queue}.{HEARTBEATS}", self._take_beat),
                then=lambda _: ready(),
            )

        make_queues(channel, self._queue, consume)

    def _take_batch(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        with self._lock:
            try:
                name = BatchName.parse(properties.message_id or "")
            except WireError as error:
                self._strange.append((_Message(channel, method.delivery_tag, body), str(error)))
            else:
                held = self._held.setdefault(name, _Held(channel, body))
                held.tags.append(method.delivery_tag)
        if isinstance(method, pika.spec.Basic.GetOk):
            self._answered(True)

    def _take_beat(self, channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        with self._lock:
            self._beats.append(_Message(channel, method.delivery_tag, body))
        if isinstance(method, pika.spec.Basic.GetOk):
            self._answered(True)

    def _forget(self) -> None:
        """The broker gives out again what was not acknowledged."""
        with self._lock:
            self._held, self._beats, self._strange, self._getting = {}, [], [], None
