"""docs/operations.md: every metric and every check of the doctor, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from alerts.metrics import figures as alerts_figures
from alerts.stats import Stats as AlertsStats
from collector.metrics import figures as collector_figures
from dashboard.metrics import figures as dashboard_figures
from deferred.metrics import gateway_figures, queue_figures
from deferred.stats import GatewayStats
from domain.exposition import Read, exposition, request_figures
from domain.requests import Requests
from logwatch.metrics import figures as logwatch_figures
from logwatch.stats import Stats as LogwatchStats
from pharmapulse.doctor.registry import CHECKS
from pharmapulse.places import OFFSETS
from status_page.metrics import figures as status_page_figures
from tests.collector.world import World
from tests.docs.reading import ROOT, codes, rows, section
from tests.health.reading import names

DOCUMENT = ROOT / "docs" / "operations.md"


def metrics_of(process: str, *reads: Read) -> set[tuple[str, str]]:
    """The process's own metrics, as it exposes them."""
    return {(name, process) for name in names(exposition(*reads)())}


class Streams:
    """What the dashboard's figures are read from."""

    class watch:  # noqa: N801 (an attribute there)
        streams, limit = 1, 32


class PublicSite:
    """What the status page's figures are read from."""

    class now:  # noqa: N801 (a method there)
        document, reason = None, "missing"


def exposed(root: Path) -> Iterator[tuple[str, str]]:
    """Every metric of every process."""
    world = World(root)
    requests = Requests().figures()
    yield from metrics_of("collector", lambda: collector_figures(world.collector, 0.0, 0))
    yield from metrics_of("logwatch", lambda: logwatch_figures(LogwatchStats(), 0.0))
    yield from metrics_of("alerts", lambda: alerts_figures(AlertsStats(), 0.0))
    yield from metrics_of("deferred", lambda: queue_figures((), None, 0.0), lambda: gateway_figures(GatewayStats()))
    yield from metrics_of(
        "dashboard",
        lambda: dashboard_figures(Streams()),  # type: ignore[arg-type]
        lambda: request_figures("dashboard", requests),
    )
    yield from metrics_of(
        "status-page",
        lambda: status_page_figures(PublicSite()),  # type: ignore[arg-type]
        lambda: request_figures("status_page", requests),
    )


def test_every_metric_stands_there_and_no_other(tmp_path: Path) -> None:
    told = {(row[0].strip("`"), row[1]) for row in rows(section(DOCUMENT, "Metrics"))}
    assert told == set(exposed(tmp_path))


def test_names_are_of_the_field_in_base_units(tmp_path: Path) -> None:
    for name, _ in exposed(tmp_path):
        assert re.fullmatch(r"pharmapulse(_[a-z]+)+", name), name
        assert not re.search(r"_(ms|us|minutes|hours|kb|mb|percent)(_|$)", name), name


def test_every_label_is_told(tmp_path: Path) -> None:
    told = {row[0].strip("`"): codes(row[2]) for row in rows(section(DOCUMENT, "Metrics"))}
    assert told["pharmapulse_lines_total"] == ["source", "fate"]
    assert told["pharmapulse_batches_total"] == ["fate"]
    assert told["pharmapulse_dashboard_requests_total"] == ["route", "status"]


def test_every_check_of_the_doctor_stands_there_in_its_order() -> None:
    told = [row[0].strip("`") for row in rows(section(DOCUMENT, "The doctor"))]
    assert told == [name for name, _ in CHECKS]


def test_every_process_stands_there_with_its_port() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(section(DOCUMENT, "Health")) if row[1].startswith("P")}
    assert told == {name: f"P + {offset}" if offset else "P" for name, offset in OFFSETS.items()}
