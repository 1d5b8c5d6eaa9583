"""`simulate` writes logs that `analyse` reads to the last line, and refuses what cannot be simulated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.call import ask

SPAN = ("--from", "2026-03-02T10:00", "--to", "2026-03-02T10:05", "--pharmacies", "300")


def test_what_is_simulated_is_what_analyse_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "logs"
    answer = ask(capsys, "simulate", "--out", str(out), *SPAN, "--scenario", "endpoint-dead")
    assert (answer.code, answer.err) == (0, "")
    truth = json.loads((out / "truth.json").read_text())
    assert f"{truth['total']['calls']:,} calls" in answer.out
    for hub, lines in truth["lines"].items():
        (log,) = out.glob(f"{hub}-*.log")
        found = json.loads(ask(capsys, "analyse", str(log), "--json").out)
        assert (found["lines"], found["events"]) == (lines, lines)
        told = {row["key"]: row["calls"] for row in found["by"]["endpoint"]}
        assert told.items() <= {name: tally["calls"] for name, tally in truth["by"]["endpoint"].items()}.items()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--from", "2026-03-02"), "--to"),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "after its start"),
        (("--from", "2026-03-02", "--to", "noon"), "noon"),
        (("--live", "--from", "2026-03-02"), "--live"),
        ((*SPAN, "--scenario", "nothing.toml"), "nothing.toml"),
        ((*SPAN, "--load", "-1"), "load"),
        ((*SPAN, "--seed", "x"), "--seed"),
    ],
)
def test_what_cannot_be_simulated(
    options: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(capsys, "simulate", "--out", str(tmp_path / "logs"), *options)
    assert answer.code == 2
    assert words in answer.err
    assert not (tmp_path / "logs").exists()


def test_no_place_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    answer = ask(capsys, "simulate", "--out", str(tmp_path / "file"), *SPAN)
    assert answer.code == 2
    assert str(tmp_path / "file") in answer.line
