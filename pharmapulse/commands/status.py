"""`pharmapulse status`: what the public is told, in words on the terminal or as a static copy of the page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from domain.errors import UsageError
from pharmapulse import wiring
from pharmapulse.options import add_config, config_of
from status_page.export import export
from status_page.machine import status
from status_page.model import Page, page
from status_page.site import Now, Site

EPILOG = """\
examples:
  pharmapulse status show --config pharmapulse.toml
  pharmapulse status show --config pharmapulse.toml --json
  pharmapulse status export --config pharmapulse.toml --out /var/www/status

show exits with 1 while anything does not work as it should, or is not known.
export writes index.html, a page for each language, status.json and the buttons, each file aside and renamed: any web
server may serve the directory. Export again every minute, by a timer; a copy that is not renewed turns grey.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("what", choices=("show", "export"), help="show: in words; export: a static copy")
    add_config(parser)
    parser.add_argument("--out", metavar="DIR", help="export: the directory to write the copy into")
    parser.add_argument("--json", action="store_true", help="one object, for machines")


def run(options: argparse.Namespace) -> int:
    """Show or export."""
    if options.what == "export" and not options.out:
        raise UsageError("status export takes --out DIR, the directory to write the copy into")
    if options.what == "show" and options.out:
        raise UsageError("--out belongs to status export; status show writes nothing")
    site = wiring.public_site(config_of(options))
    return _export(site, Path(options.out), as_json=options.json) if options.out else _show(site, as_json=options.json)


def _show(site: Site, *, as_json: bool) -> int:
    now = site.now()
    shown = page(now.document, now.reason, "en", site.title)
    if as_json:
        told = status(now.document, now.reason, site.title, site.stale_seconds)
        sys.stdout.write(f"{msgspec.json.encode(told).decode()}\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(shown, now))
    return 0 if shown.state == "works" else 1


def _lines(shown: Page, now: Now) -> list[str]:
    """The page in a few lines of text."""
    lines = [shown.headline, shown.as_of]
    if now.problem:
        lines.append(now.problem)
    elif now.reason != "fresh":
        lines.append(f"The document is not believed: {now.reason}.")
    wide = max((len(card.name) for card in shown.cards), default=0)
    lines += [
        "  ".join(part for part in (f"{card.name:{wide}}", card.word, card.since, card.month) if part)
        for card in shown.cards
    ]
    lines += [f"{item.title}, {item.when}" for item in (*shown.notices.lasting, *shown.notices.planned)]
    return lines


def _export(site: Site, directory: Path, *, as_json: bool) -> int:
    now = site.now()
    written = export(site, now, directory)
    if as_json:
        told = {"out": str(directory), "reason": now.reason, "files": written}
        sys.stdout.write(f"{msgspec.json.encode(told).decode()}\n")
    else:
        sys.stdout.write(f"{directory}: {len(written)} files\n")
    if now.reason != "fresh":
        why = now.problem or f"the document is not believed ({now.reason})"
        sys.stderr.write(f"pharmapulse: the copy says that nothing is known of the present: {why}\n")
    return 0
