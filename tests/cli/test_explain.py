"""`analyse --explain`: one line of a file, told field by field."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.call import LINE, ask

PATIENT = "50010199928"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "calls.log"
    file.write_text(LINE * 3 + f"ts=yesterday op=x note=PatientId:{PATIENT}PatientIdType\n" + "# end\n")
    return file


def test_a_call_gives_0_and_its_fields(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "analyse", str(log), "--explain", "2")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"{log}:2: event: ")
    assert "format: hub-calls (kind logfmt), found out on the file's first lines" in answer.out
    assert "00012371" in answer.out


def test_no_call_gives_1_why_and_no_patient(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "analyse", str(log), "--explain", "4")
    assert answer.code == 1
    assert "malformed: the time in `ts` (aaaaaaaaa)" in answer.out
    assert "masked: a patient's number, columns 34 to 44" in answer.out
    assert PATIENT not in answer.out


def test_for_machines(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "analyse", str(log), "--explain", "1", "--json")
    found = json.loads(answer.out)
    assert (answer.code, found["verdict"], found["number"], found["format"]) == (0, "event", 1, "hub-calls")
    assert {row["key"]: row["gives"] for row in found["fields"]}["duration"] == "87 ms"


def test_why_another_format_does_not_read_it(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "analyse", str(log), "--format", "access", "--explain", "1")
    assert answer.code == 1
    assert "malformed: it has no time in brackets" in answer.out
    assert "formats that read it as a call: hub-calls" in answer.out


def test_a_line_of_one_file_among_several(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "calls.log.1.gz"
    packed.write_bytes(gzip.compress(LINE.replace("dpp-02", "dpp-77").encode()))
    for place in (f"{packed}:1", "calls.log.1.gz:1"):
        answer = ask(capsys, "analyse", str(log), str(packed), "--explain", place)
        assert answer.code == 0
        assert "dpp-77" in answer.out


@pytest.mark.parametrize(
    ("files", "place", "word"),
    [
        (1, "0", "is no line"),
        (1, "seven", "is no line"),
        (2, "1", "of which file?"),
        (1, "other.log:1", "none of the files"),
        (1, "99", "has 5 lines, and no line 99"),
    ],
)
def test_a_line_that_is_none(files: int, place: str, word: str, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "analyse", *[str(log)] * files, "--explain", place)
    assert (answer.code, answer.out) == (2, "")
    assert word in answer.line


def test_a_pipe_needs_its_format_named() -> None:
    command = [sys.executable, "-m", "pharmapulse", "analyse", "-", "--explain", "2"]
    answer = subprocess.run(command, input=LINE * 3, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "--format" in answer.stderr
    answer = subprocess.run(
        [*command, "--format", "hub-calls"], input=LINE * 3, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("how", ["--json", "--format=hub-calls"])
def test_no_patient_of_a_files_name_is_told(how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "calls-50010199928.log"
    file.write_text(LINE * 3)
    answer = ask(capsys, "analyse", str(file), "--explain", "2", how)
    assert answer.code == 0
    assert "calls-[patient].log" in answer.out
    assert "50010199928" not in answer.out
