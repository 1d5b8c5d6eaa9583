"""`alerts`, `notify` and `incidents` as they are called, and what `check` says of people and routes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.incident import Incident
from domain.published import decode_published
from pharmapulse.config import load
from pharmapulse.wiring.told import incidents
from store.files import Claim
from tests.alerts.world import PNG, Hook, Mailbox
from tests.cli.call import CONFIG, LINE, ask


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


def configured(folder: Path, more: str = "") -> str:
    file = folder / "pharmapulse.toml"
    file.write_text(CONFIG + more)
    return str(file)


def people(folder: Path, hook: Hook, mailbox: Mailbox) -> str:
    secrets = folder / "ben.urls"
    secrets.write_text(f"# ben's\n\n{hook.url}\n")
    secrets.chmod(0o640)
    return (
        f'[[people]]\nname = "ann"\nurls = ["{mailbox.url}"]\n'
        '[[people]]\nname = "ben"\nurls_file = "ben.urls"\n'
        '[[routes]]\nto = ["ann", "ben"]\n'
    )


# ---- notify ----


def test_everybody_gets_a_test_with_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hook: Hook, mailbox: Mailbox
) -> None:
    config = configured(tmp_path, people(tmp_path, hook, mailbox))
    answer = ask(capsys, "notify", "test", "--config", config)
    assert (answer.code, answer.err) == (0, "")
    ann, ben = answer.out.splitlines()
    assert ann == f"ann  mailto://127.0.0.1:{mailbox.port}/ops%40example.org  delivered"
    assert ben.startswith("ben  json://127.0.0.1:")
    assert "secret" not in answer.out
    (mail,) = mailbox.mails
    assert mail["subject"] == "Test of Our site"
    assert next(mail.iter_attachments()).get_content().startswith(PNG)
    assert hook.pictures(0)[0].startswith(PNG)


def test_a_channel_that_fails_is_named_without_its_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hook: Hook, mailbox: Mailbox
) -> None:
    config = configured(tmp_path, people(tmp_path, hook, mailbox))
    hook.status = 503
    answer = ask(capsys, "notify", "test", "--person", "ben", "--config", config, "--json")
    assert answer.code == 1
    (one,) = json.loads(answer.out)["told"]
    assert (one["person"], one["delivered"]) == ("ben", False)
    assert "503" in one["error"]
    assert "secret" not in answer.out + answer.err
    assert not mailbox.mails


def test_nobody_to_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    assert "add [[people]]" in ask(capsys, "notify", "test", "--config", config).line
    assert 'nobody called "x"' in ask(capsys, "notify", "test", "--person", "x", "--config", config).line


# ---- what is wrong in a configuration ----

ANN = '[[people]]\nname = "ann"\nurls = ["json://localhost/hidden"]\n'


@pytest.mark.parametrize(
    ("more", "place", "problem"),
    [
        ("[alerts]\nevery_seconds = 0\n", "alerts.every_seconds", "0"),
        ("[alerts]\nevery_seconds = nan\n", "alerts.every_seconds", "nan"),
        ("[alerts]\ntechnical_share = 0\n", "alerts.technical_share", "is no share"),
        ("[alerts]\nfewer_share = 1.5\n", "alerts.fewer_share", "is no share"),
        ('[[people]]\nname = ""\n', "people[0].name", "without a name"),
        ('[[people]]\nname = "ann"\n', "people[0].urls", "ann has no channel"),
        ('[[people]]\nname = "ann"\nurls = ["ann@hidden"]\n', "people[0].urls[0]", "this is no URL"),
        (ANN + ANN, "people[1].name", 'two people are called "ann"'),
        (ANN + "[[routes]]\nto = []\n", "routes[0].to", "a route to nobody"),
        (ANN + '[[routes]]\nto = ["ben"]\n', "routes[0].to[0]", 'nobody called "ben". Write one of ann'),
        (
            ANN + '[[routes]]\nto = ["ann"]\nhubs = ["x"]\n[[hubs]]\nkey = "dpp"\nname = "DPP"\n',
            "routes[0].hubs[0]", 'there is no hub "x". Write one of dpp',
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, place: str, problem: str
) -> None:
    answer = ask(capsys, "incidents", "list", "--config", configured(tmp_path, more))
    assert answer.code == 2
    assert f"{place}: " in answer.line
    assert problem in answer.line
    assert "hidden" not in answer.line


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (None, 0, "No such file"),
        ("json://localhost/hidden", 0o644, "can be read by everybody"),
        ("# nothing\n", 0o600, "has no channel"),
        ("nonsense://hidden\n", 0o600, "nonsense://… is no URL that apprise knows"),
    ],
)
def test_channels_are_looked_at_before_anything_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, mode: int, problem: str
) -> None:
    config = configured(tmp_path, '[[people]]\nname = "ann"\nurls_file = "ann.urls"\n')
    if content is not None:
        (tmp_path / "ann.urls").write_text(content)
        (tmp_path / "ann.urls").chmod(mode)
    for command in (("check",), ("notify", "test"), ("alerts", "--once")):
        answer = ask(capsys, *command, "--config", config)
        assert answer.code == 2
        assert problem in answer.line
        assert f"{config}: people[0].urls_file: " in answer.line
        assert "hidden" not in answer.line


# ---- alerts ----


def test_once_judges_and_publishes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    (tmp_path / "calls.log").write_text(LINE)
    for command in ("logwatch", "collector", "alerts"):
        assert ask(capsys, command, "--once", "--config", config).code == 0
    published = decode_published((tmp_path / "data" / "published" / "status.json").read_bytes())
    assert [component.key for component in published.components] == ["dpp"]
    assert LINE.split("apb=")[1][:8] not in (tmp_path / "data" / "published" / "status.json").read_text()


def test_one_process_judges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    (tmp_path / "data").mkdir()
    with closing(Claim(tmp_path / "data" / "alerts.lock", "site's alerts")):
        assert "another process uses this site's alerts" in ask(capsys, "alerts", "--once", "--config", config).line


# ---- incidents ----


def opened(config: str) -> int:
    one = Incident(
        id=0, hub="dpp", endpoint="tip.registerData", kind="failing", severity="page", state="firing", side="hub",
        since=1e9, opened=1e9, changed=1e9, seen=1e9, reason="40 % of the calls fail technically",
    )  # fmt: skip
    with incidents(load(Path(config))) as store:
        kept = store.keep(one, None, "opened", "pharmapulse", "seen", 1e9)
        assert kept is not None
        return kept.id


def test_an_incident_is_taken_up_and_written_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    number = str(opened(config))
    listed = ask(capsys, "incidents", "list", "--config", config).out
    assert listed.startswith(f"{number}  firing  page  since Sun 9 Sep 2001 03:46  dpp · tip.registerData: 40 %")
    assert "acknowledged by" in ask(capsys, "incidents", "ack", number, "--config", config).out
    noted = ask(capsys, "incidents", "note", number, "called about 50010199928", "--config", config).out
    assert "noted by" in noted
    assert "50010199928" not in noted
    shown = json.loads(ask(capsys, "incidents", "show", number, "--config", config, "--json").out)
    assert shown["incident"]["state"] == "acknowledged"
    assert shown["incident"]["acknowledged_by"]
    assert [entry["event"] for entry in shown["journal"]] == ["opened", "acknowledged", "noted"]
    again = ask(capsys, "incidents", "ack", number, "--config", config)
    assert (again.code, "that is acknowledged cannot be acknowledged" in again.line) == (2, True)
    listed = ask(capsys, "incidents", "list", "--config", config, "--json").out
    assert [one["id"] for one in json.loads(listed)["incidents"]] == [int(number)]


def test_wrong_use_of_incidents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    assert "no incident in the last 7 days" in ask(capsys, "incidents", "list", "--config", config).out
    assert "write more than 0" in ask(capsys, "incidents", "list", "--days", "0", "--config", config).line
    assert "there is no incident 9" in ask(capsys, "incidents", "show", "9", "--config", config).line
    assert "say which incident" in ask(capsys, "incidents", "ack", "--config", config).line
    assert "say what to write" in ask(capsys, "incidents", "note", "9", "--config", config).line
