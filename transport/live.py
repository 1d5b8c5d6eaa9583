"""Open buckets over a unix socket: the wire, and the client of LiveBuckets.

JSON over HTTP: `POST /rows` with a Question, `POST /recent` with a LineQuestion, `POST /patients`
with a PatientQuestion, `GET /sources`, `GET /healthz`.
Every answer carries the wire's version; a client takes its own version and the one before, and says
so where it meets another. Unknown values are null.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec
import numpy as np

from domain.batch import Heartbeat, RecentLine
from domain.errors import ConfigError, LiveUnavailableError
from domain.patients import PatientCount
from domain.ports import LiveRows
from domain.series import Key, Rows

_T = TypeVar("_T")
LIVE_VERSION = 1
READABLE = (LIVE_VERSION - 1, LIVE_VERSION)
TIMEOUT_SECONDS = 2.0
# sun_path holds 108 bytes on Linux, the closing zero included.
SOCKET_PATH_BYTES = 107


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which open rows are asked for; no `keys` means all of the family's."""

    family: str
    step: int
    keys: tuple[Key, ...] | None = None


class LineQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines are asked for, "" being any."""

    source: str = ""
    hub: str = ""
    endpoint: str = ""
    code: str = ""
    limit: int = 100


class LinesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Masked lines on the wire, newest first."""

    version: int
    lines: tuple[RecentLine, ...]


class PatientQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The patients of which hours are asked for."""

    start: int
    end: int


class PatientsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct patients on the wire."""

    version: int
    patients: tuple[PatientCount, ...]


class RowsOf(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one key, the first at `start`."""

    key: Key
    start: int
    values: tuple[tuple[int | None, ...], ...]


class RowsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """LiveRows on the wire."""

    version: int
    complete_up_to: float | None
    step: int
    sources: tuple[str, ...]
    rows: tuple[RowsOf, ...]


class SourcesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the agents and their sources, on the wire."""

    version: int
    complete_up_to: float | None
    heartbeats: tuple[Heartbeat, ...]


def encode_rows(live: LiveRows, step: int, sources: tuple[str, ...]) -> bytes:
    """The bytes of an answer."""
    rows = tuple(
        RowsOf(
            key=key,
            start=rows.start,
            values=tuple(tuple(None if v != v else int(v) for v in row) for row in rows.values.tolist()),
        )
        for key, rows in live.rows.items()
    )
    return msgspec.json.encode(
        RowsAnswer(version=LIVE_VERSION, complete_up_to=live.complete_up_to, step=step, sources=sources, rows=rows)
    )


def decode_rows(data: bytes) -> LiveRows:
    """The rows of an answer's bytes. Raises LiveUnavailableError where they are none or of another version."""
    answer = _decode(data, RowsAnswer)
    _readable(answer.version)
    shape = (-1, len(answer.sources))
    rows = {
        of.key: Rows(of.start, answer.step, answer.sources, np.array(of.values, dtype=np.float64).reshape(shape))
        for of in answer.rows
    }
    return LiveRows(answer.complete_up_to, MappingProxyType(rows))


def encode_patients(patients: Iterable[PatientCount]) -> bytes:
    """The bytes of an answer."""
    return msgspec.json.encode(PatientsAnswer(version=LIVE_VERSION, patients=tuple(patients)))


def encode_sources(heartbeats: Sequence[Heartbeat], complete_up_to: float | None) -> bytes:
    """The bytes of an answer."""
    return msgspec.json.encode(
        SourcesAnswer(version=LIVE_VERSION, complete_up_to=complete_up_to, heartbeats=tuple(heartbeats))
    )


def encode_lines(lines: Sequence[RecentLine]) -> bytes:
    """The bytes of an answer."""
    return msgspec.json.encode(LinesAnswer(version=LIVE_VERSION, lines=tuple(lines)))


def check_socket_path(path: Path) -> None:
    """Raise ConfigError where a unix socket cannot have this path."""
    length = len(bytes(path))
    if length > SOCKET_PATH_BYTES:
        raise ConfigError(
            f"{path} is {length} bytes long, and a unix socket's path holds {SOCKET_PATH_BYTES}",
            path="site.data",
            mend="Choose a directory with a shorter path",
        )


class LiveClient:
    """LiveBuckets of a collector that listens on a unix socket. Threads may share one: each question connects anew."""

    def __init__(self, socket_path: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        check_socket_path(socket_path)
        self._path, self._timeout = socket_path, timeout_seconds

    def rows(self, family: str, step: int, keys: Sequence[Key] | None = None) -> LiveRows:
        """Open rows of the family at a step, of all its keys or of those named. Raises LiveUnavailableError."""
        question = Question(family=family, step=step, keys=None if keys is None else tuple(map(tuple, keys)))
        return decode_rows(self._ask("POST", "/rows", msgspec.json.encode(question)))

    def sources(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent that was heard. Raises LiveUnavailableError."""
        return self._sources().heartbeats

    def complete_up_to(self) -> float | None:
        """The watermark in epoch seconds; None before the first. Raises LiveUnavailableError."""
        return self._sources().complete_up_to

    def recent(
        self, *, source: str = "", hub: str = "", endpoint: str = "", code: str = "", limit: int = 100
    ) -> Sequence[RecentLine]:
        """The newest masked lines, newest first. Raises LiveUnavailableError."""
        question = LineQuestion(source=source, hub=hub, endpoint=endpoint, code=code, limit=limit)
        answer = _decode(self._ask("POST", "/recent", msgspec.json.encode(question)), LinesAnswer)
        _readable(answer.version)
        return answer.lines

    def patients(self, start: int, end: int) -> Sequence[PatientCount]:
        """Distinct patients of each hub and hour that begins in that time, a day at most. LiveUnavailableError."""
        question = PatientQuestion(start=start, end=end)
        answer = _decode(self._ask("POST", "/patients", msgspec.json.encode(question)), PatientsAnswer)
        _readable(answer.version)
        return answer.patients

    def _sources(self) -> SourcesAnswer:
        answer = _decode(self._ask("GET", "/sources"), SourcesAnswer)
        _readable(answer.version)
        return answer

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = _UnixConnection(self._path, self._timeout)
        headers: Mapping[str, str] = {"Content-Type": "application/json"} if body is not None else {}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise LiveUnavailableError(f"the collector at {self._path} does not answer: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            told = data.decode("utf-8", "replace")[:200]
            raise LiveUnavailableError(f"the collector at {self._path} answers {response.status}: {told}")
        return data


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _decode(data: bytes, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LiveUnavailableError(f"the collector's answer cannot be read: {error}") from error


def _readable(version: int) -> None:
    if version not in READABLE:
        raise LiveUnavailableError(
            f"the collector answers in version {version}, and this program reads {' and '.join(map(str, READABLE))}: "
            "run the same release on both sides"
        )
