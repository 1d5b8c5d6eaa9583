"""The same figures for machines: JSON under /api/v1 and the stream of events."""

from __future__ import annotations

import numpy as np
from flask import Blueprint, Response, abort, request
from numpy.typing import NDArray

from alerts.judge import Minutes
from dashboard import here, patient_api, source_api
from dashboard.access.gate import still_allowed
from dashboard.charts import Scene, period_label
from dashboard.data import Snapshot
from dashboard.few import few_places, shown_line, shown_rows
from dashboard.guard import json_answer, problem
from dashboard.incident_api import add_to, heard_up_to, news_for
from dashboard.lines import Line
from dashboard.lists import find_pharmacies
from dashboard.openapi import DOCUMENT
from dashboard.overview import Overview
from dashboard.recent import overview_now
from dashboard.site import Site
from dashboard.windows import Window, asked_window
from domain.calendar import COMPARISONS, Comparison
from domain.errors import UsageError
from domain.series import FAMILIES, MAX_POINTS, SeriesKey, Values

_MOST_PHARMACIES = 500
_BY_WORD: dict[str, Comparison] = {name.removeprefix("last "): name for name in COMPARISONS}


def blueprint() -> Blueprint:
    """All addresses for machines."""
    api = Blueprint("api", __name__)

    @api.get("/api/v1/overview")
    def overview_json() -> Response:
        site = here.site()
        snapshot = site.reader.snapshot()
        return json_answer(_overview(overview_now(site, snapshot), snapshot))

    @api.get("/api/v1/hubs")
    def hubs() -> Response:
        site = here.site()
        snapshot = site.reader.snapshot()
        rows = _overview(overview_now(site, snapshot), snapshot)
        return json_answer({"complete_up_to": snapshot.complete_up_to, "hubs": rows["hubs"]})

    @api.get("/api/v1/series/<family>/<endpoint:path>")
    def series(family: str, path: str) -> Response:
        site = here.site()
        snapshot = site.reader.snapshot()
        if family not in FAMILIES:
            abort(404, f'There is no family "{family}": {", ".join(FAMILIES)} are kept.')
        key = site.keys(snapshot, family).get(path, (path,))
        if not site.knows(snapshot, SeriesKey(family, key)):
            abort(404, f'No {family} "{path}" has been seen in the logs.')
        window = asked_window(request.args.to_dict(), snapshot.now, site.zone)
        return json_answer(_series(site, snapshot, SeriesKey(family, key), window))

    @api.get("/api/v1/keys/<family>")
    def keys(family: str) -> Response:
        if family not in FAMILIES:
            abort(404, f'There is no family "{family}": {", ".join(FAMILIES)} are kept.')
        site = here.site()
        snapshot = site.reader.snapshot()
        return json_answer({"family": family, "dimensions": FAMILIES[family].dimensions,
                            "keys": list(site.keys(snapshot, family).values())})  # fmt: skip

    @api.get("/api/v1/pharmacies")
    def pharmacies() -> Response:
        site = here.site()
        snapshot = site.reader.snapshot()
        query = request.args.get("query", "").strip()[:40]
        found = find_pharmacies(tuple(site.keys(snapshot, "pharmacy").values()), query)
        rows = [{"pharmacy": number, "province": site.names.pharmacy_place(number)} for number in found]
        return json_answer({"query": query, "total": len(rows), "pharmacies": rows[:_MOST_PHARMACIES]})

    @api.get("/api/v1/openapi.json")
    def openapi() -> Response:
        return json_answer(DOCUMENT)

    @api.get("/api/v1/stream")
    def stream() -> Response:
        site = here.site()
        events = site.watch.open(heard_up_to(), news_for(site), still_allowed())
        if events is None:
            response = problem(503, f"{site.watch.limit} streams are open already; ask for the page again instead")
            response.headers["Retry-After"] = "30"
            return response
        headers = {"X-Accel-Buffering": "no"}
        return Response(events, mimetype="text/event-stream", headers=headers)

    add_to(api)
    source_api.add_to(api)
    patient_api.add_to(api)
    return api


def _minutes(seen: Minutes) -> dict[str, float]:
    return {
        "calls_per_minute": seen.per_minute,
        "calls_per_minute_last_week": seen.per_minute_week,
        "technical_share": seen.technical_share,
        "functional_share": seen.functional_share,
        "p95_us": seen.p95,
        "p95_last_week_us": seen.p95_week,
    }


def _overview(model: Overview, snapshot: Snapshot) -> dict[str, object]:
    answer = model.answer
    return {
        "complete_up_to": snapshot.complete_up_to,
        "live": snapshot.live_answers,
        "answer": {
            "state": answer.level.name.lower(),
            "text": f"{answer.lead}{answer.rest}",
            "details": answer.details,
            "hub": answer.hub,
            "endpoint": answer.endpoint,
            "incident": answer.incident or None,
        },
        "hubs": [
            {"hub": row.key, "name": row.name, "does": row.does, "state": row.state.level.name.lower(),
             "word": row.state.word, "reason": row.state.reason, "incident": row.incident or None,
             **_minutes(row.minutes)}
            for row in model.hubs
        ],
        "troubles": [
            {"hub": one.judged.hub, "endpoint": one.judged.endpoint, "state": one.judged.state.level.name.lower(),
             "word": one.judged.state.word, "reason": one.judged.state.reason,
             "incident": one.incident or None, **_minutes(one.minutes)}
            for one in model.troubles
        ],
    }  # fmt: skip


def _series(site: Site, snapshot: Snapshot, series: SeriesKey, window: Window) -> dict[str, object]:
    compare = [word for word in request.args.get("compare", "").split(",") if word]
    if unknown := [word for word in compare if word not in _BY_WORD]:
        raise UsageError(f'compare: "{unknown[0][:40]}" is none of {", ".join(_BY_WORD)}')
    step = _asked_step(series, window) or window.resolution(FAMILIES[series.family], snapshot.now)
    rows = snapshot.read(series, step, window.start, window.end)
    scene = Scene(window, site.zone, snapshot.now, str(series))
    least = site.view.least
    compared = []
    for word in compare:
        name = _BY_WORD[word]
        line = shown_line(snapshot.compared_line(series, window, name), least)
        compared.append({"name": name, "label": period_label(name, scene), **_columns(line)})
    few = few_places(rows.values, rows.sources, least) if least else {}
    rows = shown_rows(rows, least)
    return {
        "family": series.family,
        "key": series.key,
        "from": window.start,
        "to": window.end,
        "zone": site.settings.site.zone,
        "complete_up_to": snapshot.complete_up_to,
        "sources": rows.sources,
        "resolution": step,
        "times": rows.times.tolist(),
        "values": {source: _whole(rows.column(source)) for source in rows.sources},
        # Which of the nulls are known and not told, being of fewer calls than that.
        "fewer_than": least or None,
        "few": few,
        "compare": compared,
    }


def _asked_step(series: SeriesKey, window: Window) -> int | None:
    text = request.args.get("step", "")
    if not text:
        return None
    kept = sorted(FAMILIES[series.family].days)
    if not (text.isascii() and text.isdigit()) or int(text) not in kept:
        raise UsageError(
            f'step: "{text[:20]}" is no resolution of {series.family}: {", ".join(map(str, kept))} seconds'
        )
    if window.seconds / int(text) > MAX_POINTS:
        raise UsageError(f"step: {text} s gives more than {MAX_POINTS:,} points over this window; take a larger one")
    return int(text)


def _columns(line: Line) -> dict[str, object]:
    return {
        "resolution": line.span,
        "times": _whole(line.times.astype(np.float64)),
        "values": {source: _whole(line.column(source)) for source in line.sources},
    }


def _whole(values: Values | NDArray[np.float64]) -> list[int | None]:
    """Whole numbers, None where unknown."""
    return [None if value != value else int(value) for value in values.tolist()]
