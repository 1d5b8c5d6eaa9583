"""The alerts process's health and metrics, read from its loops' own counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import Metric

from alerts.service import Alerts
from alerts.stats import Stats
from domain.clock import Clock
from domain.exposition import counter, exposition, gauge
from domain.health import Check, Health

# The document is written every few seconds; the public page turns grey soon after.
LATE_SECONDS = 60.0


def health(alerts: Alerts, clock: Clock) -> Health:
    """What the process answers about itself."""
    stats = alerts.stats
    return Health(
        "alerts",
        alive=lambda: [stats.judging.check(), stats.telling.check()],
        ready=lambda: ready(stats, clock.now()),
        metrics=exposition(lambda: figures(stats, clock.now())),
    )


def ready(stats: Stats, now: float) -> Sequence[Check]:
    """Whether it judges what is there, tells it, and publishes."""
    collector = "the collector answers" if stats.live_answers else "the collector does not answer: nothing is judged"
    return [
        stats.judging.check(),
        stats.telling.check(),
        Check("judgement", not stats.failing, stats.failing or "series and incidents can be read and kept"),
        Check("collector", stats.live_answers, collector),
        Check("notifications", not stats.telling_fails, stats.telling_fails or "what is due can be taken and told"),
        _published(stats.published_at, now),
    ]


def _published(at: float | None, now: float) -> Check:
    if at is None:
        return Check("published document", False, "not written yet")
    return Check("published document", now - at <= LATE_SECONDS, f"written {now - at:.0f} s ago")


def figures(stats: Stats, now: float) -> Iterable[Metric]:
    """The alerts process's own figures."""
    yield counter("judgements", "Judgements made: one for each ten seconds that are complete.", stats.judgements)
    yield gauge("judged_up_to_timestamp_seconds", "Up to when all is judged, since the epoch.", stats.judged_up_to)
    yield gauge("judgement_seconds", "How long the last judgement took.", stats.judging_seconds)
    yield gauge("anomalies", "Anomalies that the last judgement found.", stats.anomalies)
    yield gauge("incidents", "Incidents that are not closed, by state.",
                {(state,): float(count) for state, count in stats.unsettled.items()}, ("state",))  # fmt: skip
    yield counter("incident_changes", "What became of incidents, by event.",
                  {(event,): float(count) for event, count in stats.changes.items()}, ("event",))  # fmt: skip
    yield counter("notifications", "Notifications, by result.",
                  {("told",): float(stats.told), ("failed",): float(stats.tellings_failed)}, ("result",))  # fmt: skip
    age = None if stats.published_at is None else now - stats.published_at
    yield gauge("published_age_seconds", "How long ago the public page's document was written.", age)
    yield gauge("collector_answers", "1 while the collector answers for its open buckets.", float(stats.live_answers))
