"""The stack as processes: they start together, go on when one dies, and none outlives the others."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pharmapulse.places import OFFSETS
from tests.system.support import (
    Running,
    children,
    command_of,
    descendants,
    free_port,
    is_alive,
    no_traceback,
    running,
    try_get,
    wait_for,
)

CONFIG = """\
[site]
name = "Our site"
data = "data"
[web]
port = {port}
[[sources]]
name = "calls"
paths = ["calls.log*"]
format = "hub-calls"
hub = "dpp"
"""
SMALL_DEMO = ("--pharmacies", "3", "--load", "1")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def config(tmp_path: Path, port: int) -> Path:
    file = tmp_path / "pharmapulse.toml"
    file.write_text(CONFIG.format(port=port))
    return file


@pytest.fixture
def stack(tmp_path: Path, config: Path, port: int) -> Iterator[Running]:
    with running(tmp_path / "run.log", "run", "--config", str(config)) as process:
        wait_for("the pages", lambda: try_get(port, "/"))
        wait_for("the collector", lambda: try_get(port, "/api/v1/sources"))
        yield process
    no_traceback(process.said())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_stops_everything(stack: Running, how: signal.Signals) -> None:
    below = descendants(stack.pid)
    assert {command_of(pid) for pid in below} >= {"collector", "dashboard", "logwatch"}
    stack.process.send_signal(how)
    assert stack.wait() == 0
    assert not [pid for pid in below if is_alive(pid)]


def test_what_it_stores_is_not_for_others(stack: Running, tmp_path: Path) -> None:
    data = tmp_path / "data"
    stored = [data, *data.rglob("*")]
    assert len(stored) > 10
    assert not [str(path) for path in stored if not path.is_socket() and path.stat().st_mode & 0o007]


def test_killed_it_leaves_nobody_behind(stack: Running) -> None:
    below = descendants(stack.pid)
    assert len(below) >= 4  # collector, log watcher, dashboard and its worker
    stack.kill()
    wait_for("the end of all others", lambda: not [pid for pid in below if is_alive(pid)], 30)


def test_what_dies_is_started_again(stack: Running, port: int) -> None:
    before = {command_of(pid): pid for pid in children(stack.pid)}
    assert before.keys() == set(OFFSETS) - {"deferred"}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    wait_for("the end of the old dashboard", lambda: not is_alive(before["dashboard"]))
    again = wait_for("all of them again", lambda: new_ones(stack.pid, before), 60)
    assert again.keys() == before.keys()
    wait_for("the pages", lambda: try_get(port, "/"))
    wait_for("the collector", lambda: try_get(port, "/api/v1/sources"))
    assert "collector ended with -9 and starts again in 2 s" in stack.said()
    assert stack.alive()


def new_ones(pid: int, before: dict[str, int]) -> dict[str, int] | None:
    """The children by command, once each of them is another process than before."""
    now = {command_of(child): child for child in children(pid)}
    return now if now.keys() == before.keys() and not set(now.values()) & set(before.values()) else None


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path, config: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        stack = ("--config", str(config))
        demo = ("--data", str(tmp_path / "demo"), "--port", str(port), *SMALL_DEMO)
        started = [
            Running(tmp_path / f"{name}.log", name, *arguments)
            for name, arguments in (("run", stack), ("dashboard", stack), ("demo", demo))
        ]
        for process in started:
            assert process.wait(40) == 2
            assert process.said() == (
                f"pharmapulse: port {port} is in use by another program. "
                "Stop what holds it, or choose another with --port or web.port\n"
            )
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("command", ["run", "dashboard"])
@pytest.mark.parametrize("number", ["0", "-1", "65533", "99999"])
def test_no_port(tmp_path: Path, config: Path, command: str, number: str) -> None:
    process = Running(tmp_path / "x.log", command, "--config", str(config), f"--port={number}")
    assert process.wait(30) == 2
    assert process.said() == f"pharmapulse: {number} is no port: write 1 to 65530\n"


def test_stores_that_are_none_are_told_in_one_line(tmp_path: Path, config: Path) -> None:
    series = tmp_path / "data" / "series"
    series.mkdir(parents=True)
    (series / "holiday.jpg").write_text("x")
    for command in ("dashboard", "collector"):
        process = Running(tmp_path / f"{command}.log", command, "--config", str(config))
        assert process.wait(30) == 2
        assert process.said().count("\n") == 1
        assert process.said().startswith(f"pharmapulse: {series}: ")
        assert "holiday.jpg" in process.said()


def test_a_second_collector_and_a_second_log_watcher_are_refused(stack: Running, tmp_path: Path, config: Path) -> None:
    for command in ("collector", "logwatch"):
        process = Running(tmp_path / f"{command}.log", command, "--config", str(config))
        assert process.wait(30) == 1
        assert process.said().count("\n") == 1
        assert "another process uses this" in process.said()


def test_a_demo_killed_leaves_nobody_behind_and_is_taken_up_again(tmp_path: Path, port: int) -> None:
    arguments = ("demo", "--data", str(tmp_path / "demo"), "--port", str(port), *SMALL_DEMO)
    with running(tmp_path / "demo.log", *arguments) as demo:
        wait_for("the pages", lambda: try_get(port, "/"))
        wait_for("its processes", lambda: len(descendants(demo.pid)) >= 4)
        second = Running(tmp_path / "second.log", *arguments[:3], "--port", str(free_port()), *SMALL_DEMO)
        assert second.wait(30) == 1
        assert second.said() == (
            f"pharmapulse: {tmp_path}/demo/demo.lock: another process uses this demo. "
            "Stop it first, or give this one a place of its own\n"
        )
        below = descendants(demo.pid)
        demo.kill()
        wait_for("the end of all others", lambda: not [pid for pid in below if is_alive(pid)], 40)
    with running(tmp_path / "demo.log", *arguments, "--for", "3") as demo:
        assert demo.wait(90) == 0
    no_traceback(demo.said())
