"""The pages of accounts: log in and out, choose a password, where one is logged in, who did what."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask_limiter import Limiter
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from dashboard import here
from dashboard.access.gate import cookie_name, note
from dashboard.access.passwords import SHORTEST, hashed, is_right, new_secret, unfit
from dashboard.access.rules import is_account, limited_by, local_target
from domain import figures
from domain.access import User

_AUDIT_ROWS = 300
# Attempts that are let through: from one address, and for one name wherever they come from.
_PER_ADDRESS, _PER_NAME = "20 per 5 minutes", "30 per 15 minutes"
_GONE = (
    "It was used, it is older than a day, or a newer one was made. "
    "Ask those who run this site for another: pharmapulse users link NAME makes one."
)


def caller() -> str:
    """What attempts from an address are counted under."""
    return f"address {limited_by(request.remote_addr or '')}"


def _asked_name() -> str:
    return request.form.get("name", "").strip().casefold()[:100]


def blueprint(limiter: Limiter) -> Blueprint:
    """All pages of accounts."""
    pages = Blueprint("access", __name__)
    few = limiter.limit(_PER_ADDRESS, key_func=caller, methods=["POST"])
    few_by_name = limiter.limit(_PER_NAME, key_func=lambda: f"name {_asked_name()}", methods=["POST"])

    @pages.get("/login")
    def login() -> str | AnyResponse:
        target = local_target(request.args.get("next", ""))
        who = here.who()
        if who is not None and is_account(who):
            return redirect(target)
        return render_template("login.html", target=target, name="", wrong="")

    @pages.post("/login")
    @few
    @few_by_name
    def log_in() -> str | AnyResponse:
        _check_https()
        access, name = here.shared().ports.access, _asked_name()
        target = local_target(request.form.get("next", ""))
        user = access.user(name)
        usable = user is not None and user.disabled is None
        right = is_right(user.password_hash if user is not None and usable else "", request.form.get("password", ""))
        if user is None or not right:
            # What was typed as a name may be a password: only names that are accounts' are kept.
            note("failed login", "", user.name if user is not None else "unknown")
            wrong = "Name and password do not belong together."
            return Response(render_template("login.html", target=target, name=name, wrong=wrong), 401)
        note("login", "", user.name)
        return _logged_in(user, target)

    @pages.post("/logout")
    def log_out() -> AnyResponse:
        access, user = here.shared().ports.access, _user()
        if request.form.get("everywhere"):
            access.end_sessions(user)
            note("logout", "everywhere", user.name)
        else:
            access.end_session(_cookie())
            note("logout", "", user.name)
        session.clear()
        response = redirect("/login", 303)
        _set_cookie(response, "", 0)
        return response

    @pages.get("/welcome/<secret>")
    def welcome(secret: str) -> str:
        return _welcome_page(_link_user(secret), "")

    @pages.post("/welcome/<secret>")
    @few
    def choose(secret: str) -> str | AnyResponse:
        _check_https()
        ports, user = here.shared().ports, _link_user(secret)
        password = request.form.get("password", "")
        if wrong := unfit(password, request.form.get("again", ""), user.name):
            return Response(_welcome_page(user, wrong), 400)
        opened = ports.access.use_link(secret, hashed(password), ports.wall.now())
        if opened is None:
            raise NotFound(_GONE)
        note("chose a password", "by one-time link", opened.name)
        return _logged_in(opened, "/")

    @pages.get("/account")
    def account() -> str:
        ports, user = here.shared().ports, _user()
        now = ports.wall.now()
        rows = [
            {"id": one.id, "address": one.address, "made": _moment(one.made), "seen": _moment(one.seen),
             "mine": ports.access.session_id(_cookie()) == one.id}
            for one in ports.access.sessions(user, now)
        ]  # fmt: skip
        return render_template("account.html", user=user, reads=_scope_words(user), sessions=rows)

    @pages.post("/account/sessions")
    def end_one() -> AnyResponse:
        user, chosen = _user(), request.form.get("session", "")
        if not chosen:
            raise BadRequest("Say which session is to end.")
        if here.shared().ports.access.end_sessions(user, only=chosen):
            note("logout", "another session", user.name)
        return redirect(url_for("access.account"), 303)

    @pages.get("/audit")
    def audit() -> str:
        entries = here.shared().ports.access.audit(_AUDIT_ROWS)
        rows = [(_moment(one.at), one.who, one.action, one.what, one.address) for one in entries]
        return render_template("audit.html", rows=rows, most=_AUDIT_ROWS)

    return pages


def _user() -> User:
    """The account that asks. The gate lets nobody else get here."""
    who = here.who()
    user = None if who is None else here.shared().ports.access.user(who.name)
    if user is None:
        raise NotFound("There is no such account any more.")
    return user


def _link_user(secret: str) -> User:
    ports = here.shared().ports
    user = ports.access.link_user(secret, ports.wall.now())
    if user is None:
        raise NotFound(_GONE)
    return user


def _welcome_page(user: User, wrong: str) -> str:
    return render_template("welcome.html", name=user.name, wrong=wrong, shortest=SHORTEST)


def _check_https() -> None:
    """Behind a proxy the cookie travels by HTTPS only, so that a login without it would be lost. Raises BadRequest."""
    if here.shared().settings.web.proxies and not request.is_secure:
        raise BadRequest(
            "This came over plain HTTP. Open the page by https://, and let the proxy say so: X-Forwarded-Proto."
        )


def _logged_in(user: User, target: str) -> AnyResponse:
    """A session of its own for somebody who showed who they are; whatever was there before ends."""
    shared = here.shared()
    if old := _cookie():
        shared.ports.access.end_session(old)
    session.clear()
    secret, now, seconds = new_secret(), shared.ports.wall.now(), shared.settings.web.session_hours * 3_600
    shared.ports.access.add_session(user, secret, now, now + seconds, request.remote_addr or "")
    response = redirect(target, 303)
    _set_cookie(response, secret, int(seconds))
    return response


def _cookie() -> str:
    return request.cookies.get(cookie_name(here.shared()), "")


def _set_cookie(response: AnyResponse, secret: str, seconds: int) -> None:
    shared = here.shared()
    response.set_cookie(
        cookie_name(shared), secret, max_age=seconds, path="/", secure=bool(shared.settings.web.proxies),
        httponly=True, samesite="Lax",
    )  # fmt: skip


def _moment(time: float) -> str:
    shared = here.shared()
    return figures.moment(time, shared.zone, shared.ports.wall.now())


def _scope_words(user: User) -> str:
    """What an account may read, in words."""
    if user.role == "ops":
        return "You read and change everything."
    if user.scope.everything:
        return "You read everything; counts under five are not told."
    names = here.shared().names
    hubs = ", ".join(sorted(names.hub(hub) for hub in user.scope.hubs))
    vendors = ", ".join(sorted(user.scope.vendors))
    told = " and ".join(part for part in (hubs and f"the hubs {hubs}", vendors and f"the software {vendors}") if part)
    return f"You read {told or 'nothing yet'}; counts under five are not told."
