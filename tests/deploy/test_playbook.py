"""What can be said of the playbook without a machine: it is well written, documented, and knows the program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any, cast

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from pharmapulse.cli import COMMANDS
from pharmapulse.places import OFFSETS, Places
from tests.deploy.site import ANSIBLE, BIN, ROOT

ROLES = ("pharmapulse", "nginx")
DOCUMENT = ROOT / "docs" / "deploy.md"


def run(home: Path, *command: str | Path) -> str:
    """What a tool of ansible's prints; it must be content."""
    environment = {**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_LOCALHOST_WARNING": "0", "NO_COLOR": "1",
                   "PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read(path: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((ANSIBLE / path).read_text("utf-8")))


def options(role: str) -> dict[str, Any]:
    return cast("dict[str, Any]", read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"])


def test_ansible_lint_has_nothing_to_say(tmp_path: Path) -> None:
    run(tmp_path, BIN / "ansible-lint", "--offline", "--profile", "production", "ansible/")


def test_yamllint_has_nothing_to_say(tmp_path: Path) -> None:
    run(tmp_path, BIN / "yamllint", "--strict", "--config-file", "ansible/.yamllint", "ansible")


def test_the_example_inventory_is_understood(tmp_path: Path) -> None:
    run(tmp_path, BIN / "ansible-playbook", "--syntax-check", "-i", "ansible/inventory.example.yml", "ansible/site.yml")


def test_the_units_are_the_processes_with_their_ports_and_places() -> None:
    own = read("roles/pharmapulse/vars/main.yml")
    units = own["pharmapulse_units"]
    assert {name: unit["port"] for name, unit in units.items()} == dict(OFFSETS)
    assert set(units) <= set(COMMANDS)
    places = Places(Path("/data"))
    known = {places.outbox.parent, places.spool, places.ledger, places.series, places.published.parent, places.deferred}
    made = {Path("/data") / name for name in own["pharmapulse_directories"]}
    assert made - {places.deferred / "keys"} == known
    for unit in units.values():
        assert {*unit["writes"], *unit["hides"]} <= {".", *own["pharmapulse_directories"]}
        assert not {*unit["writes"]} & {*unit["hides"]}


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_specified(role: str) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}
    assert set(read(f"roles/{role}/defaults/main.yml")) | required == set(options(role))


def test_every_variable_is_documented() -> None:
    named = re.findall(r"^\| `([a-z0-9_]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert named == [name for role in ROLES for name in options(role)]


def test_settings_become_the_toml_they_are(tmp_path: Path) -> None:
    settings = {
        "site": {"name": 'é "quoted" \\ back\nline 😀', "data": "/d"},
        "agent": {"tick_seconds": 0.5, "field_cap": 300},
        "alerts": {"shadow": True},
        "sources": [{"name": "a", "paths": ["/x/*.log", "/y"], "format": "own"}, {"name": "b", "paths": []}],
        "formats": {
            "own.one": {
                "kind": "logfmt",
                "time": {"field": "ts"},
                "template": [{"pattern": r"\d+", "by": "{}"}],
                "examples": [{"line": "a=1", "gives": {"duration_ms": 87}}],
            }
        },
    }
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"pharmapulse_tables": settings}))
    template = ANSIBLE / "roles/pharmapulse/templates/pharmapulse.toml.j2"
    run(tmp_path, BIN / "ansible", "localhost", "-c", "local", "-e", f"@{given}", "-m", "ansible.builtin.template",
        "-a", f"src={template} dest={tmp_path}/made.toml")  # fmt: skip
    assert tomllib.loads((tmp_path / "made.toml").read_text("utf-8")) == settings


def wheel(path: Path, files: dict[str, str], year: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), text)
    return path


def test_a_wheel_is_known_by_the_files_in_it(tmp_path: Path) -> None:
    def digest(path: Path) -> str:
        return run(tmp_path, BIN / "python", ANSIBLE / "roles/pharmapulse/files/wheel_digest.py", path)

    first = {"a.py": "1", "b.py": "2", "p-1.dist-info/WHEEL": "Generator: one"}
    again = {"p-1.dist-info/WHEEL": "Generator: two", "b.py": "2", "a.py": "1"}
    one = digest(wheel(tmp_path / "one", first, 2020))
    assert digest(wheel(tmp_path / "two", again, 2024)) == one
    assert digest(wheel(tmp_path / "three", {**first, "a.py": "3"}, 2020)) != one
    assert digest(wheel(tmp_path / "four", {"a.py": "12", "b.py": ""}, 2020)) != one
