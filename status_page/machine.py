"""What machines read: `/status.json`, and the small object that Shields draws badges from. Pure."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from domain.published import Component, Published
from status_page.belief import Reason, overall
from status_page.button import COLOURS
from status_page.model import headline_of, judged, month_share, name_of
from status_page.words import LANGUAGES, Language, local, words

VERSION = 1
"""Of `/status.json`: keys may come with the same version; one that goes or changes its meaning makes a new one."""


def status(document: Published | None, reason: Reason, title: str, stale_seconds: float) -> dict[str, object]:
    """The page as data. While nothing is known of the present every state is `unknown`; the past stays."""
    fresh = reason == "fresh" and document is not None
    parts = () if document is None else document.components
    as_of = None if document is None else document.as_of
    return {
        "version": VERSION,
        "title": title,
        "zone": None if document is None else document.zone,
        "as_of": as_of,
        "valid_until": None if as_of is None else as_of + stale_seconds,
        "stale": not fresh,
        "reason": reason,
        "state": overall([part.state for part in parts]) if fresh else "unknown",
        "headline": {
            language: headline_of(document, words(language)) if fresh and document else words(language).gone
            for language in LANGUAGES
        },
        "components": [] if document is None else [_component(part, document, fresh=fresh) for part in parts],
        "notices": [
            {"id": notice.id, "kind": notice.kind, "component": notice.hub, "state": notice.state,
             "start": notice.start, "end": notice.end}
            for notice in (() if document is None else document.notices)
        ],
    }  # fmt: skip


def _component(part: Component, document: Published, *, fresh: bool) -> dict[str, object]:
    today = local(judged(document), ZoneInfo(document.zone)).date()
    share = month_share(part, today)
    return {
        "key": part.key,
        "name": part.name,
        "does": part.does,
        "names": {language: name_of(part, words(language)) for language in LANGUAGES},
        "state": part.state if fresh else "unknown",
        "since": part.since if fresh else None,
        "wait_seconds": part.wait_seconds if fresh else None,
        "month": None if share is None else {"month": f"{today:%Y-%m}", "availability": share},
        "days": [{"date": day.date, "state": day.state, "availability": day.availability} for day in part.days],
    }


def shields(document: Published | None, reason: Reason, language: Language, title: str) -> dict[str, object]:
    """What Shields' endpoint badge takes."""
    known = document is not None and reason == "fresh"
    state = overall([part.state for part in document.components]) if known and document is not None else "unknown"
    return {
        "schemaVersion": 1,
        "label": title,
        "message": words(language).of(state).badge,
        "color": COLOURS[state].removeprefix("#"),
        "isError": state == "unknown",
        "cacheSeconds": 30,
    }
