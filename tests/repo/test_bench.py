"""The measurements measure what they say: the log is what it should be, and every program counts the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.generate import write_log
from domain.identifiers import valid_pharmacy
from domain.redact import has_patient

LINES = 20_000


def test_the_log_is_the_same_every_time_and_as_described(tmp_path: Path) -> None:
    write_log(tmp_path / "one", LINES)
    write_log(tmp_path / "two", LINES)
    data = (tmp_path / "one").read_bytes()
    assert data == (tmp_path / "two").read_bytes()
    lines = data.decode().splitlines()
    assert len(lines) == LINES
    assert 180 < len(data) / LINES < 190
    whole = [line for line in lines if line.startswith("ts=2026-11-16T") and " msg=" in line]
    assert 0.0003 < 1 - len(whole) / LINES < 0.003
    assert 0.28 < sum(map(has_patient, whole)) / LINES < 0.32
    assert all(valid_pharmacy(line.split(" apb=")[1][:8]) for line in whole[:500])


def test_every_program_counts_the_same(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench.run", "--lines", str(LINES), "--runs", "1", "--no-long", "--tail", "0", "--json",
         "--data", str(tmp_path / "data")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads(run.stdout)
    assert report["problems"] == []
    assert set(report["tools"]) == {"analyse", "two processes", "mawk", "mtail", "goaccess", "rg -c"}
    ratios = {"analyse / mawk", "analyse / mtail", "analyse / goaccess"}
    assert set(report["checks"]) == ratios | {"memory, MB", "memory of two processes, MB"}
