"""What release 0.1.0 left on disk is taken up by this one: brought forward after a copy, kept, and counted on once.

`tests/store/version-0.1` was made by that release's own code (`tests/store/make_version.py`).
"""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.batch import BatchName
from domain.ports import Arrival
from domain.series import SeriesKey
from domain.wire import decode_batch
from rrd.store import RrdSeriesStore
from store.ledger import open_ledger
from store.outbox import open_outbox
from store.state import REVISIONS, open_state
from tests.cli.call import ask
from tests.store.make_version import FLOORS, NOW, PARTS, PROGRESS, lines
from tests.system.support import written

GOLDEN = Path(__file__).parent / "version-0.1"
TOLD: dict[str, Any] = json.loads((GOLDEN / "told.json").read_text())
NEW = 25
CONFIG = """\
[site]
name = "Our site"
data = "data"
clock = "2025-11-17T10:06:00+01:00@1"
[collector]
grace_seconds = 0
[[sources]]
name = "calls"
paths = ["calls.log*"]
format = "hub-calls"
hub = "dpp"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory as 0.1.0 left it."""
    data = tmp_path / "data"
    for folder in ("agent", "ledger", "spool"):
        shutil.copytree(GOLDEN / folder, data / folder)
    with closing(sqlite3.connect(data / "state.db")) as database:
        database.executescript((GOLDEN / "state.sql").read_text())
    return data


def version(database: Path) -> int:
    with closing(sqlite3.connect(database)) as opened:
        return int(opened.execute("PRAGMA user_version").fetchone()[0])


def test_the_state_is_brought_forward_after_a_copy_and_keeps_all(data: Path) -> None:
    file = data / "state.db"
    with closing(open_state(f"sqlite:///{file}")) as state:
        assert {series: state.floor(series) for series in FLOORS} == FLOORS
        assert state.floor(SeriesKey("hub", ("recipe",))) == 0
        assert {name: state.progress(name) for name in PROGRESS} == PROGRESS
    with closing(sqlite3.connect(file)) as now, closing(sqlite3.connect(f"{file}.before-{REVISIONS[-1]}")) as before:
        newest, oldest = (
            database.execute("SELECT version_num FROM alembic_version").fetchone()[0] for database in (now, before)
        )
        assert (newest, oldest) == (REVISIONS[-1], "0001")
        kept = "SELECT family, key, floor FROM floors ORDER BY key"
        assert now.execute(kept).fetchall() == before.execute(kept).fetchall()


def test_the_state_is_brought_forward_once(data: Path) -> None:
    url = f"sqlite:///{data / 'state.db'}"
    open_state(url).close()
    copy = data / f"state.db.before-{REVISIONS[-1]}"
    made = copy.stat().st_mtime_ns
    with closing(open_state(url)) as state:
        assert {series: state.floor(series) for series in FLOORS} == FLOORS
    assert copy.stat().st_mtime_ns == made


def test_the_outbox_keeps_positions_accounting_and_what_waits(data: Path) -> None:
    file = data / "agent" / "outbox.db"
    before = version(file)
    outbox = open_outbox(file, "agent")
    assert (outbox.incarnation, outbox.sequence) == (TOLD["incarnation"], TOLD["sequence"])
    assert [position.offset for position in outbox.positions()] == TOLD["offsets"]
    assert {name: total.events for name, total in outbox.totals().items()} == TOLD["totals"]
    assert outbox.totals()["calls"].balanced
    for field, values in TOLD["registry"].items():
        assert list(outbox.registry().get(field, ())) == values, field
    waiting = outbox.waiting()
    assert [str(name) for name, _ in waiting] == TOLD["waiting"]
    assert int(decode_batch(waiting[0][1]).cells["calls"].sum()) == PARTS[-1]
    outbox.close()
    if version(file) > before:
        assert version(file.with_name(f"outbox.db.before-{version(file)}")) == before


def test_the_ledger_keeps_cells_coverage_and_the_set_of_sequences(data: Path) -> None:
    file = data / "ledger" / "manifest.sqlite"
    before = version(file)
    outbox = open_outbox(data / "agent" / "outbox.db", "agent")
    ledger = open_ledger(data / "ledger")
    try:
        assert int(ledger.cells(0, 2**40)["calls"].sum()) == TOLD["calls"] == sum(PARTS[:-1])
        assert list(ledger.coverage() or ()) == TOLD["coverage"]
        assert ledger.holds_up_to("agent", TOLD["incarnation"], 2)
        assert not ledger.holds_up_to("agent", TOLD["incarnation"], 3)
        # Sent again, one that is compacted and one that is not: both are known.
        for sequence in (1, 2):
            name, payload = outbox.read(sequence)
            assert not ledger.book(Arrival(name, payload))
        name, payload = outbox.read(3)
        assert ledger.book(Arrival(name, payload))
        assert not ledger.book(Arrival(BatchName(name.agent, name.incarnation, 3), payload))
        ledger.compact()
        assert int(ledger.cells(0, 2**40)["calls"].sum()) == sum(PARTS)
    finally:
        ledger.close()
        outbox.close()
    if version(file) > before:
        assert version(file.with_name(f"manifest.sqlite.before-{version(file)}")) == before


def test_counting_goes_on_exactly_once(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole directory, as a new release finds it: the log was rotated meanwhile, and grew before."""
    home = data.parent
    (home / "pharmapulse.toml").write_text(CONFIG)
    log = (GOLDEN / "calls.log").read_text()
    assert log == "".join(lines(part, count) for part, count in enumerate(PARTS))
    grown = log + lines(len(PARTS), NEW)
    (home / "calls.log.1.gz").write_bytes(gzip.compress(grown.encode()))
    for _ in range(2):  # a second round has nothing to add
        for command in ("logwatch", "collector"):
            assert ask(capsys, command, "--once", "--config", str(home / "pharmapulse.toml")).code == 0
        store = RrdSeriesStore(data / "series")
        truth = Counter(("dpp", line.split()[1].removeprefix("op=")) for line in grown.splitlines())
        assert written(store, "endpoint", 60, int(NOW) - 7_200, int(NOW)) == truth
        assert sum(truth.values()) == sum(PARTS) + NEW
        failed = store.read(SeriesKey("hub", ("dpp",)), 60, int(NOW) - 7_200, int(NOW)).column("technical")
        assert int(failed[failed == failed].sum()) == grown.count("TIP_999")
