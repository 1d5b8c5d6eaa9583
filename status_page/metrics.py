"""The status page's own health and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import Metric

from domain.exposition import exposition, gauge, request_figures
from domain.health import Check, Health
from domain.requests import Requests
from status_page.site import Site


def health(site: Site, requests: Requests) -> Health:
    """What the process answers about itself: it lives while it answers, and is ready while it knows something."""
    return Health(
        "status-page",
        alive=lambda: [Check("answers", True, "this is an answer")],
        ready=lambda: _ready(site),
        metrics=exposition(lambda: figures(site), lambda: request_figures("status_page", requests.figures())),
    )


def _ready(site: Site) -> Sequence[Check]:
    now = site.now()
    if now.document is None:
        return [Check("document", False, now.problem)]
    if now.reason == "fresh":
        return [Check("document", True, f"fresh for {now.seconds_left:.0f} s more")]
    return [Check("document", False, f"{now.reason}: look at the alerts process, which writes {site.file.path}")]


def figures(site: Site) -> Iterable[Metric]:
    """How old the document is, and whether the page believes it."""
    now = site.now()
    as_of = None if now.document is None else now.document.as_of
    yield gauge("status_page_fresh", "1 while the page says how things are, 0 while it is grey.",
                float(now.reason == "fresh"))  # fmt: skip
    yield gauge(
        "status_page_as_of_timestamp_seconds", "Up to when the page's document is judged, since the epoch.", as_of
    )
