"""The log watcher's health, metrics and status, read from its agent at the moment they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import Metric

from domain.clock import Clock
from domain.exposition import counter, exposition, gauge
from domain.health import Check, Health
from logwatch.agent import Agent
from logwatch.stats import SourceFigures, Stats
from logwatch.status import FATES, encode, running

TROUBLES = ("lost", "unbalanced", "unread", "unreadable", "absent")


def health(agent: Agent, clock: Clock) -> Health:
    """What the process answers about itself."""
    return Health(
        "logwatch",
        alive=lambda: [agent.stats.pulse.check()],
        ready=lambda: ready(agent.stats),
        metrics=exposition(lambda: figures(agent.stats, clock.now())),
        status=lambda: encode(running(agent.name, agent.stats, clock.now())),
    )


def ready(stats: Stats) -> Sequence[Check]:
    """Whether it does its work: lines are read, kept and handed over."""
    silent = [source.name for source in stats.sources if source.watermark is None]
    return [
        stats.pulse.check(),
        Check("reading", not stats.held_back, stats.held_back or "nothing keeps it from reading"),
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
    yield _of_each(
        "pending_lines", "Starts of calls whose end is awaited.", sources, lambda one: one.accounting.pending
    )
    yield counter("read_bytes", "Bytes of content read (decompressed), by source.",
                  {(source.name,): float(source.accounting.bytes) for source in sources}, ("source",))  # fmt: skip
    marks = {(source.name,): source.watermark for source in sources if source.watermark is not None}
    yield gauge("source_watermark_timestamp_seconds", "Up to when a source is read, since the epoch.",
                marks, ("source",))  # fmt: skip
    yield gauge("source_lag_seconds", "How far a source's watermark is behind.",
                {name: now - mark for name, mark in marks.items()}, ("source",))  # fmt: skip
    yield _of_each("source_behind_seconds", "How long the oldest of what is not read has waited.", sources,
                   lambda one: one.behind_seconds)  # fmt: skip
    yield _of_each("source_unread_bytes", "Bytes of a source's open plain files that are not counted yet.", sources,
                   lambda one: one.unread_bytes)  # fmt: skip
    yield _of_each("source_files", "Files of a source that are there.", sources, lambda one: one.files)
    yield _of_each("source_open_files", "Files of a source that are held open.", sources, lambda one: one.open_files)
    skews = {(source.name,): source.skew_seconds for source in sources if source.skew_seconds is not None}
    yield gauge("source_clock_skew_seconds", "How far the clock that writes a source's lines is ahead of this one.",
                skews, ("source",))  # fmt: skip
    troubles = {
        (source.name, kind): float(sum(trouble.kind == kind for trouble in source.troubles))
        for source in sources
        for kind in TROUBLES
    }
    yield gauge("source_troubles", "What is amiss with a source's files, by kind.", troubles, ("source", "kind"))
    lost = {
        (source.name,): float(sum(trouble.bytes for trouble in source.troubles if trouble.kind == "lost"))
        for source in sources
    }
    yield gauge("source_lost_bytes", "Bytes that were gone before they were read, in the last day.", lost, ("source",))
    yield gauge("source_unknown_codes", "Distinct codes in no table.",
                {(source.name,): float(len(source.unknown_codes)) for source in sources}, ("source",))  # fmt: skip
    yield counter("shown_lines", "Lines sent with heartbeats, masked, to be looked at.", stats.shown_lines)
    yield gauge("outbox_waiting_batches", "Batches that the receiver does not have yet.", stats.waiting)
    yield gauge("outbox_waiting_bytes", "Their size.", stats.waiting_bytes)


def _of_each(name: str, text: str, sources: Iterable[SourceFigures], of: Callable[[SourceFigures], float]) -> Metric:
    """One figure of each source."""
    return gauge(name, text, {(source.name,): float(of(source)) for source in sources}, ("source",))
