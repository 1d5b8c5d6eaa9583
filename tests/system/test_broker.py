"""Counts stay exact over RabbitMQ while the broker, and the collector, are killed and started again."""

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
from tests.services.rabbitmq import OwnRabbit, own_rabbitmq, queue, rabbitmq
from tests.system import oracle
from tests.system.feeder import Feeder
from tests.system.support import Running, counted, no_traceback, wait_equal, wait_for, written

__all__ = ["own_rabbitmq", "queue", "rabbitmq"]
BROKER_KILLS = int(os.environ.get("PHARMAPULSE_BROKER_KILLS", "2"))
SEED = 7
SPEED = 30.0
START = 1_763_370_000.0  # a Monday, 10:00 in Brussels
HUBS = {"dpp": ("dpp-calls.log", "hub-calls"), "mycarenet": ("mycarenet-access.log", "hub-access")}


def configured(folder: Path, agent: str, settings: str, source: str = "") -> Path:
    """A configuration of one process in a directory of its own."""
    folder.mkdir()
    config = folder / "pharmapulse.toml"
    config.write_text(f"""\
[site]
name = "A broker that is killed"
data = "data"
clock = "2025-11-17T10:00:00+01:00@{SPEED:.0f}"
[agent]
name = "{agent}"
tick_seconds = 6
[collector]
grace_seconds = 10
compact_seconds = 120
{settings}{source}""")
    return config


def transport(rabbit: OwnRabbit, role: str, queue: str) -> str:
    """The configuration's transport, over TLS."""
    of = rabbit.tls_settings("agent" if role == "agent" else "collector", queue)
    return f"""\
[transport]
url = "{of.url}"
queue = "{of.queue}"
password_file = "{of.password_file}"
ca_file = "{of.ca_file}"
"""


def lines_of(folder: Path) -> tuple[int, oracle.Counts]:
    """What all files hold, whatever they are called by now."""
    counts, number = oracle.none(), 0
    for path in sorted(folder.iterdir()):
        number += oracle.count_hub(counts, oracle.hub_of(path), path.read_text().splitlines(keepends=True))
    return number, counts


def test_counts_are_exact_through_kills_of_the_broker_and_the_collector(
    own_rabbitmq: OwnRabbit, queue: str, tmp_path: Path
) -> None:
    begun, chance, pause = time.monotonic(), random.Random(SEED), EventWaker()
    origin = time.time()
    clock = ReplayClock(START, SPEED, origin)
    environment = {ORIGIN_VARIABLE: repr(origin)}
    configs = {"collector": configured(tmp_path / "site", "none", transport(own_rabbitmq, "collector", queue))}
    for hub, (log, form) in HUBS.items():
        source = f'[[sources]]\nname = "{hub}"\npaths = ["../logs/{log}*"]\nformat = "{form}"\nhub = "{hub}"\n'
        configs[hub] = configured(tmp_path / hub, f"agent-{hub}", transport(own_rabbitmq, "agent", queue), source)
    opened = load(configs["collector"])
    buckets, store = live(opened), RrdSeriesStore(Places(opened.data).series)
    whole = (START // 86_400 * 86_400, START // 86_400 * 86_400 + 86_400)

    def start(name: str) -> Running:
        command = "collector" if name == "collector" else "logwatch"
        return Running(tmp_path / f"{name}.log", command, "--config", str(configs[name]), environment=environment)

    def counted_lines() -> int:
        try:
            return sum(source.accounting.lines for agent in buckets.sources() for source in agent.sources)
        except LiveUnavailableError:
            return -1

    world = build_world(seed=SEED, load=150, pharmacies=12)
    feeder = Feeder(tmp_path / "logs", world, list(HUBS), clock, seconds=7_200, seed=SEED)
    processes = {name: start(name) for name in configs}
    try:
        with feeder:
            wait_for("the first lines to be counted", lambda: counted_lines() > 0, 30)
            written_down = partial(own_rabbitmq.has_written_down, f"{queue}.heartbeats")
            wait_for("RabbitMQ to write down its queues", written_down, 20)
            for kill in range(BROKER_KILLS):
                before = counted_lines()
                own_rabbitmq.kill()
                if kill == 0:
                    processes["collector"].kill()
                    processes["collector"] = start("collector")
                pause.wait(chance.random())
                own_rabbitmq.start()
                wait_for("counting to go on", partial(lambda seen: counted_lines() > seen, max(before, 0)), 40)
                pause.wait(chance.random())
        number, truth = lines_of(tmp_path / "logs")
        wait_for("every line to be counted", lambda: counted_lines() == number, 40)
        every = [(family.name, step) for family in CALL_FAMILIES for step in sorted(family.days)]
        for family, step in every:
            both = partial(counted, store, buckets, family, step, *whole)
            wait_equal(f"series and open buckets of {family} at {step} s", both, Counter(truth[family]), 30)
        for family, step in every:
            if step <= 60:
                alone = partial(written, store, family, step, *whole)
                wait_equal(f"series of {family} at {step} s", alone, Counter(truth[family]), 60)
        assert not any((Places(opened.data).ledger / "bad").iterdir())
    finally:
        for process in processes.values():
            process.stop()
    for process in processes.values():
        no_traceback(process.said())
    assert "connecting again" in processes["dpp"].said()
    assert "connected again" in processes["mycarenet"].said()
    assert not [line for name in HUBS for line in processes[name].said().splitlines() if " ERROR " in line]
    calls = {family.name: sum(truth[family.name].values()) for family in CALL_FAMILIES}
    print(
        f"{BROKER_KILLS} kills of the broker, one of the collector, {feeder.rotations} rotations, {number:,} lines; "
        f"equal to the log by line and key: {calls}; {time.monotonic() - begun:.0f} s"
    )
    assert calls["hub"] == number
