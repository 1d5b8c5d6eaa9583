"""`pharmapulse init`: propose sources and formats for one's own logs."""

from __future__ import annotations

import argparse
import glob
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from domain.clock import SystemClock
from domain.codes import SHIPPED
from domain.errors import InputError, UsageError
from domain.redact import has_patient
from logwatch.catalog import shipped
from logwatch.line_at import first_lines
from logwatch.propose.page import hub_of, page
from logwatch.propose.paths import groups
from logwatch.propose.proposal import LOOK_LINES, Proposal, propose, shared
from logwatch.propose.toml import settings_of
from pharmapulse.progress import Progress

EPILOG = """\
examples:
  pharmapulse init /var/log/nginx/*.log*
  pharmapulse init /var/log/dpp/*.log /var/log/tip/*.log --out pharmapulse.toml
  pharmapulse init calls.log --json
"""
_LONGEST = 65_536


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a log file: plain, .gz or .zst")
    parser.add_argument("--out", metavar="F", help="write the configuration to this file, which must not exist yet")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Look at the files and print a configuration; 1 when no source could be proposed for one of them."""
    if options.out and Path(options.out).exists():
        raise UsageError(f"{options.out}: exists already. Name another file with --out, or remove it")
    files = [str(Path(name).absolute()) for name in options.files]
    samples, skipped = _samples(files)
    if not samples:
        raise UsageError(skipped[0])
    now = SystemClock().now()
    proposals: list[Proposal] = []
    with Progress("trying formats", "file", len(samples)) as progress:
        for group in groups(samples, _matching):
            proposals += propose(group, samples, shipped(), SHIPPED, now)
            progress.add(len(group.files))
    proposals = shared(proposals)
    text = page(proposals, len(samples), skipped)
    if has_patient(text):
        # Of the lines nothing of the kind gets here: it is the path of a file.
        raise UsageError("a patient's number stands in the path of one of the files. Rename it: paths are stored")
    if options.out:
        Path(options.out).write_text(text, encoding="utf-8")
    if options.json:
        found = {"sources": [_told(one) for one in proposals], "left_out": skipped, "toml": text}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n")
    elif options.out:
        sources = sum(1 for one in proposals if one.fit is not None)
        sys.stdout.write(
            f"{options.out}: {sources} source{'s' * (sources != 1)} for {len(samples)} files. Read it, then: "
            f"pharmapulse check --config {options.out}\n"
        )
    else:
        sys.stdout.write(text)
    return 1 if skipped or any(one.fit is None for one in proposals) else 0


def _samples(files: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The first lines of each file that is a log, and of the others why they are none."""
    samples: dict[str, list[str]] = {}
    skipped: list[str] = []
    with Progress("reading", "file", len(files)) as progress:
        for file in files:
            try:
                block = first_lines(Path(file))
            except InputError as error:
                skipped.append(str(error))
            else:
                lines = block.split(b"\n", LOOK_LINES)[:LOOK_LINES]
                samples[file] = [line[:_LONGEST].decode("utf-8", "replace").rstrip("\r") for line in lines]
            progress.add(1)
    return samples, skipped


def _matching(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)


def _told(proposal: Proposal) -> dict[str, object]:
    """A proposal for machines."""
    fit = proposal.fit
    return {
        "name": proposal.group.name,
        "paths": proposal.group.patterns,
        "files": proposal.group.files,
        "format": proposal.name if fit is not None else None,
        "hub": hub_of(proposal)[0],
        "lines": fit.lines if fit else None,
        "events": fit.events if fit else 0,
        "understood": round(fit.explained, 4) if fit else 0,
        "others": proposal.others,
        "declared": None if proposal.form is None else settings_of(proposal.form),
        "notes": proposal.notes,
        "missing": proposal.missing,
    }
