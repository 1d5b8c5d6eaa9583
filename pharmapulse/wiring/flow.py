"""The way of a line: agent, transport, collector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from domain.clock import Waker
from domain.errors import ConfigError
from pharmapulse.config import Config
from pharmapulse.places import OFFSETS, Places
from pharmapulse.wiring.patients import patient_keys
from pharmapulse.wiring.stores import clock, series, state

if TYPE_CHECKING:
    from collector.live import LiveServer
    from collector.service import Collector
    from logwatch.agent import Agent
    from logwatch.nudge import Nudge
    from pharmapulse.health import HealthServer
    from store.ledger import FileLedger
    from store.outbox import SqliteOutbox
    from store.state import SqlState
    from transport.registry import OpenReceiver, OpenSender


def sender(config: Config) -> OpenSender:
    """The agents' end of the transport."""
    from transport.registry import open_sender

    return open_sender(config.settings.transport, Places(config.data).spool, config.file.parent)


def receiver(config: Config) -> OpenReceiver:
    """The collector's end of the transport."""
    from transport.registry import open_receiver

    return open_receiver(config.settings.transport, Places(config.data).spool, config.file.parent)


@dataclass(frozen=True, slots=True)
class RunningAgent:
    """An agent with what must be closed after it."""

    agent: Agent
    outbox: SqliteOutbox
    sender: OpenSender
    waker: Waker
    nudge: Nudge | None = None

    def close(self) -> None:
        """Let files, transport and outbox go."""
        if self.nudge is not None:
            self.nudge.close()
        self.agent.close()
        self.sender.close()
        self.outbox.close()


def agent(config: Config) -> RunningAgent:
    """The log watcher of a configuration. Raises ConfigError when there is nothing to watch."""
    from logwatch.agent import Agent
    from logwatch.nudge import open_nudge
    from store.outbox import open_outbox

    settings = config.settings
    if not settings.sources:
        raise ConfigError(
            "there are no sources to watch", file=str(config.file), path="sources",
            mend="Add a [[sources]] with name, paths and format",
        )  # fmt: skip
    time, waker = clock(config)
    keys = patient_keys(config)
    outbox = open_outbox(Places(config.data).outbox, settings.agent.name)
    sources = [
        msgspec.structs.replace(source, paths=tuple(config.absolute(pattern) for pattern in source.paths))
        for source in settings.sources
    ]
    sending = sender(config)
    nudge = open_nudge(waker.wake, settings.agent.wake_seconds)
    watcher = Agent(
        sources, config.formats, config.codes, settings.agent, outbox, sending, time, patients=keys, nudge=nudge
    )
    return RunningAgent(watcher, outbox, sending, waker, nudge)


@dataclass(frozen=True, slots=True)
class RunningCollector:
    """A collector with its live server and what must be closed after it."""

    collector: Collector
    live: LiveServer
    receiver: OpenReceiver
    ledger: FileLedger
    state: SqlState

    def close(self) -> None:
        """Stop answering and taking in, and let the stores go."""
        self.live.close()
        self.receiver.close()
        self.ledger.close()
        self.state.close()


def collector(config: Config) -> RunningCollector:
    """The collector of a configuration."""
    from collector.live import LiveServer
    from collector.service import Collector
    from store.ledger import open_ledger

    settings = config.settings
    places = Places(config.data)
    time, waker = clock(config)
    ledger, kept = open_ledger(places.ledger), state(config)
    receiving = receiver(config)
    service = Collector(
        receiving,
        ledger,
        series(config),
        kept,
        time,
        waker,
        ZoneInfo(settings.site.zone),
        settings.collector,
        recent_lines=settings.agent.recent_lines,
    )
    return RunningCollector(service, LiveServer(service, places.socket), receiving, ledger, kept)


def agent_health(config: Config, running: RunningAgent) -> HealthServer:
    """Serves the log watcher's health and metrics."""
    from logwatch.metrics import health
    from pharmapulse.health import HealthServer

    return HealthServer(health(running.agent, clock(config)[0]), config.settings.web.port + OFFSETS["logwatch"])


def collector_health(config: Config, running: RunningCollector) -> HealthServer:
    """Serves the collector's health and metrics."""
    from collector.metrics import health
    from pharmapulse.health import HealthServer
    from pharmapulse.sizes import directory_bytes, now_and_then

    size = now_and_then(lambda: directory_bytes(Places(config.data).ledger))
    told = health(running.collector, clock(config)[0], size)
    return HealthServer(told, config.settings.web.port + OFFSETS["collector"])
