"""Links, pictures, configurations and files that the documents name."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from domain.cells import BUCKET_SECONDS
from domain.clock import SystemClock
from domain.series import SeriesKey
from logwatch.catalog import formats
from logwatch.examples import failures
from logwatch.gathered import MOST_EVENTS
from logwatch.handing import HEARTBEAT_SECONDS
from logwatch.kinds import KINDS
from logwatch.lines import MAX_LINE
from logwatch.watch import BACKFILL_SECONDS
from pharmapulse.cli import call
from pharmapulse.config import load
from pharmapulse.places import Places
from pharmapulse.wiring.calls import deferred
from rrd.store import RrdSeriesStore
from store.outbox import KEPT_BYTES
from tests.cli.call import ask
from tests.docs.reading import DOCUMENTS, ROOT, Block, blocks, codes, prose, rows, sections

DATA, HOUSE, FORMATS = (ROOT / "docs" / f"{name}.md" for name in ("data", "architecture", "formats"))
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")
_MOST_BYTES, _MOST_PICTURES = 150_000, 7


def links(document: Path) -> list[str]:
    found = ["".join(match) for match in _LINK.findall(document.read_text("utf-8"))]
    return [link.partition("#")[0] for link in found if "://" not in link]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    assert not [link for link in links(document) if link and not (document.parent / link).exists()]


def test_every_document_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}
    assert not [document.name for document in DOCUMENTS if document not in linked and document.name != "README.md"]


def test_pictures_are_few_small_and_shown() -> None:
    pictures = set((ROOT / "docs" / "images").iterdir())
    assert len(pictures) <= _MOST_PICTURES
    assert not [path.name for path in pictures if path.stat().st_size > _MOST_BYTES]
    assert pictures == {path for document in DOCUMENTS for link in links(document)
                        if (path := (document.parent / link).resolve()).suffix == ".png"}  # fmt: skip


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_every_configuration_that_is_shown_is_right(block: Block, tmp_path: Path) -> None:
    text = block.text if "[site]" in block.text else f'[site]\nname = "A site"\ndata = "data"\n{block.text}'
    shown = tomllib.loads(text)
    file = tmp_path / "pharmapulse.toml"
    file.write_text(text.replace(f'"{shown["site"]["data"]}"', f'"{tmp_path}/data"'))
    config = load(file)
    for name, form in config.settings.formats.items():
        assert form.examples
        assert not failures(form, config.codes, f"formats.{name}", SystemClock().now())
    if "[[sources]]" in block.text:
        written = [line for line in block.text.splitlines() if line.strip()]
        assert len(written) <= 13  # "a dozen lines"


def test_the_shipped_formats_and_kinds_are_those_that_are_told() -> None:
    text = prose(FORMATS)
    assert {row[0].strip("`") for row in rows(text)} == set(formats({}))
    assert all(f"`{kind}` (" in text for kind in KINDS)


@pytest.fixture(scope="module")
def data(home: Path) -> Path:
    """What a log watcher, a collector and a deferred queue leave behind."""
    config = str(home / "pharmapulse.toml")
    assert call(["logwatch", "--config", config, "--once"]) == 0
    assert call(["collector", "--config", config, "--once"]) == 0
    deferred(load(Path(config))).close()
    return home / "data"


def test_the_walk_ends_with_the_counts_of_the_log(
    data: Path, access_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = json.loads(ask(capsys, "analyse", "--json", str(access_log)).out)
    series = RrdSeriesStore(data / "series")
    # An access line says its start to the second only: the first calls count for the minute before.
    begin = int(datetime.fromisoformat("2025-11-17T09:00:00Z").timestamp())
    for family in ("endpoint", "vendor", "code"):
        written = {key: int(np.nansum(series.read(SeriesKey(family, key), 60, begin - 60, begin + 360).column("calls")))
                   for key in series.keys(family)}  # fmt: skip
        assert {key[-1]: calls for key, calls in written.items()} == {
            row["key"]: row["calls"] for row in counted["by"][family] if row["key"]
        }
    assert counted["events"] > 100


def test_what_is_stored_is_what_the_document_says(data: Path) -> None:
    named = {name for row in rows(prose(DATA)) for name in codes(row[1])} - {Places(data).socket.name}
    named.remove(str(Places(data).site_key.relative_to(data)))  # this log has no field for a patient
    assert not [name for name in named if not (data / name).exists()]
    stored = {path.relative_to(data) for path in data.rglob("*") if path.is_file() and path.stat().st_size}
    told = [path for path in stored if any(str(path).startswith(name) for name in named)]
    assert told
    assert not stored.difference(told)


def test_every_file_of_the_house_exists() -> None:
    text = HOUSE.read_text("utf-8")
    named = {name for name in codes(prose(HOUSE)) if re.fullmatch(r"[a-z_]+/[\w./]*", name)}
    drawn = set(re.findall(r"\b([a-z_]+/)  ", text))
    assert len(drawn) == 13
    assert not [name for name in named | drawn if not (ROOT / name).exists()]


def test_figures_in_the_text_are_those_of_the_code() -> None:
    house, data, form = (" ".join(prose(document).split()) for document in (HOUSE, DATA, FORMATS))
    assert BUCKET_SECONDS == 10
    assert "ten seconds, hub, endpoint" in house
    assert BACKFILL_SECONDS == 600
    assert "more than ten minutes old" in house
    assert HEARTBEAT_SECONDS == 2
    assert "at least every two seconds" in house
    assert f"{MOST_EVENTS:,} events" in house
    assert f"{MAX_LINE // 1024} KiB" in house
    assert f"{MAX_LINE // 1024} KiB" in form
    assert f"the last {KEPT_BYTES // 2**20} MiB" in data


def test_no_heading_is_twice_in_a_document() -> None:
    for document in DOCUMENTS:
        headings = [heading for heading, _ in sections(document)]
        assert len(headings) == len(set(headings)), document.name
