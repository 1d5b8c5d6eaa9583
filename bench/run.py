"""`make bench`: analyse against mawk, mtail, goaccess and ripgrep, in one run on the same generated lines.

Each program runs in turn, several times; its figure is the median. What they counted is compared: a fast wrong
answer is no answer. Ratios are those of this run on this machine, and so are the bounds beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.measure import Measured, measure
from bench.tail import MOST_SHARE, tail
from bench.tools import TWO, Tool, tools

LEAST_RATIO = {"mawk": 2.5, "mtail": 20.0, "goaccess": 8.0}
# Two processes beside one of ripgrep, on the same cores, by the clock.
LEAST_OF_RIPGREP = 0.42
MOST_BYTES = 200_000_000
LONG_FACTOR = 10
# "The same memory" of a log ten times as long: allocators differ by this much from run to run.
SAME_MEMORY = 1.1
# What is measured on the long log: at its beginning all are the same, and it tells what a day of logs takes.
_LONG = ("analyse", TWO, "rg -c")


@dataclass(frozen=True, slots=True)
class Figure:
    """A program's median over its runs."""

    lines_per_cpu_second: float
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def main() -> int:
    """Measure, print, and tell by the exit code whether every bound is kept (0), or one is not (1)."""
    options = _options()
    directory = Path(options.data)
    directory.mkdir(parents=True, exist_ok=True)
    compared = tools(directory)
    short = _log(directory, options.lines)
    figures, problems = _compare(compared, short, options.lines, options.runs)
    report: dict[str, object] = {
        "lines": options.lines,
        "bytes": short.stat().st_size,
        "runs": options.runs,
        "tools": {
            name: {
                "lines_per_cpu_second": round(figure.lines_per_cpu_second),
                "cpu_seconds": round(figure.cpu_seconds, 3),
                "wall_seconds": round(figure.wall_seconds, 3),
                "peak_bytes": figure.peak_bytes,
            }
            for name, figure in figures.items()
        },
    }
    checks = _checks(figures)
    if options.long and "analyse" in figures:
        log = _log(directory, options.lines * LONG_FACTOR)
        long = {
            tool.name: measure(tool.command(log), directory / "long.out") for tool in compared if tool.name in _LONG
        }
        problems += [text for name, one in long.items() for text in _failure(f"{name} of the long log", one)]
        most = min(MOST_BYTES, figures["analyse"].peak_bytes * SAME_MEMORY)
        report["long"] = {
            "lines": options.lines * LONG_FACTOR,
            "tools": {
                name: {
                    "cpu_seconds": round(one.cpu_seconds, 3),
                    "wall_seconds": round(one.wall_seconds, 3),
                    "peak_bytes": one.peak_bytes,
                }
                for name, one in long.items()
            },
        }
        checks |= _long_checks(long, f"at {options.lines * LONG_FACTOR:,} lines", most)
    if options.tail:
        tailed = tail(short, options.tail)
        report["tail"] = asdict(tailed)
        checks["tailing, % of a core"] = (tailed.share * 100, "<=", MOST_SHARE * 100)
        if tailed.counted != tailed.lines:
            problems.append(f"tailing: {tailed.lines:,} lines were written and {tailed.counted:,} counted")
    report["checks"] = {
        name: {"measured": round(value, 2), "bound": f"{sign} {bound:.2f}", "kept": _kept(value, sign, bound)}
        for name, (value, sign, bound) in checks.items()
    }
    report["problems"] = problems
    print(json.dumps(report, indent=1) if options.json else _table(report, figures, checks, problems))  # noqa: T201
    return 1 if problems or not all(_kept(*check) for check in checks.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of the log (default 1,000,000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each program, in turn (default 3)")
    parser.add_argument("--data", default="bench-data", help="where the logs are kept (default bench-data)")
    parser.add_argument("--no-long", dest="long", action="store_false", help="leave out the log ten times as long")
    parser.add_argument("--tail", type=int, default=30, metavar="SECONDS", help="how long to tail (default 30; 0: not)")
    parser.add_argument("--json", action="store_true", help="for a machine to read")
    options = parser.parse_args()
    if options.lines < 1 or options.runs < 1:
        parser.error("--lines and --runs are at least 1")
    return options


def _log(directory: Path, lines: int) -> Path:
    """The log of so many lines, written when it is not there yet."""
    path = directory / f"hub-calls-{lines}.log"
    if not path.exists():
        print(f"writing {path}", file=sys.stderr)  # noqa: T201
        # Another process: a child's peak memory, as the kernel has it, includes what its parent had when it
        # was started, so this one stays small.
        subprocess.run([sys.executable, "-m", "bench.generate", str(path), str(lines)], check=True)  # noqa: S603
    return path


def _compare(compared: tuple[Tool, ...], log: Path, lines: int, runs: int) -> tuple[dict[str, Figure], list[str]]:
    """Every program in turn, `runs` times; its figures, and what went wrong."""
    measured: dict[str, list[Measured]] = {tool.name: [] for tool in compared}
    counted: dict[str, Mapping[str, int]] = {}
    problems: list[str] = []
    for _ in range(runs):
        for tool in compared:
            if len(measured[tool.name]) < len(measured[compared[-1].name]):
                continue  # it failed before
            output = log.parent / f"{tool.name.replace(' ', '-')}.out"
            try:
                result = measure(tool.command(log), output)
            except FileNotFoundError:
                problems.append(f"{tool.name}: not installed; `make bench` installs it")
                continue
            if result.status:
                problems += _failure(tool.name, result)
                continue
            measured[tool.name].append(result)
            counted[tool.name] = tool.counted(output.read_bytes())
    figures = {name: _median(results, lines) for name, results in measured.items() if results}
    return figures, sorted(set(problems)) + _disagreements(counted)


def _failure(name: str, result: Measured) -> list[str]:
    return [f"{name}: exit {result.status}: {result.error[-300:]}"] if result.status else []


def _median(results: list[Measured], lines: int) -> Figure:
    cpu = statistics.median(result.cpu_seconds for result in results)
    return Figure(
        lines_per_cpu_second=lines / cpu,
        cpu_seconds=cpu,
        wall_seconds=statistics.median(result.wall_seconds for result in results),
        peak_bytes=max(result.peak_bytes for result in results),
    )


def _disagreements(counted: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Where a program counted otherwise than the first one: one line for each program."""
    if not counted:
        return []
    reference, *others = counted
    problems = []
    for other in others:
        ours, theirs = counted[reference], counted[other]
        wrong = [key for key in sorted(ours.keys() & theirs.keys()) if ours[key] != theirs[key]]
        if other == "mawk":
            wrong += sorted(ours.keys() ^ theirs.keys())
        if wrong:
            shown = ", ".join(f"{key}: {ours.get(key, 0)} and {theirs.get(key, 0)}" for key in wrong[:3])
            problems.append(f"{reference} and {other} counted {len(wrong)} things differently: {shown}")
    return problems


def _checks(figures: Mapping[str, Figure]) -> dict[str, tuple[float, str, float]]:
    """Name → (measured, sign, bound)."""
    if "analyse" not in figures:
        return {}
    ours = figures["analyse"]
    checks = {
        f"analyse / {name}": (ours.lines_per_cpu_second / figures[name].lines_per_cpu_second, ">=", least)
        for name, least in LEAST_RATIO.items()
        if name in figures
    }
    checks["memory, MB"] = (ours.peak_bytes / 1e6, "<=", MOST_BYTES / 1e6)
    if TWO in figures:
        checks[f"memory of {TWO}, MB"] = (figures[TWO].peak_bytes / 1e6, "<=", MOST_BYTES / 1e6)
    return checks


def _long_checks(long: Mapping[str, Measured], where: str, most: float) -> dict[str, tuple[float, str, float]]:
    """The same for a log ten times as long: memory, and two processes beside ripgrep by the clock."""
    checks = {f"memory {where}, MB": (long["analyse"].peak_bytes / 1e6, "<=", most / 1e6)}
    checks[f"memory of {TWO} {where}, MB"] = (long[TWO].peak_bytes / 1e6, "<=", MOST_BYTES / 1e6)
    if not long["rg -c"].status:
        share = long["rg -c"].wall_seconds / long[TWO].wall_seconds
        checks[f"{TWO} / rg -c by the clock {where}"] = (share, ">=", LEAST_OF_RIPGREP)
    return checks


def _kept(value: float, sign: str, bound: float) -> bool:
    return value >= bound if sign == ">=" else value <= bound


def _table(
    report: Mapping[str, object],
    figures: Mapping[str, Figure],
    checks: Mapping[str, tuple[float, str, float]],
    problems: list[str],
) -> str:
    out = [f"{report['lines']:,} lines, {report['bytes']:,} bytes, median of {report['runs']} runs in turn", ""]
    out.append(f"{'':14}{'lines per CPU-second':>22}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'analyse is':>12}")
    fastest = figures.get("analyse")
    for name, figure in figures.items():
        ratio = f"{fastest.lines_per_cpu_second / figure.lines_per_cpu_second:.2f} x" if fastest else ""
        out.append(
            f"{name:14}{figure.lines_per_cpu_second:>22,.0f}{figure.cpu_seconds:>9.2f}{figure.wall_seconds:>9.2f}"
            f"{figure.peak_bytes / 1e6:>9.0f}{ratio:>12}"
        )
    out.append("")
    for name, (value, sign, bound) in checks.items():
        kept = "kept" if _kept(value, sign, bound) else "MISSED"
        out.append(f"{name:44}{value:>9.2f}   bound {sign} {bound:<9.2f} {kept}")
    return "\n".join([*out, *(f"problem: {problem}" for problem in problems)])


if __name__ == "__main__":
    sys.exit(main())
