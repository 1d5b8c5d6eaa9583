"""What every answer carries and which requests are refused, whatever the page."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import unquote_plus

import msgspec
from flask import Flask, Response, request

from dashboard.access.rules import is_host
from domain.errors import UsageError
from domain.redact import has_patient, mask_patients
from domain.web import FOREVER, SECURITY_HEADERS


def json_answer(body: object, status: int = 200, mimetype: str = "application/json") -> Response:
    """A JSON answer; NaN becomes null."""
    return Response(msgspec.json.encode(body), status, mimetype=mimetype)


def problem(status: int, detail: str) -> Response:
    """A problem document (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": mask_patients(request.path),
    }
    return json_answer(body, status, "application/problem+json")


def install(app: Flask, hosts: Collection[str]) -> None:
    """Refuse foreign Host headers (a page elsewhere may point its own name at 127.0.0.1), and set the headers.

    Addresses with a patient's number are refused, too: nothing is kept under one, and an answer would repeat it.
    """

    @app.before_request
    def refuse_foreign_host() -> Response | None:
        if is_host(request.host, hosts):
            return None
        return problem(421, "this dashboard is not called so; web.hosts lists the names it answers to")

    @app.before_request
    def refuse_patients() -> None:
        if has_patient(unquote_plus(request.full_path)):
            raise UsageError("the address holds a patient's number, and no patient is known here")

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers[name] = value
        if request.path.startswith("/static/") and request.args.get("v") and response.status_code == 200:
            response.headers["Cache-Control"] = FOREVER
        else:
            response.headers["Cache-Control"] = "no-cache" if request.path.startswith("/static/") else "no-store"
        return response
