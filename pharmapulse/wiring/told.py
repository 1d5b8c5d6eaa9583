"""Alerts, incidents and telling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pharmapulse.config import Config
from pharmapulse.places import OFFSETS, Places
from pharmapulse.wiring.calls import queue_status, queues
from pharmapulse.wiring.stores import clock, live, series, state

if TYPE_CHECKING:
    from alerts.notify import AppriseNotifier
    from alerts.service import Alerts
    from pharmapulse.health import HealthServer
    from rrd.present import Reader
    from store.deferred import SqliteDeferred
    from store.files import Claim
    from store.incidents import SqlIncidents
    from store.state import SqlState


def reader(config: Config) -> Reader:
    """The series with the open present."""
    from rrd.present import Reader

    return Reader(series(config), live(config), clock(config)[0], ZoneInfo(config.settings.site.zone))


def notifier(config: Config) -> AppriseNotifier:
    """The people of a configuration."""
    from alerts.notify import AppriseNotifier

    return AppriseNotifier(config.settings.people, config.file.parent)


@contextmanager
def incidents(config: Config) -> Iterator[SqlIncidents]:
    """The incidents, for a command."""
    from store.incidents import SqlIncidents

    with closing(state(config)) as kept:
        yield SqlIncidents(kept.engine)


@dataclass(frozen=True, slots=True)
class RunningAlerts:
    """The alerts with what must be closed after them."""

    alerts: Alerts
    state: SqlState
    queues: SqliteDeferred
    claim: Claim

    def close(self) -> None:
        """Let the state go, and another process judge."""
        self.state.close()
        self.queues.close()
        self.claim.close()


def alerts(config: Config) -> RunningAlerts:
    """The alerts of a configuration. Raises StoreError where another process judges already."""
    from alerts.restarting import Restarting
    from alerts.service import Alerts
    from store.files import Claim
    from store.incidents import SqlIncidents
    from store.restarts import SqlRestarts

    places = Places(config.data)
    kept = state(config)
    claim = Claim(places.alerts_lock, "site's alerts")
    time, waker = clock(config)
    restarts, held = SqlRestarts(kept.engine), queues(config)
    service = Alerts(
        reader(config),
        SqlIncidents(kept.engine),
        restarts,
        notifier(config),
        config.settings,
        config.codes,
        places.published,
        time,
        waker,
        tell_waker=clock(config)[1],
        queues=queue_status(config),
        advance=Restarting(restarts, held, time).advance,
    )
    return RunningAlerts(service, kept, held, claim)


def alerts_health(config: Config, running: RunningAlerts) -> HealthServer:
    """Serves the alerts' health and metrics."""
    from alerts.metrics import health
    from pharmapulse.health import HealthServer

    return HealthServer(health(running.alerts, clock(config)[0]), config.settings.web.port + OFFSETS["alerts"])
