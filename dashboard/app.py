"""The dashboard as a WSGI application, built from ports and settings."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, render_template, request
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from dashboard import api, guard, pages
from dashboard.site import Site
from domain import figures
from domain.clock import Clock
from domain.errors import PharmapulseError, UsageError
from domain.ports import LiveBuckets, SeriesStore, StateStore
from domain.settings import Settings

_BREAK = re.compile(r"(?<=[./_])(?=\w)|(?<=[a-z])(?=[A-Z])")
_STATIC = Path(__file__).parent / "static"


def create_app(
    settings: Settings, series: SeriesStore, live: LiveBuckets, state: StateStore, clock: Clock
) -> Flask:  # fmt: skip
    """The application. Read-only; serve it on 127.0.0.1 with threads, for open pages hold a stream."""
    app = Flask(__name__)
    # An endpoint of an access log may hold "//": an address must not be "mended" into another one.
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    site = Site(settings, series, live, state, clock)
    app.extensions["pharmapulse"] = site
    guard.install(app)
    app.register_blueprint(pages.blueprint(site))
    app.register_blueprint(api.blueprint(site))
    app.jinja_env.globals.update(asset=_asset, site_name=site.names.site, names=site.names)
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
