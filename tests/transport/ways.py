"""The three transports as the conformance tests see them: two ends, and a peer that can be away."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from domain.batch import Accounting, Batch, BatchName, Heartbeat, Position, SourceState
from domain.errors import TransportError
from domain.settings import TransportSettings
from domain.wire import encode_batch
from tests.services.certificates import Authority
from tests.services.rabbitmq import OwnRabbit, Rabbit
from tests.store.some import INCARNATION, some_cells
from tests.system.support import free_port, wait_for
from transport.registry import OpenReceiver, OpenSender, open_receiver, open_sender

T = TypeVar("T")


class Closable(Protocol):
    """What is closed after use."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class Closing:
    """Closes what it was given, the last first."""

    def __init__(self) -> None:
        self._opened = ExitStack()

    def __call__(self, end: C) -> C:
        self._opened.callback(end.close)
        return end

    def close(self) -> None:
        self._opened.close()


def batch(sequence: int, agent: str = "agent", header_bytes: int = 0) -> tuple[BatchName, bytes]:
    """A batch with its bytes; `header_bytes` makes it larger by about so many, which no compression takes away."""
    name = BatchName(agent, INCARNATION, sequence)
    position = Position(
        source="calls", path="/var/log/" + "x" * header_bytes, identity="1:2", offset=1, accounting=Accounting()
    )
    return name, encode_batch(Batch(name, some_cells(sequence), (position,)))


def heartbeat(sequence: int, agent: str = "agent") -> Heartbeat:
    source = SourceState(source="calls", watermark=sequence + 0.5, accounting=Accounting(lines=1, events=1))
    return Heartbeat(
        version=1, agent=agent, incarnation=INCARNATION, sequence=sequence, at=15.0 + sequence, sources=(source,)
    )


class Way(ABC):
    """A transport with its collector's end; all that is opened is closed at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._closing = Closing()

    def open_sender(self) -> OpenSender:
        return self._closing(open_sender(self.settings("agent"), self.folder / "spool", self.folder))

    def open_receiver(self) -> OpenReceiver:
        return self._closing(open_receiver(self.settings("collector"), self.folder / "spool", self.folder))

    def close(self) -> None:
        self._closing.close()

    def set_aside(self) -> list[bytes]:
        """What was refused."""
        return [path.read_bytes() for path in sorted((self.folder / "spool" / "bad").iterdir())]

    @abstractmethod
    def settings(self, role: str) -> TransportSettings:
        """What the configuration of one end says."""

    @abstractmethod
    def away(self, receiver: OpenReceiver) -> None:
        """The sender's peer dies without a word."""

    @abstractmethod
    def back(self) -> OpenReceiver | None:
        """It is there again; a new receiver where the old one died with it."""


class SpoolWay(Way):
    def settings(self, role: str) -> TransportSettings:
        return TransportSettings(url="spool:spool")

    def away(self, receiver: OpenReceiver) -> None:
        (self.folder / "spool").rename(self.folder / "unmounted")

    def back(self) -> OpenReceiver | None:
        (self.folder / "unmounted").rename(self.folder / "spool")
        return None


class HttpsWay(Way):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._authority, self._port = Authority(folder / "tls"), free_port()
        self._own = self._authority.issue("collector")
        (folder / "token").write_text("0123456789abcdef0123456789abcdef\n")

    def settings(self, role: str) -> TransportSettings:
        url = f"https://localhost:{self._port}"
        if role == "agent":
            return TransportSettings(url=url, token_file="token", ca_file=str(self._authority.certificate))
        return TransportSettings(
            url=url, token_file="token", listen=f"127.0.0.1:{self._port}",
            certificate_file=str(self._own.certificate), key_file=str(self._own.key),
        )  # fmt: skip

    def away(self, receiver: OpenReceiver) -> None:
        receiver.close()

    def back(self) -> OpenReceiver | None:
        return self.open_receiver()


class AmqpWay(Way):
    def __init__(self, folder: Path, broker: Rabbit, queue: str) -> None:
        super().__init__(folder)
        self.broker, self.queue = broker, queue

    def settings(self, role: str) -> TransportSettings:
        return self.broker.settings("agent" if role == "agent" else "collector", self.queue)

    def away(self, receiver: OpenReceiver) -> None:
        if isinstance(self.broker, OwnRabbit):
            written = partial(self.broker.has_written_down, f"{self.queue}.heartbeats")
            wait_for("RabbitMQ to write down its queues", written, 20)
        self.broker.kill()

    def back(self) -> OpenReceiver | None:
        self.broker.start()
        return None

    def set_aside(self) -> list[bytes]:
        connection = self.broker.connect()
        try:
            channel = connection.channel()
            found: list[bytes] = []
            while True:
                method, _, body = channel.basic_get(f"{self.queue}.bad", auto_ack=True)
                if method is None:
                    return found
                found.append(body)
        finally:
            connection.close()


def in_time(what: str, act: Callable[[], T], seconds: float = 40.0) -> T:
    """What `act` gives, once its peer is there again."""
    found: list[T] = []

    def works() -> bool:
        try:
            found.append(act())
        except TransportError:
            return False
        return True

    wait_for(what, works, seconds)
    return found[0]
