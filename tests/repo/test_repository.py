"""What holds for the repository as a whole."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = sorted(name.removesuffix("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"])
NOT_OURS = re.compile(r"\.git|\.venv.*|\..*_cache|\.hypothesis|__pycache__|.*\.egg-info|build|dist|(demo|bench)-data")
LONGEST_FILE = 300


def files(directory: Path = ROOT) -> Iterator[Path]:
    """Every file of the repository; nothing that tools leave there."""
    for entry in sorted(directory.iterdir()):
        if NOT_OURS.fullmatch(entry.name):
            continue
        if entry.is_dir():
            yield from files(entry)
        else:
            yield entry


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def python_files(*, tests: bool = True) -> list[Path]:
    return [path for path in files() if path.suffix == ".py" and (tests or path.relative_to(ROOT).parts[0] != "tests")]


@pytest.mark.parametrize("package", [*PACKAGES, "bench"])
def test_a_package_says_what_flows_in_and_out(package: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text("utf-8"))) or ""
    assert "flows in" in text.lower()
    assert "flows out" in text.lower()


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in python_files(tests=False) if path.stat().st_size and not ast.get_docstring(_tree(path))]
    assert not names(silent)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def test_no_file_is_long() -> None:
    long = {str(path.relative_to(ROOT)): _lines(path) for path in python_files(tests=False)}
    assert not {path: lines for path, lines in long.items() if lines > LONGEST_FILE}


def _lines(path: Path) -> int:
    return path.read_text("utf-8").count("\n")


def test_every_package_is_checked_and_layered() -> None:
    assert set(PACKAGES) <= set(PROJECT["tool"]["mypy"]["packages"])
    assert sorted(PROJECT["tool"]["importlinter"]["root_packages"]) == PACKAGES
    (layers,) = (c["layers"] for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    assert sorted(name for layer in layers for name in layer.split(" | ")) == PACKAGES


def test_the_changelog_has_this_version() -> None:
    assert f"\n## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_lock_names_public_indexes_only() -> None:
    lock = (ROOT / "uv.lock").read_text("utf-8")
    assert set(re.findall(r"https?://([^/\"]+)/", lock)) == {"pypi.org", "files.pythonhosted.org"}
    assert set(re.findall(r'source = \{ (\w+) = "([^"]+)"', lock)) == {
        ("registry", "https://pypi.org/simple"),
        ("editable", "."),
    }


def test_every_dependency_has_its_reason() -> None:
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    dependencies = {re.split(r"[<>=~!\[ ]", entry)[0] for entry in wanted}
    explained = re.findall(r"^\| `([^`]+)` \| \S", (ROOT / "docs" / "decisions.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(dependencies) == sorted(explained)


def test_no_file_speaks_of_one_machine() -> None:
    """A path that exists on a developer's machine only helps nobody else."""
    private = re.compile(rb"/(?:work|home/\w+|root|tmp/\w+)/[\w.-]+")
    found = [path for path in files() if private.search(path.read_bytes())]
    assert not names(found)


@pytest.mark.parametrize("script", [".ci/run", "tools/setup.sh"])
def test_a_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", ROOT / script], check=True)


def test_make_tells_what_it_makes() -> None:
    told = subprocess.run(["make", "-s", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "lint", "bench", "help"):
        assert re.search(rf"^  make {target} +\S", told, re.MULTILINE), target


class TestSetup:
    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "tools" / "setup.sh", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )

    def test_another_word_is_refused(self) -> None:
        refused = self.run("everything")
        assert refused.returncode == 1
        assert 'say "run" or "test", not "everything"' in refused.stderr
