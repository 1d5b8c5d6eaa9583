"""docs/command-line.md and every command shown anywhere: they exist, are understood, and those that can be are run."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.openapi import DOCUMENT as DOCUMENT_OF_API
from pharmapulse.cli import COMMANDS
from tests.cli.call import ask
from tests.docs.reading import DOCUMENTS, ROOT, blocks, codes, commands, rows, section, sections

DOCUMENT = ROOT / "docs" / "command-line.md"
# Documents of what make targets run besides the program: their options are those of these modules.
MEASURED = {"speed.md": "bench.run", "proofs.md": "tests.system.soak"}
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def parser_of(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"pharmapulse {command}", allow_abbrev=False)
    import_module(f"pharmapulse.commands.{command.replace('-', '_')}").arguments(parser)
    return parser


def options_of(command: str) -> set[str]:
    return set(_OPTION.findall(parser_of(command).format_help())) - {"--help"}


def told() -> dict[str, str]:
    """Each command with its row of the table."""
    table = next(text for heading, text in sections(DOCUMENT) if heading == "The command line")
    return {row[0].strip("`").split()[0]: " ".join(row) for row in rows(table)}


def test_every_command_stands_there_and_no_other() -> None:
    assert list(told()) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_stands_there_and_no_other(command: str) -> None:
    assert set(_OPTION.findall(told()[command])) == options_of(command)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_that_is_named_exists(document: Path) -> None:
    ours = {"--help"}.union(*map(options_of, COMMANDS))
    if module := MEASURED.get(document.name):
        ours = options_of_module(module)
    named = set(_OPTION.findall(re.sub(r"git [^`\n]*", "", document.read_text("utf-8"))))
    assert not named - ours


def options_of_module(module: str) -> set[str]:
    told = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, check=True)
    return set(_OPTION.findall(told.stdout.decode()))


def words_of(line: str) -> list[str]:
    """A shell line's words as a shell makes them: substitutions made, comments gone."""
    told = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    return told.decode().split("\0")[:-1]


@pytest.mark.parametrize("line", commands())
def test_every_command_that_is_shown_is_understood(line: str) -> None:
    _, command, *arguments = words_of(line)
    assert command in COMMANDS
    parser_of(command).parse_args(arguments)


def test_a_whole_day_of_commands_is_shown() -> None:
    assert {shlex.split(line, comments=True)[1] for line in commands()} >= {"analyse", "check", "run", "simulate"}


@pytest.mark.parametrize("line", [line for line in commands() if " --live" not in line])
def test_what_is_shown_works(
    line: str, access_log: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, command, *arguments = words_of(line)
    if command == "simulate":
        options = parser_of(command).parse_args(arguments)
        assert options.start < options.end
        arguments = _with(arguments, {"--from": "2026-11-16T09:00", "--to": "2026-11-16T09:01", "--out": str(tmp_path)})
        assert ask(capsys, command, *arguments).code == 0
        assert (tmp_path / "mycarenet-access.log").stat().st_size
        assert json.loads((tmp_path / "truth.json").read_text())["version"] == 1
    elif command == "analyse":
        arguments = [str(access_log) if ".log" in word else word for word in arguments]
        answer = ask(capsys, command, *arguments)
        assert answer.code == 0
        assert answer.out
    elif command == "check":
        assert ask(capsys, command, *_with(arguments, {"--config": str(config)})).out.endswith(": fine\n")


def _with(arguments: list[str], changes: dict[str, str]) -> list[str]:
    """Arguments with other values for some options."""
    words = list(arguments)
    for option, value in changes.items():
        words[words.index(option) + 1] = value
    return words


def test_the_keys_of_analyse_are_those_that_are_printed(access_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = json.loads(ask(capsys, "analyse", "--json", str(access_log)).out)
    text = section(DOCUMENT, "analyse --json").split(". Each row")
    before, after = text[0].split("`by`")
    assert codes(before) == [key for key in printed if key != "by"]
    assert codes(after) == list(printed["by"])
    row = codes(text[1])[0]
    assert row.strip("{}").split(", ") == list(printed["by"]["endpoint"][0])
    parts = codes(before)[1:6]
    assert printed["lines"] == sum(printed[part] for part in parts)
    assert " + ".join(parts) in " ".join(text[1].split())


def test_the_addresses_of_the_api_are_those_it_describes() -> None:
    paths = cast("dict[str, dict[str, Any]]", DOCUMENT_OF_API["paths"])
    told: dict[str, set[str]] = {}
    for address, meaning in rows(section(DOCUMENT, "The API")):
        told |= {path: set(codes(meaning)) - {"null"} for path in codes(address)}
    described = {
        path: {one["name"] for one in of["get"]["parameters"] if one["in"] == "query"} for path, of in paths.items()
    }
    assert told == described


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for document in DOCUMENTS
        for word in re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert not named - targets


def test_options_handed_through_make_are_understood() -> None:
    lines = re.findall(r'make demo ARGS="([^"]*)"', "\n".join(document.read_text("utf-8") for document in DOCUMENTS))
    assert lines
    for line in lines:
        if line != "--help":
            parser_of("demo").parse_args(shlex.split(line))


def test_shell_blocks_hold_what_is_tested() -> None:
    for block in blocks("sh"):
        for line in block.text.splitlines():
            assert line.startswith((".venv/bin/pharmapulse ", "make ")), f"{block.document.name}: {line}"
