"""Who gets what at every address there is: a table of routes and roles, held against the real application."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.access import EVERYTHING, Scope
from domain.incident import Incident
from domain.restart import Restart
from rrd.store import RrdSeriesStore
from tests.dashboard import happened
from tests.dashboard.conftest import Build, House
from tests.dashboard.planted import ACCOUNTS, HOST, PHARMACY, SETTINGS, PlantedPresent, strays, write_planted
from tests.dashboard.traffic import NOW

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.9"}
CROSSED = "/api/v1/series/endpoint_vendor/alpha/alpha.ask"
TOKEN = "pharmapulse_of-alpha"
# Nobody known from the network, a guest at this machine, partners of a hub, of a vendor and of everything, ops, and a
# token of the hub's scope.
WHO = ("network", "guest", "hub", "vendor", "full", "ops", "token")
# What is asked for a hub stands for alpha's; `{other}` for beta's, which the hub's partner may not know of.
TABLE: dict[str, tuple[str, tuple[int, ...]]] = {
    "/static/<path:filename>": ("/static/pharmapulse.css", (200, 200, 200, 200, 200, 200, 200)),
    "/favicon.ico": ("/favicon.ico", (302, 302, 302, 302, 302, 302, 302)),
    "/healthz": ("/healthz", (200, 200, 200, 200, 200, 200, 200)),
    "/readyz": ("/readyz", (200, 200, 200, 200, 200, 200, 200)),
    "/metrics": ("/metrics", (403, 200, 403, 403, 403, 403, 403)),
    "/login": ("/login", (200, 200, 302, 302, 302, 302, 200)),
    "/welcome/<secret>": ("/welcome/unknown", (404, 404, 404, 404, 404, 404, 404)),
    "/account": ("/account", (302, 302, 200, 200, 200, 200, 302)),
    "/audit": ("/audit", (302, 302, 403, 403, 403, 200, 302)),
    "/": ("/", (302, 200, 200, 302, 200, 200, 302)),
    "/hub/<hub>": ("/hub/alpha", (302, 200, 200, 404, 200, 200, 302)),
    "/hub/<hub>/endpoint/<endpoint:name>": ("/hub/alpha/endpoint/alpha.ask", (302, 200, 200, 404, 200, 200, 302)),
    "/vendors": ("/vendors", (302, 200, 200, 200, 200, 200, 302)),
    "/vendor/<endpoint:vendor>": ("/vendor/acme", (302, 200, 404, 200, 200, 200, 302)),
    "/pharmacies": ("/pharmacies", (302, 200, 403, 403, 200, 200, 302)),
    "/pharmacy/<pharmacy>": (f"/pharmacy/{PHARMACY}", (302, 200, 404, 404, 200, 200, 302)),
    "/incidents": ("/incidents", (302, 200, 200, 200, 200, 200, 302)),
    "/incident/<int:number>": ("/incident/1", (302, 200, 200, 404, 200, 200, 302)),
    "/restarts": ("/restarts", (302, 200, 200, 200, 200, 200, 302)),
    "/api/v1/overview": ("/api/v1/overview", (401, 200, 200, 200, 200, 200, 200)),
    "/api/v1/hubs": ("/api/v1/hubs", (401, 200, 200, 200, 200, 200, 200)),
    "/api/v1/series/<family>/<endpoint:path>": ("/api/v1/series/hub/alpha", (401, 200, 200, 404, 200, 200, 200)),
    "/api/v1/keys/<family>": ("/api/v1/keys/endpoint_vendor", (401, 200, 200, 200, 200, 200, 200)),
    "/api/v1/pharmacies": ("/api/v1/pharmacies", (401, 200, 403, 403, 200, 200, 403)),
    "/sources": ("/sources", (302, 200, 403, 403, 200, 200, 302)),
    "/source/<agent>/<endpoint:source>": ("/source/agent/dpp-calls", (302, 200, 403, 403, 200, 200, 302)),
    "/api/v1/sources": ("/api/v1/sources", (401, 200, 403, 403, 200, 200, 403)),
    "/api/v1/lines": ("/api/v1/lines?hub=alpha", (401, 200, 403, 403, 403, 200, 403)),
    "/figures": ("/figures", (302, 200, 403, 403, 200, 200, 302)),
    "/figure/<endpoint:path>": ("/figure/beta/gc/beta-1/heap/MB", (302, 404, 403, 403, 404, 404, 302)),
    "/api/v1/patients": ("/api/v1/patients", (401, 200, 403, 403, 403, 200, 403)),
    "/api/v1/openapi.json": ("/api/v1/openapi.json", (401, 200, 200, 200, 200, 200, 200)),
    "/api/v1/stream": ("/api/v1/stream?after=0", (401, 200, 200, 200, 200, 200, 200)),
    "/api/v1/incidents": ("/api/v1/incidents", (401, 200, 200, 200, 200, 200, 200)),
    "/api/v1/incidents/<int:number>": ("/api/v1/incidents/1", (401, 200, 200, 404, 200, 200, 200)),
    "/api/v1/news": ("/api/v1/news?after=0", (401, 200, 200, 200, 200, 200, 200)),
    "/api/v1/restarts": ("/api/v1/restarts", (401, 200, 200, 200, 200, 200, 200)),
}
# Of what changes something: without the form's token 400 says that everything else was in order.
CHANGES: dict[str, tuple[str, tuple[int, ...]]] = {
    "/login": ("/login", (400, 400, 400, 400, 400, 400, 400)),
    "/welcome/<secret>": ("/welcome/unknown", (400, 400, 400, 400, 400, 400, 400)),
    "/logout": ("/logout", (401, 401, 400, 400, 400, 400, 401)),
    "/account/sessions": ("/account/sessions", (401, 401, 400, 400, 400, 400, 401)),
    "/incident/<int:number>/take": ("/incident/1/take", (401, 401, 403, 403, 403, 400, 401)),
    "/incident/<int:number>/note": ("/incident/1/note", (401, 401, 403, 403, 403, 400, 401)),
}
# More of the addresses above, for those who may not see what they name.
MORE = (
    "/hub/beta", "/hub/beta?range=week", "/hub/beta/endpoint/beta.tell", "/hub/beta/endpoint/beta.tell?vendor=bolt",
    "/hub/alpha/endpoint/alpha.ask?vendor=bolt", "/hub/alpha/endpoint/alpha.ask?vendor=acme",
    "/hub/beta/endpoint/beta.tell?vendor=acme", "/vendor/bolt", "/incident/2", "/incident/1", "/pharmacies?q=0001",
    "/api/v1/keys/hub", "/api/v1/keys/endpoint", "/api/v1/keys/vendor", "/api/v1/keys/code", "/api/v1/keys/server",
    "/api/v1/keys/pharmacy", "/api/v1/series/hub/beta", "/api/v1/series/endpoint/beta/beta.tell",
    "/api/v1/series/endpoint_vendor/beta/beta.tell/bolt", "/api/v1/series/endpoint_vendor/beta/beta.tell/acme",
    "/api/v1/series/endpoint_vendor/alpha/alpha.ask/bolt", "/api/v1/series/endpoint_vendor/x",
    "/api/v1/series/vendor/bolt",
    "/api/v1/series/code/beta/BETA_ERR?compare=week", "/api/v1/series/server/beta/beta-1",
    f"/api/v1/series/pharmacy/{PHARMACY}", "/api/v1/keys/value", "/api/v1/series/value/beta/gc/beta-1/heap/MB",
    "/api/v1/patients?range=1h", "/api/v1/incidents/2", "/api/v1/incidents?days=30",
    "/source/agent/nosuch", "/api/v1/lines", "/api/v1/lines?hub=beta&endpoint=beta.tell", "/api/v1/lines?code=BETA_ERR",
    "//hub/beta", "/hub//beta", "/hub/./beta", "/hub/alpha/../beta", "/hub/%62eta", "/hub/beta%00", "/hub/BETA",
    "/Hub/beta",
    "/hub/beta/", "/hub/beta;x", "/hub/alpha%2F..%2Fbeta", "/hub/%2e%2e/hub/beta", "/api/v1//series/hub/beta",
    "/api/v1/series/hub/%2E%2E/hub/beta", "/api/v1/series/hub/alpha/../beta", "/API/v1/series/hub/beta",
    "/api/v1/series/HUB/beta", "/static/../hub/beta", "/static/%2e%2e/site.py", "/static//etc/passwd", "/metrics/",
    "/healthz/../hub/beta", "/login/../hub/beta", "/favicon.ico/hub/beta",
)  # fmt: skip


@dataclass
class Doors:
    """The application with somebody of each kind in front of it."""

    house: House
    clients: dict[str, Callable[..., TestResponse]]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> RrdSeriesStore:
    return write_planted(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def doors(planted: RrdSeriesStore, build: Build, monkeypatch: pytest.MonkeyPatch) -> Doors:
    monkeypatch.setattr("tests.dashboard.conftest.OpenPresent", PlantedPresent)
    house = build(planted, SETTINGS)
    for hub in ("alpha", "beta"):
        happened.fire(house.incidents, replace(happened.SUSPECTED, hub=hub, endpoint="", reason=f"seen at {hub}"))
        house.restarts.add(Restart(0, hub, hub, f"why of {hub}", "ops", "planned", NOW + 600, NOW + 900))
    clients: dict[str, Callable[..., TestResponse]] = {
        "network": _from(house, f"http://{HOST}", ELSEWHERE),
        "guest": _from(house, "http://localhost", {"REMOTE_ADDR": "127.0.0.1"}),
    }
    for name, (role, scope, _) in ACCOUNTS.items():
        user = house.access.add_user(name, role, scope, NOW)
        house.access.add_session(user, f"session of {name}", NOW, NOW + 3_600, "")
        clients[name] = _from(house, f"http://{HOST}", ELSEWHERE, cookie=f"session of {name}")
    house.access.add_token("robot", TOKEN, "partner", Scope(hubs=frozenset({"alpha"})), frozenset({"read"}), NOW, None)
    clients["token"] = _from(house, f"http://{HOST}", ELSEWHERE, headers={"Authorization": f"Bearer {TOKEN}"})
    return Doors(house, clients)


def _from(
    house: House, base: str, environ: dict[str, str], cookie: str = "", headers: dict[str, str] | None = None
) -> Callable[..., TestResponse]:
    client: FlaskClient = house.app.test_client()
    if cookie:
        client.set_cookie("pharmapulse", cookie, domain=HOST)

    def ask(address: str, method: str = "GET", **more: object) -> TestResponse:
        given: dict[str, object] = {"headers": headers or {}, **more}
        return client.open(address, method=method, base_url=base, environ_base=environ, **given)  # type: ignore[arg-type] # the client's own

    return ask


def _text(answer: TestResponse) -> str:
    """What was answered; of a stream its first piece."""
    if answer.mimetype == "text/event-stream":
        first = next(iter(answer.response))
        text = first.decode() if isinstance(first, bytes) else str(first)
    else:
        text = answer.text
    answer.close()
    return text + str(answer.headers)


def _strays(answer: TestResponse, address: str, scope: Scope, names: tuple[str, ...]) -> list[str]:
    """What an answer holds that is not theirs. It may repeat what was asked for, and nothing else."""
    found = strays(_text(answer), scope, names, is_html=answer.mimetype == "text/html")
    return [name for name in found if name not in unquote(address) and name not in address.lower()]


def _scope(who: str) -> tuple[Scope, tuple[str, ...]]:
    if who == "network":
        return Scope(), (
            "alpha.ask",
            "beta",
            "First Hub",
            "Second Hub",
            "acme",
            "bolt",
            "ALPHA_ERR",
            "BETA_ERR",
            PHARMACY,
        )
    if who == "token":
        return ACCOUNTS["hub"][1], ACCOUNTS["hub"][2]
    return (EVERYTHING, ()) if who == "guest" else (ACCOUNTS[who][1], ACCOUNTS[who][2])


def test_every_route_has_its_row(doors: Doors) -> None:
    reading, changing = set(), set()
    for rule in doors.house.app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        reading |= {rule.rule} if "GET" in methods else set()
        changing |= {rule.rule} if methods - {"GET"} else set()
    assert set(TABLE) == reading, "a new address needs a row: say who may read it"
    assert set(CHANGES) == changing, "a new address that changes something needs a row"


@pytest.mark.parametrize("who", WHO)
def test_everybody_gets_what_is_theirs(doors: Doors, who: str) -> None:
    scope, names = _scope(who)
    ask, wrong = doors.clients[who], []
    for rule, (address, expected) in TABLE.items():
        answer = ask(address)
        if answer.status_code != expected[WHO.index(who)]:
            wrong.append(f"{rule}: {answer.status_code} and not {expected[WHO.index(who)]}")
        found = _strays(answer, address, scope, names)
        wrong += [f"{rule} tells {found}"] if found else []
        # HEAD tells no more than GET does, and OPTIONS no more than that an address is there.
        for method, statuses in (("HEAD", (expected[WHO.index(who)],)), ("OPTIONS", (200, 302, 401, 403))):
            answer = ask(address, method)
            assert answer.status_code in statuses, f"{method} {rule}"
            answer.close()
    assert wrong == []


@pytest.mark.parametrize("who", WHO)
def test_nobody_changes_anything_without_the_right_and_the_form(doors: Doors, who: str) -> None:
    before = doors.house.incidents.last_entry()
    ask = doors.clients[who]
    for rule, (address, expected) in CHANGES.items():
        assert ask(address, "POST").status_code == expected[WHO.index(who)], rule
        forged = ask(address, "POST", data={"csrf_token": "IjEyMyI.aaaa.bbbb", "text": "forged"})
        assert forged.status_code == expected[WHO.index(who)], rule
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for address, _ in TABLE.values():
            answer = ask(address, method)
            assert answer.status_code in (400, 401, 403, 405), f"{method} {address}: {answer.status}"
    assert doors.house.incidents.last_entry() == before
    assert len(doors.house.access.sessions(doors.house.access.users()[0], NOW)) == 1


@pytest.mark.parametrize("who", ["network", "hub", "vendor", "token"])
def test_no_address_tells_what_is_not_theirs(doors: Doors, who: str) -> None:
    scope, names = _scope(who)
    wrong = []
    for address in MORE:
        answer = doors.clients[who](address)
        found = _strays(answer, address, scope, names)
        wrong += [f"{address} ({answer.status_code}) tells {found}"] if found else []
        assert answer.status_code < 500, address
        if who == "network":
            assert answer.status_code in (302, 401, 404, 308), address
    assert wrong == []


@pytest.mark.parametrize(
    ("who", "theirs", "nobodys"),
    [
        ("hub", "/hub/beta", "/hub/nosuch"), ("hub", "/vendor/acme", "/vendor/nosuch"),
        ("hub", f"/pharmacy/{PHARMACY}", "/pharmacy/nosuch"), ("hub", "/incident/2", "/incident/99"),
        ("hub", "/hub/beta/endpoint/beta.tell", "/hub/nosuch/endpoint/nosuch"),
        ("hub", "/hub/beta/endpoint/beta.tell?vendor=acme", "/hub/nosuch/endpoint/nosuch?vendor=acme"),
        ("vendor", "/vendor/bolt", "/vendor/nosuch"), ("vendor", "/hub/alpha", "/hub/nosuch"),
        ("vendor", "/hub/alpha/endpoint/alpha.ask", "/hub/alpha/endpoint/nosuch"),
        ("vendor", "/hub/alpha/endpoint/alpha.ask?vendor=bolt", "/hub/alpha/endpoint/alpha.ask?vendor=nosuch"),
        ("token", "/api/v1/series/hub/beta", "/api/v1/series/hub/nosuch"),
        ("token", "/api/v1/series/vendor/acme", "/api/v1/series/vendor/nosuch"),
        ("token", "/api/v1/incidents/2", "/api/v1/incidents/99"),
        ("vendor", f"{CROSSED}/bolt", f"{CROSSED}/nosuch"),
    ],
)  # fmt: skip
def test_what_is_not_theirs_answers_as_what_is_not_there(doors: Doors, who: str, theirs: str, nobodys: str) -> None:
    answers = []
    asked = []
    for address in (theirs, nobodys):
        before = doors.house.live.questions
        answer = doors.clients[who](address)
        asked.append(doors.house.live.questions - before)
        words = re.split(r"[/=?]", address)
        text = answer.text if answer.is_json else re.sub(r"<[^>]*>", " ", answer.text)
        for word in sorted((word for word in words if word), key=len, reverse=True):
            text = re.sub(rf"\b{re.escape(word)}\b", "…", text)
        answers.append((answer.status_code, text))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_what_was_made_for_one_is_not_given_to_another(doors: Doors) -> None:
    """Ops' pages are in the caches when the partners ask, and the other way round."""
    for first in ("ops", "vendor", "full", "hub", "guest", "hub", "ops"):
        scope, names = _scope(first)
        for address in ("/hub/alpha", "/vendors", "/api/v1/overview", "/incidents", "/api/v1/keys/endpoint_vendor"):
            answer = doors.clients[first](address)
            assert not list(strays(_text(answer), scope, names, is_html=answer.mimetype == "text/html")), (
                first,
                address,
            )
    told = json.loads(doors.clients["ops"]("/api/v1/overview").text)
    assert [hub["hub"] for hub in told["hubs"]] == ["alpha", "beta"]
    told = json.loads(doors.clients["hub"]("/api/v1/overview").text)
    assert [hub["hub"] for hub in told["hubs"]] == ["alpha"]
    assert "First Hub" in told["answer"]["text"]


@pytest.mark.parametrize("who", ["hub", "vendor", "full"])
def test_every_link_of_a_partners_page_leads_somewhere(doors: Doors, who: str) -> None:
    waiting, seen = ["/"], set[str]()
    while waiting:
        address = waiting.pop()
        answer = doors.clients[who](address)
        assert answer.status_code in (200, 302), f"{address}: {answer.status}"
        links = [answer.headers["Location"]] if answer.status_code == 302 else []
        if answer.mimetype == "text/html":
            links += re.findall(r'(?:href|data-series)="(/[^"#]*)"', answer.text)
        answer.close()
        for link in map(unescape, links):
            if link not in seen and "range=" not in link:
                seen.add(link)
                waiting.append(link)
    assert len(seen) > 6


@pytest.mark.parametrize("who", ["hub", "full", "vendor"])
def test_partners_are_told_no_counts_under_five(doors: Doors, who: str) -> None:
    """Two technical failures are in each minute and in each five of them."""
    series = "endpoint_vendor/alpha/alpha.ask/acme"
    told = json.loads(doors.clients[who](f"/api/v1/series/{series}?range=1h&step=60&compare=week").text)
    assert told["fewer_than"] == 5
    known = [place for place, calls in enumerate(told["values"]["calls"]) if calls is not None]
    assert known
    assert told["few"] == {"technical": known}
    assert set(told["values"]["technical"]) == {None}
    assert {value for line in told["compare"] for value in line["values"]["technical"]} == {None}
    page = doors.clients[who]("/hub/alpha/endpoint/alpha.ask?vendor=acme&range=1h").text
    assert "&lt;5" in page
    assert "Technical failures 2.0" in page, "ten in five minutes are told"
    whole = json.loads(doors.clients["ops"](f"/api/v1/series/{series}?range=1h&step=60").text)
    assert (whole["fewer_than"], whole["few"]) == (None, {})
    assert {value for value in whole["values"]["technical"] if value is not None} == {2}


def test_a_stream_tells_of_ones_own_incidents_only(doors: Doors) -> None:
    for who, hubs in (("ops", {"alpha", "beta"}), ("hub", {"alpha"}), ("vendor", set()), ("token", {"alpha"})):
        text = _text(doors.clients[who]("/api/v1/stream?after=0", buffered=False))
        told = {hub for hub in ("alpha", "beta") if f"seen at {hub}" in text.lower()}
        assert told == hubs, who
        news = json.loads(doors.clients[who]("/api/v1/news?after=0").text)["news"]
        assert len(news) == len(hubs)


def test_ops_take_an_incident_up_by_its_form(doors: Doors) -> None:
    page = doors.clients["ops"]("/incident/1").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    answer = doors.clients["ops"]("/incident/1/take", "POST", data={"csrf_token": token[1]})
    assert answer.status_code == 303
    taken: Incident | None = doors.house.incidents.incident(1)
    assert taken is not None
    assert taken.acknowledged_by == "ops"
    other = doors.clients["hub"]("/incident/1/take", "POST", data={"csrf_token": token[1]})
    assert other.status_code == 403
