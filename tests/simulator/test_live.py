"""Live logs: no line lost, doubled or halved, whatever happens to the writer."""

import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.errors import StoreError, UsageError
from simulator.faults import ORDINARY, load_scenario, shipped
from simulator.live import KEPT_HOURS, POSITION_FILE, LiveWriter
from simulator.world import build_world
from simulator.writer import write_logs

from .helpers import start_of

WORLD = build_world(6, pharmacies=300)
START = start_of("2026-11-23T10:58:40")


def writer(out: Path, clock: ManualClock, kept_hours: int = KEPT_HOURS) -> LiveWriter:
    return LiveWriter(out, WORLD, ORDINARY, clock, clock, START, kept_hours)


def content(out: Path) -> dict[str, bytes]:
    """Each hub's lines in order, rotated files before the current one."""
    found: dict[str, bytes] = {}
    # `x.log` sorts before `x.log.2026…`: the current file is the youngest.
    for path in sorted(out.glob("*.log*"), key=lambda path: (path.suffix == ".log", path.name)):
        name = path.name.split(".")[0]
        found[name] = found.get(name, b"") + path.read_bytes()
    return found


def expected(tmp_path: Path, end: float) -> dict[str, bytes]:
    out = tmp_path / "expected"
    write_logs(out, START, end, WORLD)
    return content(out)


def test_live_lines_are_those_of_a_simulation(tmp_path: Path) -> None:
    clock = ManualClock(START)
    live = writer(tmp_path / "live", clock)
    for _ in range(400):
        live.step()
        clock.wait(0.5)
    live.step()
    assert live.written_to == START + 200
    assert content(tmp_path / "live") == expected(tmp_path, START + 200)


def test_hours_are_rotated_by_rename_and_few_are_kept(tmp_path: Path) -> None:
    clock = ManualClock(START)
    live = writer(tmp_path, clock, kept_hours=2)
    live.step()
    clock.advance(200)
    live.step()
    assert (tmp_path / "dpp-calls.log.2026112309").exists()  # 10:xx in Brussels
    first = (tmp_path / "dpp-calls.log").stat().st_ino
    clock.advance(4 * 3_600)
    live.step()
    names = sorted(path.name for path in tmp_path.glob("dpp-calls.log*"))
    assert names == ["dpp-calls.log", "dpp-calls.log.2026112312", "dpp-calls.log.2026112313"]
    assert first != (tmp_path / "dpp-calls.log").stat().st_ino


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_writer_killed_between_any_two_bytes_goes_on_exactly(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The files of a killed writer lie anywhere between its last noted position and the end of its span."""
    tmp_path = tmp_path_factory.mktemp("live")
    out, clock = tmp_path / "live", ManualClock(START)
    live = writer(out, clock)
    clock.advance(data.draw(st.sampled_from([3.0, 65.0, 79.5])))
    live.step()
    noted = shutil.copy(out / POSITION_FILE, tmp_path / "noted")
    before = content(out)
    clock.advance(0.5)  # from 79.5 s on this ends the hour: the files are renamed
    live.step()
    after = content(out)
    shutil.copy(noted, out / POSITION_FILE)
    for path in out.glob("*.log*"):
        name = path.name.split(".")[0]
        if after[name].startswith(before[name]) and path.stat().st_size == len(after[name]):
            with path.open("r+b") as file:
                file.truncate(data.draw(st.integers(len(before[name]), len(after[name])), label=name))
        if path.suffix != ".log" and data.draw(st.booleans(), label=f"{name} not renamed yet"):
            path.rename(out / f"{name}.log")
    clock.advance(data.draw(st.sampled_from([0.0, 0.5, 30.0])))
    writer(out, clock).step()
    assert content(out) == expected(tmp_path, clock.now())


def test_killed_for_real(tmp_path: Path) -> None:
    end = START + 1_800
    chance = random.Random(1)
    for kill in [*(chance.randrange(1, 90) for _ in range(4)), None]:
        command = [sys.executable, "-m", "tests.simulator.live_process", str(tmp_path / "live"), str(START), str(end)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for count, _ in enumerate(process.stdout):
                if kill is not None and count >= kill:
                    process.kill()
                    break
    assert content(tmp_path / "live") == expected(tmp_path, end)


def test_a_file_that_cannot_be_written_is_waited_out(tmp_path: Path) -> None:
    clock = ManualClock(START)
    out = tmp_path / "live"
    live = writer(out, clock)
    live.step()
    (out / "recipe-calls.log").mkdir()
    clock.advance(20)
    for _ in range(3):
        with pytest.raises(StoreError, match="trying again") as caught:
            live.step()
        assert caught.value.retry
    (out / "recipe-calls.log").rmdir()
    clock.advance(20)
    live.step()
    assert content(out) == expected(tmp_path, START + 40)


def test_run_ends_when_told(tmp_path: Path) -> None:
    stop = threading.Event()

    class Ending(ManualClock):
        def wait(self, seconds: float) -> bool:
            if self.now() > START + 5:
                stop.set()
            return super().wait(seconds)

    clock = Ending(START)
    live = LiveWriter(tmp_path / "live", WORLD, ORDINARY, clock, clock, START)
    live.run(stop)
    assert content(tmp_path / "live") == expected(tmp_path, live.written_to)


def test_without_a_start_it_begins_now(tmp_path: Path) -> None:
    clock = ManualClock(START + 7.25)
    live = LiveWriter(tmp_path, WORLD, ORDINARY, clock, clock)
    assert live.written_to == START + 7.25


def test_other_worlds_and_damaged_positions_are_refused(tmp_path: Path) -> None:
    clock = ManualClock(START)
    writer(tmp_path, clock)
    with pytest.raises(UsageError, match="another directory"):
        LiveWriter(tmp_path, build_world(7, pharmacies=300), ORDINARY, clock, clock)
    planned = load_scenario(shipped()["demo"], WORLD, START)
    with pytest.raises(UsageError, match="another directory"):
        LiveWriter(tmp_path, WORLD, planned, clock, clock)
    (tmp_path / POSITION_FILE).write_bytes(b"{")
    with pytest.raises(UsageError, match="not the position"):
        writer(tmp_path, clock)
