"""The OpenAPI document of the addresses for machines."""

from __future__ import annotations

from typing import get_args

from domain.incident import Kind
from domain.series import FAMILIES, MAX_POINTS

_PROBLEM = {
    "description": "what is wrong, as a problem document (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_NUMBER = {"type": ["number", "null"]}
_TIME = {"type": ["number", "null"], "description": "epoch seconds, UTC"}


def _text(name: str, description: str, place: str = "query") -> dict[str, object]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": {"type": "string"},
    }


def _get(
    summary: str, *parameters: dict[str, object], schema: str = "", content: str = "application/json"
) -> dict[str, object]:
    body: dict[str, object] = {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}
    return {
        "get": {
            "summary": summary,
            "parameters": list(parameters),
            "responses": {"200": {"description": "ok", "content": {content: {"schema": body}}}, "default": _PROBLEM},
        }
    }


_FAMILY = _text("family", f"one of {', '.join(FAMILIES)}", "path")

DOCUMENT: dict[str, object] = {
    "openapi": "3.1.0",
    "info": {
        "title": "pharmapulse",
        "version": "1",
        "description": "Read-only figures of the pharmacy hubs. Counts are per bucket, durations are microseconds, "
        "times are epoch seconds (UTC); null is unknown. Technical figures (the family `value`) are thousandths "
        "of their unit; of a counter there is only `last`, what it grew by.",
    },
    "paths": {
        "/api/v1/overview": _get("What fails now, every hub, every endpoint in trouble", schema="Overview"),
        "/api/v1/hubs": _get("Every hub with its state now"),
        "/api/v1/series/{family}/{key}": _get(
            "One series, the written past joined with the open present",
            _FAMILY,
            _text("key", "the key's parts joined with /", "path"),
            _text("range", "1h, 6h, today (default), week, month or year"),
            _text("from", "a local time like 2026-11-23T08:00, an RFC 3339 time, or epoch seconds"),
            _text("to", "likewise; now when left out"),
            _text("step", f"a resolution in seconds that the family keeps; at most {MAX_POINTS} points are given"),
            _text("compare", "week, month and year, joined with commas"),
            schema="Series",
        ),
        "/api/v1/keys/{family}": _get("The keys of a family", _FAMILY),
        "/api/v1/pharmacies": _get("Pharmacies by number or province", _text("query", "digits, or a province's name")),
        "/api/v1/sources": _get(
            "Each log watcher's sources: where every line went, watermarks, what is not read, clocks, troubles, "
            "codes in no table, and in `amiss` what somebody should look at"
        ),
        "/api/v1/patients": _get(
            "About how many distinct patients each hub saw in each hour, of a day at most; for ops. `uncounted` are "
            "calls whose patients are not in it",
            _text("range", "1h, 6h or today (default)"),
            _text("from", "a local time like 2026-11-23T08:00, an RFC 3339 time, or epoch seconds"),
            _text("to", "likewise; now when left out"),
        ),
        "/api/v1/lines": _get(
            "Some of the lines just read, masked, newest first; for ops",
            _text("source", "of which source"),
            _text("hub", "of which hub"),
            _text("endpoint", "of which endpoint"),
            _text("code", "with which code"),
            _text("limit", "how many at most; 100 when left out"),
        ),
        "/api/v1/incidents": _get(
            "Incidents that last or changed lately, newest first", _text("days", "how far back; 14 when left out")
        ),
        "/api/v1/incidents/{number}": _get(
            "One incident with its journal", _text("number", "its number", "path"), schema="Incident"
        ),
        "/api/v1/news": _get(
            "What an open page is told of incidents", _text("after", "the number of the last journal entry it knows")
        ),
        "/api/v1/restarts": _get(
            "Planned, running and past restarts, and the queues of deferred calls",
            _text("days", "how far back; 14 when left out"),
        ),
        "/api/v1/openapi.json": _get("This document"),
        "/api/v1/stream": _get(
            "Server-sent events: `complete` whenever ten more seconds are complete, `incident` when one takes a turn",
            _text("after", "the last journal entry already known; Last-Event-ID says the same"),
            content="text/event-stream",
        ),
        "/healthz": _get("The process runs"),
        "/readyz": _get("The data can be read; `checks` say what was looked at, to whoever asks on the machine itself"),
    },
    "components": {
        "schemas": {
            "Problem": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "instance": {"type": "string"},
                },
            },
            "Overview": {
                "type": "object",
                "properties": {
                    "complete_up_to": _TIME,
                    "live": {"type": "boolean"},
                    "answer": {"type": "object"},
                    "hubs": {"type": "array", "items": {"type": "object"}},
                    "troubles": {"type": "array", "items": {"type": "object"}},
                },
            },
            "Incident": {
                "type": "object",
                "properties": {
                    "incident": {"type": "integer"},
                    "state": {"enum": ["suspected", "firing", "acknowledged", "resolved", "closed"]},
                    "severity": {"enum": ["page", "notice", "log"]},
                    "kind": {"enum": list(get_args(Kind))},
                    "hub": {"type": "string"},
                    "endpoint": {"type": "string", "description": "empty for a whole hub; AGENT/SOURCE of a source"},
                    "side": {"type": "string"},
                    "text": {"type": "string"},
                    "reason": {"type": "string"},
                    "since": _TIME,
                    "opened": _TIME,
                    "changed": _TIME,
                    "seen": _TIME,
                    "resolved": _TIME,
                    "closed": _TIME,
                    "acknowledged_by": {"type": "string"},
                    "journal": {"type": "array", "items": {"type": "object"}},
                },
            },
            "Series": {
                "type": "object",
                "properties": {
                    "family": {"type": "string"},
                    "key": {"type": "array", "items": {"type": "string"}},
                    "from": {"type": "integer"},
                    "to": {"type": "integer"},
                    "complete_up_to": _TIME,
                    "resolution": {"type": "integer", "description": "seconds a bucket"},
                    "sources": {"type": "array", "items": {"type": "string"}},
                    "times": {"type": "array", "items": {"type": "integer"}, "description": "start of each bucket"},
                    "values": {"type": "object", "additionalProperties": {"type": "array", "items": _NUMBER}},
                    "fewer_than": {
                        "type": ["integer", "null"],
                        "description": "partners are told no counts from 1 up to below this",
                    },
                    "few": {
                        "type": "object",
                        "description": "per source, the places in `values` that are null for that",
                        "additionalProperties": {"type": "array", "items": {"type": "integer"}},
                    },
                    "compare": {
                        "type": "array",
                        "description": "comparable periods, laid on the same times",
                        "items": {"type": "object"},
                    },
                },
            },
        }
    },
}
