"""The dashboard's own health and figures, at `/healthz`, `/readyz` and `/metrics`.

Figures are of the worker process that answers: with `web.workers` above 1 each counts for itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from flask import Flask, Response, g, request
from prometheus_client.metrics_core import Metric

from dashboard.site import Shared, View
from domain.access import EVERYTHING
from domain.exposition import exposition, gauge, request_figures
from domain.health import PATHS, Check, Health, answer, is_direct, probe
from domain.requests import Requests


def install(app: Flask, shared: Shared) -> None:
    """Count requests, and answer for the process. Who may ask for what is the gate's to say (`access.rules`)."""
    requests = Requests()
    told = health(shared, requests)

    def answered() -> Response:
        made = answer(told, request.path, direct=is_direct(request.environ))
        if made is None:
            raise LookupError(request.path)
        return Response(made.body, made.status, content_type=made.kind)

    for path in PATHS:
        app.add_url_rule(path, path.strip("/"), answered)

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        rule = None if request.url_rule is None else request.url_rule.rule
        requests.count(rule, response.status_code, time.perf_counter() - g.began)
        return response


def health(shared: Shared, requests: Requests) -> Health:
    """What the process answers about itself: it lives while it answers, and is ready while it can read."""
    return Health(
        "dashboard",
        alive=lambda: [Check("answers", True, "this is an answer")],
        ready=lambda: _ready(shared),
        metrics=exposition(lambda: figures(shared), lambda: request_figures("dashboard", requests.figures())),
    )


def _ready(shared: Shared) -> Sequence[Check]:
    ports = shared.ports

    def state() -> str:
        ports.state.progress("history")
        return "can be read"

    def collector() -> str:
        # Without it the pages go on with what is written, and say so.
        if shared.site(View(EVERYTHING)).reader.snapshot().live_answers:
            return "answers for the open present"
        return "does not answer; pages show what is written"

    return [
        probe("series", lambda: f"{len(ports.series.keys('hub'))} hubs"),
        probe("state", state),
        probe("collector", collector),
    ]


def figures(shared: Shared) -> Iterable[Metric]:
    """What the pages hold open."""
    yield gauge("dashboard_open_streams", "Streams of events that open pages hold.", shared.watch.streams)
    yield gauge("dashboard_streams_limit", "How many streams may be open at once.", shared.watch.limit)
