"""`analyse` on what cannot be analysed: one clear line and exit code 2; on what can: the figures."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.cli.call import CONFIG, LINE, ask


def test_a_wrong_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "analyse", str(tmp_path / "nothing.log"))
    assert answer.code == 2
    assert answer.line.startswith(f"{tmp_path / 'nothing.log'}: there is no such file")


def test_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "analyse", str(tmp_path))
    assert answer.code == 2
    assert answer.line.startswith(f"{tmp_path}: is a directory")


NO_LOGS = {
    "empty.log": (b"", "empty"),
    "empty.gz": (gzip.compress(b""), "empty"),
    "program": (Path(sys.executable).read_bytes()[:100_000], "no text"),
    "zeros.log": (b"\0" * 10_000, "no text"),
    "cut.gz": (gzip.compress(LINE.encode() * 10_000)[:-300], "cut short"),
    "cut.zst": (zstandard.compress(LINE.encode() * 10_000)[:-3], "cut short"),
    "damaged.zst": (b"\x28\xb5\x2f\xfd" + b"\xff" * 300, "damaged"),
    "damaged.gz": (b"\x1f\x8b\x08\x00" + b"\xff" * 300, "damaged"),
    "not.gz": (b"\x1f\x8b" + b"\7" * 200, "cannot be read"),
}


@pytest.mark.parametrize("options", [(), ("--format", "access"), ("--json",)])
@pytest.mark.parametrize("name", NO_LOGS)
def test_what_is_no_log(
    name: str, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, word = NO_LOGS[name]
    (tmp_path / name).write_bytes(content)
    answer = ask(capsys, "analyse", str(tmp_path / name), *options)
    assert (answer.code, answer.out) == (2, "")
    assert str(tmp_path / name) in answer.line
    assert word in answer.line


def test_lines_of_no_known_format_name_the_best_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "poem.txt").write_text("The woods are lovely, dark and deep,\nBut I have promises to keep,\n" * 50)
    answer = ask(capsys, "analyse", str(tmp_path / "poem.txt"))
    assert answer.code == 2
    assert answer.line.count("%") >= 3 or answer.line.count(",") >= 2, answer.line


def test_an_unreadable_file(tmp_path: Path) -> None:
    file = tmp_path / "secret.log"
    file.write_text(LINE)
    file.chmod(0)
    command = [sys.executable, "-m", "pharmapulse", "analyse", file.name]
    # Root may read everything: the command runs with its name and without its rights.
    capless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    answer = subprocess.run([*capless, *command], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith(f"pharmapulse: {file.name}: may not be read")
    assert answer.stderr.count("\n") == 1


def test_a_format_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "calls.log").write_text(LINE)
    answer = ask(capsys, "analyse", str(tmp_path / "calls.log"), "--format", "hub-cals")
    assert answer.code == 2
    assert "hub-calls" in answer.line


def test_one_wrong_file_among_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "calls.log").write_text(LINE)
    answer = ask(capsys, "analyse", str(tmp_path / "calls.log"), str(tmp_path / "nothing.log"))
    assert (answer.code, answer.out) == (2, "")
    assert "nothing.log" in answer.line


def test_figures_for_machines_and_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "calls.log").write_text(LINE * 20)
    (tmp_path / "calls.log.1.gz").write_bytes(gzip.compress(LINE.encode() * 5))
    (tmp_path / "pharmapulse.toml").write_text(CONFIG)
    files = [str(tmp_path / "calls.log"), str(tmp_path / "calls.log.1.gz")]
    answer = ask(capsys, "analyse", *files, "--json", "--config", str(tmp_path / "pharmapulse.toml"))
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert (found["lines"], found["events"], found["format"]) == (25, 25, "hub-calls")
    assert found["by"]["endpoint"] == [
        {
            "key": "tip.registerData",
            "calls": 25,
            "functional": 0,
            "technical": 0,
            "p50_ms": 87,
            "p95_ms": 87,
            "max_ms": 87,
        }
    ]
    answer = ask(capsys, "analyse", *files)
    assert answer.code == 0
    assert "25 lines" in answer.out
    assert "tip.registerData" in answer.out


def test_whoever_reads_may_go(tmp_path: Path) -> None:
    (tmp_path / "calls.log").write_text("".join(LINE.replace("tip.", f"tip{n}.") for n in range(5_000)))
    command = f'"{sys.executable}" -m pharmapulse analyse "{tmp_path / "calls.log"}" --json | head -1'
    answer = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("{", "")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_answer_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, options: tuple[str, ...]) -> None:
    file = tmp_path / "calls.log"
    file.write_text(LINE)
    command = [sys.executable, "-m", "pharmapulse", "analyse", str(file), *options]
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (1, "pharmapulse: No space left on device\n")


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_pipe_is_read_like_a_file(name: str, packed: Callable[[bytes], bytes]) -> None:
    command = [sys.executable, "-m", "pharmapulse", "analyse", name, "--json"]
    answer = subprocess.run(command, input=packed(LINE.encode() * 5_000), capture_output=True, check=True)
    assert json.loads(answer.stdout)["events"] == 5_000
