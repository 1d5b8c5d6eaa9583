"""A soak of log watcher and collector: traffic, rotation, kills, no broker, a full disk; then quiet, to be measured.

`python -m tests.system.soak --seconds 1800 --report soak.json` is `make soak-logwatch`: it exits 1 where the
collector's totals are not the writer's, key by key. `--seconds 0 --steady 60` only measures: `make latency`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from domain.batch import Accounting
from domain.errors import LiveUnavailableError
from domain.settings import TransportSettings
from pharmapulse.config import load
from pharmapulse.places import OFFSETS, Places
from pharmapulse.wiring import live
from tests.services.rabbitmq import OwnRabbit, Role
from tests.system.measuring import Latency, Usage
from tests.system.rotating import METHODS
from tests.system.support import Running, free_port, try_get, wait_for
from tests.system.surroundings import booked, broker, disk_of_its_own, writer
from tests.system.writing import CELLS, HUBS, Plan

__all__ = ["Soak", "Times", "main"]
QUEUE = "test-soak"
_LOOK_SECONDS = 0.5
# What ends by itself more often does not get over what befell it.
MOST_ENDS = 20
_DRAIN_SECONDS = 300.0
_WATERMARK = "pharmapulse_source_watermark_timestamp_seconds{"


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """How long what lasts, in seconds; 0 for not at all."""

    hard: float = 1_800.0
    steady: float = 60.0
    kill_every: float = 20.0
    no_broker: float = 300.0
    full_disk: float = 60.0


class Soak:
    """One run in a folder of its own. `events` tells what was done when, in seconds from the start."""

    def __init__(self, folder: Path, plan: Plan, times: Times, transport: str) -> None:
        self._folder, self._plan, self._times, self._transport = folder, plan, times, transport
        self._chance = random.Random(plan.seed)
        self._begun = time.monotonic()
        self.events: list[tuple[float, str]] = []
        self._kills: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._ports = {"logwatch": free_port(), "collector": free_port()}
        self._homes = {"logwatch": folder / "agent", "collector": folder / "site"}
        self._processes: dict[str, Running] = {}
        self._rabbit: OwnRabbit | None = None
        self._refused, self._filled, self._said_before = False, 0.0, 0
        self._told_last = Accounting()

    def run(self) -> dict[str, Any]:
        """Soak, drain, compare; the report."""
        with ExitStack() as stack:
            for home in self._homes.values():
                home.mkdir(parents=True)
            if self._times.full_disk:
                stack.enter_context(disk_of_its_own(self._homes["logwatch"] / "data"))
            if self._transport == "amqp":
                self._rabbit = stack.enter_context(broker(self._folder / "broker"))
            for name in self._homes:
                self._configure(name)
            self._writer = stack.enter_context(writer(self._folder, self._plan))
            stack.callback(self._stop_all)
            for name in ("collector", "logwatch"):
                self._start(name)
            self._buckets = live(load(self._homes["collector"] / "pharmapulse.toml"))
            hard, steady = Usage(), Usage()
            self._go_through(hard)
            latency, span = self._go_steady(steady)
            truth = self._end_writing()
            drained = self._drain(truth)
            said = {name: process.said() for name, process in self._processes.items()}
            self._stop_all()
            return {
                "plan": msgspec.to_builtins(self._plan), "times": msgspec.to_builtins(self._times),
                "transport": self._transport, "seconds": round(time.monotonic() - self._begun, 1),
                "lines": truth["lines"], "bytes": truth["bytes"], "rotations": truth["rotations"],
                "kills": dict(self._kills), "ended_by_themselves": dict(self._ended),
                "disk_was_full": self._refused, "drained_seconds": drained, **self._compared(truth),
                "latency": latency.told(truth["markers"], *span), "usage_hard": hard.told(),
                "usage_steady": steady.told(), "writer_cpu_seconds": round(truth["cpu_seconds"], 1),
                "tracebacks": {name: text.count("Traceback") for name, text in said.items()},
                "load_average": os.getloadavg(), "events": self.events,
            }  # fmt: skip

    # -- processes -------------------------------------------------------------------------------------------------

    def _configure(self, name: str) -> None:
        role: Role = "agent" if name == "logwatch" else "collector"
        of = TransportSettings(url=f"spool:{self._folder}/spool")
        if self._rabbit is not None:
            of = self._rabbit.settings(role, QUEUE)
        lines = [
            "[site]", 'name = "Soaked"', 'data = "data"', "[web]", f"port = {self._ports[name]}",
            "[transport]", f'url = "{of.url}"',
        ]  # fmt: skip
        if self._rabbit is not None:
            lines += [f'queue = "{of.queue}"', f'password_file = "{of.password_file}"']
        if name == "logwatch":
            for hub, kind in HUBS.items():
                paths = f'paths = ["{self._plan.folder}/{hub}/*.log*"]'
                lines += ["[[sources]]", f'name = "{hub}"', paths, f'format = "hub-{kind}"', f'hub = "{hub}"']
        (self._homes[name] / "pharmapulse.toml").write_text("\n".join(lines) + "\n")

    def _start(self, name: str) -> None:
        config = str(self._homes[name] / "pharmapulse.toml")
        self._processes[name] = Running(self._folder / f"{name}.log", name, "--config", config)

    def _stop_all(self) -> None:
        for process in self._processes.values():
            if process.alive():
                process.stop()

    def _kill(self) -> None:
        name = self._chance.choice(("logwatch", "collector"))
        self._tell(f"kill -9 of {name}")
        self._processes[name].kill()
        self._kills[name] += 1
        self._start(name)

    def _keep_alive(self) -> None:
        """Start what has ended, as an init system does."""
        for name, process in self._processes.items():
            if not process.alive():
                self._tell(f"{name} ended by itself: {process.said()[-300:]}")
                self._ended[name] += 1
                assert self._ended[name] <= MOST_ENDS, process.said()[-3_000:]
                self._start(name)

    def _look_after(self) -> None:
        """Keep all alive; tell the writer up to when all is read."""
        self._keep_alive()
        page = try_get(self._ports["logwatch"] + OFFSETS["logwatch"], "/metrics")
        marks = [float(line.split()[-1]) for line in (page or b"").decode().splitlines() if line.startswith(_WATERMARK)]
        if len(marks) == len(HUBS):
            self._order(f"read {min(marks)}")

    def _order(self, words: str) -> None:
        assert self._writer.stdin is not None
        self._writer.stdin.write(f"{words}\n".encode())
        self._writer.stdin.flush()

    def _tell(self, what: str) -> None:
        self.events.append((round(time.monotonic() - self._begun, 1), what))

    # -- what happens ----------------------------------------------------------------------------------------------

    def _go_through(self, usage: Usage) -> None:
        """The hard time: each thing at its moment."""
        times, begun = self._times, time.monotonic()
        due: list[tuple[float, Callable[[], None]]] = []
        due += [(times.kill_every * n, self._kill) for n in range(1, int(times.hard / times.kill_every))]
        if self._rabbit is not None and times.no_broker:
            first = 0.2 * times.hard
            due += [(first, self._stop_broker), (first + times.no_broker, self._start_broker)]
        if times.full_disk:
            first = 0.7 * times.hard
            due += [(first, self._fill_disk)]
        due.sort(key=lambda event: event[0])
        while (now := time.monotonic() - begun) < times.hard:
            while due and due[0][0] <= now:
                due.pop(0)[1]()
            if self._ballast.exists() and self._is_felt():
                self._free_disk()
            self._pause(usage)
        if self._ballast.exists():
            self._free_disk()

    def _pause(self, usage: Usage) -> None:
        self._look_after()
        usage.look({name: process.pid for name, process in self._processes.items()})
        assert self._writer.poll() is None, "the writer has ended"
        time.sleep(_LOOK_SECONDS)

    def _stop_broker(self) -> None:
        assert self._rabbit is not None
        self._tell("the broker is stopped")
        self._rabbit.kill()

    def _start_broker(self) -> None:
        assert self._rabbit is not None
        self._rabbit.start(wait=False)
        self._tell("the broker is started")

    @property
    def _ballast(self) -> Path:
        return self._homes["logwatch"] / "data" / "ballast"

    def _fill_disk(self) -> None:
        """Nothing is left for anybody, until something could not be kept and some time has gone by."""
        self._tell("the agent's disk is filled")
        self._filled, self._said_before = time.monotonic(), len(self._processes["logwatch"].said())
        subprocess.run(["dd", "if=/dev/zero", f"of={self._ballast}", "bs=64k"], check=False, capture_output=True)

    def _is_felt(self) -> bool:
        """Whether the disk was full long enough, and something could not be kept for it."""
        self._refused |= "not kept, and read again" in self._processes["logwatch"].said()[self._said_before :]
        return self._refused and time.monotonic() - self._filled >= self._times.full_disk

    def _free_disk(self) -> None:
        self._ballast.unlink()
        self._tell("the agent's disk has room again")

    def _go_steady(self, usage: Usage) -> tuple[Latency, tuple[float, float]]:
        """Wait until all is caught up with, then measure for a while that nothing disturbs."""
        latency = Latency(self._buckets)

        def caught_up() -> bool:
            self._look_after()
            mark = self._complete_up_to()
            return mark is not None and time.time() - mark < 6

        self._wait("log watcher and collector to catch up", caught_up)
        self._tell("measured from now on")
        begin = time.time() + 2
        latency.start()
        try:
            end = begin + self._times.steady
            while time.time() < end + 5:
                self._pause(usage)
        finally:
            latency.stop()
        return latency, (begin, end)

    def _wait(self, what: str, look: Callable[[], bool]) -> None:
        """Wait for something; in vain, what each says of itself is told, and what was booked tells the rest."""
        try:
            wait_for(what, look, _DRAIN_SECONDS, 0.5)
        except AssertionError as error:
            self._tell(str(error))
            for name, port in self._ports.items():
                page = (try_get(port + OFFSETS[name], "/metrics") or b"nobody answers").decode()
                said = [line for line in page.splitlines() if line.startswith("pharmapulse_")]
                self._tell(f"{name}: {'; '.join(said)}")

    def _complete_up_to(self) -> float | None:
        try:
            return self._buckets.complete_up_to()
        except LiveUnavailableError:
            return None

    def _end_writing(self) -> dict[str, Any]:
        self._order("stop")
        assert self._writer.wait(60) == 0
        self._tell("the writer has ended")
        told: dict[str, Any] = json.loads((self._folder / "truth.json").read_bytes())
        return told

    def _drain(self, truth: dict[str, Any]) -> float:
        """Wait until the collector is complete up to a moment after the last line; the seconds it took."""
        begun, last = time.monotonic(), time.time()

        def complete() -> bool:
            self._keep_alive()
            return (self._complete_up_to() or 0.0) > last and self._accounting().lines >= truth["lines"]

        self._wait("the collector to be complete", complete)
        return round(time.monotonic() - begun, 1)

    def _accounting(self) -> Accounting:
        """All lines, as the collector was told of them."""
        try:
            of = [source.accounting for agent in self._buckets.sources() for source in agent.sources]
        except LiveUnavailableError:
            of = []
        self._told_last = sum(of, Accounting()) if of else self._told_last
        return self._told_last

    # -- what came of it -------------------------------------------------------------------------------------------

    def _compared(self, truth: dict[str, Any]) -> dict[str, Any]:
        """The ledger beside what was written: by bucket and key, and the accounting."""
        written = pl.read_parquet(self._folder / "truth.parquet")
        places = Places(load(self._homes["collector"] / "pharmapulse.toml").data)
        found_cells = booked(places.ledger)
        written = written.sort(CELLS.names())
        other = pl.concat([written.join(found_cells, on=CELLS.names(), how="anti").head(10),
                           found_cells.join(written, on=CELLS.names(), how="anti").head(10)])  # fmt: skip
        found = self._accounting()
        fates = {
            name: (getattr(found, name), truth[name]) for name in ("lines", "events", "malformed", "ignored", "bytes")
        }
        bad = [str(path) for folder in ("ledger", "spool") if (places.data / folder / "bad").is_dir()
               for path in (places.data / folder / "bad").iterdir()]  # fmt: skip
        same = found_cells.equals(written)
        return {
            "equal": same and found.balanced and not bad and all(one == two for one, two in fates.values()),
            "calls_booked": int(found_cells["calls"].sum()), "calls_written": int(written["calls"].sum()),
            "keys": written.height, "accounting": {name: list(pair) for name, pair in fates.items()},
            "balanced": found.balanced, "refused_batches": bad, "differences": other.to_dicts(),
            "differences_by_hub": _by_hub(written, found_cells),
        }  # fmt: skip


def _by_hub(written: pl.DataFrame, booked: pl.DataFrame) -> list[dict[str, Any]]:
    """How many calls too many (or too few) each bucket of a hub has: which file that was is told by when it was."""
    both = pl.concat([booked.with_columns(more="calls"), written.with_columns(more=-pl.col("calls"))])
    sums = both.group_by("hub", "bucket").agg(pl.col("more").sum()).filter(pl.col("more") != 0)
    return sums.sort("hub", "bucket").head(200).to_dicts()


def main() -> int:
    """Soak as the arguments say; 0 when all was equal."""
    parser = argparse.ArgumentParser(description="soak log watcher and collector")
    parser.add_argument("--seconds", type=float, default=1_800)
    parser.add_argument("--steady", type=float, default=60)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--rotate", type=float, default=60)
    parser.add_argument("--kill-every", type=float, default=20)
    parser.add_argument("--no-broker", type=float, default=300)
    parser.add_argument("--full-disk", type=float, default=60)
    parser.add_argument("--transport", choices=("amqp", "spool"), default="amqp")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-p50", type=float, help="seconds that the median line may take")
    parser.add_argument("--most-p99", type=float, help="seconds that 99 of 100 lines may take")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nothing is left running, nor mounted
    with ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="soak-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        plan = Plan(
            folder=f"{folder}/logs", seed=options.seed, rate=options.rate, rotate_seconds=options.rotate,
            methods=tuple(options.methods.split(",")),
        )  # fmt: skip
        full = options.full_disk if options.seconds else 0.0
        times = Times(hard=options.seconds, steady=options.steady, no_broker=options.no_broker, full_disk=full,
                      kill_every=options.kill_every)  # fmt: skip
        report = Soak(Path(folder), plan, times, options.transport).run()
        if not report["equal"]:
            stack.pop_all()
            print(f"everything is left in {folder}", file=sys.stderr)
    text = json.dumps(report, indent=1)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(text + "\n")
    print(text)
    late = [
        f"{name} is {report['latency'][name]} s, and {most} s are allowed"
        for name, most in (("p50_seconds", options.most_p50), ("p99_seconds", options.most_p99))
        if most is not None and not report["latency"][name] <= most
    ]
    wrong = late + ([] if report["equal"] else ["what was booked is not what was written"])
    print("\n".join(wrong) if wrong else "all that was written is booked, once", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
