"""The dashboard as a WSGI application, built from ports and settings."""

from __future__ import annotations

import hashlib
import logging
import re
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, g, render_template, request
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFError
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard import api, guard, here, incident_routes, metrics, pages, source_routes, technical_routes
from dashboard.access import forms, gate
from dashboard.access.forms import caller
from dashboard.site import Ports, Shared
from domain import figures
from domain.errors import AccessError, PharmapulseError, UsageError
from domain.settings import Settings

_log = logging.getLogger(__name__)
_BREAK = re.compile(r"(?<=[./_])(?=\w)|(?<=[a-z])(?=[A-Z])")
_MOST_BYTES = 65_536  # of a form
_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings, ports: Ports) -> Flask:
    """The application. Serve it with threads, for open pages hold a stream."""
    app = Flask(__name__)
    # An endpoint of an access log may hold "//": an address must not be "mended" into another one.
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    shared = Shared(settings, ports)
    app.extensions["pharmapulse"] = shared
    _configure(app, settings, ports)
    metrics.install(app, shared)
    guard.install(app, settings.web.hosts)
    gate.install(app, shared)
    # Counted in this process's own memory: with several workers each counts for itself.
    limiter = Limiter(caller, app=app, storage_uri="memory://", strategy="moving-window", headers_enabled=True)
    app.register_blueprint(forms.blueprint(limiter))
    app.register_blueprint(pages.blueprint())
    app.register_blueprint(incident_routes.blueprint())
    app.register_blueprint(source_routes.blueprint())
    app.register_blueprint(technical_routes.blueprint())
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


def _configure(app: Flask, settings: Settings, ports: Ports) -> None:
    """Flask's own settings: its cookie holds nothing but what forms are checked against."""
    https = bool(settings.web.proxies)
    app.config.update(
        SECRET_KEY=ports.secret,
        SESSION_COOKIE_NAME="__Host-pharmapulse-form" if https else "pharmapulse-form",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=_MOST_BYTES,
        # The gate asks for it, of whatever changes something; a token is good as long as its cookie. Our own policy
        # keeps browsers from sending where they come from, which the strict check would want to see.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    if n := settings.web.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign] # as Flask says

    @app.context_processor
    def asking() -> dict[str, object]:
        return {"who": here.who(), "site": g.get("site"), "offers_login": lambda: any(ports.access.users())}


@lru_cache(maxsize=32)
def _asset(name: str) -> str:
    """The address of a static file with its version, so that browsers may keep it for good."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def _breakable(name: str) -> Markup:
    """A long name that may break after its dots and slashes and before its capitals, not within its words."""
    return Markup("<wbr>").join(escape(part) for part in _BREAK.split(name))


_TITLES = {
    401: "Log in first",
    403: "That is not yours to see or do",
    404: "There is no such page",
    405: "That cannot be done here",
    429: "Too many attempts",
}
_NOWHERE = "No page has this address. The hubs lead to all there are."


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
        said = _NOWHERE if error.description == NotFound.description else error.description or error.name
        response = answer(status, _TITLES.get(status, error.name), said)
        if status == 401 and request.path.startswith("/api/"):
            response.headers["WWW-Authenticate"] = 'Bearer realm="pharmapulse"'
        return response

    @app.errorhandler(CSRFError)
    def old_form(_error: CSRFError) -> Response:
        return answer(400, "This form is too old", "Load its page again and send it from there.")

    @app.errorhandler(AccessError)
    def not_theirs(error: AccessError) -> Response:
        return answer(403, _TITLES[403], str(error))

    @app.errorhandler(UsageError)
    def wrong_use(error: UsageError) -> Response:
        return answer(400, "That cannot be shown", str(error))

    @app.errorhandler(PharmapulseError)
    def unreadable(error: PharmapulseError) -> Response:
        detail, who = str(error), here.who()
        if who is None or who.role != "ops":
            # It names our files and databases, which are for those who run them.
            _log.error("%s", error)
            detail = "Those who run this site find the reason in its log."
        response = answer(503 if error.retry else 500, "The data cannot be read just now", detail)
        if error.retry:
            response.headers["Retry-After"] = "5"
        return response
