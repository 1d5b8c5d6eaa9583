"""The collector's health and metrics, read from the collector at the moment they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import Metric

from collector.service import Collector
from domain.clock import Clock
from domain.exposition import counter, exposition, gauge, summary
from domain.health import Check, Health

# Heartbeats come every two seconds; a watermark that stands so long has lost its log watcher or batches.
STALE_SECONDS = 60.0


def health(collector: Collector, clock: Clock, ledger_bytes: Callable[[], int]) -> Health:
    """What the process answers about itself. `ledger_bytes` tells how large the ledger is on disk."""
    return Health(
        "collector",
        alive=lambda: [collector.stats.pulse.check()],
        ready=lambda: _ready(collector, clock.now()),
        metrics=exposition(lambda: figures(collector, clock.now(), ledger_bytes())),
    )


def _ready(collector: Collector, now: float) -> Sequence[Check]:
    failing = collector.stats.failing
    return [
        collector.stats.pulse.check(),
        Check("storing", not failing, failing or "what comes is booked and written"),
        watermark_check(collector.complete_up_to(), now),
        Check("filled", filled := collector.open_bins() is not None,
              "open buckets are held" if filled else "open buckets are being filled from the ledger"),
    ]  # fmt: skip


def watermark_check(mark: float | None, now: float) -> Check:
    """Whether the watermark is fresh."""
    if mark is None:
        return Check("watermark", False, "no log watcher was heard yet")
    age = now - mark
    if age > STALE_SECONDS:
        return Check(
            "watermark", False, f"stands {age:.0f} s back: a log watcher is silent, or its batches are missing"
        )
    return Check("watermark", True, f"{age:.0f} s back")


def figures(collector: Collector, now: float, ledger_bytes: int) -> Iterable[Metric]:
    """The collector's own figures."""
    stats, mark = collector.stats, collector.complete_up_to()
    fates = {("booked",): float(stats.booked), ("known",): float(stats.known), ("refused",): float(stats.refused)}
    yield counter("batches", "Batches that arrived: booked, known already (sent twice), refused as unreadable.",
                  fates, ("fate",))  # fmt: skip
    yield counter("cells", "Cells booked in the ledger.", stats.cells)
    yield gauge("watermark_timestamp_seconds", "Up to when all calls are known, since the epoch.", mark)
    yield gauge("watermark_age_seconds", "How far the watermark is behind.", None if mark is None else now - mark)
    beats = {(beat.agent,): now - beat.at for beat in collector.sources()}
    yield gauge("agent_heartbeat_age_seconds", "How long ago each log watcher was heard.", beats, ("agent",))
    yield gauge("open_bins", "Bins of buckets that are not written yet; absent while they are filled in.",
                collector.open_bins())  # fmt: skip
    yield counter("late_rewrites", "Series files written again because of late lines.", stats.rewritten)
    yield summary("series_write_seconds", "Time taken to write one family's complete rows at one step.",
                  stats.writes, stats.write_seconds)  # fmt: skip
    yield gauge("ledger_bytes", "Size of the ledger on disk, looked at once a minute.", ledger_bytes)
