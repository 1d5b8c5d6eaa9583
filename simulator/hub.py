"""A hub to send to: a real HTTP server that keeps a journal, honours idempotency keys and suffers under a crowd.

Flows in: POST, PUT, DELETE and PATCH on any path. Flows out: 200 once the call is in the journal, durably; 503 where
too many wait. A call whose key the journal has is answered 200 again and not taken twice, also after a restart.

The journal has a line of JSON for each call taken, in the order taken: the keyed parts as hashes, nothing in plain.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from cheroot.wsgi import Server

from domain.clock import EventWaker
from domain.redact import lettered
from store.group import GroupCommit

# Calls that would wait longer than this are refused.
LONGEST_WAIT_SECONDS = 2.0
THREADS = 48
TAKEN, REFUSED = HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE
_MOST_BYTES = 16 * 2**20
_log = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Entry(msgspec.Struct, frozen=True):
    """A line of the journal; `key`, `order` and `body` are digests, `order` "" where the call had no ordering key."""

    number: int
    method: str
    key: str
    order: str
    body: str


def digest(data: bytes) -> str:
    """The digest of a key or a body."""
    return lettered(hashlib.sha256(data).digest()[:16])


def read_journal(path: Path) -> list[Entry]:
    """The calls a hub took. A last line that a kill cut off is none."""
    if not path.exists():
        return []
    decoder = msgspec.json.Decoder(Entry)
    return [decoder.decode(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


class Queue:
    """How long a call takes at a hub that serves `capacity` a second, one after the other."""

    def __init__(self, latency: float, capacity: float) -> None:
        self._latency, self._each = latency, 1 / capacity if capacity else 0.0
        self._free = 0.0
        self._lock = threading.Lock()

    def enter(self, now: float) -> float | None:
        """Seconds the call takes that comes now; None where it would wait too long."""
        with self._lock:
            begin = max(now, self._free)
            if begin - now > LONGEST_WAIT_SECONDS:
                return None
            self._free = begin + self._each
            return self._free - now + self._latency


@dataclass(frozen=True, slots=True)
class _Taken:
    method: str
    key: str
    order: str
    body: str


class Hub:
    """A hub on a port of this machine, from `start` to `stop`; it may be started again."""

    def __init__(self, port: int, journal: Path, latency_ms: float = 5.0, capacity: float = 0.0) -> None:
        """`capacity` is calls a second, 0 without limit."""
        self.port, self.repeated, self.refused = port, 0, 0
        self._journal, self._latency, self._capacity = journal, latency_ms / 1_000, capacity
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Answer from now on. Raises OSError where the port or the journal cannot be had."""
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        entries = read_journal(self._journal)
        self._known = {entry.key for entry in entries if entry.key}
        self.taken = len(entries)
        self._file = self._journal.open("ab", buffering=0)
        self._cut()
        self._queue = Queue(self._latency, self._capacity)
        self._group: GroupCommit[_Taken, bool] = GroupCommit(self._commit, "journal")
        server = _Server(
            ("127.0.0.1", self.port), self._answer, numthreads=THREADS, max=THREADS, request_queue_size=256,
            timeout=30, shutdown_timeout=1,
        )  # fmt: skip
        server.prepare()
        self._server = server
        self._thread = threading.Thread(target=server.serve, name="hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and answer no more."""
        if self._server is None or self._thread is None:
            return
        self._server.stop()
        self._thread.join()
        self._group.close()
        self._file.close()
        self._server = self._thread = None

    def _cut(self) -> None:
        """Take off a line that a kill left half written: nobody was told that it is there."""
        data = self._journal.read_bytes()
        if data and not data.endswith(b"\n"):
            os.truncate(self._journal, data.rfind(b"\n") + 1)

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status, body = self._handle(environ)
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        if status is REFUSED:
            headers.append(("Retry-After", "1"))
        start_response(f"{int(status)} {status.phrase}", headers)
        return [body]

    def _handle(self, environ: dict[str, Any]) -> tuple[HTTPStatus, bytes]:
        method = str(environ["REQUEST_METHOD"])
        if method == "GET":
            counts = {"calls": self.taken, "repeated": self.repeated, "refused": self.refused}
            return (HTTPStatus.OK if environ["PATH_INFO"] == "/count" else HTTPStatus.NOT_FOUND), _json(counts)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > _MOST_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _json({"taken": False})
        body = environ["wsgi.input"].read(length)
        if len(body) < length:
            # Its sender was killed in the middle of it.
            return HTTPStatus.BAD_REQUEST, _json({"taken": False})
        takes = self._queue.enter(time.monotonic())
        if takes is None:
            self.refused += 1
            return REFUSED, _json({"taken": False})
        if takes > 0:
            EventWaker().wait(takes)
        key, order = str(environ.get("HTTP_IDEMPOTENCY_KEY", "")), str(environ.get("HTTP_ORDERING_KEY", ""))
        taken = _Taken(
            method, digest(key.encode()) if key else "", digest(order.encode()) if order else "", digest(body)
        )
        return TAKEN, _json({"taken": True, "again": not self._group.submit(taken)})

    def _commit(self, calls: Sequence[_Taken]) -> Sequence[bool]:
        """Write the calls that are new into the journal; whether each was."""
        new: list[bool] = []
        lines: list[bytes] = []
        keys: set[str] = set()
        for call in calls:
            is_new = not call.key or (call.key not in self._known and call.key not in keys)
            new.append(is_new)
            if is_new:
                keys |= {call.key} - {""}
                entry = Entry(self.taken + len(lines) + 1, call.method, call.key, call.order, call.body)
                lines.append(_json(entry) + b"\n")
        if lines:
            self._file.write(b"".join(lines))
            os.fsync(self._file.fileno())
        self._known |= keys
        self.taken += len(lines)
        self.repeated += len(new) - len(lines)
        return new


class _Server(Server):
    """The server, whose troubles go to our log rather than past it to standard error."""

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Tell of a trouble, without what it was about: that may be a call."""
        _log.log(level, "the hub's server: %s", msg.splitlines()[0] if msg else "", exc_info=traceback)


def _json(what: object) -> bytes:
    return msgspec.json.encode(what)
