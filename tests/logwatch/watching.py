"""An agent on real files, a real outbox and a real spool, stepped by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import polars as pl

from domain.batch import Accounting, BatchName, Commit, Heartbeat, OpenCall, Position
from domain.cells import KEY, add
from domain.clock import ManualClock
from domain.codes import SHIPPED
from domain.errors import StoreError, TransportError
from domain.settings import AgentSettings, Format, Source
from domain.wire import decode_batch
from logwatch.agent import Agent
from logwatch.catalog import shipped
from logwatch.count import count
from logwatch.reader import Reader
from logwatch.registry import Registry
from store.outbox import SqliteOutbox, open_outbox
from transport.spool import SpoolReceiver, SpoolSender

START = 1_795_340_172.0  # 2026-11-22T10:36:12+01:00


def call(place: int, ago: float = 0.0) -> bytes:
    """A line of one call, told from every other by its endpoint or its time."""
    return b"ts=%.3f op=op%d client=softa apb=00000196 code=TIP_200 dt=%d\n" % (START - ago, place % 250, place)


def calls(begin: int, end: int, ago: float = 0.0) -> bytes:
    return b"".join(call(place, ago) for place in range(begin, end))


class FailingOutbox:
    """A real outbox whose disk is full when told so: before a commit, nothing of it is kept."""

    def __init__(self, outbox: SqliteOutbox) -> None:
        self.real = outbox
        self.full = False

    def commit(self, kept: Commit) -> BatchName | None:
        if self.full:
            raise StoreError("the disk is full")
        return self.real.commit(kept)

    def open_calls(self) -> Sequence[OpenCall]:
        return self.real.open_calls()

    @property
    def agent(self) -> str:
        return self.real.agent

    @property
    def incarnation(self) -> str:
        return self.real.incarnation

    @property
    def sequence(self) -> int:
        return self.real.sequence

    def positions(self) -> Sequence[Position]:
        return self.real.positions()

    def totals(self) -> Mapping[str, Accounting]:
        return self.real.totals()

    def registry(self) -> Mapping[str, Sequence[str]]:
        return self.real.registry()

    def waiting(self) -> Sequence[tuple[BatchName, bytes]]:
        return self.real.waiting()

    @property
    def waiting_bytes(self) -> int:
        return self.real.waiting_bytes

    def delivered(self, name: BatchName) -> None:
        self.real.delivered(name)


class FailingSender:
    """A real spool that is out of reach when told so."""

    def __init__(self, sender: SpoolSender) -> None:
        self.real = sender
        self.away = False

    def send(self, name: BatchName, payload: bytes) -> None:
        if self.away:
            raise TransportError("nobody answers")
        self.real.send(name, payload)

    def beat(self, heartbeat: Heartbeat) -> None:
        if self.away:
            raise TransportError("nobody answers")
        self.real.beat(heartbeat)


class Site:
    """A directory of logs, and the agent that watches it."""

    def __init__(self, directory: Path, form: Format | None = None, start: str = "beginning", **settings: int) -> None:
        self.start = start
        self.directory, self.logs = directory, directory / "logs"
        self.logs.mkdir(exist_ok=True)
        self.clock = ManualClock(START)
        self.form = form or shipped()["hub-calls"]
        self.settings = AgentSettings(**settings)  # type: ignore[arg-type]
        self.sender = FailingSender(SpoolSender(directory / "spool"))
        self.receiver = SpoolReceiver(directory / "spool")
        self._open()

    def _open(self) -> None:
        self.outbox = FailingOutbox(open_outbox(self.directory / "outbox.sqlite", "agent"))
        source = Source(name="calls", paths=(str(self.logs / "calls*"),), format="own", hub="dpp", start=self.start)
        forms = {"own": self.form}
        self.agent = Agent([source], forms, SHIPPED, self.settings, self.outbox, self.sender, self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.agent.close()
        self.outbox.real.close()

    def restart(self) -> None:
        """Let the agent go as a kill does, without a word, and begin a new one on what it kept."""
        self.__exit__()
        self._open()

    def append(self, name: str, data: bytes) -> Path:
        """Write to the end of a log."""
        path = self.logs / name
        with path.open("ab") as file:
            file.write(data)
        return path

    def tick(self, seconds: float = 1.0) -> bool:
        """Let time pass, then look once."""
        self.clock.advance(seconds)
        return self.agent.tick()

    def settle(self, seconds: float = 1.0) -> None:
        """Tick until there is nothing more to read."""
        while self.tick(seconds):
            pass

    def sent(self) -> pl.DataFrame:
        """The cells of all batches that reached the spool, added together; each sequence once."""
        arrivals = list(self.receiver.arrivals())
        sequences = [arrival.name.sequence for arrival in arrivals]
        assert sequences == list(range(1, len(arrivals) + 1))
        return add([decode_batch(arrival.payload).cells for arrival in arrivals])

    def expected(self, content: bytes) -> pl.DataFrame:
        """The cells of a content that is read once, from its first byte to its last."""
        registry = Registry(self.settings.field_cap)
        reading = Reader(self.form, registry, fixed={"hub": "dpp"}).read(content, self.clock.now(), "small")
        return count([reading.events], registry).sort(KEY)

    def has_sent(self, content: bytes) -> None:
        """Check that what was sent is this content, each call once; and that the lines add up."""
        expected = self.expected(content)
        sent = self.sent()
        assert sent["calls"].sum() == expected["calls"].sum()
        assert sent.equals(expected)
        total = self.outbox.totals().get("calls", Accounting())
        assert total.balanced
        assert (total.events, total.bytes) == (int(expected["calls"].sum()), len(content))

    def heartbeat(self) -> Heartbeat:
        """The newest heartbeat in the spool."""
        [heartbeat] = self.receiver.heartbeats()
        return heartbeat

    def watermark(self) -> float | None:
        """The source's watermark in the newest heartbeat."""
        [source] = self.heartbeat().sources
        return source.watermark
