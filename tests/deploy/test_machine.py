"""The playbook on a fresh Debian: a running site, a second run that changes nothing, and no right more than needed.

One test, since the machine is what costs: a minute the first time on a computer, and the two runs.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import Machine, booted, missing
from tests.deploy.site import DEFERRED, OPS, PROCESSES, SECRET, STATUS, Deployment, checkout

PATIENCE_SECONDS = 60.0
PATIENT = "50010199928"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    if why := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the playbook cannot be tried here: {why}")
        pytest.skip(f"the playbook cannot be tried here: {why}")
    with booted() as made:
        yield made


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.5)


def test_from_a_bare_machine_to_a_running_site(machine: Machine, tmp_path: Path) -> None:
    site = Deployment(machine, tmp_path, checkout(tmp_path / "checkout"))
    first = site.apply()
    assert first.failed == 0, first.output
    second = site.apply()
    assert (second.failed, second.changed) == (0, 0), second.output
    assert SECRET not in first.output + second.output

    runs_as_it_should(machine)
    may_do_what_it_needs_only(machine)
    is_served_by_nginx(site)
    calls_become_a_public_state(site)
    an_account_can_be_made(site)
    keeps_to_itself_what_is_secret(site)
    refuses_what_is_wrong(site)


def runs_as_it_should(machine: Machine) -> None:
    units = [f"pharmapulse-{process}.service" for process in PROCESSES]
    all_of_it = ["nginx", "pharmapulse.target", *units]
    for question, answer in (("is-active", "active"), ("is-enabled", "enabled")):
        answers = machine.run(f"systemctl {question} {' '.join(all_of_it)}", check=False).stdout.split()
        assert answers == [answer] * len(all_of_it)
    restarts = machine.run(f"systemctl show --property=NRestarts --value {' '.join(units)}").stdout.split()
    assert restarts == ["0"] * len(units)
    verified = machine.run(f"systemd-analyze verify {' '.join(units)} pharmapulse.target 2>&1", check=False)
    assert verified.stdout == ""
    for unit in units:
        told = machine.run(f"systemd-analyze security --no-pager {unit} | tail -n1").stdout
        exposure = re.search(r"([0-9.]+) OK", told)
        assert exposure, told
        assert float(exposure[1]) < 2


def inside(machine: Machine, process: str, command: str) -> str:
    """What a shell command prints to a process's own user, with the files as that process sees them."""
    shown = machine.run(f"systemctl show --property=User,MainPID pharmapulse-{process}.service").stdout
    told_of = dict(line.split("=", 1) for line in shown.splitlines())
    user, number = told_of["User"], told_of["MainPID"]
    told = f"nsenter --target {number} --mount -- runuser -u {user} -- sh -c {shlex.quote(command)} 2>&1"
    return machine.run(told, check=False).stdout


def may_do_what_it_needs_only(machine: Machine) -> None:
    data, settings = "/var/lib/pharmapulse", "/etc/pharmapulse"
    assert inside(machine, "status-page", f"ls {data}").split() == ["published"]
    assert inside(machine, "status-page", f"head -c 1 {data}/published/status.json") == "{"
    assert "enied" in inside(machine, "status-page", f"cat {settings}/pharmapulse.toml")
    assert "Read-only" in inside(machine, "status-page", f"touch {data}/published/x")
    assert "enied" in inside(machine, "dashboard", f"ls {settings}/secrets")
    assert "enied" in inside(machine, "dashboard", f"ls {data}/deferred/keys")
    assert "enied" in inside(machine, "alerts", f"ls {data}/deferred/keys")
    assert ".key" in inside(machine, "deferred", f"ls {data}/deferred/keys")
    for process, place in (("dashboard", "series"), ("dashboard", "ledger"), ("alerts", "series"), ("logwatch", "")):
        assert "Read-only" in inside(machine, process, f"touch {data}/{place}/x"), (process, place)
    assert "Read-only" in inside(machine, "collector", "touch /opt/pharmapulse/x; touch /etc/pharmapulse/x")
    modes = machine.run(f"stat -c '%a %U:%G' {data} {settings}/pharmapulse.toml {settings}/secrets/on-call").stdout
    assert modes.splitlines() == ["750 pharmapulse:pharmapulse", "640 root:pharmapulse", "640 root:pharmapulse"]


def is_served_by_nginx(site: Deployment) -> None:
    assert site.get(OPS, "/").code in (302, 303, 401)  # no guest reads: it leads to where one logs in
    assert site.get(OPS, "/api/v1/overview").code in (401, 403)
    assert site.get(OPS, "/healthz").code == 200
    for host in (OPS, STATUS, DEFERRED):
        assert site.get(host, "/metrics").code == 404
        assert site.get(host, "/readyz").code == 404
    page = site.get(STATUS, "/")
    assert page.code == 200
    for header in ("content-security-policy", "x-content-type-options", "strict-transport-security"):
        assert len(page.headers[header]) == 1, header
    assert site.get("other.example.org", "/").code == 421
    plain = site.get(STATUS, "/graph?x=1", tls=False)
    assert plain.code == 308
    assert plain.headers["location"] == [f"https://{STATUS}:{site.https}/graph?x=1"]
    assert 429 in {site.get(STATUS, "/status.json", times=80).code, *site.codes}
    assert site.get(DEFERRED, f"/defer/dpp/subject/{PATIENT}/x", data="<x/>").code == 401
    assert site.get(OPS, f"/hub/{PATIENT}?q={PATIENT}").code in (302, 303, 400, 401, 404)


def calls_become_a_public_state(site: Deployment) -> None:
    # Calls of this very minute, one after the other, in a log that only the group adm may read.
    site.machine.run(
        "install -d -m 0750 -g adm /var/log/hub && umask 027 && cd /var/log/hub && for i in $(seq 30); do "
        "echo ts=$(date +%FT%T.%3N%:z) op=tip.registerData client=softa apb=00012371 code=TIP_200 dt=87; done "
        "> calls.log && chgrp adm calls.log"
    )
    wait_for("the calls to be booked", lambda: booked(site) > 0)
    wait_for("the public page to know", lambda: json.loads(site.get(STATUS, "/status.json").body)["as_of"] is not None)


def booked(site: Deployment) -> float:
    told = site.machine.run(f"python3 -c {shlex.quote(_METRICS.format(port=site.port + 3))}").stdout
    found = re.search(r"^pharmapulse_cells_total ([0-9.e+]+)", told, re.MULTILINE)
    return float(found[1]) if found else 0.0


_METRICS = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}/metrics').read().decode())"


def an_account_can_be_made(site: Deployment) -> None:
    told = site.machine.run(
        "runuser -u pharmapulse -- /opt/pharmapulse/venv/bin/pharmapulse"
        " users add anna --role ops --config /etc/pharmapulse/pharmapulse.toml"
    ).stdout
    link = re.search(r"https?://\S+?(/\S+)", told)
    assert link, "no link"
    assert site.get(OPS, link[1]).code == 200


def keeps_to_itself_what_is_secret(site: Deployment) -> None:
    run = site.machine.run
    holding = run(f"grep -rlF {SECRET} /etc /var/lib/pharmapulse /var/log", check=False).stdout.split()
    assert holding == ["/etc/pharmapulse/secrets/on-call"]
    assert run(f"journalctl --no-pager | grep -F {SECRET}", check=False).stdout == ""
    # Neither the path of a deferred call nor a number that was typed into an address is in a log of nginx or of ours.
    assert run(f"grep -rF {PATIENT} /var/log/nginx /var/lib/nginx", check=False).stdout == ""
    assert run(f"journalctl --no-pager -u 'pharmapulse*' -u nginx | grep -F {PATIENT}", check=False).stdout == ""
    assert "a path with a long number" in run("cat /var/log/nginx/pharmapulse-access.log").stdout


def refuses_what_is_wrong(site: Deployment) -> None:
    before = site.machine.run("cat /etc/pharmapulse/pharmapulse.toml").stdout
    refused = site.apply({"web": {"threads": 0}})
    assert refused.failed == 1
    assert "web.threads" in refused.output
    assert site.machine.run("cat /etc/pharmapulse/pharmapulse.toml").stdout == before
    assert site.get(OPS, "/healthz").code == 200
