"""The pages of what is read: all sources, and one of them with its troubles, its unknown codes and its newest lines."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, render_template, request

from dashboard import here
from dashboard.few import is_few
from dashboard.guard import json_answer, problem
from dashboard.pages import common
from dashboard.seen_lines import of_source
from dashboard.site import Site
from dashboard.sources import codes_of, row, sources_page
from domain.batch import Heartbeat, SourceState
from domain.errors import LiveUnavailableError, UsageError
from domain.redact import mask_patients
from domain.troubles import source_amiss

_MOST_LINES = 1_000


def blueprint() -> Blueprint:
    """The pages of sources, and the same for machines."""
    pages = Blueprint("sources", __name__)

    @pages.get("/sources")
    def sources() -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        page = sources_page(_heard(site), site.zone, snapshot.now, site.view.least)
        return render_template("sources.html", page=page, **common(site, snapshot))

    @pages.get("/source/<agent>/<endpoint:name>")
    def source(agent: str, name: str) -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        beat, state = _known(_heard(site), agent, name)
        failing = request.args.get("only", "") == "failing"
        alone = [_only(beat, state)]
        return render_template(
            "source.html", row=row(beat, state, site.zone, snapshot.now),
            codes=codes_of(alone, site.view.least), may_see=not site.view.least, failing=failing,
            lines=of_source(site.live, name, site.zone, snapshot.now, failing=failing),
            **common(site, snapshot),
        )  # fmt: skip

    @pages.get("/api/v1/sources")
    def sources_json() -> Response:
        site = here.site()
        try:
            beats = site.live.sources()
        except LiveUnavailableError as error:
            return problem(503, str(error))
        now, least = site.clock.now(), site.view.least
        return json_answer({"now": now, "agents": [_json(beat, least) for beat in beats]})

    @pages.get("/api/v1/lines")
    def lines_json() -> Response:
        site = here.site()
        if site.view.least:
            abort(403, "Lines of logs are for ops.")
        asked = {name: request.args.get(name, "") for name in ("source", "hub", "endpoint", "code")}
        try:
            found = site.live.recent(**asked, limit=_limit())
        except LiveUnavailableError as error:
            return problem(503, str(error))
        return json_answer({"now": site.clock.now(), "lines": list(found)})

    return pages


def _heard(site: Site) -> Sequence[Heartbeat]:
    """The newest heartbeats; none while the collector does not answer, which the page says at its top."""
    try:
        return site.live.sources()
    except LiveUnavailableError:
        return ()


def _known(beats: Sequence[Heartbeat], agent: str, name: str) -> tuple[Heartbeat, SourceState]:
    found = [(beat, one) for beat in beats for one in beat.sources if (beat.agent, one.source) == (agent, name)]
    if not found:
        abort(404, f"No log watcher {agent} tells of a source {name} now.")
    return found[0]


def _only(beat: Heartbeat, state: SourceState) -> Heartbeat:
    return Heartbeat(
        version=beat.version, agent=beat.agent, incarnation=beat.incarnation, sequence=beat.sequence, at=beat.at,
        sources=(state,),
    )  # fmt: skip


def _json(beat: Heartbeat, least: int) -> dict[str, object]:
    """A log watcher for machines: its heartbeat, and of each source what is amiss, in words."""
    return {
        "agent": beat.agent,
        "incarnation": beat.incarnation,
        "sequence": beat.sequence,
        "at": beat.at,
        "sources": [
            {
                "source": one.source, "watermark": one.watermark, "accounting": one.accounting, "files": one.files,
                "unread_bytes": one.unread_bytes, "behind_seconds": one.behind_seconds,
                "skew_seconds": one.skew_seconds,
                "troubles": [
                    {"kind": trouble.kind, "file": mask_patients(trouble.file), "since": trouble.since,
                     "bytes": trouble.bytes, "detail": mask_patients(trouble.detail)}
                    for trouble in one.troubles
                ],
                "unknown_codes": {
                    code: None if is_few(count, least) else count for code, count in one.unknown_codes.items()
                },
                "amiss": [mask_patients(words) for words in source_amiss(one, beat.at)],
            }
            for one in beat.sources
        ],
    }  # fmt: skip


def _limit() -> int:
    text = request.args.get("limit", "100")
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= _MOST_LINES):
        raise UsageError(f'limit: "{text[:20]}" is no number from 1 to {_MOST_LINES}')
    return int(text)
