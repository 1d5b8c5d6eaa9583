"""A site as the playbook makes it: its inventory, the run, and what it answers through nginx."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.machine import Machine, free_port, uv

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "ansible"
BIN = Path(sys.executable).parent

OPS, STATUS, DEFERRED = "ops.example.org", "status.example.org", "deferred.example.org"
PROCESSES = ("alerts", "collector", "dashboard", "deferred", "logwatch", "status-page")
SECRET = "a-word-nobody-else-may-know"
SETTINGS: Mapping[str, Any] = {
    "site": {"name": 'The hubs of "Été"'},
    "sources": [{"name": "dpp-calls", "paths": ["/var/log/hub/calls.log*"], "format": "hub-calls", "hub": "dpp"}],
    "hubs": [{"key": "dpp", "name": "DPP", "does": "the shared pharmaceutical file"}],
    "people": [{"name": "on-call", "urls_file": "/etc/pharmapulse/secrets/on-call"}],
    "routes": [{"to": ["on-call"]}],
    "deferred": {"targets": [{"name": "dpp", "url": "http://127.0.0.1:9/services", "hub": "dpp"}]},
}
_RECAP = re.compile(r"^machine +: .*changed=(\d+) .*failed=(\d+)", re.MULTILINE)


def checkout(place: Path) -> Path:
    """A copy of this checkout as it would be committed: what others do to it meanwhile changes no digest."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


@dataclass(frozen=True)
class Run:
    """What a run of the playbook did, and all it said."""

    changed: int
    failed: int
    output: str


@dataclass(frozen=True)
class Answer:
    """What nginx answered: code, headers by small letters, body."""

    code: int
    headers: Mapping[str, list[str]]
    body: str


class Deployment:
    """The playbook, one machine, and the ports that are free for it."""

    def __init__(self, machine: Machine, home: Path, source: Path) -> None:
        self.machine, self._home, self._source = machine, home, source
        self.port = free_port(6)
        self.http = free_port(2)
        self.https = self.http + 1
        self.codes: set[int] = set()

    def apply(self, settings: Mapping[str, Any] = SETTINGS) -> Run:
        """Run the playbook, with some settings other than usual."""
        inventory = self._home / "inventory.json"
        inventory.write_text(json.dumps({"pharmapulse": self._group({**SETTINGS, **settings})}))
        environment = {
            **os.environ,
            "ANSIBLE_HOME": str(self._home / "ansible"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.machine.home / "control"),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_DIFF_ALWAYS": "1",  # what is secret must not be shown by it, either
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [BIN / "ansible-playbook", "-i", inventory, self._source / "ansible" / "site.yml"],
            env=environment, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        output = done.stdout + done.stderr
        recap = _RECAP.search(output)
        assert recap, output
        return Run(int(recap[1]), int(recap[2]), output)

    def _group(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.machine.port,
            "ansible_user": "root",
            "ansible_ssh_common_args": " ".join(self.machine.ssh_options),
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        variables = {
            "pharmapulse_port": self.port,
            "pharmapulse_settings": settings,
            "pharmapulse_secrets": {"on-call": f"json://127.0.0.1:9/{SECRET}"},
            "pharmapulse_uv": uv(),
            "pharmapulse_pip_environment": self.machine.pip,
            "nginx_ops_host": OPS,
            "nginx_status_host": STATUS,
            "nginx_deferred_host": DEFERRED,
            "nginx_self_signed": True,
            "nginx_http_port": self.http,
            "nginx_https_port": self.https,
        }
        return {"hosts": {"machine": host}, "vars": variables}

    def get(self, host: str, path: str, *, tls: bool = True, data: str = "", times: int = 1) -> Answer:
        """Ask nginx, by a name that leads to the machine; the last answer where it is asked several times."""
        port = self.https if tls else self.http
        address = f"{'https' if tls else 'http'}://{host}:{port}{path}"
        command = ["curl", "--silent", "--show-error", "--insecure", "--include", "--globoff", "--max-time", "20",
                   "--resolve", f"{host}:{port}:127.0.0.1", *(["--data", data] if data else [])]  # fmt: skip
        done = subprocess.run(command + [address] * times, capture_output=True, text=True, check=True)
        answers = re.split(r"^(?=HTTP/[0-9.]+ \d{3})", done.stdout.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]
        self.codes = {int(answer.split()[1]) for answer in answers}
        head, _, body = answers[-1].partition("\n\n")
        headers: dict[str, list[str]] = defaultdict(list)
        for line in head.splitlines()[1:]:
            name, _, value = line.partition(": ")
            headers[name.lower()].append(value)
        return Answer(int(head.split()[1]), headers, body)
