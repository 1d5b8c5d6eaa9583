"""Accounts at the door: links, passwords, sessions, tokens, guests, proxies, limits, and what is noted of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.access.passwords import hashed, is_right, unfit
from dashboard.access.rules import (
    GUEST,
    Need,
    Verdict,
    is_at_home,
    is_host,
    limited_by,
    local_target,
    needed,
    verdict,
    who_holds,
    who_is,
)
from domain.access import EVERYTHING, Scope, Token, User, Who
from domain.errors import StoreError
from domain.settings import Settings, WebSettings
from rrd.store import RrdSeriesStore
from store.access import SqlAccess
from store.incidents import SqlIncidents
from tests.dashboard.conftest import Build, House
from tests.dashboard.traffic import NOW, SETTINGS

PASSWORD = "correct horse battery"
HOST = "pulse.example.be"
DAY = 86_400.0
PART = Scope(hubs=frozenset({"dpp"}))


def settings(**web: object) -> Settings:
    return msgspec.structs.replace(SETTINGS, web=msgspec.convert(web, WebSettings))


@dataclass
class Site:
    """An application over no series at all, and a browser before it."""

    house: House
    client: FlaskClient
    base: str = "http://localhost"

    def get(self, address: str, **more: object) -> TestResponse:
        return self.client.get(address, base_url=self.base, **more)

    def send(self, address: str, form: str = "", **fields: str) -> TestResponse:
        """Fill the form of a page (by default the address itself) in and send it."""
        page = self.get(form or address).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None, page
        return self.client.post(address, data={"csrf_token": token[1], **fields}, base_url=self.base)

    def add(self, name: str = "anna", role: str = "ops", scope: Scope = EVERYTHING) -> User:
        user = self.house.access.add_user(name, "ops" if role == "ops" else "partner", scope, NOW)
        self.house.access.add_link(user, f"link of {name}", NOW + DAY)
        return user

    def open_account(self, name: str = "anna", role: str = "ops", scope: Scope = EVERYTHING) -> None:
        self.add(name, role, scope)
        self.house.access.use_link(f"link of {name}", hashed(PASSWORD), NOW)

    def log_in(self, name: str = "anna", password: str = PASSWORD, **more: str) -> TestResponse:
        return self.send("/login", name=name, password=password, **more)

    def actions(self) -> list[tuple[str, str, str]]:
        return [(one.who, one.action, one.what) for one in reversed(self.house.access.audit(100))]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> RrdSeriesStore:
    return RrdSeriesStore(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def site(build: Build, empty: RrdSeriesStore) -> Site:
    house = build(empty, settings(guests="none"))
    return Site(house, house.client)


# the way in


def test_a_link_opens_an_account_once(site: Site) -> None:
    site.add()
    page = site.get("/welcome/link of anna")
    assert "Welcome, anna" in page.text
    assert site.get("/").status_code == 302
    answer = site.send("/welcome/link of anna", password=PASSWORD, again=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert site.get("/").status_code == 200, "whoever chose a password is logged in"
    assert site.get("/welcome/link of anna").status_code == 404
    kept = site.house.access.user("anna")
    assert kept is not None
    assert kept.password_hash.startswith("$argon2id$")
    assert PASSWORD not in kept.password_hash
    assert site.actions() == [("anna", "chose a password", "by one-time link")]


def test_a_link_of_yesterday_opens_nothing(site: Site) -> None:
    site.add()
    site.house.clock.advance(DAY)
    answer = site.get("/welcome/link of anna")
    assert answer.status_code == 404
    assert "older than a day" in answer.text


@pytest.mark.parametrize(
    ("password", "again", "told"),
    [
        ("short", "short", "at least 12 characters"), ("annaannaanna", "other than that", "differ"),
        ("a" * 600, "a" * 600, "at most 500"), ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "different characters"),
    ],
)  # fmt: skip
def test_an_unfit_password_leaves_the_link(site: Site, password: str, again: str, told: str) -> None:
    site.add()
    answer = site.send("/welcome/link of anna", password=password, again=again)
    assert answer.status_code == 400
    assert told in answer.text
    assert password not in answer.text
    assert site.send("/welcome/link of anna", password=PASSWORD, again=PASSWORD).status_code == 303


def test_the_name_is_no_password() -> None:
    assert (
        unfit("Anna.of.the.Hub", "Anna.of.the.Hub", "anna.of.the.hub")
        == "Choose a password that is not the account’s name."
    )
    assert unfit(PASSWORD, PASSWORD, "anna") == ""


def test_logging_in_and_out(site: Site) -> None:
    site.open_account()
    answer = site.get("/hub/dpp?range=week")
    assert answer.headers["Location"] == "/login?next=%2Fhub%2Fdpp%3Frange%3Dweek"
    answer = site.log_in(name=" ANNA ", next="/hub/dpp?range=week")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/hub/dpp?range=week")
    cookie = answer.headers.getlist("Set-Cookie")
    (session,) = [one for one in cookie if one.startswith("pharmapulse=")]
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Max-Age=43200" in session
    assert "Secure" not in session, "there is no HTTPS here"
    assert site.get("/account").status_code == 200
    assert site.get("/login").status_code == 302
    assert site.send("/logout", form="/account").status_code == 303
    assert site.get("/account").status_code == 302
    assert [action for _, action, _ in site.actions()] == ["login", "logout"]


def test_a_wrong_name_and_a_wrong_password_are_told_alike(site: Site) -> None:
    site.open_account()
    site.add("unopened")
    site.open_account("shut")
    shut = site.house.access.user("shut")
    assert shut is not None
    site.house.access.change_user(replace(shut, disabled=NOW))
    answers = [site.log_in(name, word) for name, word in
               (("anna", "wrong password"), ("nobody", PASSWORD), ("unopened", ""), ("shut", PASSWORD))]  # fmt: skip
    assert {answer.status_code for answer in answers} == {401}
    words = [re.sub(r'value="[^"]*"', "", answer.text) for answer in answers]
    assert len(set(words)) == 1
    assert site.actions() == [
        ("anna", "failed login", ""), ("unknown", "failed login", ""), ("unopened", "failed login", ""),
        ("shut", "failed login", ""),
    ]  # fmt: skip


def test_an_unknown_name_costs_as_much_work_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.access import passwords

    verified: list[str] = []
    real = passwords._HASHER.verify

    class Counting:
        hash = staticmethod(passwords._HASHER.hash)

        @staticmethod
        def verify(known: str, password: str) -> bool:
            verified.append(known)
            return real(known, password)

    monkeypatch.setattr(passwords, "_HASHER", Counting)
    kept = hashed(PASSWORD)
    assert is_right(kept, PASSWORD)
    assert not is_right(kept, "another password")
    assert not is_right("", PASSWORD)
    assert len(verified) == 3
    assert {re.sub(r"\$[^$]*\$[^$]*$", "", one) for one in verified} == {"$argon2id$v=19$m=65536,t=3,p=4"}


def test_a_session_begins_anew_at_each_login(site: Site) -> None:
    site.open_account()
    site.client.set_cookie("pharmapulse", "chosen by somebody else")
    answer = site.log_in()
    assert "chosen by somebody else" not in str(answer.headers)
    first = _session(site)
    site.client.post("/logout")  # without the form's token nothing happens
    assert site.get("/account").status_code == 200
    user = site.house.access.user("anna")
    assert user is not None
    other = Site(site.house, site.house.client)
    other.log_in()
    assert _session(other) != first
    assert len(site.house.access.sessions(user, NOW)) == 2


def _session(site: Site) -> str:
    cookie = site.client.get_cookie("pharmapulse")
    assert cookie is not None
    return cookie.value


def test_sessions_are_listed_ended_one_by_one_and_all_at_once(site: Site) -> None:
    site.open_account()
    others = [Site(site.house, site.house.client) for _ in range(3)]
    for one in (site, *others):
        one.log_in()
    page = site.get("/account").text
    assert page.count("this browser") == 1
    buttons = re.findall(r'name="session" value="([^"]+)"', page)
    assert len(buttons) == 3
    assert site.send("/account/sessions", form="/account", session=buttons[0]).status_code == 303
    assert sum(one.get("/account").status_code == 200 for one in others) == 2
    assert site.send("/account/sessions", form="/account", session="another's").status_code == 303
    assert site.send("/logout", form="/account", everywhere="yes").status_code == 303
    assert {one.get("/account").status_code for one in (site, *others)} == {302}


def test_a_session_ends_by_itself_and_with_its_account(site: Site) -> None:
    site.open_account()
    site.log_in()
    site.house.clock.advance(12 * 3_600 - 1)
    assert site.get("/account").status_code == 200
    site.house.clock.advance(2)
    assert site.get("/account").status_code == 302
    site.log_in()
    stream = site.get("/api/v1/stream", buffered=False)
    pieces = iter(stream.response)
    assert next(pieces)
    user = site.house.access.user("anna")
    assert user is not None
    site.house.access.change_user(replace(user, disabled=NOW))
    assert site.get("/account").status_code == 302
    site.house.live.complete = (site.house.live.complete or 0) + 20
    site.house.app.extensions["pharmapulse"].watch.waker.wake()
    assert list(pieces) == [], "an open stream ends with its session"
    stream.close()


def test_a_changed_scope_holds_from_the_next_request_on(site: Site) -> None:
    site.open_account("team", "partner", EVERYTHING)
    site.log_in("team")
    assert site.get("/pharmacies").status_code == 200
    user = site.house.access.user("team")
    assert user is not None
    site.house.access.change_user(replace(user, scope=PART))
    assert site.get("/pharmacies").status_code == 403
    assert "You read the hubs DPP" in site.get("/account").text


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("/hub/dpp", "/hub/dpp"), ("", "/"), ("https://evil.example/", "/"), ("//evil.example", "/"),
        ("/\\evil.example", "/"), ("\\\\evil.example", "/"), ("javascript:alert(1)", "/"), ("/login?next=/login", "/"),
        ("/a\r\nSet-Cookie: x", "/"), ("evil", "/"), ("/\t/evil.example", "/"),
        ("/hub/ehealth/endpoint/GET /a", "/hub/ehealth/endpoint/GET /a"),
    ],
)  # fmt: skip
def test_logging_in_leads_nowhere_else(asked: str, target: str) -> None:
    assert local_target(asked) == target


# forms, limits, tokens


def test_a_form_of_another_site_changes_nothing(site: Site) -> None:
    site.open_account()
    site.log_in()
    token = re.search(r'name="csrf_token" value="([^"]+)"', site.get("/account").text)
    assert token is not None
    for data, headers in (
        ({}, {}),
        ({"csrf_token": "forged"}, {}),
        ({"csrf_token": token[1]}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf_token": token[1]}, {"Sec-Fetch-Site": "same-site"}),
    ):
        assert site.client.post("/logout", data=data, headers=headers).status_code in (400, 403)
    stranger = Site(site.house, site.house.client)
    foreign = re.search(r'name="csrf_token" value="([^"]+)"', stranger.get("/login").text)
    assert foreign is not None
    assert site.client.post("/logout", data={"csrf_token": foreign[1]}).status_code == 400, "a token of one's own only"
    assert site.get("/account").status_code == 200


def test_attempts_are_limited_by_address(site: Site) -> None:
    statuses = [site.log_in(f"name{place}", "wrong password").status_code for place in range(22)]
    assert statuses == [401] * 20 + [429] * 2
    answer = site.log_in()
    assert "Too many attempts" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    links = [site.client.post(f"/welcome/guess{place}", data={}).status_code for place in range(3)]
    assert links == [400] * 3, "without the form's token it is no attempt"


def test_attempts_are_limited_by_name_from_wherever_they_come(site: Site) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', site.get("/login").text)
    assert token is not None
    statuses = [
        site.client.post(
            "/login", data={"csrf_token": token[1], "name": "anna", "password": "x"},
            environ_base={"REMOTE_ADDR": f"192.0.2.{place}"},
        ).status_code
        for place in range(32)
    ]  # fmt: skip
    assert statuses == [401] * 30 + [429] * 2


def test_a_long_form_is_refused(site: Site) -> None:
    assert site.client.post("/login", data={"name": "a" * 100_000}).status_code == 413


def test_tokens_open_the_api_alone_and_end_at_once(site: Site) -> None:
    access = site.house.access
    read = access.add_token("grafana", "secret", "ops", EVERYTHING, frozenset({"read"}), NOW, NOW + DAY)
    access.add_token("gateway", "defers", "partner", Scope(), frozenset({"defer"}), NOW, None)
    bearer = {"Authorization": "Bearer secret"}
    assert site.get("/api/v1/hubs", headers=bearer).status_code == 200
    assert site.get("/", headers=bearer).status_code == 302, "pages are for people"
    assert site.get("/api/v1/hubs?token=secret&access_token=secret").status_code == 401
    for header in ("Bearer defers", "Bearer", "Bearer ", "Bearer nothing", "Basic c2VjcmV0", "secret"):
        answer = site.get("/api/v1/hubs", headers={"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    stream = site.get("/api/v1/stream", headers=bearer, buffered=False)
    pieces = iter(stream.response)
    next(pieces)
    access.revoke_token(read.id, NOW)
    assert site.get("/api/v1/hubs", headers=bearer).status_code == 401
    site.house.live.complete = (site.house.live.complete or 0) + 20
    site.house.app.extensions["pharmapulse"].watch.waker.wake()
    assert list(pieces) == []
    stream.close()


def test_a_wrong_token_is_wrong_also_where_guests_read(build: Build, empty: RrdSeriesStore) -> None:
    house = build(empty, settings(guests="local"))
    assert house.client.get("/api/v1/hubs").status_code == 200
    assert house.client.get("/api/v1/hubs", headers={"Authorization": "Bearer x"}).status_code == 401


# guests and proxies


def test_guests_read_until_the_first_account_is_open(build: Build, empty: RrdSeriesStore) -> None:
    house = build(empty)
    site = Site(house, house.client)
    site.add()
    assert site.get("/pharmacies").status_code == 200, "nobody can log in yet"
    house.access.use_link("link of anna", hashed(PASSWORD), NOW)
    assert site.get("/pharmacies").status_code == 302
    assert site.get("/api/v1/hubs").status_code == 401


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "192.0.2.9"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_X_REAL_IP": "127.0.0.1"}, {"HTTP_VIA": "1.1 proxy"}, {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_HOST": HOST}, {"SERVER_PROTOCOL": "HTTP/1.0"}, {"REMOTE_ADDR": ""}, {"REMOTE_ADDR": "::ffff:192.0.2.9"},
        {"HTTP_X_FORWARDED_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1"},
    ],
)  # fmt: skip
def test_only_this_machine_itself_is_a_guest(environ: dict[str, str], build: Build, empty: RrdSeriesStore) -> None:
    for proxies in (0, 1):
        house = build(empty, settings(guests="until-accounts", hosts=(HOST,), proxies=proxies))
        answer = house.client.get("/", environ_overrides=environ)
        assert answer.status_code == 302, (proxies, environ)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_has_many_addresses(address: str) -> None:
    assert is_at_home(address, {"HTTP_HOST": "localhost:8080", "SERVER_PROTOCOL": "HTTP/1.1"})


def test_behind_a_proxy_its_word_is_taken_and_cookies_are_for_https(build: Build, empty: RrdSeriesStore) -> None:
    house = build(empty, settings(guests="until-accounts", hosts=(HOST,), proxies=1))
    site = Site(house, house.client)
    site.open_account()
    passed = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST}
    client = house.app.test_client(use_cookies=False)
    page = client.get("/login", headers=passed)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    (form,) = page.headers.getlist("Set-Cookie")
    assert form.startswith("__Host-pharmapulse-form=")
    assert "Secure" in form
    answer = client.post(
        "/login", headers={**passed, "Cookie": form.partition(";")[0]},
        data={"csrf_token": token[1], "name": "anna", "password": PASSWORD},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    (session,) = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("__Host-pharmapulse=")]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in session.split(";")}
    assert "Domain" not in session
    assert house.access.audit(1)[0].address == "203.0.113.7"
    plain = client.post("/login", headers={"Cookie": form.partition(";")[0]}, data={"csrf_token": token[1]})
    assert plain.status_code == 400
    assert "plain HTTP" in plain.text
    forged = client.get("/", headers={**passed, "X-Forwarded-Host": "evil.example"})
    assert forged.status_code == 421


def test_without_a_proxy_nobodys_word_is_taken(build: Build, empty: RrdSeriesStore) -> None:
    house = build(empty, settings(guests="none", hosts=(HOST,)))
    site = Site(house, house.client)
    site.open_account()
    token = re.search(r'name="csrf_token" value="([^"]+)"', site.get("/login").text)
    assert token is not None
    site.client.post(
        "/login", headers={"X-Forwarded-For": "203.0.113.7"}, environ_base={"REMOTE_ADDR": "192.0.2.1"},
        data={"csrf_token": token[1], "name": "anna", "password": "wrong"},
    )  # fmt: skip
    assert house.access.audit(1)[0].address == "192.0.2.1"


@pytest.mark.parametrize(
    ("host", "known"),
    [
        (HOST, True), (f"{HOST.upper()}:8443", True), (f"{HOST}.", True), ("localhost", True), ("[::1]:8080", True),
        (f"{HOST}.evil.example", False), (f"evil.{HOST}", False), ("", False), ("][", False), ("127.0.0.2", False),
    ],
)  # fmt: skip
def test_it_answers_to_its_own_names(host: str, known: bool) -> None:
    assert is_host(host, (HOST,)) is known


# the rules


@pytest.mark.parametrize(
    ("who", "verdicts"),
    [
        # open, local (from elsewhere), read, everything, account, change
        (None, "yes no login login login login"),
        (GUEST, "yes no yes yes login login"),
        (Who("a", "partner", PART, False), "yes no yes no yes no"),
        (Who("a", "partner", EVERYTHING, False), "yes no yes yes yes no"),
        (Who("a", "ops", EVERYTHING, True), "yes no yes yes yes yes"),
        (Who("token a", "ops", EVERYTHING, False), "yes no yes yes no no"),
    ],
)  # fmt: skip
def test_what_each_may(who: Who | None, verdicts: str) -> None:
    words: dict[Verdict, str] = {"allowed": "yes", "forbidden": "no", "log in": "login"}
    needs: tuple[Need, ...] = ("open", "local", "read", "everything", "account", "change")
    assert " ".join(words[verdict(need, who, at_home=False)] for need in needs) == verdicts
    assert verdict("local", who, at_home=True) == "allowed"


def test_what_nobody_thought_of_is_shut() -> None:
    assert needed("/new", "GET") == needed(None, "HEAD") == "read"
    assert needed("/new", "POST") == needed(None, "PUT") == needed(None, "BREW") == "change"


def test_ops_see_everything_whatever_scope_is_kept() -> None:
    user = User(1, "anna", "ops", Scope(), "hash", NOW)
    assert who_is(user) == Who("anna", "ops", EVERYTHING, True)
    assert who_is(replace(user, role="partner", scope=PART)) == Who("anna", "partner", PART, False)
    token = Token(1, "x", "partner", PART, frozenset({"read", "defer"}), NOW, None, None, None)
    assert who_holds(token) == Who("token x", "partner", PART, False)
    assert who_holds(replace(token, abilities=frozenset({"defer"}))) is None


def test_callers_of_ipv6_are_counted_by_their_network() -> None:
    assert limited_by("192.0.2.7") == "192.0.2.7"
    assert limited_by("2001:db8:1:2:aaaa::1") == limited_by("2001:db8:1:2:bbbb::2") == "2001:db8:1:2::/64"
    assert limited_by("") == ""
    assert limited_by("::ffff:192.0.2.7") == "192.0.2.7", "not one lot for all that came by IPv4"


# what is noted


def test_what_partners_see_is_noted_once_a_day_and_what_they_ask_in_vain(store: RrdSeriesStore, build: Build) -> None:
    house = build(store, settings(guests="none"))
    site = Site(house, house.client)
    site.open_account("team", "partner", PART)
    site.log_in("team")
    for _ in range(3):
        for address in ("/hub/dpp", "/hub/dpp?range=week", "/hub/recipe", "/api/v1/hubs", "/static/live.js", "/audit"):
            site.get(address).close()
    assert site.actions() == [
        ("team", "login", ""), ("team", "saw", "/hub/dpp"), ("team", "asked in vain", "/hub/recipe"),
        ("team", "saw", "/api/v1/hubs"), ("team", "asked in vain", "/audit"),
    ]  # fmt: skip
    house.clock.advance(11 * 3_600)
    site.get("/hub/dpp")
    assert len(site.actions()) == 5
    house.clock.advance(13 * 3_600)
    site.log_in("team")
    site.get("/hub/dpp")
    assert site.actions()[-1] == ("team", "saw", "/hub/dpp")
    ops = Site(house, house.client)
    ops.open_account()
    ops.log_in()
    page = ops.get("/audit").text
    assert "asked in vain" in page
    assert "/hub/recipe" in page


def test_no_patient_and_no_secret_is_noted(site: Site, tmp_path: Path) -> None:
    site.open_account()
    patient = "50010199928"
    site.log_in(patient, "wrong password")
    site.log_in("anna", f"{patient} {PASSWORD}")
    assert site.get(f"/login?next=/{patient}").status_code == 400
    site.log_in()
    told = str(site.house.access.audit(100)) + site.get("/audit").text
    assert patient not in told
    assert PASSWORD not in told
    assert _session(site) not in told


def test_a_one_time_link_that_a_partner_opens_is_not_noted_with_its_secret(site: Site) -> None:
    site.open_account("partner", "partner")
    assert site.log_in("partner").status_code == 303
    user = site.house.access.user("partner")
    assert user is not None
    site.house.access.add_link(user, "the-secret-of-the-link", NOW + 9)
    assert site.get("/welcome/the-secret-of-the-link").status_code == 200
    noted = [entry.what for entry in site.house.access.audit(9)]
    assert "/welcome/…" in noted
    assert "the-secret-of-the-link" not in str(noted)


def test_what_a_terminal_would_obey_is_not_noted(site: Site) -> None:
    site.open_account("partner", "partner")
    site.log_in("partner")
    site.get("/hub/%1b[2J%0aanna%20login%e2%80%ae")
    noted = [entry.what for entry in site.house.access.audit(9)]
    assert any("/hub/" in what for what in noted)
    assert all(what.isprintable() for what in noted)


def test_what_cannot_be_noted_is_not_shown(
    store: RrdSeriesStore, build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    house = build(store, settings(guests="none"))
    site = Site(house, house.client)
    site.open_account("team", "partner", PART)
    site.log_in("team")

    def full(*_: object) -> None:
        raise StoreError("database or disk is full")

    monkeypatch.setattr(SqlAccess, "write_audit", full)
    answer = site.get("/hub/dpp")
    assert answer.status_code == 503
    assert "cannot be written just now" in answer.text
    assert "DPP" not in answer.text
    assert "disk is full" in caplog.text
    assert "disk is full" not in answer.text


def test_what_is_wrong_with_our_files_is_told_to_ops_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise StoreError("sqlite:////var/lib/pharmapulse/state.db: disk is full")

    site.open_account()
    monkeypatch.setattr(SqlAccess, "user", full)
    answer = site.send("/login", name="anna", password=PASSWORD)
    assert answer.status_code == 503
    assert "state.db" not in answer.text
    assert "state.db: disk is full" in caplog.text
    monkeypatch.undo()
    site.log_in()
    monkeypatch.setattr(SqlIncidents, "last_entry", full)
    assert "state.db: disk is full" in site.get("/incidents").text
