"""The log watcher's health and metrics, read from its agent at the moment they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import Metric

from domain.clock import Clock
from domain.exposition import counter, exposition, gauge
from domain.health import Check, Health
from logwatch.agent import Agent
from logwatch.stats import Stats

FATES = ("events", "continuations", "ignored", "malformed", "future")


def health(agent: Agent, clock: Clock) -> Health:
    """What the process answers about itself."""
    return Health(
        "logwatch",
        alive=lambda: [agent.stats.pulse.check()],
        ready=lambda: ready(agent.stats),
        metrics=exposition(lambda: figures(agent.stats, clock.now())),
    )


def ready(stats: Stats) -> Sequence[Check]:
    """Whether it does its work: lines are read, kept and handed over."""
    silent = [source.name for source in stats.sources if source.watermark is None]
    return [
        stats.pulse.check(),
        Check("keeping", not stats.not_kept, stats.not_kept or "what is read is kept"),
        Check("handing over", not stats.not_handed_over, stats.not_handed_over or "the receiver takes what is sent"),
        Check("sources", stats.looked is not None and not silent, _told(stats, silent)),
    ]


def _told(stats: Stats, silent: Sequence[str]) -> str:
    if stats.looked is None:
        return "nothing was read yet"
    return f"not read to the end yet, or no file: {', '.join(silent)}" if silent else "all are read up to now"


def figures(stats: Stats, now: float) -> Iterable[Metric]:
    """The log watcher's own figures."""
    sources = stats.sources
    lines = {(source.name, fate): float(getattr(source.accounting, fate)) for source in sources for fate in FATES}
    yield counter("lines", "Lines read, by source and by what became of them.", lines, ("source", "fate"))
    yield counter("read_bytes", "Bytes of content read (decompressed), by source.",
                  {(source.name,): float(source.accounting.bytes) for source in sources}, ("source",))  # fmt: skip
    marks = {(source.name,): source.watermark for source in sources if source.watermark is not None}
    yield gauge("source_watermark_timestamp_seconds", "Up to when a source is read, since the epoch.",
                marks, ("source",))  # fmt: skip
    yield gauge("source_lag_seconds", "How far a source's watermark is behind.",
                {name: now - mark for name, mark in marks.items()}, ("source",))  # fmt: skip
    yield gauge("source_unread_bytes", "Bytes of a source's open plain files that are not counted yet.",
                {(source.name,): float(source.unread_bytes) for source in sources}, ("source",))  # fmt: skip
    yield gauge("source_open_files", "Files of a source that are held open.",
                {(source.name,): float(source.open_files) for source in sources}, ("source",))  # fmt: skip
    yield gauge("outbox_waiting_batches", "Batches that the receiver does not have yet.", stats.waiting)
