"""Each process, started for real on one configuration: its health, and its metrics as `promtool` judges them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.redact import has_patient
from pharmapulse.cli import COMMANDS
from pharmapulse.places import OFFSETS
from tests.docs.reading import ROOT, rows, section
from tests.health.reading import names, samples
from tests.system.support import Running, free_port, get, get_json, no_traceback, running, try_get, wait_for

CONFIG = """\
[site]
name = "Our site"
data = "data"
logs = "json"
[web]
port = {port}
[collector]
grace_seconds = 10
[[sources]]
name = "calls"
paths = ["calls.log*"]
format = "hub-calls"
hub = "dpp"
[[deferred.targets]]
name = "dpp"
url = "http://127.0.0.1:9/"
hub = "dpp"
"""
LINES, PATIENT = 300, "50010199928"


class Site:
    """A configuration with all its processes."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.port = free_port()
        self.file = home / "pharmapulse.toml"
        self.file.write_text(CONFIG.format(port=self.port))
        now = SystemClock().now()
        with (home / "calls.log").open("w") as log:
            # Patients in lines of all sorts, as hubs write them: none may be told by anybody.
            log.write(f"no call, subject/{PATIENT}/ PatientId{PATIENT}Type\n" * 5)
            for place in range(LINES):
                log.write(f"ts={now - 60 + place / 10:.3f} op=tip.registerData client=softa apb=00000196 "
                          f"code=TIP_200 dt={50 + place} ssin={PATIENT}\n")  # fmt: skip
        self.running: dict[str, Running] = {
            name: stack.enter_context(running(home / f"{name}.said", name, "--config", str(self.file)))
            for name in OFFSETS
            if name in COMMANDS
        }

    def port_of(self, process: str) -> int:
        return self.port + OFFSETS[process]

    def wait(self, process: str, path: str) -> None:
        """Wait until a process answers well."""
        try:
            wait_for(f"{process}{path}", lambda: try_get(self.port_of(process), path), 60)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.running[process].said()}") from None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        site = Site(tmp_path_factory.mktemp("site"), stack)
        for process in site.running:
            site.wait(process, "/healthz")
        yield site
        for one in site.running.values():
            no_traceback(one.said())
            assert not has_patient(one.said())
            for line in one.said().splitlines():
                assert {"time", "level", "process", "logger", "message"} <= set(json.loads(line)), line


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing: apt-get install prometheus")
        pytest.skip("promtool is not installed")
    return found


@pytest.mark.parametrize("process", [name for name in OFFSETS if name in COMMANDS])
def test_a_process_lives_works_and_tells_its_figures(process: str, site: Site, promtool: str) -> None:
    port = site.port_of(process)
    alive = get_json(port, "/healthz")
    assert (alive["process"], alive["status"]) == (process, "ok")
    assert all(check["ok"] and check["reason"] for check in alive["checks"])
    site.wait(process, "/readyz")
    status, kind, text = get(port, "/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=0.0.4")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert b"\nprocess_resident_memory_bytes " in text
    assert b"\npython_info{" in text
    for path in ("/healthz", "/readyz", "/metrics"):
        assert not has_patient(get(port, path)[2].decode())
    documented = {
        row[0].strip("`") for row in rows(section(ROOT / "docs" / "operations.md", "Metrics")) if row[1] == process
    }
    assert names(text) == documented


def test_what_was_read_and_booked_is_told(site: Site) -> None:
    for process in ("logwatch", "collector"):
        site.wait(process, "/readyz")
    read = samples(get(site.port_of("logwatch"), "/metrics")[2])
    assert read['pharmapulse_lines_total{fate="events",source="calls"}'] == LINES
    assert read['pharmapulse_lines_total{fate="malformed",source="calls"}'] == 5
    booked = samples(get(site.port_of("collector"), "/metrics")[2])
    assert booked['pharmapulse_batches_total{fate="booked"}'] >= 1
    assert booked["pharmapulse_watermark_age_seconds"] < 60
