"""`pharmapulse users` and what is checked of `[web]`: accounts made and changed; nothing served by oversight."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from domain.settings import WebSettings
from pharmapulse.config import load
from pharmapulse.examine_web import examine
from pharmapulse.wiring.accounts import access, address_of, tell_first_link
from tests.cli.call import CONFIG, Answer, ask

Users = Callable[..., Answer]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "pharmapulse.toml"
    written.write_text(CONFIG)
    return written


@pytest.fixture
def users(file: Path, capsys: pytest.CaptureFixture[str]) -> Users:
    def call(*arguments: str) -> Answer:
        return ask(capsys, "users", *arguments, "--config", str(file))

    return call


def test_an_account_is_made_with_a_link_that_is_shown_once(users: Users, file: Path) -> None:
    answer = users("add", "Anna", "--role", "ops")
    assert answer.code == 0
    link = re.fullmatch(r"http://127\.0\.0\.1:8080/welcome/([\w-]{43})\n", answer.out)
    assert link is not None, "the link alone, so that a script can take it"
    assert "anna opens this once, within 24 hours" in answer.line
    with access(load(file)) as store:
        user = store.link_user(link[1], store.users()[0].made + 23 * 3_600)
        assert user is not None
        assert user.name == "anna"
        assert store.link_user(link[1], user.made + 25 * 3_600) is None
    with closing(sqlite3.connect(file.parent / "data" / "state.db")) as database:
        assert link[1] not in "".join(database.iterdump())
    again = users("link", "anna")
    assert again.code == 0
    with access(load(file)) as store:
        assert store.link_user(link[1], user.made) is None, "a new link makes the old one void"


def test_accounts_are_listed_changed_and_shut(users: Users) -> None:
    assert "no account exists yet" in users("list").out
    users("add", "anna", "--role", "ops")
    users("add", "apolline", "--role", "partner", "--vendor", "apolline", "--hub", "dpp")
    assert re.search(
        r"^apolline +has not used its link +partner, reads hub dpp, vendor apolline +since",
        users("list").out,
        re.MULTILINE,
    )
    assert users("role", "apolline", "--role", "partner", "--all").out == "apolline: partner, reads everything\n"
    assert "logged out everywhere" in users("disable", "apolline").out
    assert "Enable it first: pharmapulse users enable apolline" in users("link", "apolline").line
    told = json.loads(users("list", "--json").out)
    assert [(one["name"], one["role"], one["disabled"] is None) for one in told] == [
        ("anna", "ops", True), ("apolline", "partner", False),
    ]  # fmt: skip
    assert told[1]["scope"] == {"everything": True, "hubs": [], "vendors": []}
    assert users("enable", "apolline").code == 0
    actions = [entry["action"] for entry in json.loads(users("audit", "--json").out)]
    assert actions == [
        "enabled an account", "disabled an account", "changed an account", "added an account", "added an account",
    ]  # fmt: skip


def test_tokens_are_made_listed_and_revoked(users: Users, file: Path) -> None:
    answer = users("token", "grafana", "--role", "partner", "--hub", "dpp", "--days", "30")
    secret = answer.out.strip()
    assert re.fullmatch(r"pharmapulse_[\w-]{43}", secret)
    assert "token 1, until " in answer.line
    assert "partner, reads hub dpp" in users("tokens").out
    gateway = json.loads(
        users(
            "token", "gateway", "--role", "partner", "--hub", "dpp", "--ability", "defer", "--days", "0", "--json"
        ).out
    )
    assert (gateway["abilities"], gateway["expires"], gateway["scope"]["hubs"]) == (["defer"], None, ["dpp"])
    assert users("token", "other", "--role", "partner", "--ability", "defer").code == 2, "it could defer nothing"
    with access(load(file)) as store:
        token = store.token(secret, store.tokens()[0].made + 1)
        assert token is not None
        assert store.token(secret, token.made + 30 * 86_400) is None
    assert users("revoke-token", "1").out == "token 1 is void\n"
    assert users("revoke-token", "1").code == 2
    assert users("revoke-token", "9" * 30).code == 2
    assert [one["revoked"] is None for one in json.loads(users("tokens", "--json").out)] == [False, True]
    told = users("audit").out
    assert "1 grafana: read; partner, reads hub dpp" in told
    assert secret not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add",), "name whom or what"), (("list", "anna"), "takes no name"),
        (("add", "anna"), "say what it may do with --role ops or --role partner"),
        (("add", "anna", "--role", "partner"), "--hub H, --vendor V or --all"),
        (("add", "anna", "--role", "partner", "--all", "--hub", "dpp"), "either --all or --hub and --vendor"),
        (("add", "anna", "--role", "ops", "--hub", "dpp"), "ops see everything"),
        (("add", "anna", "--role", "partner", "--hub", "dppp"), 'there is no hub "dppp"; there is dpp'),
        (("add", "a b", "--role", "ops"), "cannot be a name"), (("add", "guest", "--role", "ops"), "cannot be a name"),
        (("add", "50010199928", "--role", "ops"), "cannot be a name"), (("link", "nobody"), "There are: none"),
        (("disable", "nobody"), 'there is no account "nobody"'), (("revoke-token", "x"), "no number of a valid token"),
        (("token", "x", "--role", "ops", "--days", "-1"), "or 0 for ever"), (("audit", "--most", "0"), "1 or more"),
    ],
)  # fmt: skip
def test_wrong_use_is_told_in_a_line(users: Users, arguments: tuple[str, ...], told: str) -> None:
    answer = users(*arguments)
    assert answer.code == 2
    assert told in answer.line
    assert answer.out == ""


def test_a_name_is_given_once(users: Users) -> None:
    users("add", "anna", "--role", "ops")
    answer = users("add", "ANNA", "--role", "partner", "--all")
    assert answer.code == 2
    assert answer.line.startswith('there is an account "anna" already. users link makes it a link')


@pytest.mark.parametrize(
    ("web", "address"),
    [
        ("", "http://127.0.0.1:8080"), ("port = 9000", "http://127.0.0.1:9000"),
        ('hosts = ["pulse.example.be"]\nproxies = 1', "https://pulse.example.be"),
        ('hosts = ["pulse.example.be"]', "http://pulse.example.be:8080"), ('hosts = ["::1"]', "http://[::1]:8080"),
    ],
)  # fmt: skip
def test_links_are_made_of_how_people_open_the_dashboard(file: Path, web: str, address: str) -> None:
    file.write_text(f"{CONFIG}[web]\n{web}\n")
    assert address_of(load(file)) == address


# the first start


def _on_terminal(monkeypatch: pytest.MonkeyPatch, *, is_one: bool) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_one)


def test_the_first_start_on_a_terminal_tells_a_link_once(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(file)
    _on_terminal(monkeypatch, is_one=True)
    tell_first_link(config, 9_000)
    told = capsys.readouterr().err
    assert re.search(r"^http://127\.0\.0\.1:9000/welcome/[\w-]{43}$", told, re.MULTILINE)
    with access(config) as store:
        assert [(user.name, user.role) for user in store.users()] == [("ops", "ops")]
    tell_first_link(config, 9_000)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("guests", "is_one"), [("until-accounts", False), ("local", True)])
def test_no_link_is_told_into_a_journal_or_where_none_is_needed(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, guests: str, is_one: bool
) -> None:
    file.write_text(f'{CONFIG}[web]\nguests = "{guests}"\n')
    _on_terminal(monkeypatch, is_one=is_one)
    tell_first_link(load(file), 8_080)
    assert capsys.readouterr().err == ""
    with access(load(file)) as store:
        assert store.users() == []


# what is checked


@pytest.mark.parametrize(
    ("web", "place", "told"),
    [
        ('listen = "0.0.0.0"', "web.hosts", 'such as ["pulse.example.be"]'),
        ('listen = "0.0.0.0"\nguests = "local"\nhosts = ["a.be"]', "web.guests", '"until-accounts" or "none"'),
        ('listen = "::"\nguests = "local"\nhosts = ["a.be"]', "web.guests", '"until-accounts" or "none"'),
        ("proxies = 1", "web.hosts", "a proxy passes on what others ask"),
        ('listen = "everywhere"', "web.listen", "is not an address"),
        ('listen = ""', "web.listen", "is not an address"),
        ('hosts = ["https://a.be"]', "web.hosts[0]", "without scheme, port and path"),
        ('hosts = ["a.be", "a.be:80"]', "web.hosts[1]", "without scheme, port and path"),
        ('hosts = ["*"]', "web.hosts[0]", "is no name of a host"), ('hosts = [""]', "web.hosts[0]", "is no name"),
        ("proxies = -1", "web.proxies", "0 to 8"), ("proxies = 99", "web.proxies", "0 to 8"),
        ("session_hours = 0", "web.session_hours", "is too little"),
        ("session_hours = inf", "web.session_hours", "no such"),
        ("session_hours = nan", "web.session_hours", "no such number"),
        ('guests = "all"', "web.guests", '"until-accounts"'),
    ],
)  # fmt: skip
def test_nothing_is_served_to_a_network_by_oversight(
    file: Path, capsys: pytest.CaptureFixture[str], web: str, place: str, told: str
) -> None:
    file.write_text(f"{CONFIG}[web]\n{web}\n")
    answer = ask(capsys, "check", "--config", str(file))
    assert answer.code == 2
    assert f": {place}: " in answer.line
    assert told in answer.line


@pytest.mark.parametrize(
    "web",
    [
        WebSettings(), WebSettings(listen="::1", guests="local"), WebSettings(listen="127.0.0.2"),
        WebSettings(listen="0.0.0.0", hosts=("pulse.example.be", "192.0.2.1")),
        WebSettings(listen="::", hosts=("2001:db8::1",), proxies=2, guests="none"),
    ],
)  # fmt: skip
def test_what_is_meant_is_served(web: WebSettings) -> None:
    examine(web)
