"""Patients are counted from the line to the ledger, and no number of one is kept on the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from domain import gauges, sketches
from domain.clock import parse_clock
from domain.series import SeriesKey
from pharmapulse.config import load
from pharmapulse.doctor import patients as examined
from pharmapulse.doctor.finding import House
from rrd.store import RrdSeriesStore
from simulator.patients import pool
from store.ledger import open_ledger
from store.site_keys import read_site_key
from tests.cli.call import ask
from tests.system.patients import Search

NOON = "2026-03-02T12:00:00Z"
NOW = parse_clock(f"{NOON}@0.000001", "UTC")[0].now()
CONFIG = """\
[site]
name = "Our site"
data = "{data}"
clock = "2026-03-02T12:00:00+00:00@0.000001"
[agent]
name = "{agent}"
{more}
[collector]
grace_seconds = 0
[transport]
url = "spool:{spool}"
[[sources]]
name = "calls"
paths = ["{agent}.log"]
format = "own"
hub = "dpp"
[formats.own]
kind = "logfmt"
time = {{ field = "ts" }}
fields = {{ endpoint = "op", pharmacy = "apb", code = "code", patient = "ssin" }}
values = {{ heap = {{ field = "heap", unit = "MB" }} }}
"""
PHARMACIES = ("00000196", "00004255")


def lines(patients: list[str], pharmacy: str, hour: int) -> str:
    return "".join(
        f"ts=2026-03-02T{hour:02}:{place % 60:02}:07+00:00 op=a apb={pharmacy} code=TIP_200 ssin={number} "
        f"heap={place}.5\n"
        for place, number in enumerate(patients)
    )


@pytest.fixture
def numbers() -> list[str]:
    return pool(1)[:60]


def configured(home: Path, agent: str, more: str = "") -> str:
    file = home / f"{agent}.toml"
    file.write_text(CONFIG.format(data=home / agent, agent=agent, more=more, spool=home / "spool"))
    file.chmod(0o600)
    return str(file)


def counted(home: Path) -> dict[tuple[int, str], float]:
    ledger = open_ledger(home / "one" / "ledger")
    try:
        rows = sketches.add([ledger.sketches(0, 2**40)], ("hour", "hub"))
        about = np.rint(sketches.estimate(rows["registers"]))
        return {
            (int(hour % 86_400 // 3_600), hub): number
            for (hour, hub, *_), number in zip(rows.rows(), about.tolist(), strict=True)
        }
    finally:
        ledger.close()


def test_patients_of_two_agents_are_counted_once(
    tmp_path: Path, numbers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = configured(tmp_path, "one"), configured(tmp_path, "two", 'site_key_file = "carried.key"')
    (tmp_path / "one.log").write_text(lines(numbers[:40], PHARMACIES[0], 9) + lines(numbers[:10], PHARMACIES[1], 10))
    (tmp_path / "two.log").write_text(lines(numbers[20:60], PHARMACIES[1], 9))
    assert ask(capsys, "logwatch", "--once", "--config", one).code == 0
    # The key is carried to the other agent by hand; without it that one refuses to count.
    refused = ask(capsys, "logwatch", "--once", "--config", two)
    assert refused.code == 2
    assert "carried.key: there is no site key. Copy the one of another agent" in refused.err
    shutil.copy(tmp_path / "one" / "agent" / "site.key", tmp_path / "carried.key")
    (tmp_path / "carried.key").chmod(0o600)
    assert ask(capsys, "logwatch", "--once", "--config", two).code == 0
    assert ask(capsys, "collector", "--once", "--config", one).code == 0
    # Every key is another one, and now and then two of sixty meet in a register.
    assert counted(tmp_path) == {(9, "dpp"): pytest.approx(60, abs=4), (10, "dpp"): pytest.approx(10, abs=2)}
    series = RrdSeriesStore(tmp_path / "one" / "series")
    [key] = series.keys("value")
    assert key == ("dpp", "calls", "-", "heap", "MB")
    begin = int(NOW) - 3 * 3_600
    row = series.read(SeriesKey("value", key), 3_600, begin, begin + 3_600)
    assert row.values.tolist() == [[39_500, 500, 39_500, 20_000]]

    search = Search(numbers)
    for path in everything(tmp_path):
        search.file(path, dump=False)
    assert search.findings == []
    assert {"batches", "columns", "tables", "parquet"} <= search.looked_at.keys()
    secret = read_site_key(tmp_path / "one" / "agent" / "site.key").secret
    for path in everything(tmp_path):
        if path.name != "site.key":
            assert secret not in path.read_bytes()
            assert b"pharmapulse-site-key" not in path.read_bytes()


def everything(home: Path) -> Iterator[Path]:
    return (path for kept in ("one", "two", "spool") for path in (home / kept).rglob("*") if path.is_file())


def test_patients_of_days_without_a_key_are_not_counted(
    tmp_path: Path, numbers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one = configured(tmp_path, "one")
    old = lines(numbers, PHARMACIES[0], 9).replace("2026-03-02", "2026-02-20")
    (tmp_path / "one.log").write_text(old + lines(numbers[:5], PHARMACIES[0], 9))
    assert ask(capsys, "logwatch", "--once", "--config", one).code == 0
    assert ask(capsys, "collector", "--once", "--config", one).code == 0
    ledger = open_ledger(tmp_path / "one" / "ledger")
    rows = sketches.add([ledger.sketches(0, 2**40)])
    assert rows["uncounted"].to_list() == [60, 0]
    assert sketches.estimate(rows["registers"]).tolist() == pytest.approx([0, 5], abs=1.5)
    assert ledger.cells(0, 2**40)["calls"].sum() == 65
    assert gauges.add([ledger.gauges(0, 2**40)])["count"].sum() == 65
    ledger.close()


def test_no_key_is_made_where_no_number_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = configured(tmp_path, "one")
    file = Path(one)
    file.write_text(file.read_text().replace(', patient = "ssin"', ""))
    (tmp_path / "one.log").write_text(lines(["1"], PHARMACIES[0], 9))
    assert ask(capsys, "logwatch", "--once", "--config", one).code == 0
    assert not (tmp_path / "one" / "agent" / "site.key").exists()
    [found] = examined.check(House(load(file), NOW))
    assert (found.level, found.found) == ("ok", "no source's format reads their numbers")


def test_the_doctor_looks_at_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = configured(tmp_path, "one")
    (tmp_path / "one.log").write_text(lines(pool(1)[:1], PHARMACIES[0], 9))

    def found(after: float = 0) -> tuple[str, str]:
        [one_finding] = examined.check(House(load(Path(one)), NOW + after))
        return one_finding.level, f"{one_finding.found} → {one_finding.mend}"

    assert "will make" in found()[1]
    assert ask(capsys, "logwatch", "--once", "--config", one).code == 0
    assert found()[0] == "ok"
    assert found(86_400)[0] == "ok"
    assert found(3 * 86_400) == ("warn", found(3 * 86_400)[1])
    assert "2 days that are over" in found(3 * 86_400)[1]
    assert "begins 3 days from now" in found(-10 * 86_400)[1]
    key = tmp_path / "one" / "agent" / "site.key"
    key.chmod(0o640)
    assert found()[0] == "fail"
    assert f"others on this machine may read the site key → Take that away: chmod 600 {key}" in found()[1]
