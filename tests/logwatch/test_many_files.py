"""Many files, odd names, moved file systems, clocks set back: what an agent meets in months of running."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from domain.batch import Commit
from domain.errors import StoreError, TransportError
from logwatch import known, sources
from tests.logwatch.watching import START, Site, call, calls


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """This process may open 150 files beside those it has."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    have = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (counts, names are of no interest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (have + 150, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_descriptors")
def test_more_files_than_may_be_open_are_counted_and_followed(tmp_path: Path) -> None:
    content = {f"calls-{place:03}.log": call(place, ago=86_400.0 + place) for place in range(300)}
    with Site(tmp_path) as site:
        for place, (name, line) in enumerate(content.items()):
            os.utime(site.append(name, line), (START - 86_400 + place,) * 2)
        site.settle()
        site.has_sent(b"".join(content.values()))
        # Old and new ones grow, also across a restart.
        for name in ("calls-000.log", "calls-150.log", "calls-299.log"):
            content[name] += call(7)
            site.append(name, call(7))
        site.settle()
        site.restart()
        for name in ("calls-001.log", "calls-299.log"):
            content[name] += call(8)
            site.append(name, call(8))
        site.settle()
        site.has_sent(b"".join(content.values()))
        site.tick(2)
        assert site.watermark() == site.clock.now() - 2


def test_a_sleeping_file_wakes_renamed_and_shrunk_and_is_not_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_OPEN", 2)
    with Site(tmp_path) as site:
        for place in range(8):
            os.utime(site.append(f"calls-{place}", calls(place * 10, place * 10 + 10)), (START + place,) * 2)
        site.settle()
        site.tick()
        (site.logs / "calls-0").rename(site.logs / "calls-0.1")
        site.settle()
        (site.logs / "calls-0.1").write_bytes(call(200))
        (site.logs / "calls-1").rename(site.logs / "calls-1.1")
        site.append("calls-1.1", call(201))
        site.settle()
        site.has_sent(calls(0, 80) + call(200) + call(201))


def test_once_finishes_the_last_lines_of_more_files_than_are_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_OPEN", 4)
    with Site(tmp_path) as site:
        for place in range(20):
            site.append(f"calls-{place}", call(place) + call(100 + place)[:-1])
        site.agent.drain()
        assert site.sent()["calls"].sum() == 40


def test_once_does_not_say_that_all_went_well_when_it_did_not(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.append("calls", calls(0, 10))
        site.outbox.full = True
        with pytest.raises(StoreError, match="the disk is full"):
            site.agent.drain()
    with Site(tmp_path) as site:
        site.sender.away = True
        with pytest.raises(TransportError):
            site.agent.drain()
        site.sender.away = False
        site.agent.drain()
        site.has_sent(calls(0, 10))


def test_a_name_of_no_encoding_is_a_name(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        name = os.fsdecode(b"calls-\xff.log")
        site.append(name, calls(0, 3))
        site.settle()
        site.restart()
        site.append(name, calls(3, 5))
        site.settle()
        site.has_sent(calls(0, 5))


def test_a_file_system_that_got_another_device_number_is_not_read_again(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.append("calls", calls(0, 5))
        site.settle()
        [position] = site.outbox.positions()
        elsewhere = f"dead{position.identity[position.identity.index('-') :]}"
        moved = msgspec.structs.replace(position, identity=elsewhere)
        site.outbox.real.commit(Commit(positions=[moved], forget=[position.identity]))
        site.restart()
        site.append("calls", calls(5, 7))
        site.settle()
        site.has_sent(calls(0, 7))


def test_a_single_line_without_an_end_is_counted_once_through_a_restart_and_two_rotations(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.append("calls", call(1)[:-1])
        site.tick()
        (site.logs / "calls").rename(site.logs / "calls.1")
        site.settle()
        site.tick(61)
        site.settle()
        assert site.sent()["calls"].sum() == 1
        site.restart()
        site.tick()
        (site.logs / "calls.1").rename(site.logs / "calls.2")
        site.settle()
        site.tick(61)
        site.settle()
        assert site.sent()["calls"].sum() == 1


def test_a_file_that_was_not_to_be_opened_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Site(tmp_path) as site:
        site.append("calls", calls(0, 2))
        opened = Path.open

        def refused(*_: object, **__: object) -> None:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(Path, "open", refused)
        site.tick()
        monkeypatch.setattr(Path, "open", opened)
        site.tick(61)
        site.has_sent(calls(0, 2))


def test_a_clock_set_back_stops_neither_the_loop_nor_the_heartbeats(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.append("calls", calls(0, 2))
        site.tick()
        site.clock.advance(-86_400)
        site.tick()
        assert site.heartbeat().at == site.clock.now()
        waited: list[float] = []

        class Waker:
            def wait(self, seconds: float) -> bool:
                waited.append(seconds)
                return False

            def wake(self) -> None:
                pass

        class JumpingClock:
            def now(self) -> float:
                site.clock.advance(-3_600)
                return site.clock.now()

        site.agent._clock = JumpingClock()
        site.agent.run(Waker(), lambda: bool(waited))
        assert waited == [1.0]


def test_files_that_are_gone_are_forgotten_though_the_agent_is_started_every_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "MOST_REMEMBERED", 3)
    with Site(tmp_path) as site:
        for day in range(8):
            site.append(f"calls-{day}", call(day))
            site.settle()
            (site.logs / f"calls-{day}").unlink()
            site.tick(100)
            site.tick(4_000)
            site.restart()
        site.tick()
        site.tick(4_000)
        paths = [Path(position.path).name for position in site.outbox.positions()]
        assert paths == ["calls-5", "calls-6", "calls-7"]
        site.has_sent(calls(0, 8))
