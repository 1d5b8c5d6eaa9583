"""The public site as a WSGI application: no cookie, no session, nothing taken in, every answer made beforehand."""

from __future__ import annotations

import time
from typing import cast

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, NotFound

from domain.health import PATHS, Health, is_direct
from domain.health import answer as health_answer
from domain.requests import Requests
from domain.web import FOREVER, SECURITY_HEADERS
from status_page.metrics import health
from status_page.rendering import ASSETS, STATIC, render_missing
from status_page.site import HTML, Answer, Now, Site, finished
from status_page.words import DEFAULT, LANGUAGES, Language

PAGE_SECONDS, BADGE_SECONDS = 10, 30
_LONGEST_PATH = 200


def create_app(site: Site) -> Flask:
    """The application."""
    app = Flask(__name__, static_folder=None)
    requests = Requests()
    app.extensions["pharmapulse"] = site
    _install_pages(app, site)
    _install_machines(app, site)
    _install_health(app, health(site, requests))
    _install_frame(app, site, requests)
    return app


def _install_pages(app: Flask, site: Site) -> None:
    assets = {name: finished((STATIC / name).read_bytes(), kind) for name, kind in ASSETS.items()}

    @app.get("/")
    def negotiated() -> Response:
        return _sent(site.page(now := site.now(), _language()), now, PAGE_SECONDS, negotiated=True)

    @app.get("/<any(en, fr, nl, de):language>")
    def page(language: str) -> Response:
        return _sent(site.page(now := site.now(), cast("Language", language)), now, PAGE_SECONDS, language=language)

    @app.get("/static/<name>")
    def static(name: str) -> Response:
        if name not in assets:
            raise NotFound
        response = _body(assets[name])
        response.headers["Cache-Control"] = FOREVER if request.args.get("v") else "no-cache"
        return cast("Response", response.make_conditional(request))


def _install_machines(app: Flask, site: Site) -> None:
    @app.get("/status.json")
    def status() -> Response:
        return _open(_sent(site.status(now := site.now()), now, PAGE_SECONDS))

    @app.get("/badge.json")
    def shields() -> Response:
        return _open(_sent(site.shields(now := site.now(), _language()), now, BADGE_SECONDS, negotiated=True))

    @app.get("/badge.svg")
    @app.get("/badge/<path:component>.svg")
    def badge(component: str | None = None) -> Response:
        made = site.badge(now := site.now(), _language(), component)
        if made is None:
            raise NotFound
        return _open(_sent(made, now, BADGE_SECONDS, negotiated=True))


def _install_health(app: Flask, told: Health) -> None:
    def answered() -> Response:
        made = health_answer(told, request.path, direct=is_direct(request.environ))
        if made is None:
            raise NotFound
        response = Response(made.body, made.status, content_type=made.kind)
        response.headers["Cache-Control"] = "no-store"
        return response

    for path in PATHS:
        app.add_url_rule(path, path.strip("/"), answered)


def _install_frame(app: Flask, site: Site, requests: Requests) -> None:
    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        rule = None if request.url_rule is None else request.url_rule.rule
        requests.count(rule, response.status_code, time.perf_counter() - g.began)
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        if 300 <= status < 400:
            return Response(status=status, headers=list(error.get_headers(request.environ)))
        text = error.name
        if status == 404 and request.accept_mimetypes.accept_html:
            response = Response(render_missing(_language(), site.title, _root()), 404, content_type=HTML)
            _vary(response, "Accept", "Accept-Language")
        else:
            response = Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")
        response.headers["Cache-Control"] = f"public, max-age={PAGE_SECONDS}"
        if status == 405:
            response.headers["Allow"] = "GET, HEAD, OPTIONS"
        return response


def _language() -> Language:
    """The language that is asked for by `?lang=`, else the one that the browser likes best."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return cast("Language", request.accept_languages.best_match(LANGUAGES, DEFAULT))


def _root() -> str:
    """From the address that was asked for back to the site's own root, wherever a proxy puts that."""
    return "../" * request.path[:_LONGEST_PATH].count("/", 1) or "./"


def _sent(
    answer: Answer, now: Now, seconds: int, *, negotiated: bool = False, language: str = ""
) -> Response:  # fmt: skip
    """An answer with how long it may be kept: never beyond the moment at which it turns grey."""
    response = _body(answer)
    most = seconds if now.reason != "fresh" else max(0, min(seconds, int(now.seconds_left)))
    response.headers["Cache-Control"] = f"public, max-age={most}, must-revalidate"
    if answer.kind == HTML:
        response.headers["Content-Language"] = language or _language()
    if negotiated and request.args.get("lang") not in LANGUAGES:
        _vary(response, "Accept-Language")
    return cast("Response", response.make_conditional(request))


def _body(answer: Answer) -> Response:
    """The answer, packed for those who can unpack it, with its tag."""
    packed = answer.packed if request.accept_encodings.quality("gzip") > 0 else None
    response = Response(answer.body if packed is None else packed, content_type=answer.kind)
    response.set_etag(answer.tag if packed is None else f"{answer.tag}-gz")
    if packed is not None:
        response.headers["Content-Encoding"] = "gzip"
    if answer.packed is not None:
        _vary(response, "Accept-Encoding")
    return response


def _vary(response: Response, *names: str) -> None:
    for name in names:
        response.vary.add(name)


def _open(response: Response) -> Response:
    """Let pages of other sites read and show this."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
