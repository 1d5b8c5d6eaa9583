"""The gate: every request is somebody's, and what it needs is asked before any page is made."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import Forbidden, Unauthorized

from dashboard import here
from dashboard.access.rules import (
    GUEST,
    READING,
    TOKEN_NAME,
    is_at_home,
    needed,
    verdict,
    who_holds,
    who_is,
)
from dashboard.guard import problem
from dashboard.site import Shared, View, view_of
from domain.access import AuditEntry, Scope, Who
from domain.errors import StoreError
from domain.redact import mask_patients

_REMEMBERED = 20_000
_log = logging.getLogger(__name__)
_UNHEARD = frozenset({"/api/v1/stream"})  # asked for by pages that are noted themselves


class Readers:
    """Who was noted today as having seen what, so that a page that renews itself is one entry and not thousands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: OrderedDict[tuple[str, str, str, int], None] = OrderedDict()

    def is_new(self, who: str, action: str, what: str, day: int) -> bool:
        """Whether this was not noted yet on this day."""
        key = (who, action, what, day)
        with self._lock:
            if key in self._noted:
                return False
            self._noted[key] = None
            if len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)
        return True


def cookie_name(shared: Shared) -> str:
    """The session's cookie. Behind a proxy it is for HTTPS only, and bound to this host by its name."""
    return "__Host-pharmapulse" if shared.settings.web.proxies else "pharmapulse"


def note(action: str, what: str, who: str) -> None:
    """Write to the audit log: who did or saw what, from where. No patient's number gets there."""
    ports = here.shared().ports
    # An address may hold signs that a terminal obeys.
    readable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in what)
    entry = AuditEntry(ports.wall.now(), who, action, mask_patients(readable), request.remote_addr or "")
    ports.access.write_audit(entry)


def install(app: Flask, shared: Shared) -> None:
    """Ask of every request who makes it and whether they may; note what partners see."""
    forms = CSRFProtect(app)
    readers = Readers()

    @app.before_request
    def gate() -> Response | None:
        # Whatever fails from here on: nothing is shown in a view that was not found to be right.
        g.site, g.who = shared.site(View(Scope())), None
        rule = None if request.url_rule is None else request.url_rule.rule
        need = needed(rule, request.method)
        if need == "open" and rule is not None and rule.startswith(("/static/", "/healthz")):
            return None
        by = shown(shared)
        g.who = who = who_shows(shared, by)
        if by.token is not None and who is None:
            raise Unauthorized("This token is unknown, revoked, over, or not for reading.")
        if who is not None:
            g.site = shared.site(view_of(who.role, who.scope))
        found = verdict(need, who, at_home=by.at_home)
        if found == "log in":
            return _log_in()
        if found == "forbidden":
            raise Forbidden(_refusal(need, who))
        if request.method not in READING:
            _own_form(forms)
        return None

    @app.after_request
    def note_partners(response: Response) -> Response:
        who = here.who()
        if who is None or who.role != "partner" or request.method not in ("GET", "HEAD"):
            return response
        if request.path in _UNHEARD or request.path.startswith("/static/"):
            return response
        action = "saw" if response.status_code < 400 else "asked in vain"
        vendor = request.args.get("vendor", "")
        # The address of a one-time link is the secret itself.
        path = "/welcome/…" if request.path.startswith("/welcome/") else request.path
        what = f"{path}?vendor={vendor}" if vendor else path
        if readers.is_new(who.name, action, what, int(shared.ports.wall.now() // 86_400)):
            try:
                note(action, what, who.name)
            except StoreError as error:
                _log.error("what partners see cannot be noted, and is not shown: %s", error)
                return problem(503, "what partners see is noted, and that cannot be written just now")
        return response


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of who makes it: a token or a session's secret, and whether it comes from here."""

    token: str | None
    cookie: str
    at_home: bool


def shown(shared: Shared) -> Shown:
    """What the request at hand shows."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    bearer = scheme.lower() == "bearer" and request.path.startswith("/api/")
    original = request.environ.get("werkzeug.proxy_fix.orig", {})
    peer = original.get("REMOTE_ADDR", request.environ.get("REMOTE_ADDR", ""))
    host = original.get("HTTP_HOST", request.environ.get("HTTP_HOST", ""))
    at_home = is_at_home(str(peer or ""), {**request.environ, "HTTP_HOST": host or ""})
    return Shown(secret.strip() if bearer else None, request.cookies.get(cookie_name(shared), ""), at_home)


def who_shows(shared: Shared, shown: Shown) -> Who | None:
    """Whoever shows that; None for somebody unknown. A token that is none is nobody's, wherever it comes from."""
    access, now = shared.ports.access, shared.ports.wall.now()
    if shown.token is not None:
        token = access.token(shown.token, now)
        return None if token is None else who_holds(token)
    if shown.cookie and (user := access.session_user(shown.cookie, now)) is not None:
        return who_is(user)
    return GUEST if shown.at_home and _guests(shared) else None


def still_allowed() -> Callable[[], bool]:
    """Asks later, outside the request, whether whoever makes it now still is who they are and may what they may."""
    shared, who = here.shared(), here.who()
    by = shown(shared)

    def still() -> bool:
        try:
            return who_shows(shared, by) == who
        except StoreError:
            return False  # a page that asks again is told what is wrong

    return still


def _guests(shared: Shared) -> bool:
    """Whether who asks from this machine itself may read without an account."""
    allowed = shared.settings.web.guests
    if allowed == "until-accounts":
        # An account is one once somebody can log in by it.
        return not any(user.password_hash for user in shared.ports.access.users())
    return allowed == "local"


def _own_form(forms: CSRFProtect) -> None:
    """Refuse what another site's page may have sent in somebody's name. Raises BadRequest, Forbidden."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This was sent by a page of another site.")
    who = here.who()
    if who is None or not who.name.startswith(TOKEN_NAME):
        forms.protect()


def _refusal(need: str, who: Who | None) -> str:
    if need == "local":
        return "This is told on this machine itself only."
    if need == "everything":
        return "This page shows the pharmacies or the log watchers of all hubs, and you may read a part of them."
    if who is not None and who.role == "ops":
        return "A token only reads; log in to change something."
    return "Your account only reads. Ask those who run this site."


def _log_in() -> Response:
    """To the login page, or for machines and forms a refusal that says how to go on."""
    if request.path.startswith("/api/") or request.path in ("/metrics", "/readyz"):
        response = problem(401, "Log in, or send a token: Authorization: Bearer …")
        response.headers["WWW-Authenticate"] = 'Bearer realm="pharmapulse"'
        return response
    if request.method not in READING:
        raise Unauthorized("Nobody is logged in here any more. Log in, then do it again.")
    query = request.query_string.decode("ascii", "replace")
    asked = f"{request.path}?{query}" if query else request.path
    target = "/login" if asked == "/" else f"/login?{urlencode({'next': asked})}"
    return Response(status=302, headers={"Location": target})
