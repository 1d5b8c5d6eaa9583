"""What is read, for machines: the log watchers' sources, and lines for ops."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from dashboard import here
from dashboard.few import is_few
from dashboard.guard import json_answer, problem
from domain.batch import Heartbeat
from domain.errors import LiveUnavailableError, UsageError
from domain.redact import mask_patients
from domain.troubles import source_amiss

_MOST_LINES = 1_000


def add_to(api: Blueprint) -> None:
    """Add the addresses."""

    @api.get("/api/v1/sources")
    def sources() -> Response:
        site = here.site()
        try:
            beats = site.live.sources()
        except LiveUnavailableError as error:
            return problem(503, str(error))
        now, least = site.clock.now(), site.view.least
        return json_answer({"now": now, "agents": [_json(beat, least) for beat in beats]})

    @api.get("/api/v1/lines")
    def lines() -> Response:
        site = here.site()
        if site.view.least:
            abort(403, "Lines of logs are for ops.")
        asked = {name: request.args.get(name, "") for name in ("source", "hub", "endpoint", "code")}
        try:
            found = site.live.recent(**asked, limit=_limit())
        except LiveUnavailableError as error:
            return problem(503, str(error))
        return json_answer({"now": site.clock.now(), "lines": list(found)})


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
