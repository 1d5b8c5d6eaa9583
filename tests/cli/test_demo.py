"""`demo` keeps its hands off directories that are not its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmapulse.demo import Demo
from tests.cli.call import ask


def test_a_foreign_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    answer = ask(capsys, "demo", "--data", str(tmp_path))
    assert answer.code == 2
    assert answer.line == f"{tmp_path}: is not empty and holds no demo. Choose another --data"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    answer = ask(capsys, "demo", "--data", str(tmp_path / "thesis.txt"))
    assert answer.code == 2
    assert answer.line.startswith(f"{tmp_path / 'thesis.txt'}: ")


def test_a_demo_of_another_world_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Demo(tmp_path, seed=1, load_factor=1.0, pharmacies=3, port=8080)
    for other in (("--seed", "2"), ("--load", "2"), ("--pharmacies", "4")):
        arguments = {"--seed": "1", "--load": "1", "--pharmacies": "3", other[0]: other[1]}
        answer = ask(capsys, "demo", "--data", str(tmp_path), *(word for pair in arguments.items() for word in pair))
        assert answer.code == 2
        assert "holds a demo of seed 1, load 1 and 3 pharmacies" in answer.line
    (tmp_path / "demo.json").write_text("{}")
    assert ask(capsys, "demo", "--data", str(tmp_path)).code == 2


@pytest.mark.parametrize(
    "options", [("--seed", "-1"), ("--load", "0"), ("--load", "nan"), ("--pharmacies", "0"),
                ("--pharmacies", "1000000"), ("--port", "0"), ("--for", "-1"), ("--for", "nan")],
)  # fmt: skip
def test_impossible_demos_begin_nothing(
    options: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "demo"
    answer = ask(capsys, "demo", "--data", str(data), "=".join(options))
    assert answer.code == 2
    assert options[1].lstrip("-") in answer.err
    assert not data.exists()


def test_a_directory_that_cannot_be_made_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "demo", "--data", "/proc/nowhere", "--pharmacies", "3", "--port", "8399")
    assert answer.code == 1
    assert answer.line == "/proc/nowhere: No such file or directory"
