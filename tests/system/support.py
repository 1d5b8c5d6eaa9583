"""Whole processes for the tests: started, waited for, killed; and the dashboard's answers."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from domain.clock import EventWaker
from domain.ports import LiveBuckets
from domain.series import Key, SeriesKey
from rrd.store import RrdSeriesStore

T = TypeVar("T")

_PAUSE = EventWaker()


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 60.0, every: float = 0.1) -> T:
    """What `look` gives once it gives something; fails with `what` when that takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        _PAUSE.wait(every)


# A process of ours answers on `web.port` and the ports after it, the demo's the furthest. Below the ephemeral range, so
# that no connection of this machine comes to have one of them meanwhile.
_PORTS_IN_A_ROW = 8
_PORTS = range(20_000, 32_000, _PORTS_IN_A_ROW)
_taken: list[socket.socket] = []


def free_port() -> int:
    """A port of this machine that nobody listens on, nor on the seven after it; given to nobody else while we run.

    Other workers and other test runs see what is taken: a socket with the port's name is held until our end.
    """
    begin = random.SystemRandom().randrange(len(_PORTS))
    for base in chain(_PORTS[begin:], _PORTS[:begin]):
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0pharmapulse-test-port-{base}")
        except OSError:
            held.close()
            continue
        _taken.append(held)
        if all(_is_free(base + place) for place in range(_PORTS_IN_A_ROW)):
            return base
    raise AssertionError(f"no {_PORTS_IN_A_ROW} free ports in a row from {_PORTS[0]} to {_PORTS[-1]}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def is_alive(pid: int) -> bool:
    """Whether the process runs: one that has ended and is not waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    """The processes that `pid` started and that run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def descendants(pid: int) -> list[int]:
    """All processes below `pid`."""
    found = children(pid)
    for child in list(found):
        found += descendants(child)
    return found


def command_of(pid: int) -> str:
    """The pharmapulse command that a process runs."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return words[words.index(b"pharmapulse") + 1].decode() if b"pharmapulse" in words else ""


class Running:
    """One `pharmapulse COMMAND …` with everything it says in a file."""

    def __init__(self, log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pharmapulse", *arguments],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        """All it has said so far, and what those before it said into the same file."""
        return self.log.read_text(errors="replace")

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """`kill -9`, and wait for the end."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM; the exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = 60.0) -> int:
        """The exit code, once it has ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {seconds:.0f} s; it said:\n{self.said()}") from None


@contextmanager
def running(log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A process that is stopped at the end of the block, whatever happens in it."""
    process = Running(log, *arguments, environment=environment)
    try:
        yield process
    finally:
        if process.alive():
            process.stop()


def no_traceback(text: str) -> None:
    """Fail where a process told of an error as nobody but a programmer wants to read it."""
    assert "Traceback" not in text, text[max(0, text.index("Traceback") - 500) :][:5_000]


def get(port: int, path: str) -> tuple[int, str, bytes]:
    """Status, content type and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers.get("Content-Type", ""), response.read()
    finally:
        connection.close()


def try_get(port: int, path: str) -> bytes | None:
    """The body where the answer is a good one; None also while nobody listens."""
    try:
        status, _, body = get(port, path)
    except (OSError, http.client.HTTPException):
        return None
    return body if status == 200 else None


def get_json(port: int, path: str) -> Any:
    """The JSON of a good answer."""
    status, kind, body = get(port, path)
    assert status == 200, (path, status, body[:500])
    assert kind.startswith("application/json"), (path, kind)
    return json.loads(body)


def api_calls(port: int, key: SeriesKey, step: int, start: float, end: float, source: str = "calls") -> int:
    """The sum of one source of a series over a window, as /api/v1 tells it."""
    path = "/".join(quote(part, safe="") for part in key.key)
    answer = get_json(port, f"/api/v1/series/{key.family}/{path}?from={start:.0f}&to={end:.0f}&step={step}")
    return sum(value or 0 for value in answer["values"][source])


def text_of(page: bytes) -> str:
    """What a page shows, tags taken out and white space made one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode())).strip()


def written(store: RrdSeriesStore, family: str, step: int, start: float, end: float) -> dict[Key, int]:
    """The calls of each key in the written rows of the buckets from `start` to `end`."""
    found = {}
    for key in store.keys(family):
        calls = store.read(SeriesKey(family, key), step, int(start), int(end)).column("calls")
        found[key] = int(calls[calls == calls].sum())
    return {key: count for key, count in found.items() if count}


def counted(
    store: RrdSeriesStore, live: LiveBuckets, family: str, step: int, start: float, end: float
) -> dict[Key, int]:
    """The calls of each key in the written rows and, after those, in the open buckets.

    The open ones are asked first: a bucket written meanwhile is left out of the file's.
    """
    rows = live.rows(family, step).rows
    found: dict[Key, int] = {}
    for key in {*store.keys(family), *rows}:
        opened = rows.get(key)
        past = int(end) if opened is None else min(int(end), opened.start)
        calls = store.read(SeriesKey(family, key), step, int(start), past).column("calls")
        total = int(calls[calls == calls].sum())
        if opened is not None:
            column = opened.column("calls")[(opened.times >= start) & (opened.times < end)]
            total += int(column[column == column].sum())
        if total:
            found[key] = total
    return found


def wait_equal(what: str, count: Callable[[], dict[Key, int]], truth: Counter[Key], seconds: float) -> None:
    """Wait until the counts are the log's; fails with the keys whose counts differ."""
    found: list[dict[Key, int]] = [{}]

    def equal() -> bool:
        found[0] = count()
        return found[0] == truth

    try:
        wait_for(what, equal, seconds)
    except AssertionError as error:
        keys = sorted({key for key in {*found[0], *truth} if found[0].get(key, 0) != truth[key]})
        told = ", ".join(f"{'/'.join(key)}: {found[0].get(key, 0)} for {truth[key]}" for key in keys[:5])
        raise AssertionError(f"{what}: {told}") from error
