"""A demo run: no patient number in anything it wrote or served; a second run goes on where the first stopped."""

from __future__ import annotations

import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import msgspec
import pytest

from domain.series import FAMILIES
from pharmapulse.config import load
from pharmapulse.places import Places
from pharmapulse.wiring import live
from rrd.store import RrdSeriesStore
from simulator.faults import ORDINARY
from simulator.lines import rendered
from simulator.patients import pool
from simulator.world import build_world
from tests.system import oracle
from tests.system.patients import Search
from tests.system.support import (
    counted,
    free_port,
    get,
    get_json,
    no_traceback,
    running,
    try_get,
    wait_equal,
    wait_for,
)

SEED, LOAD, PHARMACIES = 5, 20, 40
WORLD = ("--seed", str(SEED), "--load", str(LOAD), "--pharmacies", str(PHARMACIES))
# Pages of one kind are drawn by the same code: so many of each are looked at.
MOST_OF_A_KIND = 4
PATIENT, DOTTED = "50010199928", "50.01.01-999.28"
# What somebody might ask for who looks for a patient.
ASKED_FOR = (
    f"/hub/{PATIENT}", f"/pharmacies?q={PATIENT}", f"/pharmacies?q={DOTTED}", f"/api/v1/pharmacies?query={PATIENT}",
    f"/api/v1/series/hub/{DOTTED}", f"/?range={PATIENT}", f"/hub/dpp?from={PATIENT}&to=1", f"/{PATIENT}",
    "/pharmacies?q=50+01+01+999+28", "/hub/5001%30199928", f"/static/{PATIENT}.css",
)  # fmt: skip


@dataclass
class Finished:
    """What two runs of a demo in one directory left behind."""

    data: Path
    log: Path
    pages: dict[str, bytes] = field(default_factory=dict)


def kind_of(address: str) -> tuple[str, int]:
    """What pages that are drawn alike have in common, and how many of them are looked at."""
    parts = urlsplit(address)
    path = parts.path.split("/")[1:]
    asked = sorted(re.findall(r"(?:^|&)([a-z]+)=", parts.query)) + re.findall(r"range=(\w+)", parts.query)
    names = path[:4] if path[0] == "api" else [path[0], str(len(path) > 2)]
    every = not parts.query and path[0] in ("hub", "vendor")
    return " ".join([*names, *asked]), 1_000 if every else MOST_OF_A_KIND


def links(address: str, body: bytes) -> Iterator[str]:
    """The addresses on a page that lead to this dashboard, those its scripts ask for included."""
    for found in re.findall(r'(?:href|src|action|data-series|data-[a-z]+-url)="([^"]+)"', body.decode()):
        target = urljoin(f"http://here{address}", unescape(found))
        if target.startswith("http://here/"):
            yield target.removeprefix("http://here").split("#")[0]


def crawl(port: int) -> dict[str, bytes]:
    """Every page that links lead to, up to so many of a kind, and every address of the API."""
    waiting = ["/", "/healthz", "/readyz", "/api/v1/overview", "/api/v1/hubs", "/api/v1/pharmacies", "/api/v1/sources",
               "/api/v1/openapi.json", "/pharmacies?q=00", "/pharmacies?page=2", "/nothing/here", "/api/v1/nothing",
               *ASKED_FOR]  # fmt: skip
    for family in FAMILIES:
        waiting.append(f"/api/v1/keys/{family}")
        for key in get_json(port, f"/api/v1/keys/{family}")["keys"]:
            path = "/".join(quote(part, safe="") for part in key)
            waiting.append(f"/api/v1/series/{family}/{path}?range=6h&compare=week,month,year")
            if family in ("hub", "vendor", "pharmacy"):
                waiting.append(f"/{family}/{path}")
    seen: Counter[str] = Counter()
    pages: dict[str, bytes] = {}
    while waiting:
        address = waiting.pop(0)
        kind, most = kind_of(address)
        if address in pages or (seen[kind] >= most and address not in ASKED_FOR) or address == "/api/v1/stream":
            continue
        seen[kind] += 1
        status, content, body = get(port, address)
        assert status < 500, (address, status, body[:500])
        assert status == (400 if address in ASKED_FOR else 404 if "nothing" in address else 200), (address, status)
        pages[address] = body
        if content.startswith("text/html"):
            waiting += links(address, body)
    return pages


def plant(logs: Path, until: float) -> int:
    """Lines of the half hour before, as of a file that was rotated while nobody watched; how many."""
    world = build_world(SEED, LOAD * 40, PHARMACIES)
    lines: dict[str, list[bytes]] = {"dpp-calls.log.before": [], "mycarenet-access.log.before": []}
    for part in rendered(world, ORDINARY, until - 2_400, until - 600):
        for name in lines:
            lines[name] += part.hubs[world.hubs.index(name.split("-")[0])].lines
    for name, kept in lines.items():
        (logs / name).write_bytes(b"".join(kept))
    return sum(map(len, lines.values()))


def since(logs: Path, start: float, end: float) -> oracle.Counts:
    """The calls that the demo's own logs tell of in a span."""
    counts = oracle.none()
    for path in logs.glob("*.log*"):
        if not path.name.endswith(".before"):
            lines = path.read_text().splitlines(keepends=True)
            oracle.count_hub(counts, oracle.hub_of(path), [x for x in lines if start <= oracle.completed(x) < end])
    return counts


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Finished]:
    data, log, port = tmp_path / "data", tmp_path / "demo.log", free_port()
    demo = ("demo", "--data", str(data), "--port", str(port), *WORLD)
    with running(log, *demo) as first:
        wait_for("pages", lambda: try_get(port, "/"), 60)
        wait_for("live lines", lambda: lines_told(port) > 2, 120)
        assert first.stop() == 0
    mark = msgspec.json.decode((data / "demo.json").read_bytes())
    config = load(data / "pharmapulse.toml")
    store, buckets = RrdSeriesStore(Places(config.data).series), live(config)
    result = Finished(data, log)
    with running(log, *demo) as second:
        wait_for("pages", lambda: try_get(port, "/"), 60)
        planted = plant(data / "logs", mark["started"])
        assert planted > 200
        wait_for("lines of both runs", lambda: lines_told(port) > planted, 120)
        # Of both runs: every call since the first start, no more and no less.
        start = (mark["started"] // 10 + 1) * 10
        wait_for("some seconds of the second run", lambda: (buckets.complete_up_to() or 0) >= time.time() - 10, 120)
        end = (buckets.complete_up_to() or 0) // 10 * 10
        truth = since(data / "logs", start, end)
        assert truth["hub"].total() > 0
        for family in ("hub", "endpoint", "vendor"):
            count = partial(counted, store, buckets, family, 10, start, end)
            wait_equal(f"{family} of both runs", count, truth[family], 60)
        result.pages = crawl(port)
        assert second.stop() == 0
    yield result
    shutil.rmtree(data)


def lines_told(port: int) -> int:
    """How many lines the log watcher says it has counted."""
    answer = try_get(port, "/api/v1/sources")
    agents = msgspec.json.decode(answer)["agents"] if answer else []
    return sum(source["accounting"]["lines"] for agent in agents for source in agent["sources"])


def check_that_the_hubs_own_logs_hold_patients(finished: Finished) -> None:
    search = Search(pool(SEED))
    for path in finished.data.glob("logs/*.log*"):
        search.raw(path.name, path.read_bytes())
    assert len({finding.number for finding in search.findings}) > 50


def search_files(search: Search, data: Path) -> None:
    """Look into every file of the demo but the hubs' own logs, and into a sample of the series."""
    chance, logs = random.Random(1), data / "logs"
    for path in sorted(data.rglob("*")):
        search.text("a name", str(path.relative_to(data)))
        is_input = path.parent == logs and not path.name.startswith(".")
        # Series are thousands of files of megabytes made alike: a sample is read, of all the names.
        if path.is_file() and not is_input and (path.suffix != ".rrd" or chance.random() < 0.02):
            search.file(path, dump=path.stat().st_size < 400_000)


def check_files(finished: Finished) -> None:
    search = Search(pool(SEED))
    search_files(search, finished.data)
    # Batches that arrived last are made hour files now.
    with running(finished.log, "collector", "--once", "--config", str(finished.data / "pharmapulse.toml")) as once:
        assert once.wait() == 0
    search_files(search, finished.data)
    print(dict(sorted(search.looked_at.items())))
    assert not search.findings
    assert {"parquet", "batches", "sqlite", "rrd", "rrd dumps", "tables", "json", "toml"} <= search.looked_at.keys()


def check_pages(finished: Finished) -> None:
    search = Search(pool(SEED))
    for address, body in finished.pages.items():
        search.page(address, body)
    print(f"{len(finished.pages)} pages and answers, {sum(map(len, finished.pages.values())):,} bytes")
    assert not search.findings


def check_what_the_processes_said(finished: Finished) -> None:
    search = Search(pool(SEED))
    search.text("what was said", finished.log.read_text())
    assert not search.findings
    no_traceback(finished.log.read_text())
    assert " ERROR " not in finished.log.read_text()


def test_a_demo_taken_up_again_is_exact_and_leaves_no_patient_anywhere(finished: Finished) -> None:
    check_that_the_hubs_own_logs_hold_patients(finished)
    check_files(finished)
    check_pages(finished)
    check_what_the_processes_said(finished)


def test_times_of_simulated_lines() -> None:
    line = 'ts=2026-11-22T10:36:12.123+01:00 level=INFO op=x dt=87 msg="accepted"\n'
    assert oracle.completed(line) == datetime.fromisoformat("2026-11-22T10:36:12.123+01:00").timestamp()
    line = '10.2.3.4 - 00012371 [22/Nov/2026:10:36:12 +0100] "POST /x/y HTTP/1.1" 200 1834 "-" "a/4" 1500000\n'
    assert oracle.completed(line) == datetime.fromisoformat("2026-11-22T10:36:13.5+01:00").timestamp()
