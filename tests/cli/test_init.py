"""`init`: a configuration for one's own logs, which `check` finds fine and which reads them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.call import LINE, ask
from tests.logwatch.test_propose import PATIENTS, json_line, lines


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "dpp-calls.log").write_text(LINE * 50)
    (tmp_path / "logs" / "dpp-calls.log.1.gz").write_bytes(gzip.compress(LINE.encode() * 50))
    (tmp_path / "logs" / "portal.json").write_text("\n".join(lines(json_line)) + "\n")
    return tmp_path / "logs"


def test_what_is_proposed_is_checked_and_reads_the_files(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pharmapulse.toml"
    answer = ask(capsys, "init", *map(str, logs.iterdir()), "--out", str(out))
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"{out}: 2 sources for 3 files. Read it, then: pharmapulse check --config {out}\n"
    text = out.read_text()
    assert not any(patient in text for patient in PATIENTS)
    answer = ask(capsys, "check", "--config", str(out))
    assert answer.code == 0, answer.out
    assert "2 files" in answer.out
    answer = ask(capsys, "analyse", str(logs / "portal.json"), "--config", str(out), "--json")
    found = json.loads(answer.out)
    assert (found["format"], found["events"], found["malformed"]) == ("portal", 200, 0)
    assert {row["key"] for row in found["by"]["code"]} == {"TIP_200", "TIP_999", "ERR200009"}


def test_it_is_printed_where_no_file_is_named(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "init", str(logs / "dpp-calls.log"))
    assert (answer.code, answer.err) == (0, "")
    assert f'paths = ["{logs}/dpp-calls.log*"]' in answer.out
    assert 'hub = "dpp"' in answer.out


def test_a_file_that_is_there_is_left_alone(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.toml"
    out.write_text("mine")
    answer = ask(capsys, "init", str(logs / "dpp-calls.log"), "--out", str(out))
    assert (answer.code, out.read_text()) == (2, "mine")
    assert "exists already" in answer.line


def test_for_machines(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "init", str(logs / "portal.json"), "--json")
    found = json.loads(answer.out)
    (source,) = found["sources"]
    assert (source["format"], source["events"], source["declared"]["kind"]) == ("portal", 200, "json")
    assert "[[sources]]" in found["toml"]


def test_what_is_no_log_is_left_out_and_told(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "empty.log").write_bytes(b"")
    (logs / "poem.txt").write_text("The woods are lovely, dark and deep,\nBut I have promises to keep,\n")
    answer = ask(capsys, "init", *map(str, sorted(logs.iterdir())))
    assert answer.code == 1
    assert "# left out: " in answer.out
    assert "empty.log" in answer.out
    assert "none can be proposed" in answer.out
    answer = ask(capsys, "init", str(logs / "empty.log"))
    assert (answer.code, answer.out) == (2, "")
    assert "is empty" in answer.line


def test_no_patient_s_number_gets_there_by_the_path_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"patient-{PATIENTS[0]}-calls.log"
    file.write_text(LINE * 5)
    answer = ask(capsys, "init", str(file), "--out", str(tmp_path / "mine.toml"))
    assert (answer.code, answer.out) == (2, "")
    assert "stands in the path" in answer.line
    assert not (tmp_path / "mine.toml").exists()
