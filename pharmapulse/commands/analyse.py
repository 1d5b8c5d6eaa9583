"""`pharmapulse analyse`: read logs now."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from domain.clock import SystemClock
from domain.codes import SHIPPED, Judgement
from domain.errors import UsageError
from domain.formats import Format
from domain.redact import fit_name
from logwatch.catalog import formats, named
from logwatch.events import EventBlock
from logwatch.registry import Registry
from logwatch.scan import Scan
from pharmapulse.progress import Progress, content_bytes
from pharmapulse.report import text

if TYPE_CHECKING:
    from pharmapulse.config import Config

EPILOG = """\
examples:
  pharmapulse analyse /var/log/nginx/access.log
  pharmapulse analyse calls.log calls.log.1.gz --json
  ssh hub cat calls.log | pharmapulse analyse -
  pharmapulse analyse calls.log --config pharmapulse.toml --format my-calls
  pharmapulse analyse calls.log --html report.html
  pharmapulse analyse calls.log --explain 17
  pharmapulse analyse calls.log calls.log.1 --explain calls.log.1:17 --format my-calls
"""
_STANDARD_INPUT = "-"
# So much takes one process a quarter of a second; a second one costs a hundredth.
MUCH_BYTES = 32 << 20
ZONE = "Europe/Brussels"
_LINE = re.compile(r"(?:(.+):)?([0-9]{1,15})", re.DOTALL)
# Formats of files that name their columns themselves say nothing of a single line.
_IN_THE_FILE = ("first", "directive")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a log file: plain, .gz or .zst; - is standard input")
    parser.add_argument("--format", metavar="NAME", default="", help="its format; found out when not given")
    parser.add_argument("--config", metavar="F", help="a configuration whose formats and codes count too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--html", metavar="OUT", help="write a page with charts to this file, too; it needs no other")
    parser.add_argument(
        "--processes", metavar="N", type=_number, default=0,
        help="read with so many processes; two for much to read where there are two cores, else one",
    )  # fmt: skip
    parser.add_argument(
        "--explain", metavar="LINE", default="",
        help="show of one line, field by field, why it did or did not match: its number, or FILE:NUMBER; "
        "the exit code is 1 when it is no call",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Read the files and print what they hold."""
    config = _config(options.config) if options.config else None
    known = config.formats if config else formats({})
    codes = config.codes if config else SHIPPED
    if options.explain:
        return _explain(options, known, codes)
    begun = time.perf_counter()
    files = [_path(name) for name in options.files]
    watched = _Watched() if options.html else None
    scan = Scan(known, codes, SystemClock(), options.format, watched.add if watched else None)
    with Progress("reading", "B", content_bytes(files)) as progress:
        analysis = scan.read(files, progress.add, options.processes or _processes(files))
    result = analysis.result(scan.name, time.perf_counter() - begun)
    if watched:
        watched.write(Path(options.html), scan, result, options.files, config.settings.site.zone if config else ZONE)
    if options.json:
        _print_json(result)
        return 0
    sys.stdout.write(text.told(result))
    for what, counts in text.amiss(analysis.tally):
        sys.stdout.write(f"\n{what}: " + ", ".join(f"{key} {count:,}" for key, count in counts) + "\n")
    if scan.samples.shapes:
        sys.stdout.write("\nlines that could not be read, letters and digits blanked:\n")
        sys.stdout.writelines(f"  {shape}\n" for shape in scan.samples.shapes)
    return 0


def _config(file: str) -> Config:
    # It takes as long to be imported as many a log takes to be read.
    from pharmapulse.config import load

    return load(Path(file))


class _Watched:
    """What a page shows beyond the figures: looked at while the files are read, for `--html` only."""

    def __init__(self) -> None:
        from logwatch.timeline import Timeline

        self._timeline = Timeline()

    def add(self, events: EventBlock, _registry: Registry) -> None:
        """Add a block's events."""
        self._timeline.add(events)

    def write(self, out: Path, scan: Scan, result: Mapping[str, Any], files: Sequence[str], zone: str) -> None:
        """Write the page."""
        from pharmapulse.report.page import Findings, page

        amiss = list(text.amiss(scan.analysis.tally))
        findings = Findings(result, self._timeline, amiss, scan.samples.shapes)
        now = datetime.fromtimestamp(SystemClock().now(), UTC)
        out.write_text(page(findings, files, ZoneInfo(zone), now), encoding="utf-8")


def _explain(options: argparse.Namespace, known: Mapping[str, Format], codes: Mapping[str, Judgement]) -> int:
    """Explain one line; 1 when it is no event."""
    from logwatch.detect import detect
    from logwatch.explain import Explanation, explain
    from logwatch.line_at import first_lines, line_at
    from pharmapulse.report import explained

    name, number = _place(options)
    file, now = _path(name), SystemClock().now()
    if options.format:
        form_name, how = options.format, "as --format says"
    elif name == _STANDARD_INPUT:
        raise UsageError("standard input is read once only: give its format with --format to have a line explained")
    else:
        form_name, how = detect(name, first_lines(file), known, now), "found out on the file's first lines"
    form = named(form_name, known, "--format")
    with Progress("looking for the line", "B", content_bytes([file])) as progress:
        at = line_at(file, number, form, f"formats.{form_name}", progress.add)
    if at.too_long:
        found = Explanation(form_name, form.kind, "malformed", "it is longer than 256 KiB", "")
    else:
        found = explain(form, form_name, at.text, codes, now, file=str(file), heading=at.heading, begins=at.begins)
    others = {one: other for one, other in known.items() if one != form_name and other.header not in _IN_THE_FILE}
    readers = [
        one
        for one, other in others.items()
        if not at.too_long and found.verdict != "event" and explain(other, one, at.text, codes, now).verdict == "event"
    ]
    if options.json:
        _print_json({"file": fit_name(name), "number": number, "found": how, **asdict(found), "readers": readers})
    else:
        sys.stdout.write(explained.told(f"{fit_name(name)}:{number}", how, found, readers))
    return 0 if found.verdict == "event" else 1


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _processes(files: Sequence[Path]) -> int:
    """Two where that is done sooner: there is much to read, and a core for each."""
    much = sum(file.stat().st_size for file in files if file.is_file()) >= MUCH_BYTES
    return 2 if much and len(os.sched_getaffinity(0)) > 1 else 1


def _place(options: argparse.Namespace) -> tuple[str, int]:
    """The file and the number of the line that is to be explained."""
    match = _LINE.fullmatch(options.explain)
    if match is None or not int(match[2]):
        raise UsageError(f'--explain "{options.explain}" is no line. Write its number, such as 17, or FILE:17')
    name = match[1]
    if name is None:
        if len(options.files) > 1:
            raise UsageError(f"--explain {match[2]}: of which file? Write FILE:{match[2]}, or name one file only")
        name = options.files[0]
    elif name not in options.files:
        near = [file for file in options.files if Path(file).name == name]
        if len(near) != 1:
            raise UsageError(f"--explain {options.explain}: {name} is none of the files that were named")
        name = near[0]
    return name, int(match[2])


def _path(name: str) -> Path:
    return Path("/dev/stdin" if name == _STANDARD_INPUT else name)


def _print_json(found: Mapping[str, Any]) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n")
