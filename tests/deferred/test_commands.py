"""The commands of deferred calls and restarts, and what is wrong with their settings."""

from __future__ import annotations

import json
import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from domain.deferred import Call, QueueStatus
from pharmapulse.commands.queue import lasting, seconds_until_empty
from pharmapulse.config import load
from pharmapulse.wiring.calls import deferred
from tests.cli.call import ask
from tests.system.support import children, free_port, get_json, no_traceback, running, try_get, wait_for

CONFIG = """\
[site]
name = "Our site"
data = "data"
[web]
port = {port}
[[deferred.targets]]
name = "dpp-calls"
url = "http://127.0.0.1:{hub}/services"
hub = "dpp"
[[deferred.targets]]
name = "other"
url = "https://hub.example"
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "pharmapulse.toml"
    file.write_text(CONFIG.format(port=free_port(), hub=free_port()))
    return str(file)


def put(config: str, number: int) -> None:
    opened = load(Path(config))
    with closing(deferred(opened)) as store:
        store.put([Call("dpp-calls", "POST", "/", (), "", "", b"") for _ in range(number)], 1.0)


def test_a_queue_by_hand(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(config, 3)
    told = ask(capsys, "queue", "hold", "dpp-calls", "--config", config, "--reason", "disk")
    assert told.code == 0
    assert "held by" in told.out
    assert "(disk)" in told.out
    queues = json.loads(ask(capsys, "queue", "status", "--config", config, "--json").out)["queues"]
    assert [(queue["target"], queue["held"], queue["waiting"]) for queue in queues] == [
        ("dpp-calls", True, 3), ("other", False, 0),
    ]  # fmt: skip
    assert queues[0]["seconds_until_empty"] is None
    told = ask(capsys, "queue", "hold", "dpp-calls", "--config", config, "--reason", "50.01.01-999.28 hangs")
    assert told.code == 2
    assert "50.01" not in told.err
    table = ask(capsys, "queue", "resume", "dpp-calls", "--config", config).out
    assert table.splitlines()[1].split()[:3] == ["dpp-calls", "open", "3"]
    assert "The drain has never run" in table


def test_a_restart_by_hand(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(config, 1)
    plan = ("restart", "plan", "dpp", "--config", config, "--at", "2099-11-22T20:00", "--reason", "new release")
    assert "planned for 2099-11-22 20:00 to 2099-11-22 20:15" in ask(capsys, *plan).out
    assert "calls wait at dpp-calls" in ask(capsys, "restart", "start", "dpp", "--config", config).out
    assert "restart 1 of dpp: new release" in ask(capsys, "queue", "status", "--config", config).out
    assert "dpp-calls drains" in ask(capsys, "restart", "end", "dpp", "--config", config).out
    (told,) = json.loads(ask(capsys, "restart", "list", "--config", config, "--json").out)
    assert (told["hub"], told["target"], told["state"]) == ("dpp", "dpp-calls", "draining")
    with closing(deferred(load(Path(config)))) as store:
        store.delivered(store.due("dpp-calls", 9e9, 9), 9e9)
    assert ": over since" not in ask(capsys, "restart", "list", "--config", config).err
    assert "over since" in ask(capsys, "restart", "list", "--config", config).out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("queue", "hold"), "say which queue"),
        (("queue", "status", "dpp"), 'there is no target "dpp"; there is dpp-calls, other'),
        (("restart", "start"), "say which hub"),
        (("restart", "start", "dppp"), 'there is no hub "dppp"; there is dpp'),
        (("restart", "end", "dpp"), "no restart of dpp is under way"),
        (("restart", "plan", "dpp"), "a plan needs --at"),
        (("restart", "start", "dpp", "--at", "2099-01-01"), "nothing else takes it"),
        (("restart", "plan", "dpp", "--at", "noon"), "is no time"),
        (("restart", "plan", "dpp", "--at", "2020-01-01"), "is past"),
        (("restart", "start", "dpp", "--minutes", "0"), "write more than 0"),
    ],
)
def test_wrong_use(
    config: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:  # fmt: skip
    answer = ask(capsys, *arguments, "--config", config)
    assert answer.code == 2
    assert told in answer.line


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "other"', 'name = "dpp-calls"', "deferred.targets[1].name: two targets"),
        ('name = "other"', 'name = "O T"', "deferred.targets[1].name:"),
        ('name = "other"', 'name = "other"\nhub = "dpp"', "deferred.targets[1].hub: two targets belong"),
        ("https://hub.example", "http://hub.example", "plain text"),
        ("https://hub.example", "ftp://hub.example", "not an address of the web"),
        ("https://hub.example", "https://me:word@hub.example", "Target-Authorization"),
        ("https://hub.example", "https://[", "not an address"),
        ('name = "other"', 'name = "other"\nrate = 0', "deferred.targets[1].rate"),
        ('name = "other"', 'name = "other"\nrate = nan', "deferred.targets[1].rate"),
        ('name = "other"', 'name = "other"\ntimeout_seconds = 0.0', "deferred.targets[1].timeout_seconds"),
        ('name = "other"', 'name = "other"\nkey_file = "credential:a/b"', "deferred.targets[1].key_file"),
        ("[[deferred.targets]]\nname = \"dpp", "[deferred]\nlisten = \"all\"\n[[deferred.targets]]\nname = \"dpp",
         "deferred.listen"),
        ("[[deferred.targets]]\nname = \"dpp", "[deferred]\nmost_bytes = 0\n[[deferred.targets]]\nname = \"dpp",
         "deferred.most_bytes"),
    ],
)  # fmt: skip
def test_wrong_settings(config: str, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str) -> None:
    file = Path(config)
    file.write_text(file.read_text().replace(old, new, 1))
    answer = ask(capsys, "queue", "status", "--config", config)
    assert answer.code == 2
    assert told in answer.line


def test_without_targets_there_is_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pharmapulse.toml"
    file.write_text('[site]\nname = "x"\ndata = "data"\n')
    for arguments in (("deferred",), ("queue", "status")):
        answer = ask(capsys, *arguments, "--config", str(file))
        assert answer.code == 2
        assert "Add a [[deferred.targets]]" in answer.line


def test_how_long_until_it_is_empty() -> None:
    def queue(waiting: int, rate: float, held: bool = False) -> QueueStatus:
        return QueueStatus("dpp", held, "", None, "", waiting, None, 0, 0, rate)

    assert seconds_until_empty(queue(0, 0), 50) == 0
    assert seconds_until_empty(queue(100, 20), 50) == 5
    assert seconds_until_empty(queue(100, 0), 50) == 2
    assert seconds_until_empty(queue(100, 0, held=True), 50) is None
    assert [lasting(seconds) for seconds in (5, 119, 600, 7_300, 200_000)] == ["5 s", "119 s", "10 min", "2 h", "2 d"]


def test_both_parts_run_and_are_started_again(config: str, tmp_path: Path) -> None:
    port = load(Path(config)).settings.web.port + 2
    with running(tmp_path / "log", "deferred", "--config", config) as process:

        def ready() -> bytes | None:
            return try_get(port, "/readyz")

        wait_for("gateway and drain", ready)
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
        wait_for("their end", lambda: ready() is None)
        wait_for("both again", ready)
        assert {check["name"] for check in get_json(port, "/readyz")["checks"]} == {"queue", "keys", "drain"}
        assert process.stop() == 0
    no_traceback(process.said())


def test_a_lost_key_stops_neither_part(config: str, tmp_path: Path) -> None:
    put(config, 1)
    lost = tmp_path / "data" / "deferred" / "keys" / "other.key"
    lost.unlink()
    port = load(Path(config)).settings.web.port + 2
    with running(tmp_path / "log", "deferred", "--config", config) as process:

        def tried() -> bool:
            """Whether the drain took the other target's call in hand: its hub is away."""
            with closing(deferred(load(Path(config)))) as store:
                return not store.due("dpp-calls", 2.0, 1) and store.status(["dpp-calls"], 2.0)[0].waiting == 1

        wait_for("the drain of the other target", tried)
        wait_for("the gateway", lambda: try_get(port, "/healthz"))
        assert try_get(port, "/readyz") is None, "not ready for all targets"
        assert process.stop() == 0
    said = process.said()
    assert said.count("calls for other are refused until this is mended") == 1
    assert said.count("other: nothing goes out until this is mended") == 1
    assert not lost.exists()
    no_traceback(said)


def test_one_drain_at_a_time(config: str, tmp_path: Path) -> None:
    with running(tmp_path / "first", "deferred", "--config", config, "--drain") as first:
        with closing(deferred(load(Path(config)))) as store:
            wait_for("the first drain", store.pulsed)
        with running(tmp_path / "second", "deferred", "--config", config, "--drain") as second:
            assert second.wait() == 1
            assert "another process uses this queue of deferred calls" in second.said()
        assert first.alive()


def test_what_is_no_http_is_neither_told_nor_repeated(config: str, tmp_path: Path) -> None:
    port = load(Path(config)).settings.web.port + 2
    with running(tmp_path / "log", "deferred", "--config", config, "--gateway") as process:
        wait_for("the gateway", lambda: try_get(port, "/healthz"))
        for request in (
            b"50010199928\r\n\r\n",
            b"GET /50010199928 HTTP/1.1\r\n50010199928 : x\r\n\r\n",
            b"GET /50010199928 HTTP/9.9\r\n\r\n",
            b"GET //[50010199928 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://[50010199928 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /" + b"50010199928" * 900 + b" HTTP/1.1\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.sendall(request)
                answer = connection.recv(65_536)
            assert b" 40" in answer[:20] or b" 41" in answer[:20], answer
            assert b"50010199928" not in answer
        assert process.stop() == 0
    assert "50010199928" not in process.said()
    assert "could not be read" in process.said()
    no_traceback(process.said())


def test_the_simulated_hub_runs_as_a_command(tmp_path: Path) -> None:
    port = free_port()
    arguments = ("simulate-hub", "--port", str(port), "--journal", str(tmp_path / "journal"), "--capacity", "100")
    with running(tmp_path / "log", *arguments) as process:
        wait_for("the hub", lambda: try_get(port, "/count"))
        assert get_json(port, "/count") == {"calls": 0, "repeated": 0, "refused": 0}
        assert process.stop() == 0
