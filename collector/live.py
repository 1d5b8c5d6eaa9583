"""The live buckets over a unix socket: the server of the wire in `transport.live`."""

from __future__ import annotations

import socket
import stat
import threading
from pathlib import Path

import msgspec
from flask import Flask, Response, request
from waitress import wasyncore
from waitress.server import create_server

from domain.errors import StoreError, UsageError
from domain.ports import LiveBuckets
from domain.series import FAMILIES
from transport.live import (
    LineQuestion,
    PatientQuestion,
    Question,
    check_socket_path,
    encode_lines,
    encode_patients,
    encode_rows,
    encode_sources,
)

_THREADS = 4
_CLOSE_SECONDS = 2.0
_LOOK_SECONDS = 1.0


def live_app(buckets: LiveBuckets) -> Flask:
    """The application that answers for `buckets`."""
    app = Flask(__name__)

    @app.post("/rows")
    def rows() -> Response:
        try:
            question = msgspec.json.decode(request.get_data(), type=Question)
            live = buckets.rows(question.family, question.step, question.keys)
        except (msgspec.MsgspecError, UnicodeDecodeError, UsageError) as error:
            return _problem(str(error))
        return _json(encode_rows(live, question.step, FAMILIES[question.family].sources))

    @app.post("/recent")
    def recent() -> Response:
        try:
            asked = msgspec.json.decode(request.get_data(), type=LineQuestion)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _problem(str(error))
        return _json(encode_lines(buckets.recent(**msgspec.structs.asdict(asked))))

    @app.post("/patients")
    def patients() -> Response:
        try:
            of = msgspec.json.decode(request.get_data(), type=PatientQuestion)
            return _json(encode_patients(buckets.patients(of.start, of.end)))
        except (msgspec.MsgspecError, UnicodeDecodeError, UsageError) as error:
            return _problem(str(error))

    @app.get("/sources")
    def sources() -> Response:
        return _json(encode_sources(buckets.sources(), buckets.complete_up_to()))

    @app.errorhandler(StoreError)
    def not_read(error: StoreError) -> Response:
        return _problem(str(error), 503)

    @app.get("/healthz")
    def healthz() -> Response:
        return _json(msgspec.json.encode({"status": "ok", "complete_up_to": buckets.complete_up_to()}))

    return app


def _json(data: bytes) -> Response:
    return Response(data, mimetype="application/json")


def _problem(detail: str, status: int = 400) -> Response:
    title = "Bad question" if status < 500 else "Not now"
    body = msgspec.json.encode({"title": title, "status": status, "detail": detail})
    return Response(body, status=status, mimetype="application/problem+json")


class LiveServer:
    """Serves live buckets on a unix socket, in a thread of its own, from `start` to `close`."""

    def __init__(self, buckets: LiveBuckets, path: Path) -> None:
        """Claim the socket, removing one that nobody listens to any more. Raises ConfigError, StoreError."""
        check_socket_path(path)
        self._path = path
        self._closing = threading.Event()
        self._channels: dict[int, object] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(path)
            self._server = create_server(
                live_app(buckets),
                map=self._channels,
                unix_socket=str(path),
                unix_socket_perms="600",
                threads=_THREADS,
                ident=None,
            )
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error
        self._thread = threading.Thread(target=self._answer, name="live", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and remove the socket."""
        self._closing.set()
        if self._thread.ident is None:  # a collector that runs `--once` claims the socket and answers nobody
            self._let_go()
        else:
            self._server.pull_trigger()
            self._thread.join(_CLOSE_SECONDS)
        self._path.unlink(missing_ok=True)

    def _answer(self) -> None:
        """The server's loop, here rather than in waitress: sockets are closed by the thread that waits on them."""
        while not self._closing.is_set():
            wasyncore.loop(timeout=_LOOK_SECONDS, use_poll=True, map=self._channels, count=1)
        self._let_go()

    def _let_go(self) -> None:
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._channels)


def _remove_stale(path: Path) -> None:
    """Remove a socket that a process left behind. Raises StoreError where it is in use or no socket."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise StoreError(f"{path}: this is in the place of the collector's socket. Move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise StoreError(f"{path}: another collector listens here. Stop it first")
