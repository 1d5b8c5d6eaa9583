"""`python -m tests.fuzz [--seconds 600] [--only access,json] [--report FILE]`: every target, in its own process."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.fuzz.running import Outcome, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Fuzz as the arguments say; 0 where nothing broke."""
    parser = argparse.ArgumentParser(description="feed every parser with what it was never meant to read")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("PHARMAPULSE_FUZZ_SECONDS", "600")))
    parser.add_argument("--only", default=",".join(TARGETS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        outcome = fuzz(options.one, TARGETS[options.one], options.seconds, options.seed)
        options.report.write_bytes(msgspec.json.encode(outcome))
        return 0
    outcomes = all_of(options.only.split(","), options.seconds, options.seed, options.jobs)
    print(f"{'target':<12}{'executions':>12}{'a second':>10}{'slowest ms':>12}  broke")
    for of in outcomes:
        rate, told = of.executions / max(of.seconds, 1e-9), of.crash.splitlines()[0][:80] if of.crash else "-"
        print(f"{of.target:<12}{of.executions:>12,}{rate:>10,.0f}{of.slowest_ms:>12,.0f}  {told}")
    for of in outcomes:
        if of.crash:
            print(f"\n{of.target}, seed {of.seed}\n{of.crash}")
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_bytes(msgspec.json.format(msgspec.json.encode(outcomes)) + b"\n")
    return any(of.crash for of in outcomes)


def all_of(names: list[str], seconds: float, seed: int, jobs: int) -> list[Outcome]:
    """The outcomes of some targets, so many at a time."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        waiting, running = list(names), dict[str, subprocess.Popen[bytes]]()
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                with Path(folder, f"{name}.log").open("wb") as log:
                    running[name] = subprocess.Popen(
                        [sys.executable, "-m", "tests.fuzz", "--one", name, "--seconds", str(seconds),
                         "--seed", str(seed), "--report", f"{folder}/{name}.json"],
                        stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "POLARS_MAX_THREADS": "1"},
                    )  # fmt: skip
            name, process = next(iter(running.items()))
            process.wait()
            del running[name]
            file = Path(folder, f"{name}.json")
            if file.exists():
                outcomes.append(msgspec.json.decode(file.read_bytes(), type=Outcome))
            else:
                said = Path(folder, f"{name}.log").read_text(errors="replace")[-6_000:]
                outcomes.append(Outcome(target=name, crash=f"the process ended with {process.returncode}\n{said}"))
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
