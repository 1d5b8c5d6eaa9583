"""Every command explains itself, with examples that are themselves right."""

from __future__ import annotations

import shlex

import pytest

from pharmapulse.cli import COMMANDS
from tests.cli.call import ask


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples_whose_options_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, command, "--help")
    assert answer.code == 0
    usage, _, examples = answer.out.partition("examples:")
    shown = [line.strip() for line in examples.splitlines() if line.strip().startswith("pharmapulse ")]
    assert shown
    for example in shown:
        words = shlex.split(example)
        assert words[:2] == ["pharmapulse", command]
        assert all(word in usage for word in words if word.startswith("--")), example


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "--help")
    assert answer.code == 0
    assert all(command in answer.out for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [(), ("analyze", "x.log"), ("analyse",), ("run",), ("check", "--config"), ("analyse", "x", "--frmat", "y"),
     ("demo", "--port", "eighty"), ("demo", "--for", "ever"), ("simulate",),
     ("simulate", "--out", "x", "--from", "noon")],
)  # fmt: skip
def test_wrong_use_is_told_with_the_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, *arguments)
    assert answer.code == 2
    assert "usage: pharmapulse" in answer.err
    assert answer.err.endswith(" --help explains it\n")
