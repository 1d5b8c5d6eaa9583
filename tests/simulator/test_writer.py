"""The `simulate` command's work: what is refused, what is replaced, how far it says it is."""

from pathlib import Path

import pytest

from domain.errors import InputError, UsageError
from simulator.truth import read_truth
from simulator.writer import simulate

from .helpers import start_of

START = start_of("2026-11-23T10:00")


def test_the_same_seed_writes_the_same_bytes_and_replaces_what_was_there(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    simulate(tmp_path / "a", START, START + 150, seed=5, pharmacies=300, progress=lambda *at: told.append(at))
    simulate(tmp_path / "b", START, START + 600, seed=5, pharmacies=300)
    simulate(tmp_path / "b", START, START + 150, seed=5, pharmacies=300)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert len(names) == 7
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_simulated_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="after its start"):
        simulate(tmp_path, START, START)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="cannot be a directory"):
        simulate(file, START, START + 60)
    (tmp_path / "dpp-calls.log").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        simulate(tmp_path, START, START + 60)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]"])
def test_what_is_no_truth_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "truth.json"
    with pytest.raises(InputError, match="cannot be read"):
        read_truth(file)
    file.write_bytes(content)
    with pytest.raises(InputError, match="not the truth"):
        read_truth(file)


def test_another_version_of_the_truth_is_said(tmp_path: Path) -> None:
    simulate(tmp_path, START, START + 1, pharmacies=5)
    file = tmp_path / "truth.json"
    file.write_text(file.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(InputError, match="version 2"):
        read_truth(file)
