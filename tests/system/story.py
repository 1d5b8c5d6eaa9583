"""`pharmapulse run` with everything around it: hubs that log, people's channels, a hub that takes deferred calls."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from pharmapulse.config import load
from pharmapulse.places import OFFSETS
from tests.alerts.world import Hook, Mailbox
from tests.system.hubs import DEAD, PHARMACIES, VENDORS, SteadyHubs, write_history
from tests.system.support import Running, children, command_of, descendants, free_port, get_json, try_get, wait_for

PROCESSES = set(OFFSETS)
ENDPOINTS = {
    "dpp": ("tip.registerData", "tip.updateData", "pcdh.getData"),
    "recipe": ("executor.getPrescriptionForExecutor", "executor.markAsDelivered", "executor.createFeedback"),
}
DYING = ("dpp", "pcdh.getData")
RESTARTING = "recipe"
CONFIG = """\
[site]
name = "Our site"
data = "data"
[web]
port = {port}
[[sources]]
name = "dpp"
paths = ["dpp-calls.log*"]
format = "hub-calls"
hub = "dpp"
[[sources]]
name = "recipe"
paths = ["recipe-calls.log*"]
format = "hub-calls"
hub = "recipe"
[[hubs]]
key = "dpp"
name = "DPP"
[[hubs]]
key = "recipe"
name = "Recip-e"
[[people]]
name = "ann"
urls = ["{mail}"]
[[people]]
name = "ben"
urls = ["{hook}"]
[[routes]]
to = ["ann", "ben"]
[[deferred.targets]]
name = "recipe"
url = "http://127.0.0.1:{hub}/services"
hub = "recipe"
rate = 100
"""


class Site:
    """`pharmapulse run` with everything around it."""

    def __init__(self, folder: Path, things: ExitStack) -> None:
        self.port, self.hub_port = free_port(), free_port()
        self.folder, self.file, self.journal = folder, folder / "pharmapulse.toml", folder / "hub.jsonl"
        self.mailbox, self.hook = Mailbox(), Hook()
        things.callback(self.hook.close)
        things.callback(self.mailbox.close)
        self.file.write_text(
            CONFIG.format(port=self.port, mail=self.mailbox.url, hook=self.hook.url, hub=self.hub_port)
        )
        self.config = load(self.file)
        write_history(self.config, ENDPOINTS)
        self.token = self.command(
            "users", "token", "connectors", "--role", "partner", "--hub", RESTARTING, "--ability", "defer"
        ).strip()
        self.hubs = SteadyHubs(folder, ENDPOINTS)
        things.enter_context(self.hubs)
        self.hub = self.start_hub()
        things.callback(self.stop_hub)
        self.run = Running(folder / "run.log", "run", "--config", str(self.file))
        things.callback(self.run.stop)

    def command(self, *arguments: str) -> str:
        """What a command says that an operator gives; fails where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "pharmapulse", *arguments, "--config", str(self.file)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_hub(self) -> Running:
        """Start the hub that deferred calls go to."""
        arguments = ("simulate-hub", "--port", str(self.hub_port), "--journal", str(self.journal), "--latency", "2")
        return Running(self.folder / "hub.log", *arguments)

    def stop_hub(self) -> None:
        """Stop it, if it runs."""
        assert not self.hub.alive() or self.hub.stop() == 0

    def kill(self, name: str) -> Callable[[], object]:
        """`kill -9` of one of the six and all below it; what waits until it works again."""
        of_old = self.processes()[name]
        for pid in (of_old, *descendants(of_old)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        def again() -> None:
            wait_for(f"another {name}", lambda: self.processes().get(name, of_old) != of_old)
            wait_for(f"{name} to answer", lambda: try_get(self.port + OFFSETS[name], "/healthz"))

        return again

    def processes(self) -> dict[str, int]:
        """The six, by the command that they run."""
        return {command_of(pid): pid for pid in children(self.run.pid)}

    # ---- what the site says ----

    def incidents(self) -> list[dict[str, Any]]:
        """As /api/v1 tells them; none while the dashboard starts again."""
        found: list[dict[str, Any]] = json.loads(try_get(self.port, "/api/v1/incidents") or b'{"incidents": []}')[
            "incidents"
        ]
        return found

    def public(self, path: str) -> str:
        """An answer of the public site; "" while it starts again. Nothing that is not for the public is in any."""
        body = (try_get(self.port + OFFSETS["status-page"], path) or b"").decode()
        for secret in (*VENDORS, *PHARMACIES, DEAD, *(name for names in ENDPOINTS.values() for name in names)):
            assert secret not in body, (path, secret)
        return body

    def shows(self, state: str, button: str, headline: str) -> bool:
        """Whether the public page, its data and its button all say so."""
        return (
            json.loads(self.public("/status.json") or "{}").get("state") == state
            and f": {button}</title>" in self.public("/badge.svg?lang=en")
            and headline in self.public("/en")
        )

    def told(self) -> tuple[int, int]:
        """How many mails and posts came."""
        return len(self.mailbox.mails), len(self.hook.posts)

    def written_down(self, event: str) -> bool:
        """Whether the journal says that both were told of the incident's turn."""
        journal = json.loads(try_get(self.port, "/api/v1/incidents/1") or b'{"journal": []}')["journal"]
        (entry,) = [one for one in journal if one["event"] == event] or [{"told": []}]
        return [one["person"] for one in entry["told"] if one["sent"]] == ["ann", "ben"]

    def restarts(self) -> dict[str, Any]:
        """As /api/v1 tells them."""
        found: dict[str, Any] = get_json(self.port, "/api/v1/restarts")
        return found

    def judged(self) -> tuple[float, float]:
        """Up to when the alerts have judged, and how much they then found unexpected, told or not."""
        metrics = (try_get(self.port + OFFSETS["alerts"], "/metrics") or b"").decode()
        names = ("judged_up_to_timestamp_seconds", "anomalies")
        found = [re.search(rf"^pharmapulse_{name} (\S+)$", metrics, re.MULTILINE) for name in names]
        up_to, anomalies = (float(one[1]) if one else 0.0 for one in found)
        return up_to, anomalies
