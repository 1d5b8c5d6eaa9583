"""Counts stay exact through `kill -9` of log watcher and collector while logs are written and rotated."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path

from domain.clock import EventWaker, ReplayClock
from domain.errors import LiveUnavailableError
from domain.series import CALL_FAMILIES
from pharmapulse.config import load
from pharmapulse.places import Places
from pharmapulse.wiring import ORIGIN_VARIABLE, live
from rrd.store import RrdSeriesStore
from simulator.world import build_world
from tests.system import oracle
from tests.system.feeder import Feeder
from tests.system.support import Running, counted, no_traceback, wait_equal, wait_for, written

KILLS = int(os.environ.get("PHARMAPULSE_KILLS", "50"))
SEED = int(os.environ.get("PHARMAPULSE_KILL_SEED", "1"))
# Half a minute of the site's time a second, so that every bucket of five minutes is closed within seconds.
SPEED = 30.0
START = 1_763_370_000.0  # a Monday, 10:00 in Brussels
LONGEST_PAUSE = 2.4
HUBS = ("dpp", "mycarenet")
CONFIG = """\
[site]
name = "Killed all the time"
data = "data"
clock = "2025-11-17T10:00:00+01:00@30"
[agent]
tick_seconds = 6
[collector]
grace_seconds = 10
compact_seconds = 120
[[sources]]
name = "calls"
paths = ["logs/dpp-calls.log*"]
format = "hub-calls"
hub = "dpp"
[[sources]]
name = "access"
paths = ["logs/mycarenet-access.log*"]
format = "hub-access"
hub = "mycarenet"
"""


def lines_of(folder: Path) -> tuple[int, oracle.Counts]:
    """What all files hold, whatever they are called by now."""
    counts, number = oracle.none(), 0
    for path in sorted(folder.iterdir()):
        number += oracle.count_hub(counts, oracle.hub_of(path), path.read_text().splitlines(keepends=True))
    return number, counts


def test_counts_are_exact_through_kills_at_random_moments(tmp_path: Path) -> None:
    chance, begun = random.Random(SEED), time.monotonic()
    config = tmp_path / "pharmapulse.toml"
    config.write_text(CONFIG)
    origin = time.time()
    clock = ReplayClock(START, SPEED, origin)
    environment = {ORIGIN_VARIABLE: repr(origin)}
    logs = {name: tmp_path / f"{name}.log" for name in ("collector", "logwatch")}
    opened = load(config)
    buckets, store = live(opened), RrdSeriesStore(Places(opened.data).series)
    whole = (START // 86_400 * 86_400, START // 86_400 * 86_400 + 86_400)

    def start(name: str) -> Running:
        return Running(logs[name], name, "--config", str(config), environment=environment)

    def counted_lines() -> int:
        try:
            return sum(source.accounting.lines for agent in buckets.sources() for source in agent.sources)
        except LiveUnavailableError:
            return -1

    world = build_world(seed=SEED, load=150, pharmacies=12)
    feeder = Feeder(tmp_path / "logs", world, HUBS, clock, seconds=3_600 + KILLS * LONGEST_PAUSE * SPEED, seed=SEED)
    processes = {name: start(name) for name in logs}
    killed: Counter[str] = Counter()
    try:
        with feeder:
            pause = EventWaker()
            for _ in range(KILLS):
                pause.wait(chance.random() * LONGEST_PAUSE)
                for name in chance.choice([["collector"], ["logwatch"], ["collector", "logwatch"]]):
                    assert processes[name].alive(), processes[name].said()[-3_000:]
                    processes[name].kill()
                    processes[name] = start(name)
                    killed[name] += 1
        number, truth = lines_of(tmp_path / "logs")
        wait_for("every line to be counted", lambda: counted_lines() == number, 90)
        every = [(family.name, step) for family in CALL_FAMILIES for step in sorted(family.days)]
        for family, step in every:
            both = partial(counted, store, buckets, family, step, *whole)
            wait_equal(f"series and open buckets of {family} at {step} s", both, truth[family], 30)
        for family, step in every:
            if step <= 300:
                alone = partial(written, store, family, step, *whole)
                wait_equal(f"series of {family} at {step} s", alone, truth[family], 60)
        assert not any((Places(opened.data).spool / "bad").iterdir())
        assert not any((Places(opened.data).ledger / "bad").iterdir())
    finally:
        for process in processes.values():
            process.stop()
    for process in processes.values():
        no_traceback(process.said())
        assert " ERROR " not in process.said()
    assert feeder.rotations and sum(killed.values()) >= KILLS
    calls = {family.name: sum(truth[family.name].values()) for family in CALL_FAMILIES}
    print(
        f"{sum(killed.values())} kills at {KILLS} moments ({dict(killed)}), {feeder.rotations} rotations, "
        f"{number:,} lines; equal to the log by line and key: {calls}; {time.monotonic() - begun:.0f} s"
    )
    assert calls["hub"] == number
