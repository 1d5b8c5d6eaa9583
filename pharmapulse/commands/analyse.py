"""`pharmapulse analyse`: read logs now."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from domain.clock import SystemClock
from domain.codes import SHIPPED
from logwatch.analysis import DIMENSIONS
from logwatch.catalog import formats
from logwatch.scan import Scan
from pharmapulse.config import load
from pharmapulse.progress import Progress

EPILOG = """\
examples:
  pharmapulse analyse /var/log/nginx/access.log
  pharmapulse analyse calls.log calls.log.1.gz --json
  ssh hub cat calls.log | pharmapulse analyse -
  pharmapulse analyse calls.log --config pharmapulse.toml --format my-calls
"""
SHOWN = 12


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a log file: plain, .gz or .zst; - is standard input")
    parser.add_argument("--format", metavar="NAME", default="", help="its format; found out when not given")
    parser.add_argument("--config", metavar="F", help="a configuration whose formats and codes count too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Read the files and print what they hold."""
    begun = time.perf_counter()
    config = load(Path(options.config)) if options.config else None
    files = [Path("/dev/stdin" if name == "-" else name) for name in options.files]
    scan = Scan(
        config.formats if config else formats({}), config.codes if config else SHIPPED, SystemClock(), options.format
    )
    with Progress("reading", "B") as progress:
        analysis = scan.read(files, progress.add)
    result = analysis.result(scan.name, time.perf_counter() - begun)
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n")
        return 0
    sys.stdout.write(_text(result))
    for what, counts in (
        ("keys that were there but not valid", analysis.tally.invalid),
        ("codes nobody has classed", analysis.tally.unknown_codes),
        ("lines whose key came after too many others, counted as `other`", analysis.tally.overflow),
    ):
        if counts:
            ordered = sorted(counts.items(), key=lambda item: -item[1])[:SHOWN]
            sys.stdout.write(f"\n{what}: " + ", ".join(f"{key} {count:,}" for key, count in ordered) + "\n")
    if scan.samples.shapes:
        sys.stdout.write("\nlines that could not be read, letters and digits blanked:\n")
        sys.stdout.writelines(f"  {shape}\n" for shape in scan.samples.shapes)
    return 0


def _text(result: dict[str, Any]) -> str:
    """The object of --json as a page for people."""
    out = [
        f"{result['lines']:,} lines, {result['bytes']:,} bytes, read as {result['format']} in {result['seconds']} s",
        ", ".join(f"{result[part]:,} {part}" for part in ("events", "continuations", "ignored", "malformed", "future")),
    ]
    if result["first"]:
        out.append(f"from {result['first']} to {result['last']}")
    for name in DIMENSIONS:
        rows = result["by"][name]
        if not rows:
            continue
        width = max(len(name), *(len(_shown(row["key"])) for row in rows[:SHOWN]))
        out += [
            "",
            f"{name:<{width}}  {'calls':>11} {'functional':>11} {'technical':>10} {'p50':>8} {'p95':>8} {'max':>9}",
        ]
        for row in rows[:SHOWN]:
            times = " ".join(
                f"{'-' if row[key] is None else f'{row[key]:,}ms':>{size}}"
                for key, size in (("p50_ms", 8), ("p95_ms", 8), ("max_ms", 9))
            )
            counts = f"{row['calls']:>11,} {row['functional']:>11,} {row['technical']:>10,}"
            out.append(f"{_shown(row['key']):<{width}}  {counts} {times}")
        if len(rows) > SHOWN:
            out.append(f"… and {len(rows) - SHOWN:,} more; --json prints them all")
    return "\n".join(out) + "\n"


def _shown(key: str) -> str:
    return key if len(key) <= 60 else key[:59] + "…" if key else "-"
