"""`pharmapulse doctor`: each check where all is well and where it is not, on real files, stores and sockets."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.access import EVERYTHING
from domain.batch import Accounting, Heartbeat, SourceState
from domain.clock import SystemClock
from domain.errors import StoreError
from domain.health import Check as HealthCheck
from domain.health import Health
from domain.published import PUBLISHED_VERSION, Published, encode_published
from pharmapulse.config import load
from pharmapulse.doctor import (
    calls,
    clocks,
    disk,
    parts,
    people,
    processes,
    publication,
    security,
    settings,
    sources,
    stores,
    transport,
)
from pharmapulse.doctor.disk import Growth
from pharmapulse.doctor.finding import Check, Finding, House, amount, fail, ok, span, warn
from pharmapulse.doctor.registry import CHECKS, examine
from pharmapulse.doctor.report import as_json, as_text
from pharmapulse.health import HealthServer
from pharmapulse.places import OFFSETS, Places
from store.access import SqlAccess
from store.deferred import open_deferred
from store.files import Claim
from store.keys import load_keys
from store.ledger import open_ledger
from store.looking import QueueFacts
from store.outbox import open_outbox
from store.state import REVISIONS, open_state
from tests.cli.call import CONFIG, ask
from tests.store.some import arrival, commit, position, some_cells
from tests.system.support import free_port, try_get, wait_for
from transport.looking import BrokerFacts
from transport.spool import SpoolSender

NOW = SystemClock().now()
VERSION_01 = Path(__file__).parents[1] / "store" / "version-0.1"


def house(home: Path, more: str = "", text: str = CONFIG) -> House:
    """A configuration in `home`, looked at now."""
    file = home / "pharmapulse.toml"
    file.write_text(text + more)
    file.chmod(0o600)
    return House(load(file), NOW)


def look(check: Check, at: House) -> list[Finding]:
    return list(check(at))


def only(found: list[Finding], level: str, *words: str) -> Finding:
    """The one finding, of this level, with these words in it."""
    assert [one.level for one in found] == [level], found
    for word in words:
        assert word in f"{found[0].found} → {found[0].mend}", (word, found[0])
    assert (found[0].mend != "") is (level != "ok")
    return found[0]


class TestConfiguration:
    def test_fine(self, tmp_path: Path) -> None:
        only(look(settings.check, house(tmp_path)), "ok", "1 source")

    def test_nothing_to_watch(self, tmp_path: Path) -> None:
        only(look(settings.check, house(tmp_path, text="".join(CONFIG.splitlines(True)[:3]))), "warn", "[[sources]]")

    def test_no_hub(self, tmp_path: Path) -> None:
        found = look(settings.check, house(tmp_path, text=CONFIG.replace('hub = "dpp"\n', "")))
        assert [one.level for one in found] == ["warn", "ok"]
        assert "calls names no hub" in found[0].found

    def test_a_format_that_is_not_as_it_says(self, tmp_path: Path) -> None:
        own = """
[formats.own]
kind = "logfmt"
fields = { endpoint = "op" }
examples = [ { line = "ts=2026-11-22T10:36:12+01:00 op=a", gives = { endpoint = "b" } } ]
[formats.own.time]
field = "ts"
"""
        only(look(settings.check, house(tmp_path, own)), "fail", "formats.own", "pharmapulse check")


class TestInstalled:
    def test_here(self, tmp_path: Path) -> None:
        only(look(parts.check, house(tmp_path)), "ok", "librrd", "SQLite")

    def test_too_old(self) -> None:
        only(list(parts.judged((3, 10), "1.7.2", (3, 40, 0))), "fail", "Python 3.10", "3.11")
        only(list(parts.judged((3, 11), "1.4.8", (3, 40, 0))), "warn", "librrd 1.4.8", "apt-get")
        only(list(parts.judged((3, 11), "1.7.2", (3, 31, 1))), "fail", "SQLite 3.31.1")


class TestDisk:
    def test_a_directory(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        only(look(disk.check_directory, at), "warn", "not there yet", "install -d")
        at.config.data.mkdir(mode=0o750)
        only(look(disk.check_directory, at), "ok", "750")
        at.config.data.chmod(0o755)
        only(look(disk.check_directory, at), "warn", "open to every user", "chmod o-rwx")

    def test_no_directory(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        at.config.data.write_text("")
        only(look(disk.check_directory, at), "fail", "no directory")

    def test_not_to_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        at = house(tmp_path)
        at.config.data.mkdir(mode=0o750)
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
        only(look(disk.check_directory, at), "fail", "cannot be written", "chown")

    def test_of_somebody_else(self) -> None:
        only(list(disk.ownership(Path("/d"), 0o750, 0, 12_345_678)), "warn", "belongs to root", "sudo -u root")
        only(list(disk.ownership(Path("/d"), 0o750, 1, 1)), "ok")

    @pytest.mark.parametrize(
        ("free", "grows", "level", "words"),
        [
            (50e9, Growth(0, 0, 0, 425), "ok", "50.0 GB"),
            (50e9, Growth(240e6, 1e9, 10, 425), "ok", "240.0 MB a day"),
            (5e9, Growth(240e6, 1e9, 10, 425), "warn", "full in 21 days"),
            (5e9, Growth(2.5e9, 1e9, 1, 425), "fail", "full in 2 days"),
            (5e9, Growth(2.5e9, 1e9, 425, 425), "ok", "a day"),  # as much goes as comes
            (1e9, Growth(0, 0, 0, 425), "warn", "collector.retention_days"),
            (1e8, Growth(0, 0, 0, 425), "fail", "100.0 MB"),
        ],
    )
    def test_room(self, free: float, grows: Growth, level: str, words: str) -> None:
        only([disk.judged("/d", free, 100e9, grows)], level, words)

    def test_growth_is_that_of_the_last_day(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        hours = at.places.ledger / "hours"
        hours.mkdir(parents=True)
        for days in range(4):
            (hours / f"{days}.parquet").write_bytes(b"x" * 1_000)
            os.utime(hours / f"{days}.parquet", (NOW - days * 86_400 - 60,) * 2)
        grows = disk.growth(at)
        assert (grows.bytes_a_day, grows.held_bytes, round(grows.held_days)) == (1_000, 4_000, 3)
        assert look(disk.check_space, at)[0].check == "disk space"


class TestState:
    def test_new_and_up_to_date(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        only(look(stores.check_state, at), "warn", "not there yet")
        assert not at.config.data.exists(), "looking makes nothing"
        open_state(f"sqlite:///{at.places.state}").close()
        only(look(stores.check_state, at), "ok", f"revision {REVISIONS[-1]}")

    def test_older_and_newer(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        at.config.data.mkdir()
        with closing(sqlite3.connect(at.places.state)) as database:
            database.executescript((VERSION_01 / "state.sql").read_text())
        only(look(stores.check_state, at), "warn", "0001", f"brought to {REVISIONS[-1]}")
        with closing(sqlite3.connect(at.places.state)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        only(look(stores.check_state, at), "fail", "9999", "newer program")

    def test_damaged(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        open_state(f"sqlite:///{at.places.state}").close()
        data = bytearray(at.places.state.read_bytes())
        data[4_096:] = b"\xff" * (len(data) - 4_096)
        at.places.state.write_bytes(data)
        [found] = examine(at, [("state", stores.check_state)])
        assert found.level == "fail"
        assert "malformed" in found.found or "damaged" in found.found


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Path]:
    """A lock that a process holds which is none of ours."""
    lock = tmp_path / "data" / "agent" / "outbox.db.lock"
    lock.parent.mkdir(parents=True)
    code = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as one:
        assert one.stdout is not None
        one.stdout.readline()
        yield lock
        one.communicate(b"\n")


class TestOutbox:
    def test_fine(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        only(look(stores.check_outbox, at), "warn", "not there yet")
        outbox = open_outbox(at.places.outbox, "agent")
        commit(outbox, some_cells(1), [position()], {}, {})
        # Held by this process, which is not called pharmapulse: looked at after it let go.
        outbox.close()
        only(look(stores.check_outbox, at), "ok", "1 batch waits")

    def test_of_another_agent(self, tmp_path: Path) -> None:
        at = house(tmp_path, '[agent]\nname = "another"\n')
        open_outbox(at.places.outbox, "agent").close()
        only(look(stores.check_outbox, at), "fail", "belongs to the agent agent", 'agent.name = "agent"')

    def test_piling_up_and_newer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        at = house(tmp_path)
        outbox = open_outbox(at.places.outbox, "agent")
        for place in range(3):
            commit(outbox, some_cells(place), [position(offset=place)], {}, {})
        outbox.close()
        monkeypatch.setattr(stores, "MANY_BATCHES", 2)
        only(look(stores.check_outbox, at), "warn", "3 batches wait")
        with closing(sqlite3.connect(at.places.outbox)) as database:
            database.execute("PRAGMA user_version = 99")
        assert look(stores.check_outbox, at)[0].level == "fail"

    def test_held_by_a_stranger(self, tmp_path: Path, stranger: Path) -> None:
        at = house(tmp_path)
        open_outbox(tmp_path / "outbox.db", "agent").close()
        (tmp_path / "outbox.db").rename(at.places.outbox)
        only(look(stores.check_outbox, at), "fail", "none of ours", "ps -f")

    def test_held_by_one_of_ours(self) -> None:
        from store.looking import Holder

        for command in ("/usr/bin/python3 -m pharmapulse collector", "/opt/x/bin/pharmapulse run", ""):
            assert stores.held("ledger", Path("/l"), Holder(7, command)) is None
        assert stores.held("ledger", Path("/l"), Holder(7, "/opt/pharmapulse/.venv/bin/python evil.py")) is not None
        assert stores.held("ledger", Path("/l"), None) is None


class TestLedger:
    def test_fine(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        only(look(stores.check_ledger, at), "warn", "not there yet")
        ledger = open_ledger(at.places.ledger)
        ledger.book(arrival(1, some_cells(1)))
        ledger.compact()
        ledger.close()
        only(look(stores.check_ledger, at), "ok", "hour file")
        (at.places.ledger / "bad" / "agent.0123456789abcdef.1.ppb").write_bytes(b"x")
        only(look(stores.check_ledger, at), "warn", "1 batch set aside")
        for part in (at.places.ledger / "hours").iterdir():
            part.unlink()
        found = look(stores.check_ledger, at)
        assert [one.level for one in found] == ["fail", "warn"]
        assert "missing" in found[0].found

    def test_newer(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        open_ledger(at.places.ledger).close()
        with closing(sqlite3.connect(at.places.ledger / "manifest.sqlite")) as database:
            database.execute("PRAGMA user_version = 99")
        only(look(stores.check_ledger, at), "fail", "version 99", "newer program")


def line(ago: float) -> str:
    return f"ts={NOW - ago:.3f} op=tip.registerData client=softa apb=00000196 code=TIP_200 dt=87\n"


class TestSources:
    def test_found_and_understood(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        only(look(sources.check, at), "warn", "no file matches calls.log*", "sources[0].paths")
        (tmp_path / "calls.log").write_text(line(400) * 2_000 + line(300))
        only(look(sources.check, at), "ok", "1 file", "5 min ago")
        (tmp_path / "calls.log").write_text(line(30_000))
        only(look(sources.check, at), "warn", "8 h ago")

    def test_not_understood(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        (tmp_path / "calls.log").write_text("something else altogether\n" * 50)
        only(look(sources.check, at), "fail", "none of its last 50 lines", "pharmapulse analyse", "--format hub-calls")

    def test_not_readable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        at = house(tmp_path)
        (tmp_path / "calls.log").write_text(line(1))
        monkeypatch.setattr(os, "access", lambda *_: False)
        only(look(sources.check, at), "fail", "cannot be read", "setfacl")

    def test_packed(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        (tmp_path / "calls.log.gz").write_bytes(b"\x1f\x8b")
        only(look(sources.check, at), "ok", "calls.log.gz")


class TestTransport:
    def test_spool(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        only(look(transport.check, at), "warn", "not there yet")
        sender = SpoolSender(at.places.spool)
        one = arrival(1, some_cells(1))
        sender.send(one.name, one.payload)
        only(look(transport.check, at), "ok", "1 batch waits")
        waiting = at.places.spool / "batches" / f"{one.name}.ppb"
        os.utime(waiting, (NOW - 7_200, NOW - 7_200))
        only(look(transport.check, at), "warn", "the oldest for 2 h", "pharmapulse collector")
        waiting.replace(at.places.spool / "bad" / "x")
        only(look(transport.check, at), "warn", "1 file set aside")

    def test_spool_elsewhere(self, tmp_path: Path) -> None:
        SpoolSender(tmp_path / "carried")
        at = house(tmp_path, '[transport]\nurl = "spool:carried"\n')
        only(look(transport.check, at), "ok", str(tmp_path / "carried"))

    def test_carried_by_hand(self, tmp_path: Path) -> None:
        at = house(tmp_path, '[transport]\nurl = "bundle:stick"\n')
        only(look(transport.check, at), "warn", "stick is not there", "Put the medium in")
        (tmp_path / "stick").mkdir()
        (tmp_path / "stick" / "a.ppx").touch()
        only(look(transport.check, at), "ok", "carried by hand: 1 bundle in")

    def test_not_to_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        at = house(tmp_path)
        SpoolSender(at.places.spool)
        monkeypatch.setattr(os, "access", lambda *_: False)
        only(look(transport.check, at), "fail", "cannot be written")

    @pytest.mark.parametrize("url", ["https://127.0.0.1:{}", "amqp://agent@127.0.0.1:{}/"])
    def test_nobody_there(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("S3cret-token-of-32-letters-at-least")
        (tmp_path / "secret").chmod(0o600)
        at = house(tmp_path, f'[transport]\nurl = "{url.format(free_port())}"\ntoken_file = "secret"\n'
                   'password_file = "secret"\n')  # fmt: skip
        found = only(look(transport.check, at), "fail", "127.0.0.1", "refused", "transport.url")
        assert "S3cret" not in str(found)

    def test_queues_of_a_broker(self) -> None:
        only(list(transport.judged_broker(BrokerFacts(3, 0), "q")), "ok", "3 batches wait")
        only(list(transport.judged_broker(BrokerFacts(None, None), "q")), "warn", 'no queue "q"')
        only(list(transport.judged_broker(BrokerFacts(9_999, 0), "q")), "warn", "9999 batches")
        only(list(transport.judged_broker(BrokerFacts(3, 1), "q")), "warn", "q.bad")


def beat(agent: str, at: float, *marks: float | None) -> Heartbeat:
    states = tuple(
        SourceState(source=f"s{place}", watermark=mark, accounting=Accounting()) for place, mark in enumerate(marks)
    )
    return Heartbeat(version=1, agent=agent, incarnation="0123456789abcdef", sequence=1, at=at, sources=states)


class TestProcesses:
    def test_no_collector(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        only(look(processes.check_collector, at), "warn", "no collector has run", "pharmapulse run")
        open_ledger(at.places.ledger).close()
        only(look(processes.check_collector, at), "fail", "does not answer", "systemctl restart")

    def test_the_watermark(self) -> None:
        good, late = beat("east", NOW, NOW - 3), beat("west", NOW, NOW - 3, NOW - 900)
        only([processes.judged(NOW - 3, [good], NOW)], "ok", "3 s ago", "1 log watcher")
        only([processes.judged(NOW - 900, [good, late], NOW)], "fail", "15 min ago", "west/s1")
        only([processes.judged(NOW - 900, [good, beat("west", NOW - 900, NOW - 900)], NOW)], "fail", "west (silent)")
        only([processes.judged(None, [], NOW)], "fail", "no log watcher was heard")

    def test_health_on_the_ports(self, tmp_path: Path) -> None:
        base = free_port()
        at = house(tmp_path, f"[web]\nport = {base}\n")
        found = only(look(processes.check_health, at), "warn", "not running here", "pharmapulse run")
        assert "deferred" not in found.found, "it has no targets"
        checks = [HealthCheck("watching", True, "turned 1 s ago")]
        told = Health("logwatch", lambda: checks, lambda: checks, lambda: b"")
        port = base + OFFSETS["logwatch"]
        with HealthServer(told, port), socket.socket() as other:
            other.bind(("127.0.0.1", base + OFFSETS["alerts"]))
            wait_for("the server", lambda: try_get(port, "/healthz"))
            levels = {one.found.split(" ")[0].rstrip(":"): one for one in look(processes.check_health, at)}
            assert levels["logwatch"].level == "ok"
            checks.append(HealthCheck("keeping", False, "the disk is full"))
            levels = {one.found.split(" ")[0].rstrip(":"): one for one in look(processes.check_health, at)}
            assert levels["logwatch"].level == "fail"
            assert "keeping: the disk is full" in levels["logwatch"].found

    def test_something_else_on_a_port(self, tmp_path: Path) -> None:
        base = free_port()
        at = house(tmp_path, f"[web]\nport = {base}\n")
        told = Health("logwatch", list, list, lambda: b"")
        with HealthServer(told, base + OFFSETS["collector"]):
            wait_for("the server", lambda: try_get(base + OFFSETS["collector"], "/healthz"))
            wrong = [one for one in look(processes.check_health, at) if one.level == "fail"]
            only(wrong, "fail", "collector: what listens on port", "is logwatch", "ss -ltnp")


class TestClock:
    def test_kept(self) -> None:
        assert clocks.kept(0) is None
        assert clocks.kept(None) is None
        only([found for found in [clocks.kept(5)] if found], "warn", "timedatectl")
        assert clocks.clock_state() in (None, *range(6))

    def test_from_the_future(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        log = tmp_path / "calls.log"
        log.write_text(line(0))
        os.utime(log, (NOW, NOW))
        assert not list(clocks.ahead(at))
        for ahead, level in ((60, "warn"), (7_200, "fail")):
            os.utime(log, (NOW + ahead, NOW + ahead))
            only(list(clocks.ahead(at)), level, f"{ahead} s in the future", "calls.log")

    def test_all_is_well(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clocks, "clock_state", lambda: 0)
        only(look(clocks.check, house(tmp_path)), "ok", "Europe/Brussels")

    def test_a_replay(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clocks, "clock_state", lambda: 0)
        at = house(tmp_path, text=CONFIG.replace("[site]", '[site]\nclock = "2026-03-02T06:00@60"'))
        only(look(clocks.check, at), "warn", "replays", 'site.clock = "wall"')

    def test_a_zone_without_its_summer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        at = house(tmp_path)
        assert clocks.zone(at) is None
        monkeypatch.setattr(clocks, "ZoneInfo", lambda _: ZoneInfo("UTC"))
        only([found for found in [clocks.zone(at)] if found], "fail", "summer time", "tzdata")


SOMEBODY = '[[people]]\nname = "anna"\nurls = ["{}"]\n[[routes]]\nto = ["anna"]\n'


class TestPeople:
    def test_told(self, tmp_path: Path) -> None:
        only(look(people.check, house(tmp_path, SOMEBODY.format("json://hooks.example/abc"))), "ok", "1 person told")

    def test_nobody_told(self, tmp_path: Path) -> None:
        only(look(people.check, house(tmp_path)), "warn", "no route", "[[routes]]")
        at = house(tmp_path, SOMEBODY.format("json://hooks.example/abc") + "[alerts]\nshadow = true\n")
        only(look(people.check, at), "warn", "shadow")
        hubs = "".join(f'[[hubs]]\nkey = "{key}"\nname = "{key}"\n' for key in ("dpp", "recipe"))
        at = house(tmp_path, SOMEBODY.format("json://hooks.example/abc") + f'hubs = ["dpp"]\n{hubs}')
        only(look(people.check, at), "warn", "(recipe)")

    def test_a_url_of_no_channel(self) -> None:
        assert people.unusable(["json://hooks.example/abc", "nothing://user:S3cret@host"]) == ["nothing://…"]


class TestSecurity:
    @pytest.mark.parametrize(
        ("more", "users", "caller", "level", "words"),
        [
            ("", 2, 1_000, "", ()),
            ("", 0, 1_000, "warn", ("no account", "pharmapulse users add")),
            ("", None, 1_000, "warn", ("no account",)),
            ('[web]\nguests = "local"\n', 2, 1_000, "warn", ("without an account", "web.guests")),
            ('[web]\nlisten = "0.0.0.0"\nhosts = ["pulse.example"]\nguests = "none"\n', 2, 1_000, "warn", ("TLS",)),
            ('[web]\nlisten = "0.0.0.0"\nhosts = ["pulse.example"]\nproxies = 1\nguests = "none"\n', 2, 1_000, "", ()),
            ('[web]\nlisten = "0.0.0.0"\nhosts = ["pulse.example"]\nproxies = 1\nguests = "none"\n', 0, 1_000, "fail",
             ("no account",)),
            ('[deferred]\nlisten = "0.0.0.0"\n[[deferred.targets]]\nname = "dpp"\nurl = "https://hub.example/"\n', 2,
             1_000, "warn", ("gateway", "medical")),
            ("", 2, 0, "warn", ("root", "useradd")),
        ],
    )  # fmt: skip
    def test_who_may(
        self, more: str, users: int | None, caller: int, level: str, words: tuple[str, ...], tmp_path: Path
    ) -> None:
        at = house(tmp_path, more)
        found = list(security.judged(at.config.settings, users, caller, at.file))
        if level:
            only(found, level, *words)
        else:
            assert not found

    def test_accounts_are_counted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1_000)
        at = house(tmp_path)
        state = open_state(f"sqlite:///{at.places.state}")
        only(look(security.check, at), "warn", "no account")
        SqlAccess(state.engine).add_user("anna", "ops", EVERYTHING, NOW)
        only(look(security.check, at), "ok", "1 account", "until-accounts")
        state.close()

    def test_files_with_secrets(self, tmp_path: Path) -> None:
        only(look(security.check_secrets, house(tmp_path)), "ok", "no files")
        at = house(tmp_path, '[[people]]\nname = "anna"\nurls_file = "anna.urls"\n')
        only(look(security.check_secrets, at), "fail", "people.anna.urls_file", "not there")
        secret = tmp_path / "anna.urls"
        secret.write_text("mailtos://user:S3cret@mail.example")
        for mode, level, word in ((0o644, "fail", "chmod 600"), (0o660, "warn", "group"), (0o640, "ok", "1 file")):
            secret.chmod(mode)
            assert "S3cret" not in str(only(look(security.check_secrets, at), level, word))

    def test_keys_that_were_made(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        key = at.places.deferred / "keys" / "dpp.key"
        load_keys("dpp", "", key)
        only(look(security.check_secrets, at), "ok", "1 file")
        key.chmod(0o604)
        only(look(security.check_secrets, at), "fail", "dpp.key")

    def test_urls_in_an_open_configuration(self, tmp_path: Path) -> None:
        at = house(tmp_path, SOMEBODY.format("json://hooks.example/S3cret"))
        only(look(security.check_secrets, at), "ok")
        at.config.file.chmod(0o644)
        assert "S3cret" not in str(only(look(security.check_secrets, at), "warn", "urls_file"))


TARGET = '[[deferred.targets]]\nname = "dpp"\nurl = "https://hub.example/"\n'


def queue(**more: object) -> QueueFacts:
    facts: dict[str, object] = {
        "target": "dpp", "waiting": 0, "dead": 0, "held_since": None, "held_by": "", "reason": "", **more
    }  # fmt: skip
    return QueueFacts(**facts)  # type: ignore[arg-type]


class TestDeferredCalls:
    def test_none_and_new(self, tmp_path: Path) -> None:
        assert not look(calls.check, house(tmp_path)), "nothing is deferred here"
        at = house(tmp_path, TARGET)
        only(look(calls.check, at), "warn", "not there yet", "pharmapulse deferred")
        keys = {"dpp": load_keys("dpp", "", at.places.deferred / "keys" / "dpp.key")}
        opened = open_deferred(at.places.deferred / "queue.db", keys)
        opened.pulse(NOW)
        only(look(calls.check, at), "ok", "0 calls wait")
        opened.hold("dpp", "disk is exchanged", "anna", NOW - 50_000)
        only(look(calls.check, at), "warn", "held for 14 h by anna (disk is exchanged)", "queue resume dpp")
        opened.resume("dpp")
        opened.close()
        (at.places.deferred / "keys" / "dpp.key").unlink()
        only(look(calls.check, at), "fail", "neither taken nor let out", "dpp.key: the key of dpp is gone")

    @pytest.mark.parametrize(
        ("facts", "silent", "level", "words"),
        [
            (queue(waiting=5), 1, "", ()),
            (queue(held_since=NOW - 60, held_by="anna"), 1, "", ()),
            (queue(dead=2), 1, "warn", ("2 calls", "dead")),
            (queue(waiting=5), 600, "fail", ("silent for 10 min", "pharmapulse deferred")),
            (queue(waiting=5), None, "fail", ("has never run",)),
            (queue(target="gone", waiting=1), 0, "fail", ("no target any more", 'name = "gone"')),
        ],
    )
    def test_queues(self, facts: QueueFacts, silent: int | None, level: str, words: tuple[str, ...]) -> None:
        found = list(calls.judged([facts], None if silent is None else NOW - silent, NOW, {"dpp"}, "f.toml"))
        if level:
            only(found, level, *words)
        else:
            assert not found


class TestPublicPage:
    def document(self, now: float, **more: object) -> Published:
        values: dict[str, object] = {
            "version": PUBLISHED_VERSION, "site": "S", "zone": "UTC", "as_of": now - 5, "written": now - 2,
            "components": (), **more,
        }  # fmt: skip
        return Published(**values)  # type: ignore[arg-type]

    def test_document(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        path = at.places.published
        only(look(publication.check, at), "warn", "not there yet", "pharmapulse alerts")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no document")
        only(look(publication.check, at), "fail", "no published document")
        now = SystemClock().now()  # the page is judged by the site's clock, however long ago this file was read
        for document, level, word in (
            (self.document(now), "ok", "judged up to"),
            (self.document(now, written=now - 900), "fail", "15 min ago"),
            (self.document(now, as_of=now - 900), "warn", "judged up to 15 min ago"),
            (self.document(now, as_of=None), "warn", "nothing is judged"),
        ):
            path.write_bytes(encode_published(document))
            only(look(publication.check, at), level, word)


class TestReport:
    FOUND = (
        ok("state", "revision 2"),
        warn("disk space", "1.0 GB free", "Make room"),
        fail("clock", "wrong", "Set it"),
    )

    def test_columns(self) -> None:
        assert as_text(self.FOUND, colour=False, width=80).splitlines() == [
            "ok    state       revision 2",
            "warn  disk space  1.0 GB free",
            "                  → Make room",
            "FAIL  clock       wrong",
            "                  → Set it",
            "",
            "1 to mend, 1 to look after, 1 fine",
        ]

    def test_colour_only_where_it_is_wanted(self) -> None:
        assert "\x1b" not in as_text(self.FOUND, colour=False, width=80)
        assert "\x1b[31;1mFAIL\x1b[0m" in as_text(self.FOUND, colour=True, width=80)

    def test_long_words_stay_whole(self) -> None:
        path = "/very" * 30
        text = as_text([fail("ledger", f"{path} is damaged and of no use to anybody", "x")], colour=False, width=60)
        assert path in text
        assert max(len(line) for line in text.splitlines() if path not in line) <= 60

    def test_json(self) -> None:
        told = json.loads(as_json(self.FOUND))
        assert told["ok"] is False
        assert told["findings"][1] == {
            "check": "disk space", "level": "warn", "found": "1.0 GB free", "mend": "Make room"
        }  # fmt: skip
        assert json.loads(as_json(self.FOUND[:2]))["ok"] is True

    def test_words_for_amounts(self) -> None:
        assert [span(90), span(150), span(7_200), span(200_000)] == ["90 s", "2 min", "2 h", "2 d"]
        assert [amount(12), amount(1_500), amount(2.5e9), amount(3e13)] == ["12 B", "1.5 kB", "2.5 GB", "30.0 TB"]


class TestCommand:
    def test_a_fresh_site_has_nothing_to_mend(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base = free_port()
        at = house(tmp_path, f"[web]\nport = {base}\n")
        monkeypatch.setattr(disk, "LEAST_BYTES", 0)
        monkeypatch.setattr(disk, "FEW_BYTES", 0)
        answer = ask(capsys, "doctor", "--config", at.file)
        assert (answer.code, answer.err) == (0, "")
        assert "nothing to mend" in answer.out
        assert "\x1b" not in answer.out
        assert not at.config.data.exists(), "looking makes nothing"

    def test_something_to_mend(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        at = house(tmp_path)
        open_ledger(at.places.ledger).close()
        answer = ask(capsys, "doctor", "--config", at.file, "--json")
        assert answer.code == 1
        told = json.loads(answer.out)
        assert told["ok"] is False
        assert {one["check"] for one in told["findings"]} <= {name for name, _ in CHECKS}
        assert [one["check"] for one in told["findings"] if one["level"] == "fail"] == ["collector"]

    def test_a_wrong_configuration_is_the_only_finding(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "pharmapulse.toml").write_text(CONFIG.replace("format =", "formt ="))
        answer = ask(capsys, "doctor", "--config", str(tmp_path / "pharmapulse.toml"), "--json")
        [found] = json.loads(answer.out)["findings"]
        assert answer.code == 1
        assert "sources[0].formt" in found["found"]
        assert found["mend"] == 'Did you mean "format"?'
        assert ask(capsys, "doctor", "--config", str(tmp_path / "none.toml")).code == 1

    def test_no_patient_is_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        at = house(tmp_path)
        (tmp_path / "calls.log-50010199928").write_text("nothing\n")
        answer = ask(capsys, "doctor", "--config", at.file)
        assert "50010199928" not in answer.out
        assert "[patient]" in answer.out

    def test_a_check_that_stumbles_is_a_finding(self, tmp_path: Path) -> None:
        def unreadable(_: House) -> list[Finding]:
            raise PermissionError(13, "Permission denied", "/x")

        def broken(_: House) -> list[Finding]:
            raise StoreError("state.db: disk I/O error")

        found = examine(house(tmp_path), [("one", unreadable), ("two", broken)])
        assert [(one.level, one.found) for one in found] == [
            ("fail", "/x: Permission denied"), ("fail", "state.db: disk I/O error")
        ]  # fmt: skip

    def test_looking_locks_nothing(self, tmp_path: Path) -> None:
        at = house(tmp_path)
        open_outbox(at.places.outbox, "agent").close()
        claim = Claim(Places(at.config.data).ledger.parent / "lock", "test")
        examine(at)
        open_outbox(at.places.outbox, "agent").close()
        claim.close()
