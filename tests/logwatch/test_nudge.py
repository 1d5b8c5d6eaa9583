"""Early waking: a change wakes, not more often than it may, and a machine without watches only looks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from logwatch import nudge as nudging
from logwatch.nudge import Nudge, open_nudge
from tests.logwatch.watching import Site, call, calls

PATIENCE = 10.0


class Woken:
    """Counts how often it was woken."""

    def __init__(self) -> None:
        self.times = 0
        self._event = threading.Event()

    def wake(self) -> None:
        self.times += 1
        self._event.set()

    def wait(self) -> bool:
        found = self._event.wait(PATIENCE)
        self._event.clear()
        return found


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def nudge(woken: Woken) -> Iterator[Nudge]:
    nudge = Nudge(woken.wake, 0.01)
    yield nudge
    nudge.close()


def test_a_change_wakes_once_until_it_is_asked_for_again(tmp_path: Path, nudge: Nudge, woken: Woken) -> None:
    log = tmp_path / "calls.log"
    log.write_bytes(call(0))
    nudge.watch([str(tmp_path), str(tmp_path / "is not there")])
    for turn in range(1, 4):
        with log.open("ab") as writer:
            for place in range(500):
                writer.write(call(place))
                writer.flush()
        assert woken.wait()
        assert woken.times == turn
        nudge.watch([str(tmp_path)])


@pytest.mark.parametrize("what", ["created", "renamed", "emptied"])
def test_what_wakes(tmp_path: Path, nudge: Nudge, woken: Woken, what: str) -> None:
    (tmp_path / "old").write_bytes(call(0))
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "calls").write_bytes(call(1))
    nudge.watch([str(logs)])
    if what == "created":
        (logs / "new").touch()
    elif what == "renamed":
        (tmp_path / "old").rename(logs / "new")
    else:
        os.truncate(logs / "calls", 0)
    assert woken.wait()


def test_wakings_keep_their_distance(tmp_path: Path, woken: Woken) -> None:
    nudge = Nudge(woken.wake, 0.2)
    log = tmp_path / "calls.log"
    begun = time.monotonic()
    try:
        for _ in range(3):
            nudge.watch([str(tmp_path)])
            log.write_bytes(call(0))
            assert woken.wait()
    finally:
        nudge.close()
    assert time.monotonic() - begun >= 0.4


def test_without_watches_nothing_but_looking_is_left(
    monkeypatch: pytest.MonkeyPatch, woken: Woken, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(nudging, "INotify", refused)
    assert open_nudge(woken.wake, 0.5) is None
    assert "looked at only" in caplog.text
    assert open_nudge(woken.wake, 0.0) is None


def test_an_agent_asks_where_its_files_grow(tmp_path: Path) -> None:
    asked: list[set[str]] = []

    class Asked:
        def watch(self, directories: Iterable[str]) -> None:
            asked.append(set(directories))

    with Site(tmp_path) as site:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "hour").write_bytes(calls(0, 2))
        site.agent._nudge = Asked()
        site.tick()
        (site.logs / "calls.log").symlink_to(elsewhere / "hour")
        site.tick()
        assert asked == [{str(site.logs)}, {str(site.logs), str(elsewhere)}]
