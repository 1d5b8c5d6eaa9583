"""`pharmapulse status-page` as a process, and what `status` shows and exports."""

from __future__ import annotations

import json
import time
from pathlib import Path

import msgspec
import pytest

from domain.published import Published
from tests.cli.call import CONFIG, ask
from tests.status_page.documents import CALM, MORNING, publish
from tests.system.support import free_port, get, no_traceback, running, try_get, wait_for


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "pharmapulse.toml"
    file.write_text(CONFIG + '[status]\ntitle = "FarmaFlux"\n')
    return file


def published(config: Path, document: Published) -> None:
    """The document, of this moment."""
    publish(config.parent / "data" / "published" / "status.json", msgspec.structs.replace(document, as_of=time.time()))


def test_the_page_is_served_reads_the_document_alone_and_stops(config: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path / "log", "status-page", "--config", str(config), "--port", str(port)) as process:
        wait_for("an answer", lambda: try_get(port, "/healthz"))
        assert get(port, "/readyz")[0] == 503
        published(config, CALM)
        assert b"All services work" in get(port, "/en")[2]
        assert get(port, "/readyz")[0] == 200
        assert b"pharmapulse_status_page_requests_total" in get(port, "/metrics")[2]
        assert [path.name for path in (tmp_path / "data").iterdir()] == ["published"]
        assert process.stop() == 0
        no_traceback(process.said())


def test_a_port_that_is_taken_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "status-page", "--config", str(config), "--port", "0")
    assert answer.code == 2
    assert "0 is no port" in answer.line


def test_show_says_what_the_public_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published(config, CALM)
    calm = ask(capsys, "status", "show", "--config", str(config))
    assert calm.code == 0
    assert calm.out.startswith("All services work\nAs of ")
    published(config, MORNING)
    busy = ask(capsys, "status", "show", "--config", str(config))
    assert busy.code == 1
    rows = [line.split("  ", 1) for line in busy.out.splitlines()]
    assert [row[1].strip()[:18] for row in rows if row[0] == "Electronic prescriptions"] == ["some requests fail"]
    told = json.loads(ask(capsys, "status", "show", "--json", "--config", str(config)).out)
    assert told["state"] == "some-fail"


def test_show_without_a_document_names_the_mend(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "status", "show", "--config", str(config))
    assert answer.code == 1
    assert "is not there yet. The alerts process writes it" in answer.out


def test_a_copy_is_whole_and_written_over_an_older_one(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "copy"
    arguments = ("status", "export", "--config", str(config), "--out", str(out))
    first = ask(capsys, *arguments)
    assert first.code == 0
    assert "nothing is known of the present" in first.err
    assert 'class="stale"' in (out / "index.html").read_text()
    published(config, MORNING)
    told = json.loads(ask(capsys, *arguments, "--json").out)
    assert told["reason"] == "fresh"
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert there == set(told["files"])
    assert {"index.html", "de/index.html", "status.json", "badge-fr.svg", "badge/recipe-nl.svg"} <= there
    assert "Content-Security-Policy" in (out / "fr/index.html").read_text()
    assert 'href="../static/status.css?v=' in (out / "fr/index.html").read_text()
    assert {path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()} == {0o644}
    assert json.loads((out / "status.json").read_text())["state"] == "some-fail"


def test_wrong_use_and_places_that_cannot_be_written(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "takes --out DIR" in ask(capsys, "status", "export", "--config", str(config)).line
    assert ask(capsys, "status", "show", "--config", str(config), "--out", "x").code == 2
    (tmp_path / "file").write_text("")
    answer = ask(capsys, "status", "export", "--config", str(config), "--out", str(tmp_path / "file"))
    assert answer.code == 1
    assert str(tmp_path / "file") in answer.line


@pytest.mark.parametrize(
    ("setting", "place", "words"),
    [
        ("stale_seconds = 9.9", "status.stale_seconds", "Write 10 or more"),
        ("stale_seconds = nan", "status.stale_seconds", "no such number"),
        ("stale_seconds = inf", "status.stale_seconds", "no such number"),
        ('listen = "everywhere"', "status.listen", "0.0.0.0"),
    ],
)
def test_wrong_settings(
    setting: str, place: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(f"{CONFIG}[status]\n{setting}\n")
    answer = ask(capsys, "check", "--config", str(file))
    assert answer.code == 2
    assert answer.line.startswith(f"{file}: {place}: ")
    assert words in answer.line
