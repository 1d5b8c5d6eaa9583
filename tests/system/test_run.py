"""The main job: `pharmapulse run` over a growing, rotating log ends with series and a page that equal the log."""

from __future__ import annotations

import gzip
import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from html import unescape
from pathlib import Path

import pytest

from domain.series import CALL_FAMILIES, SeriesKey
from rrd.store import RrdSeriesStore
from simulator.faults import ORDINARY
from simulator.lines import file_name, rendered
from simulator.world import build_world
from tests.system import oracle
from tests.system.support import (
    api_calls,
    free_port,
    get,
    get_json,
    no_traceback,
    running,
    text_of,
    try_get,
    wait_equal,
    wait_for,
    written,
)

DAY = 86_400
REAL_LOG = "logs/traffic/elastic-apache-4days/apache_logs.gz"
_TIME = re.compile(r"\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_CLF = "%d/%b/%Y:%H:%M:%S %z"

CONFIG = """\
[site]
name = "Our site"
data = "data"
[web]
port = {port}
[agent]
field_cap = {cap}
[collector]
grace_seconds = 2
[[sources]]
name = "web"
paths = ["web.log*"]
format = "access"
hub = "web"
"""


def corpus() -> Path:
    """The folder of real logs, which is not in the repository."""
    named = os.environ.get("PHARMAPULSE_CORPUS")
    return Path(named) if named else Path(__file__).resolve().parents[3] / "shared"


def moved(lines: Sequence[str], last: datetime) -> list[str]:
    """The lines with every time moved by one constant, so that the newest is `last`."""
    times = [datetime.strptime(match[1], "%d/%b/%Y:%H:%M:%S %z") for line in lines if (match := _TIME.search(line))]
    assert len(times) == len(lines)
    shift = last.replace(microsecond=0) - max(times)
    return [_TIME.sub(f"[{(at + shift).astimezone(UTC):{_CLF}}]", line, count=1)
            for at, line in zip(times, lines, strict=True)]  # fmt: skip


class GrowingFile:
    """A log as its writer sees it: appended to in pieces that end anywhere, rotated by rename."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._rotated = 0

    def append(self, data: bytes) -> None:
        self._file.write(data)

    def rotate(self, last_words: bytes = b"") -> None:
        """Rename the file, say the last words into it under its new name, begin another."""
        self._rotated += 1
        self.path.rename(self.path.with_name(f"{self.path.name}.{self._rotated}"))
        self._file.write(last_words)
        self._file.close()
        self._file = self.path.open("ab", buffering=0)

    def close(self) -> None:
        self._file.close()


@pytest.fixture
def real_lines() -> list[str]:
    path = corpus() / REAL_LOG
    if not path.exists():
        pytest.skip(f"{path} is not here: name the folder of real logs in PHARMAPULSE_CORPUS")
    return gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)


def seen_by_api(
    port: int, now: float, families: dict[str, Counter[tuple[str, ...]]]
) -> dict[str, Counter[tuple[str, ...]]]:
    """The counts of the same keys as /api/v1 tells them: minutes until two hours ago, then the finest step."""
    turn = int(now) // 3_600 * 3_600 - 3_600
    found: dict[str, Counter[tuple[str, ...]]] = {}
    for family, counts in families.items():
        fine = 60 if family in ("code", "server", "endpoint_vendor") else 10
        found[family] = Counter()
        for key in counts:
            series = SeriesKey(family, key)
            total = sum(api_calls(port, series, 60, start, start + DAY) for start in range(turn - 5 * DAY, turn, DAY))
            found[family][key] = total + api_calls(port, series, fine, turn, turn + 2 * 3_600)
    return found


def table_rows(page: bytes, heading: str) -> Iterator[list[str]]:
    """The cells of the rows of the section or table that begins with `heading`."""
    text = page.decode()
    begin = text.index(heading)
    for row in re.findall(r"<tr>(.*?)</tr>", text[begin : text.index("</table>", begin)], re.DOTALL):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        if cells:
            yield [unescape(re.sub(r"<wbr>", "", cell)) for cell in cells]


def number_of(cell: str) -> int:
    """The first number of a cell, thousands separated."""
    match = re.search(r"\d[\d,]*", re.sub(r"<[^>]+>", " ", cell))
    assert match, cell
    return int(match[0].replace(",", ""))


def name(cell: str) -> str:
    """The text of a cell up to what stands small beside it."""
    return re.sub(r"<[^>]+>", "", cell.split("<small>")[0]).strip()


@pytest.mark.corpus
def test_a_real_log_moved_to_now_gives_series_and_a_page_with_its_counts(tmp_path: Path, real_lines: list[str]) -> None:
    cap = 40
    begun = time.monotonic()
    lines = moved(real_lines, datetime.now(UTC))
    data = "".join(lines).encode()
    truth = oracle.count_access(lines, "web", cap)
    assert truth["hub"] == {("web",): 10_000}
    port = free_port()
    config = tmp_path / "pharmapulse.toml"
    config.write_text(CONFIG.format(port=port, cap=cap))
    assert len(config.read_text().splitlines()) <= 15
    log = GrowingFile(tmp_path / "web.log")
    log.append(data[:700_001])  # ends within a line

    with running(tmp_path / "run.log", "run", "--config", str(config)) as stack:
        wait_for("the dashboard", lambda: try_get(port, "/readyz"))
        hub = SeriesKey("hub", ("web",))
        wait_for("the first lines", lambda: try_get(port, "/api/v1/series/hub/web"))
        for begin in range(700_001, 1_300_001, 100_000):
            log.append(data[begin : begin + 100_000])
        log.rotate(last_words=data[1_300_001:1_400_000] + data[1_400_000 : data.index(b"\n", 1_400_000) + 1])
        begin = data.index(b"\n", 1_400_000) + 1
        log.append(data[begin : begin + 300_000])
        wait_for("some of the new file", lambda: agent_lines(port) > 6_000)
        log.append(data[begin + 300_000 :])
        log.close()
        wait_for("every line", lambda: agent_lines(port) == 10_000)
        now = time.time()
        few = {"hub": truth["hub"], "code": truth["code"]}
        wait_for("/api/v1 to tell all", lambda: seen_by_api(port, now, few) == few, 100, every=1)
        assert seen_by_api(port, now, {"endpoint": truth["endpoint"]}) == {"endpoint": truth["endpoint"]}
        assert api_calls(port, hub, 10, now - 3_600, now + 60) < 10_000  # four days, not one hour

        store = RrdSeriesStore(tmp_path / "data" / "series")
        window = (int(now) // 3_600 * 3_600 - 6 * DAY, int(now) // 3_600 * 3_600 + 7_200)
        for family in ("hub", "endpoint", "code"):
            count = partial(written, store, family, 60, *window)
            wait_equal(f"series of {family} at 1 min", count, truth[family], 100)
        assert not written(store, "vendor", 60, *window)
        failed = store.read(hub, 60, *window)
        assert [int(failed.column(of)[failed.column(of) > 0].sum()) for of in ("functional", "technical")] == [217, 3]

        status, _, page = get(port, "/hub/web?range=week")
        assert status == 200
        told = {("web", name(cells[0])): number_of(cells[4]) for cells in table_rows(page, 'id="endpoints"')}
        assert told == truth["endpoint"]
        codes = {("web", name(cells[0])): number_of(cells[2]) for cells in table_rows(page, "<caption>Codes")}
        assert codes == {("web", "404"): 213, ("web", "500"): 3, ("web", "403"): 2, ("web", "416"): 2}
        assert "web" in text_of(get(port, "/")[2])
        assert stack.stop() == 0
        no_traceback(stack.said())
    print(f"10,000 real lines equal in /api/v1, in RRD files and on the page after {time.monotonic() - begun:.0f} s")


def agent_lines(port: int) -> int:
    """How many lines the log watcher says it has counted, as /api/v1 tells."""
    return sum(source["accounting"]["lines"] for agent in get_json(port, "/api/v1/sources")["agents"]
               for source in agent["sources"])  # fmt: skip


SIMULATED = """\
[site]
name = "Simulated hubs"
data = "data"
clock = "{start}@12"
[web]
port = {port}
[agent]
tick_seconds = 3
[collector]
grace_seconds = 5
[[sources]]
name = "dpp"
paths = ["dpp-calls.log*"]
format = "hub-calls"
hub = "dpp"
[[sources]]
name = "mycarenet"
paths = ["mycarenet-access.log*"]
format = "hub-access"
hub = "mycarenet"
"""


def test_simulated_logs_give_series_and_pages_with_their_counts(tmp_path: Path) -> None:
    """As above without the corpus: two hubs over the last hours, and a clock that runs twelve times as fast."""
    start = datetime.fromisoformat("2026-03-02T11:00:00+01:00")
    port, now = free_port(), start.timestamp()
    world = build_world(seed=3, load=20, pharmacies=8)
    config = tmp_path / "pharmapulse.toml"
    config.write_text(SIMULATED.format(start=start.isoformat(), port=port))
    logs: dict[str, GrowingFile] = {}
    content: dict[str, list[bytes]] = {"dpp": [], "mycarenet": []}
    for part in rendered(world, ORDINARY, now - 3 * 3_600, now):
        for hub in content:
            content[hub] += part.hubs[world.hubs.index(hub)].lines
    truth = oracle.none()
    for hub, lines in content.items():
        logs[hub] = GrowingFile(tmp_path / file_name(world, world.hubs.index(hub)))
        oracle.count_hub(truth, hub, [line.decode() for line in lines])
    number = truth["hub"].total()
    assert number > 3_000

    with running(tmp_path / "run.log", "run", "--config", str(config)) as stack:
        for hub, log in logs.items():
            data = b"".join(content[hub])
            cut = len(data) // 3  # within a line, most likely
            log.append(data[:cut])
            rest = data.index(b"\n", cut) + 1
            log.rotate(last_words=data[cut:rest])
            log.append(data[rest:-100])
            log.rotate(last_words=data[-100:])
            log.close()
        wait_for("the dashboard", lambda: try_get(port, "/readyz"))
        wait_for("the collector", lambda: try_get(port, "/api/v1/sources"))
        wait_for("every line", lambda: agent_lines(port) == number)
        store = RrdSeriesStore(tmp_path / "data" / "series")
        for family, days in ((family.name, family.days) for family in CALL_FAMILIES):
            for step in (step for step in sorted(days) if step <= 300):
                count = partial(written, store, family, step, now - 4 * 3_600, now + 3_600)
                wait_equal(f"series of {family} at {step} s", count, truth[family], 90)
        for family, step in (("hub", 60), ("endpoint", 60), ("vendor", 60), ("code", 60), ("pharmacy", 300)):
            for key, calls in truth[family].items():
                assert api_calls(port, SeriesKey(family, key), step, now - 4 * 3_600, now) == calls
        for hub in content:
            page = get(port, f"/hub/{hub}?range=6h")[2]
            told = {(hub, name(cells[0])): number_of(cells[4]) for cells in table_rows(page, 'id="endpoints"')}
            assert told == {key: calls for key, calls in truth["endpoint"].items() if key[0] == hub}
        assert stack.stop() == 0
        no_traceback(stack.said())
