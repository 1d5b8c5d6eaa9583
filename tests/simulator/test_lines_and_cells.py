"""What lines say, what cells say and what the truth says is one and the same."""

import re
from pathlib import Path

import polars as pl
import pytest

from domain.cells import SCHEMA, add
from domain.redact import has_patient, mask_patients
from logwatch.catalog import shipped as log_formats
from logwatch.count import count
from logwatch.reader import Reader
from logwatch.registry import Registry
from simulator.cells import recent
from simulator.faults import load_scenario, shipped
from simulator.patients import pool
from simulator.truth import read_truth
from simulator.world import build_world
from simulator.writer import simulate, write_logs

from .helpers import cells_of_logs, lines_of, logs, start_of

SPANS = [
    ("2026-11-23T10:00", 400.0),
    ("2026-11-23T10:00:07.25", 131.5),  # cut inside slices, inside seconds
    ("2026-10-25T02:58", 240.0),  # the clock goes back
    ("2026-03-29T01:59", 240.0),  # and forward
]


@pytest.mark.parametrize(("begin", "seconds"), SPANS)
def test_lines_parse_back_to_the_cells(tmp_path: Path, begin: str, seconds: float) -> None:
    world, start = build_world(7, load=3), start_of(begin)
    truth = write_logs(tmp_path, start, start + seconds, world)
    cells = add(list(recent(world, start, start + seconds)))
    assert cells.schema == SCHEMA
    assert truth.total.calls == cells["calls"].sum() > 20
    assert cells_of_logs(tmp_path).equals(cells)


def test_also_while_things_go_wrong(tmp_path: Path) -> None:
    world, start = build_world(7, pharmacies=400, load=4), start_of("2026-11-23T10:00")
    scenario = load_scenario(shipped()["demo"], world, start)
    truth = write_logs(tmp_path, start + 180, start + 420, world, scenario)
    assert cells_of_logs(tmp_path).equals(add(list(recent(world, start + 180, start + 420, scenario))))
    assert [fault.kind for fault in truth.faults] == ["endpoint-dead"]


def test_the_log_watcher_reads_the_same(tmp_path: Path) -> None:
    world, start = build_world(3, load=3), start_of("2026-11-23T09:59")
    scenario = load_scenario(shipped()["demo"], world, start - 180)
    write_logs(tmp_path, start, start + 120, world, scenario)
    registry, formats = Registry(300), log_formats()
    frames = []
    for hub, path in logs(tmp_path):
        reader = Reader(formats["hub-access" if hub == "mycarenet" else "hub-calls"], registry, fixed={"hub": hub})
        reading = reader.read(path.read_bytes(), start + 200)
        assert reading.accounting.events == reading.accounting.lines == len(lines_of(path))
        assert not reading.tally.invalid
        assert not reading.tally.unknown_codes
        frames.append(count([reading.events], registry))
    assert add(frames).equals(add(list(recent(world, start, start + 120, scenario))))


def test_truth_counts_the_lines(tmp_path: Path) -> None:
    start = start_of("2026-11-23T23:30")  # over midnight
    truth = simulate(tmp_path, start, start + 3_600, seed=2, load=5, pharmacies=700)
    assert read_truth(tmp_path / "truth.json") == truth
    cells = cells_of_logs(tmp_path)
    for name in ("hub", "endpoint", "vendor", "pharmacy", "code", "server"):
        found = {
            row[0]: row[1:]
            for row in cells.group_by(name)
            .agg(
                pl.col("calls").sum(),
                pl.col("calls").filter(pl.col("class") == "functional").sum().alias("functional"),
                pl.col("calls").filter(pl.col("class") == "technical").sum().alias("technical"),
            )
            .iter_rows()
        }
        assert found == {key: (t.calls, t.functional, t.technical) for key, t in truth.by[name].items()}
    assert truth.lines == {hub: len(lines_of(path)) for hub, path in logs(tmp_path) if lines_of(path)}
    minutes = cells.group_by("hub", pl.col("bucket") // 60 * 60).agg(pl.col("calls").sum())
    assert sum(minutes["calls"]) == sum(sum(of_hub.values()) for of_hub in truth.minutes.values())
    assert len(minutes) == sum(map(len, truth.minutes.values()))


def test_three_lines_in_ten_carry_a_patient_in_every_disguise(tmp_path: Path) -> None:
    start = start_of("2026-11-23T10:00")
    truth = simulate(tmp_path, start, start + 300, pharmacies=3_000)
    lines = [line for _, path in logs(tmp_path) for line in lines_of(path)]
    carrying = [line for line in lines if has_patient(line)]
    assert len(lines) > 10_000
    assert 0.28 < len(carrying) / len(lines) < 0.32
    for sign in (
        "PatientIdType",
        "/subject/",
        "INSZ ",
        "SSIN=",
        "'",
        "niet teruggevonden",
        "NISS:",
        "?ssin=",
        "?insz=",
    ):
        assert any(sign in line for line in carrying)
    digits = {re.sub(r"\D", "", found) for line in carrying for found in re.findall(r"(?:\d[ .-]?){10}\d", line)}
    assert len(digits & set(pool(1))) > 1_000
    told = (tmp_path / "truth.json").read_text()
    assert truth.total.calls == len(lines)
    assert not has_patient(told)
    assert mask_patients(told) == told


def test_lines_are_about_as_long_as_real_ones(tmp_path: Path) -> None:
    start = start_of("2026-11-23T10:00")
    simulate(tmp_path, start, start + 60)
    lengths = [len(line) for _, path in logs(tmp_path) for line in lines_of(path)]
    assert 170 < sum(lengths) / len(lengths) < 240
