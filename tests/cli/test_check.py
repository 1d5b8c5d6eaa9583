"""`check` runs the formats' own examples, and says which files a source finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.call import CONFIG, LINE, ask

OWN = """
[formats.own]
kind = "logfmt"
time = {{ field = "ts" }}
fields = {{ endpoint = "op", code = "code", duration_ms = "dt" }}
[[formats.own.examples]]
line = 'ts=2026-11-22T10:36:12.123+01:00 op=tip.registerData code=TIP_200 dt=87'
gives = {{ endpoint = "{endpoint}", code = "TIP_200", duration_ms = 87 }}
"""


def test_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pharmapulse.toml").write_text(CONFIG + OWN.format(endpoint="tip.registerData"))
    (tmp_path / "calls.log").write_text(LINE)
    answer = ask(capsys, "check", "--config", str(tmp_path / "pharmapulse.toml"))
    assert (answer.code, answer.err) == (0, "")
    assert "formats.own: 1 example" in answer.out
    assert "sources[0] calls: 1 file" in answer.out
    assert not (tmp_path / "data").exists()


def test_an_example_that_gives_something_else_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pharmapulse.toml").write_text(CONFIG + OWN.format(endpoint="tip.updateData"))
    answer = ask(capsys, "check", "--config", str(tmp_path / "pharmapulse.toml"))
    assert answer.code == 1
    assert "formats.own.examples[0]" in answer.out
    assert "tip.updateData" in answer.out
    assert "tip.registerData" in answer.out
    assert "no file matches yet" in answer.out


def test_a_source_of_no_hub_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pharmapulse.toml"
    file.write_text(CONFIG.replace('hub = "dpp"\n', ""))
    answer = ask(capsys, "check", "--config", str(file))
    assert "sources[0] calls: names no hub" in answer.out
    file.write_text(CONFIG)
    assert "names no hub" not in ask(capsys, "check", "--config", str(file)).out
