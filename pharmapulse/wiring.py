"""Where every real object is built: from a configuration to an agent, a collector, a dashboard."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from domain.clock import Clock, SystemClock, Waker, parse_clock
from domain.errors import ConfigError
from pharmapulse.config import Config
from pharmapulse.places import OFFSETS, Places

if TYPE_CHECKING:
    from flask import Flask

    from collector.live import LiveServer
    from collector.service import Collector
    from domain.deferred import QueueStatus
    from domain.ports import LiveBuckets
    from logwatch.agent import Agent
    from pharmapulse.health import HealthServer
    from rrd.store import RrdSeriesStore
    from status_page.site import Site
    from store.ledger import FileLedger
    from store.outbox import SqliteOutbox
    from store.state import SqlState
    from transport.registry import OpenReceiver, OpenSender

# The supervisor fixes when a replayed clock begins and hands it down, so that its processes agree on the time.
ORIGIN_VARIABLE = "PHARMAPULSE_CLOCK_ORIGIN"


def clock(config: Config) -> tuple[Clock, Waker]:
    """The site's clock and a waker that goes by it."""
    origin = os.environ.get(ORIGIN_VARIABLE)
    site = config.settings.site
    return parse_clock(site.clock, site.zone, float(origin) if origin else None)


def sender(config: Config) -> OpenSender:
    """The agents' end of the transport."""
    from transport.registry import open_sender

    return open_sender(config.settings.transport, Places(config.data).spool, config.file.parent)


def receiver(config: Config) -> OpenReceiver:
    """The collector's end of the transport."""
    from transport.registry import open_receiver

    return open_receiver(config.settings.transport, Places(config.data).spool, config.file.parent)


def state(config: Config) -> SqlState:
    """The database of state."""
    from store.state import open_state

    config.data.mkdir(parents=True, exist_ok=True)
    return open_state(config.settings.state.url or f"sqlite:///{Places(config.data).state}")


def series(config: Config) -> RrdSeriesStore:
    """The series on disk."""
    from rrd.store import RrdSeriesStore

    return RrdSeriesStore(Places(config.data).series)


@dataclass(frozen=True, slots=True)
class RunningAgent:
    """An agent with what must be closed after it."""

    agent: Agent
    outbox: SqliteOutbox
    sender: OpenSender
    waker: Waker

    def close(self) -> None:
        """Let files, transport and outbox go."""
        self.agent.close()
        self.sender.close()
        self.outbox.close()


def agent(config: Config) -> RunningAgent:
    """The log watcher of a configuration. Raises ConfigError when there is nothing to watch."""
    from logwatch.agent import Agent
    from store.outbox import open_outbox

    settings = config.settings
    if not settings.sources:
        raise ConfigError(
            "there are no sources to watch", file=str(config.file), path="sources",
            mend="Add a [[sources]] with name, paths and format",
        )  # fmt: skip
    time, waker = clock(config)
    outbox = open_outbox(Places(config.data).outbox, settings.agent.name)
    sources = [
        msgspec.structs.replace(source, paths=tuple(config.absolute(pattern) for pattern in source.paths))
        for source in settings.sources
    ]
    sending = sender(config)
    watcher = Agent(sources, config.formats, config.codes, settings.agent, outbox, sending, time)
    return RunningAgent(watcher, outbox, sending, waker)


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


def live(config: Config) -> LiveBuckets:
    """The client of the collector's open buckets."""
    from transport.live import LiveClient

    return LiveClient(Places(config.data).socket)


def dashboard(config: Config) -> Flask:
    """The dashboard's application."""
    from dashboard.app import create_app
    from dashboard.site import Ports
    from store.access import SqlAccess
    from store.incidents import SqlIncidents
    from store.restarts import SqlRestarts

    kept = state(config)
    ports = Ports(
        series=series(config), live=live(config), state=kept, access=SqlAccess(kept.engine),
        incidents=SqlIncidents(kept.engine), clock=clock(config)[0], wall=SystemClock(), secret=web_secret(config),
        restarts=SqlRestarts(kept.engine), queues=queue_status(config),
    )  # fmt: skip
    return create_app(config.settings, ports)


def queue_status(config: Config) -> Callable[[], Sequence[QueueStatus]]:
    """How the queues of deferred calls stand, for the dashboard; nothing where no target is configured."""
    from pharmapulse.wiring_deferred import queues

    targets = [target.name for target in config.settings.deferred.targets]
    if not targets:
        return tuple
    kept, time = queues(config), clock(config)[0]
    return lambda: kept.status(targets, time.now())


def web_secret(config: Config) -> bytes:
    """What signs the dashboard's forms: made once, and the same for all its processes."""
    from store.files import made_once

    return made_once(Places(config.data).web_secret, lambda: secrets.token_bytes(32))


def public_site(config: Config) -> Site:
    """What the public is told, made of the published document alone."""
    from status_page.site import Site
    from status_page.source import PublishedFile

    site, status = config.settings.site, config.settings.status
    file = PublishedFile(Places(config.data).published)
    return Site(file, clock(config)[0], status.title or site.name, status.stale_seconds, site.clock == "wall")


def status_page(config: Config) -> Flask:
    """The public site's application."""
    from status_page.app import create_app

    return create_app(public_site(config))
