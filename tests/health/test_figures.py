"""What the workers' figures say of them, without processes."""

from __future__ import annotations

from pathlib import Path

from alerts import metrics as alerts_metrics
from alerts.stats import Stats as AlertsStats
from collector import metrics as collector_metrics
from collector.metrics import STALE_SECONDS
from deferred.metrics import gateway_figures, queue_figures
from deferred.stats import GatewayStats
from domain.clock import ManualClock
from domain.deferred import QueueStatus
from domain.exposition import Read, exposition
from logwatch import metrics as logwatch_metrics
from tests.collector.world import START, Call, World
from tests.health.reading import samples
from tests.logwatch.watching import Site, calls


def told(read: Read) -> dict[str, float]:
    return samples(exposition(read)())


def test_the_collector_counts_what_came_and_what_was_known(tmp_path: Path) -> None:
    world = World(tmp_path)
    health = collector_metrics.health(world.collector, world.clock, lambda: 4_096)
    assert [check.name for check in health.ready() if not check.ok] == ["watermark", "filled"]
    world.step(10, [Call(START), Call(START + 3)])
    [batch] = (tmp_path / "ledger" / "arrived").iterdir()
    (tmp_path / "spool" / "batches" / batch.name).write_bytes(batch.read_bytes())
    (tmp_path / "spool" / "batches" / "agent.0123456789abcdef.99.ppb").write_bytes(b"no batch")
    world.step(10)
    found = samples(health.metrics())
    assert found['pharmapulse_batches_total{fate="booked"}'] == 1
    assert found['pharmapulse_batches_total{fate="known"}'] == 1
    assert found['pharmapulse_batches_total{fate="refused"}'] == 1
    assert found["pharmapulse_ledger_bytes"] == 4_096
    assert found["pharmapulse_watermark_timestamp_seconds"] == world.collector.complete_up_to()
    assert found["pharmapulse_open_bins"] > 0
    assert all(check.ok for check in health.ready())
    world.clock.advance(STALE_SECONDS + 30)
    assert [check.name for check in health.ready() if not check.ok] == ["watermark"]
    assert all(check.ok for check in health.alive())


def test_the_log_watcher_accounts_for_every_line(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        health = logwatch_metrics.health(site.agent, site.clock)
        assert [check.name for check in health.ready() if not check.ok] == ["sources"]
        log = site.append("calls.log", calls(0, 30) + b"no call at all\n" + b"# heading\n")
        site.settle()
        site.tick(3)
        found = samples(health.metrics())
        assert found['pharmapulse_lines_total{fate="events",source="calls"}'] == 30
        assert sum(value for name, value in found.items() if name.startswith("pharmapulse_lines_total")) == 32
        assert found['pharmapulse_read_bytes_total{source="calls"}'] == log.stat().st_size
        assert found['pharmapulse_source_unread_bytes{source="calls"}'] == 0
        assert found['pharmapulse_source_open_files{source="calls"}'] == 1
        assert found["pharmapulse_outbox_waiting_batches"] == 0
        assert all(check.ok for check in health.ready())


def test_the_log_watcher_says_that_nobody_takes_what_it_sends(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        health = logwatch_metrics.health(site.agent, site.clock)
        site.sender.away = True
        site.append("calls.log", calls(0, 30))
        for _ in range(4):
            site.tick(3)
        assert samples(health.metrics())["pharmapulse_outbox_waiting_batches"] == 1
        bad = {check.name: check.reason for check in health.ready() if not check.ok}
        assert bad == {"handing over": "nobody answers"}
        site.sender.away = False
        site.tick(3)
        assert samples(health.metrics())["pharmapulse_outbox_waiting_batches"] == 0
        assert all(check.ok for check in health.ready())


def test_the_log_watcher_says_that_nothing_is_kept(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.append("calls.log", calls(0, 30))
        site.outbox.full = True
        site.tick()
        bad = {check.name: check.reason for check in logwatch_metrics.ready(site.agent.stats) if not check.ok}
        assert bad["keeping"] == "the disk is full"
        site.outbox.full = False
        site.tick()
        site.tick(3)
        assert all(check.ok for check in logwatch_metrics.ready(site.agent.stats))


def test_alerts_say_what_keeps_them() -> None:
    stats, clock = AlertsStats(), ManualClock(1_000.0)
    assert [c.name for c in alerts_metrics.ready(stats, clock.now()) if not c.ok] == ["published document"]
    stats.published_at, stats.live_answers, stats.failing = 990.0, False, "state.db: database is locked"
    bad = {check.name: check.reason for check in alerts_metrics.ready(stats, clock.now()) if not check.ok}
    assert bad["judgement"] == "state.db: database is locked"
    assert "nothing is judged" in bad["collector"]
    stats.told, stats.tellings_failed, stats.unsettled = 3, 1, {"firing": 2}
    found = told(lambda: alerts_metrics.figures(stats, clock.now()))
    assert found['pharmapulse_notifications_total{result="told"}'] == 3
    assert found['pharmapulse_notifications_total{result="failed"}'] == 1
    assert found['pharmapulse_incidents{state="firing"}'] == 2
    assert found["pharmapulse_published_age_seconds"] == 10
    assert found["pharmapulse_collector_answers"] == 0


def test_queues_by_target() -> None:
    queues = [
        QueueStatus("dpp", True, "anna", 900.0, "restart", 7, 940.0, 100, 2, 0.0),
        QueueStatus("recipe", False, "", None, "", 0, None, 5, 0, 1.5),
    ]
    found = told(lambda: queue_figures(queues, 995.0, 1_000.0))
    assert found['pharmapulse_deferred_waiting_calls{target="dpp"}'] == 7
    assert found['pharmapulse_deferred_oldest_seconds{target="dpp"}'] == 60
    assert 'pharmapulse_deferred_oldest_seconds{target="recipe"}' not in found
    assert found['pharmapulse_deferred_held{target="dpp"}'] == 1
    assert found['pharmapulse_deferred_dead_calls_total{target="dpp"}'] == 2
    assert found['pharmapulse_deferred_delivered_calls_per_second{target="recipe"}'] == 1.5
    assert found["pharmapulse_deferred_drain_pulse_age_seconds"] == 5
    stats = GatewayStats(accepted=9, refused={413: 2})
    found = told(lambda: gateway_figures(stats))
    assert found["pharmapulse_deferred_accepted_calls_total"] == 9
    assert found['pharmapulse_deferred_refused_requests_total{status="413"}'] == 2
