"""A restart of a hub with 20,000 calls behind it: none lost, none doubled, order kept, nothing readable on disk.

Gateway, drain and hub are killed with `kill -9` again and again on the way.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import signal
import sqlite3
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from domain.access import EVERYTHING
from pharmapulse import wiring
from pharmapulse.config import Config, load
from pharmapulse.places import Places
from pharmapulse.wiring.calls import queues
from simulator.hub import digest, read_journal
from simulator.patients import pool
from store.access import SqlAccess
from tests.system.callers import Caller, Message
from tests.system.patients import Search
from tests.system.support import Running, children, free_port, get_json, no_traceback, try_get, wait_for

CALLS, LANES, CALLERS, KILLS = 20_000, 400, 16, 10
NAME, ORDER = "Planteroy", "order-of-"
CONFIG = """\
[site]
name = "A hub restarts"
data = "data"
[web]
port = {port}
[[deferred.targets]]
name = "dpp"
url = "http://127.0.0.1:{hub}/services"
hub = "dpp"
rate = 20000
"""


def messages() -> list[Message]:
    """Calls about patients; seven of eight have an ordering key, which names a patient, too."""
    patients = pool(1)[:LANES]
    made = []
    for number in range(CALLS):
        niss = patients[number % LANES]
        order = f"{ORDER}{niss}" if number % 8 else ""
        body = f"<call n='{number}'><ssin>{niss}</ssin><name>{NAME} {niss}</name>{'<cnk>0000000</cnk>' * 10}</call>"
        made.append(Message(f"/subject/{niss}/medication?ssin={niss}", f"{niss}-{number}", order, body.encode()))
    return made


# ---- looking for what must not be readable ----

_BASE64, _HEX = re.compile(rb"[A-Za-z0-9+/_-]{16,}"), re.compile(rb"[0-9a-fA-F]{22,}")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def decoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes, and all that they may be in disguise."""
    yield "as they are", data
    for start in (0, 1):
        yield "utf-16", data[start::2]
    for match in _BASE64.finditer(data):
        run = match.group().translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            part = run[start:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            yield "base64", base64.b64decode(part + b"=" * (-len(part) % 4))
    for match in _HEX.finditer(data):
        for start in (0, 1):
            part = match.group()[start:]
            yield "hex", bytes.fromhex(part[: len(part) // 2 * 2].decode())
    for match in _ZLIB.finditer(data):
        try:
            yield "zlib", zlib.decompressobj().decompress(data[match.start() : match.start() + 1_000_000], 1_000_000)
        except zlib.error:
            continue


def readable(folder: Path) -> tuple[set[str], int]:
    """What is found below a folder, by the disguise it was found in; and how many bytes were looked at."""
    found, size = set[str](), 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        size += len(data)
        for disguise, plain in decoded(data):
            search = Search(pool(1)[:LANES])
            search.raw(path.name, plain)
            if search.findings:
                found.add(f"{disguise}: a patient's number")
            found |= {f"{disguise}: {word}" for word in (NAME, ORDER) if word.encode() in plain}
    return found, size


def test_the_scanner_finds_what_is_planted(tmp_path: Path) -> None:
    text = f"{ORDER}{pool(1)[5]} {NAME}".encode()
    shapes = {
        "as they are": text, "utf-16": text.decode().encode("utf-16-le"), "hex": text.hex().encode(),
        "base64": base64.b64encode(b"?" + text), "zlib": zlib.compress(text),
    }  # fmt: skip
    for disguise, shape in shapes.items():
        folder = tmp_path / disguise
        folder.mkdir()
        (folder / "queue.db-wal").write_bytes(secrets.token_bytes(50_001) + shape + secrets.token_bytes(50_000))
        found, _ = readable(folder)
        assert {f"{disguise}: {NAME}", f"{disguise}: {ORDER}", f"{disguise}: a patient's number"} <= found


# ---- the restart ----


class Stack:
    """Gateway, drain and hub as processes that can be killed."""

    def __init__(self, tmp_path: Path) -> None:
        self.port, self.hub_port = free_port(), free_port()
        self.folder, self.file = tmp_path, tmp_path / "pharmapulse.toml"
        self.file.write_text(CONFIG.format(port=self.port, hub=self.hub_port))
        self.journal = tmp_path / "journal.jsonl"
        self.processes: dict[str, Running] = {}
        self.kills: defaultdict[str, int] = defaultdict(int)

    @property
    def config(self) -> Config:
        return load(self.file)

    def start(self, name: str) -> None:
        arguments = {
            "gateway": ("deferred", "--config", str(self.file), "--gateway", "--port", str(self.port)),
            "drain": ("deferred", "--config", str(self.file), "--drain"),
            "hub": ("simulate-hub", "--port", str(self.hub_port), "--journal", str(self.journal), "--latency", "2"),
        }[name]
        self.processes[name] = Running(self.folder / f"{name}.log", *arguments)

    def kill(self, name: str, *, whole: bool = True) -> None:
        """`kill -9`; of the gateway its worker alone or all of it."""
        process = self.processes[name]
        assert process.alive(), process.said()[-3_000:]
        self.kills[name] += 1
        workers = children(process.pid)
        if whole or not workers:
            process.kill()
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        if whole:
            self.start(name)

    def stop(self) -> None:
        for process in self.processes.values():
            if process.alive():
                process.process.terminate()
        for process in self.processes.values():
            process.wait()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    try:
        yield stack
    finally:
        stack.stop()


def test_a_restart_hurts_nobody(stack: Stack) -> None:
    begun, sent, token = time.monotonic(), messages(), secrets.token_urlsafe(32)
    state = wiring.state(stack.config)
    SqlAccess(state.engine).add_token("test", token, "ops", EVERYTHING, frozenset({"defer"}), time.time(), None)
    state.close()
    data = Places(stack.config.data)
    stack.start("gateway")
    stack.start("drain")
    wait_for("the gateway", lambda: try_get(stack.port, "/healthz"))
    # In: while the hub is down, the gateway (and the drain, which finds no hub) are killed.
    callers = [
        Caller(stack.port, "dpp", token, [m for n, m in enumerate(sent) if n % LANES % CALLERS == of])
        for of in range(CALLERS)
    ]
    for caller in callers:
        caller.start()
    for number in range(KILLS):
        least = CALLS * (number + 1) // (KILLS + 1)
        wait_for(f"{least} calls", lambda least=least: sum(c.taken for c in callers) >= least, every=0.02)  # type: ignore[misc]
        stack.kill("gateway", whole=number % 2 == 0)
    for caller in callers:
        caller.join(60)
    assert sum(caller.taken for caller in callers) == CALLS
    taken_in = time.monotonic() - begun
    with closing(queues(stack.config)) as store:
        (status,) = store.status(["dpp"], time.time())
        assert (status.waiting, status.delivered, status.dead) == (CALLS, 0, 0)
        found, size_before = readable(data.deferred)
        assert not found
        with closing(sqlite3.connect(data.deferred / "queue.db")) as database:
            wrapped = [row[0] for row in database.execute("SELECT wrapped FROM contents WHERE number % 100 = 0")]
        # Out: the hub comes, and is killed as the drain is.
        drained = time.monotonic()
        stack.start("hub")
        for number in range(KILLS):
            least = CALLS * (number + 1) // (KILLS + 1)
            wait_for(
                f"{least} delivered calls",
                lambda least=least: store.status(["dpp"], time.time())[0].delivered >= least,  # type: ignore[misc]
                every=0.02,
            )
            stack.kill("drain")
            stack.kill("hub")
        wait_for("an empty queue", lambda: store.status(["dpp"], time.time())[0].waiting == 0, every=0.05)
        drained = time.monotonic() - drained
        (status,) = store.status(["dpp"], time.time())
        assert (status.delivered, status.dead) == (CALLS, 0)
    wait_for("the log to be wiped", lambda: (data.deferred / "queue.db-wal").stat().st_size == 0)
    count = get_json(stack.hub_port, "/count")
    check_journal(stack, sent)
    found, size_after = readable(stack.config.data)
    assert not found
    left = b"".join(path.read_bytes() for path in data.deferred.rglob("*") if path.is_file())
    assert wrapped
    assert not [key for key in wrapped if key in left], "destroyed keys are still on disk"
    for name in ("gateway", "drain", "hub"):
        said = stack.processes[name].said()
        no_traceback(said)
        assert NAME not in said
        assert ORDER not in said
    stack.stop()
    print(
        f"{CALLS:,} calls in {LANES} lanes, kills {dict(stack.kills)}, sent again by callers "
        f"{sum(c.repeated for c in callers)} and by the drain at least {count['repeated']}; in {taken_in:.0f} s, out "
        f"{drained:.0f} s; {size_before:,} and {size_after:,} bytes searched; {time.monotonic() - begun:.0f} s"
    )
    assert all(number >= KILLS for number in stack.kills.values())


def check_journal(stack: Stack, sent: list[Message]) -> None:
    """All arrived, none twice, those of one ordering key in the order in which they were sent."""
    journal = read_journal(stack.journal)
    assert len(journal) == CALLS
    assert sorted(entry.key for entry in journal) == sorted(digest(message.key.encode()) for message in sent)
    arrived, expected = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for entry in journal:
        arrived[entry.order].append(entry.body)
    for message in sent:
        expected[digest(message.order.encode()) if message.order else ""].append(digest(message.body))
    free, expected_free = arrived.pop(""), expected.pop("")
    assert sorted(free) == sorted(expected_free)
    assert arrived == expected
