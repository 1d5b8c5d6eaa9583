"""The pages of what is read: all sources, and one of them with its troubles, its unknown codes and its newest lines."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, render_template, request

from dashboard import here
from dashboard.pages import common
from dashboard.seen_lines import of_source
from dashboard.site import Site
from dashboard.sources import codes_of, row, sources_page
from domain.batch import Heartbeat, SourceState
from domain.errors import LiveUnavailableError


def blueprint() -> Blueprint:
    """The pages of sources."""
    pages = Blueprint("sources", __name__)

    @pages.get("/sources")
    def sources() -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        page = sources_page(_heard(site), site.zone, snapshot.now, site.view.least)
        return render_template("sources.html", page=page, **common(site, snapshot))

    @pages.get("/source/<agent>/<endpoint:source>")
    def of_one(agent: str, source: str) -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        beat, state = _known(_heard(site), agent, source)
        failing = request.args.get("only", "") == "failing"
        alone = [_only(beat, state)]
        return render_template(
            "source.html", row=row(beat, state, site.zone, snapshot.now),
            codes=codes_of(alone, site.view.least), may_see=not site.view.least, failing=failing,
            lines=of_source(site.live, source, site.zone, snapshot.now, failing=failing),
            **common(site, snapshot),
        )  # fmt: skip

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
