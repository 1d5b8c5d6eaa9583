"""The deferred queue's metrics: how each target's queue stands, and what the gateway took in and refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import Metric

from deferred.stats import GatewayStats
from domain.clock import Clock
from domain.deferred import QueueStatus
from domain.exposition import counter, exposition, gauge
from domain.ports import DeferredStore


def exposed(store: DeferredStore, targets: Sequence[str], clock: Clock, stats: GatewayStats) -> Callable[[], bytes]:
    """The gateway's metrics as text."""

    def read() -> Iterable[Metric]:
        now = clock.now()
        return [*queue_figures(store.status(targets, now), store.pulsed(), now), *gateway_figures(stats)]

    return exposition(read)


def queue_figures(queues: Sequence[QueueStatus], pulsed: float | None, now: float) -> Iterable[Metric]:
    """How the queues stand."""
    labels = ("target",)
    yield gauge("deferred_waiting_calls", "Calls that wait.",
                {(queue.target,): float(queue.waiting) for queue in queues}, labels)  # fmt: skip
    oldest = {(queue.target,): now - queue.oldest for queue in queues if queue.oldest is not None}
    yield gauge("deferred_oldest_seconds", "How long the oldest waiting call waits; absent while none does.",
                oldest, labels)  # fmt: skip
    yield counter("deferred_delivered_calls", "Calls that reached their target, since the store was made.",
                  {(queue.target,): float(queue.delivered) for queue in queues}, labels)  # fmt: skip
    yield counter("deferred_dead_calls", "Calls set aside because their target will never take them.",
                  {(queue.target,): float(queue.dead) for queue in queues}, labels)  # fmt: skip
    yield gauge("deferred_held", "1 while the target's calls are held back.",
                {(queue.target,): float(queue.held) for queue in queues}, labels)  # fmt: skip
    yield gauge("deferred_delivered_calls_per_second", "Calls delivered a second, over the last minute.",
                {(queue.target,): queue.rate for queue in queues}, labels)  # fmt: skip
    age = None if pulsed is None else now - pulsed
    yield gauge("deferred_drain_pulse_age_seconds", "How long ago the drain said that it lives.", age)


def gateway_figures(stats: GatewayStats) -> Iterable[Metric]:
    """What came in since the gateway was started."""
    yield counter("deferred_accepted_calls", "Calls acknowledged, those sent twice included.", stats.accepted)
    refused = {(str(int(status)),): float(count) for status, count in stats.refused.items()}
    yield counter("deferred_refused_requests", "Requests refused, by status.", refused, ("status",))
