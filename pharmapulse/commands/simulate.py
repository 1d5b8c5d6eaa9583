"""`pharmapulse simulate`: log files of simulated hubs, and what is true of them."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

from domain.calendar import BRUSSELS
from domain.clock import EventWaker, SystemClock
from domain.errors import UsageError
from pharmapulse.process import set_up_logs, stop_event
from pharmapulse.progress import Progress
from simulator.faults import ORDINARY, load_scenario, shipped
from simulator.live import LiveWriter
from simulator.world import build_world
from simulator.writer import simulate

EPILOG = """\
examples:
  pharmapulse simulate --out logs --from 2026-11-16T09:00 --to 2026-11-16T10:00
  pharmapulse simulate --out logs --from 2026-11-16 --to 2026-11-17 --load 20 --scenario endpoint-dead
  pharmapulse simulate --out logs --live --scenario my-faults.toml

Times are local (Europe/Brussels) unless they name an offset.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("--out", metavar="DIR", required=True, type=Path, help="where the log files and truth.json go")
    parser.add_argument("--from", metavar="T", dest="start", type=_time, help="when the span begins")
    parser.add_argument("--to", metavar="T", dest="end", type=_time, help="when it ends")
    parser.add_argument("--live", action="store_true", help="write lines as time goes by, until stopped")
    add_world(parser, pharmacies=5_000, load=1.0, load_help="1")
    parser.add_argument("--scenario", metavar="F", help=f"faults: a file, or one of {', '.join(sorted(shipped()))}")


def add_world(parser: argparse.ArgumentParser, pharmacies: int, load: float | None, load_help: str) -> None:
    """The arguments that make a world."""
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another world (default 1)")
    parser.add_argument(
        "--load", type=float, default=load, metavar="X",
        help=f"1 is about 500 calls a pharmacy on a working day (default {load_help})",
    )  # fmt: skip
    parser.add_argument(
        "--pharmacies", type=int, default=pharmacies, metavar="N", help=f"how many pharmacies (default {pharmacies})"
    )


def run(options: argparse.Namespace) -> int:
    """Write the logs."""
    scenario = None if options.scenario is None else shipped().get(options.scenario, Path(options.scenario))
    if options.live:
        if options.start or options.end:
            raise UsageError("--live writes from now on: leave out --from and --to")
        set_up_logs("simulate")
        clock = SystemClock()
        world = build_world(options.seed, options.load, options.pharmacies)
        planned = load_scenario(scenario, world, clock.now()) if scenario else ORDINARY
        LiveWriter(options.out, world, planned, clock, EventWaker()).run(stop_event())
        return 0
    if options.start is None or options.end is None:
        raise UsageError("say --from and --to, or --live")
    with Progress("simulating", "min") as progress:
        truth = simulate(
            options.out, options.start, options.end, seed=options.seed, load=options.load,
            pharmacies=options.pharmacies, scenario=scenario, progress=progress.reach,
        )  # fmt: skip
    sys.stdout.write(
        f"{truth.total.calls:,} calls in {options.out}; what is true of them in {options.out / 'truth.json'}\n"
    )
    return 0


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'"{text}" is no time; write one such as 2026-11-16T09:00') from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=BRUSSELS)).timestamp()
