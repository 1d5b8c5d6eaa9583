"""Deferred calls and restarts: gateway, drain, queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from domain.clock import SystemClock
from domain.errors import ConfigError
from domain.settings import Target
from pharmapulse.config import Config
from pharmapulse.places import Places
from pharmapulse.wiring.stores import clock, state

if TYPE_CHECKING:
    from alerts.restarting import Restarting
    from deferred.gateway import Gateway
    from deferred.service import Drain
    from deferred.workers import Workers
    from domain.deferred import QueueStatus
    from store.deferred import SqliteDeferred
    from store.files import Claim
    from store.vault import KeyFile


def check_targets(config: Config) -> None:
    """Raise ConfigError where there is nothing to defer calls to."""
    if not config.settings.deferred.targets:
        raise ConfigError(
            "there are no targets to defer calls to", file=str(config.file), path="deferred.targets",
            mend="Add a [[deferred.targets]] with name and url",
        )  # fmt: skip


def deferred(config: Config) -> SqliteDeferred:
    """The queue of deferred calls, with the keys of its targets; one whose key is lost stands apart in it."""
    from store.deferred import open_deferred

    keys = {target.name: key_place(config, target) for target in config.settings.deferred.targets}
    return open_deferred(Places(config.data).deferred / "queue.db", keys)


def key_place(config: Config, target: Target) -> KeyFile:
    """Where a target's keys are, or are made."""
    from store.vault import KeyFile

    return KeyFile(key_file_of(config, target), Places(config.data).deferred / "keys" / f"{target.name}.key")


def key_file_of(config: Config, target: Target) -> str:
    """Where a target's key is; a relative path is meant from the configuration's directory."""
    from store.keys import CREDENTIAL

    name = target.key_file
    return config.absolute(name) if name and not name.startswith(CREDENTIAL) else name


def queues(config: Config) -> SqliteDeferred:
    """The same queue without any key: how long it is, hold and resume."""
    from store.deferred import open_deferred

    return open_deferred(Places(config.data).deferred / "queue.db", {})


def gateway(config: Config) -> Gateway:
    """The application that takes deferred calls in."""
    from deferred.gateway import Gateway
    from deferred.intake import Tokens
    from store.access import SqlAccess

    tokens = Tokens(SqlAccess(state(config).engine), SystemClock())
    return Gateway(config.settings.deferred, deferred(config), tokens, clock(config)[0])


@dataclass(frozen=True, slots=True)
class RunningDrain:
    """The drain with what must be closed after it."""

    drain: Drain
    store: SqliteDeferred
    claim: Claim
    pools: Sequence[Workers]

    def close(self) -> None:
        """Send nothing more, and let the store go to another drain."""
        for pool in self.pools:
            pool.close()
        self.store.close()
        self.claim.close()


def drain(config: Config) -> RunningDrain:
    """The drain of a configuration's targets. Raises StoreError where another one runs."""
    from deferred.carrier import HttpCarrier
    from deferred.drain import PARALLEL, TargetDrain
    from deferred.service import Drain
    from deferred.workers import Workers
    from store.files import Claim

    store = deferred(config)
    claim = Claim(Places(config.data).deferred / "drain.lock", "queue of deferred calls")
    time, waker = clock(config)
    drains, pools = [], []
    for target in config.settings.deferred.targets:
        if target.name in store.apart():
            continue  # nothing of it can be opened: the drain tells of it, and serves the others
        pool = Workers(PARALLEL, f"to-{target.name}")
        carrier = HttpCarrier(with_ca_file(config, target), PARALLEL, time, monotonic)
        drains.append(TargetDrain(target.name, target.rate, store, carrier, pool, waker.wake, time.now()))
        pools.append(pool)
    return RunningDrain(Drain(store, drains, time, waker), store, claim, pools)


def with_ca_file(config: Config, target: Target) -> Target:
    """The target, the path of its authority's certificate meant from the configuration's directory."""
    return msgspec.structs.replace(target, ca_file=config.absolute(target.ca_file)) if target.ca_file else target


@contextmanager
def restarting(config: Config) -> Iterator[Restarting]:
    """What may be done with restarts."""
    from alerts.restarting import Restarting
    from store.restarts import SqlRestarts

    kept = state(config)
    with closing(kept), closing(queues(config)) as held:
        yield Restarting(SqlRestarts(kept.engine), held, clock(config)[0])


def queue_status(config: Config) -> Callable[[], Sequence[QueueStatus]]:
    """How the queues of deferred calls stand, for the dashboard; nothing where no target is configured."""
    targets = [target.name for target in config.settings.deferred.targets]
    if not targets:
        return tuple
    kept, time = queues(config), clock(config)[0]
    return lambda: kept.status(targets, time.now())
