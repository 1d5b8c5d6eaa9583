"""A closed environment with real processes: bundles carried out of order, twice, lost, killed on the way, no room."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from domain.batch import Accounting, Heartbeat, SourceState
from domain.wire import decode_heartbeat
from store.ledger import open_ledger
from store.outbox import open_outbox
from tests.store.some import commit, some_cells
from tests.system.support import Running, free_port, no_traceback, running, wait_for
from transport.by_hand import ByHandSender

HUB = """\
[site]
name = "Closed"
data = "data"
[agent]
name = "hub-{name}"
tick_seconds = 0.1
[transport]
url = "bundle:out"
[web]
port = {port}
[[sources]]
name = "calls"
paths = ["calls.log*"]
format = "hub-calls"
hub = "dpp"
"""
HOME = """\
[site]
name = "Outside"
data = "data"
[web]
port = {port}
"""


def home_of(folder: Path, name: str, text: str = HUB) -> Path:
    """A machine with its configuration."""
    home = folder / name
    (home / "out").mkdir(parents=True)
    config = home / "pharmapulse.toml"
    config.write_text(text.format(name=name, port=free_port()))
    return config


def call(*words: str, file_kib: int = 0) -> subprocess.CompletedProcess[str]:
    """A command, with files of at most `file_kib` where that is not 0: as a disk that is full."""
    command = [sys.executable, "-m", "pharmapulse", *words]
    if file_kib:
        command = ["bash", "-c", f'ulimit -f {file_kib}; exec "$@"', "bash", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    no_traceback(done.stdout + done.stderr)
    return done


def told(*words: str, code: int = 0) -> Any:
    done = call(*words, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def killed_when(what: str, seen: Callable[[], bool], *words: str) -> bool:
    """Whether a command was killed: as soon as `seen`, unless it ended before."""
    process = subprocess.Popen([sys.executable, "-m", "pharmapulse", *words], stdout=subprocess.DEVNULL)
    wait_for(what, lambda: seen() or process.poll() is not None, every=0.002)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


class Hub:
    """A hub with its log watcher, which runs; what it wrote by endpoint."""

    def __init__(self, config: Path, chance: random.Random) -> None:
        self.config, self._chance = config, chance
        self.watcher = Running(config.parent / "said.log", "logwatch", "--config", str(config))
        self.written: Counter[str] = Counter()

    def write(self, lines: int) -> None:
        with (self.config.parent / "calls.log").open("a") as log:
            for _ in range(lines):
                endpoint = f"tip.{self._chance.choice(['a', 'b', 'c'])}"
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                log.write(f"ts={now} server=s op={endpoint} apb=00012371 code=TIP_200 dt=87\n")
                self.written[endpoint] += 1
        beat = self.config.parent / "data" / "spool" / "outgoing" / f"hub-{self.config.parent.name}.json"
        lines_in_all = self.written.total()

        def counted() -> bool:
            if not beat.exists():
                return False
            sources = decode_heartbeat(beat.read_bytes()).sources
            return sum(source.accounting.lines for source in sources) == lines_in_all

        wait_for("the lines to be counted", counted)

    def export(self, *words: str) -> list[Path]:
        answer = told("logwatch", "export", "--config", str(self.config), *words)
        return [Path(bundle["file"]) for bundle in answer["bundles"] if bundle["batches"]]


def test_two_hubs_are_counted_exactly_by_bundles_out_of_order_twice_and_one_lost(tmp_path: Path) -> None:
    chance = random.Random(6)
    collector = home_of(tmp_path, "home", HOME)
    ledger = collector.parent / "data" / "ledger"
    hubs = [Hub(home_of(tmp_path, name), chance) for name in ("a", "b")]
    receipt = tmp_path / "receipt.json"
    try:
        with running(collector.parent / "said.log", "collector", "--config", str(collector)) as booking:
            bundles: list[Path] = []
            for _ in range(3):
                for hub in hubs:
                    hub.write(chance.randrange(20, 60))
                    bundles += hub.export()
            assert len(bundles) == 6
            lost = bundles.pop(chance.randrange(0, 4))
            lost.unlink()
            chance.shuffle(bundles)
            carried = [str(path) for path in [*bundles[2:], *bundles]]
            take = ("collector", "import", "--receipt", str(receipt), "--config", str(collector))
            answer = told(*take, *carried, code=1)
            assert sum(taken["new"] for taken in answer["bundles"]) > 0
            [gap] = answer["missing"]
            assert f"hub-{lost.parent.parent.name}" == gap["agent"]
            for hub in hubs:
                mine = told("logwatch", "receipt", str(receipt), "--config", str(hub.config))
                missing = gap["sequences"] if mine["agent"] == gap["agent"] else []
                assert (mine["unconfirmed"], mine["waiting"]) == (missing, 0)
            again = [path for hub in hubs for path in hub.export("--again")]
            assert len(again) == 1
            answer = told(*take, *map(str, again))
            assert answer["missing"] == []
            for hub in hubs:
                mine = told("logwatch", "receipt", str(receipt), "--config", str(hub.config))
                assert (mine["unconfirmed"], mine["waiting"]) == ([], 0)
            spool = collector.parent / "data" / "spool"
            wait_for("the collector to book them", lambda: not any((spool / "batches").iterdir()))
            assert not any((spool / "bad").iterdir())
            no_traceback(booking.said())
    finally:
        for hub in hubs:
            hub.watcher.stop()
    for hub in hubs:
        no_traceback(hub.watcher.said())
    with closing(open_ledger(ledger)) as book:
        cells = book.cells(0, 1 << 40).group_by("endpoint").agg(pl.col("calls").sum())
    assert dict(cells.iter_rows()) == dict(hubs[0].written + hubs[1].written)


MANY = 150


@pytest.fixture
def full_outbox(tmp_path: Path) -> Path:
    """A hub whose outbox holds many batches; its log watcher does not run."""
    config = home_of(tmp_path, "a")
    data = config.parent / "data"
    with closing(open_outbox(data / "agent" / "outbox.db", "hub-a")) as outbox:
        for seed in range(MANY):
            commit(outbox, some_cells(seed), [], {}, {})
        state = SourceState(source="calls", watermark=12.5, accounting=Accounting())
        beat = Heartbeat(
            version=1, agent="hub-a", incarnation=outbox.incarnation, sequence=MANY, at=15.0, sources=(state,)
        )
    ByHandSender(data / "spool").beat(beat)
    return config


def files_in(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.exists() else 0


def more_files(folder: Path, more: int) -> Callable[[], bool]:
    """Whether so many more files are in a folder than now."""
    enough = files_in(folder) + more
    return lambda: files_in(folder) >= enough


def test_killed_on_the_way_out_and_on_the_way_in(full_outbox: Path, tmp_path: Path) -> None:
    out, collector = full_outbox.parent / "out", home_of(tmp_path, "home", HOME)
    spool = collector.parent / "data" / "spool" / "batches"
    export = ("logwatch", "export", "--most-bytes", "30000", "--config", str(full_outbox))
    kills = 0
    for more in (1, 3, 6):
        kills += killed_when("some bundles", more_files(out, more), *export)
    assert call(*export).returncode == 0
    assert told(*export)["waiting"] == 0
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    take = ("collector", "import", str(out), "--config", str(collector))
    for more in (5, 40):
        kills += killed_when("some batches", more_files(spool, more), *take)
    assert kills >= 3
    answer = told(*take)
    assert (answer["wrong"], answer["missing"]) == ([], [])
    assert len(list(spool.iterdir())) == MANY
    assert call("collector", "--once", "--config", str(collector)).returncode == 0
    truth = sum(int(some_cells(seed)["calls"].sum()) for seed in range(MANY))
    with closing(open_ledger(collector.parent / "data" / "ledger")) as book:
        assert int(book.cells(0, 1 << 40)["calls"].sum()) == truth


def test_no_room_at_either_end_loses_nothing_and_heals(full_outbox: Path, tmp_path: Path) -> None:
    out, collector = full_outbox.parent / "out", home_of(tmp_path, "home", HOME)
    failed = call("logwatch", "export", "--config", str(full_outbox), file_kib=64)
    assert (failed.returncode, files_in(out)) == (1, 0)
    assert "File too large" in failed.stderr
    answer = told("logwatch", "export", "--config", str(full_outbox))
    assert [bundle["batches"] for bundle in answer["bundles"]] == [MANY]
    failed = call("collector", "import", str(out), "--config", str(collector), file_kib=1)
    assert failed.returncode == 1
    assert "File too large" in failed.stderr
    answer = told("collector", "import", str(out), "--config", str(collector))
    assert (answer["wrong"], answer["missing"]) == ([], [])
    assert files_in(collector.parent / "data" / "spool" / "batches") == MANY
