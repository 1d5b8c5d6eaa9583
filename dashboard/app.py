"""The dashboard as a WSGI application, built from ports and settings."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, g, render_template, request
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from dashboard import api, guard, pages
from dashboard.site import Ports, Shared, View
from domain import figures
from domain.access import EVERYTHING
from domain.errors import PharmapulseError, UsageError
from domain.settings import Settings

_BREAK = re.compile(r"(?<=[./_])(?=\w)|(?<=[a-z])(?=[A-Z])")
_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings, ports: Ports) -> Flask:
    """The application. Serve it with threads, for open pages hold a stream."""
    app = Flask(__name__)
    # An endpoint of an access log may hold "//": an address must not be "mended" into another one.
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    shared = Shared(settings, ports)
    app.extensions["pharmapulse"] = shared
    guard.install(app)

    @app.before_request
    def everything() -> None:
        g.site = shared.site(View(EVERYTHING))

    app.register_blueprint(pages.blueprint())
    app.register_blueprint(api.blueprint())
    app.jinja_env.globals.update(asset=_asset, site_name=shared.names.site, names=shared.names)
    app.jinja_env.filters.update(
        count=figures.count,
        rate=figures.rate,
        percent=figures.percent,
        whole_percent=figures.whole_percent,
        millis=figures.millis,
        breakable=_breakable,
    )
    _install_errors(app)
    return app


@lru_cache(maxsize=32)
def _asset(name: str) -> str:
    """The address of a static file with its version, so that browsers may keep it for good."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def _breakable(name: str) -> Markup:
    """A long name that may break after its dots and slashes and before its capitals, not within its words."""
    return Markup("<wbr>").join(escape(part) for part in _BREAK.split(name))


def _install_errors(app: Flask) -> None:
    """Errors as a page for people and as a problem document for machines."""

    def answer(status: int, title: str, detail: str) -> Response:
        if request.path.startswith("/api/") or request.path in ("/healthz", "/readyz"):
            return guard.problem(status, detail)
        page = render_template("problem.html", status=status, heading=title, detail=detail)
        return Response(page, status, mimetype="text/html")

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if 300 <= status < 400:
            return Response(status=status, headers=list(error.get_headers(request.environ)))
        title = {404: "There is no such page", 405: "Read only"}.get(status, error.name)
        return answer(status, title, error.description or error.name)

    @app.errorhandler(UsageError)
    def wrong_use(error: UsageError) -> Response:
        return answer(400, "That cannot be shown", str(error))

    @app.errorhandler(PharmapulseError)
    def unreadable(error: PharmapulseError) -> Response:
        response = answer(503 if error.retry else 500, "The data cannot be read just now", str(error))
        if error.retry:
            response.headers["Retry-After"] = "5"
        return response
