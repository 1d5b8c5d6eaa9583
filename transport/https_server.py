"""The collector's end of short posts: what is asked is looked at, kept durably in a spool, and only then answered.

`PUT /batches/NAME` answers 201, also to one that is here already; `PUT /heartbeats/AGENT` 204; `GET /healthz` 200.
Whatever is wrong with a post is a problem document (RFC 9457) with a 4xx status; 503 means that it may work later.
"""

from __future__ import annotations

import hmac
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server

from domain.batch import BatchName
from domain.errors import ConfigError, TransportError, WireError
from domain.settings import TransportSettings
from domain.wire import decode_batch, decode_heartbeat
from transport import addresses
from transport.hearing import BODY_SECONDS, HEAD_SECONDS, Hearing
from transport.spool import SpoolSender
from transport.tls import called, secret_in

# A batch of an agent holds at most 200,000 events: some megabytes.
MOST_BYTES, MOST_HEARTBEAT_BYTES = 64 << 20, 1 << 20
# An agent beats every two seconds; who is silent for longer is let go.
IDLE_SECONDS = 10
THREADS = 16
_LOCKS = 16
_LOOK_SECONDS = 1.0

_log = logging.getLogger(__name__)
Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and for one that is not good the reason."""

    status: HTTPStatus
    detail: str = ""


class Posts:
    """The application: what is done with a post. `taken` and `refused` count them."""

    def __init__(
        self, spool: SpoolSender, token: Callable[[], str] | None, patient: Callable[[], None] = lambda: None
    ) -> None:
        """`token` gives the token that callers must have; None where their certificates are looked at instead.

        `patient` is called before the body of somebody who is known is read.
        """
        self._spool, self._token, self._patient = spool, token, patient
        # The same batch may come twice at once, from an agent that did not wait for the first answer.
        self._locks = [threading.Lock() for _ in range(_LOCKS)]
        self.taken = self.refused = 0

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        try:
            answer = self._answer(environ)
        except ConfigError as error:
            _log.error("%s", error)
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "this end is not set up rightly; its log says more")
        except TransportError as error:
            _log.error("not taken: %s", error)
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "it could not be kept; send it again later")
        if answer.status < HTTPStatus.BAD_REQUEST:
            self.taken += environ["REQUEST_METHOD"] == "PUT"
        else:
            self.refused += 1
            _log.warning("a request of %s got %d: %r", environ.get("REMOTE_ADDR"), answer.status, answer.detail)
            # Who is not let finish sees a broken connection instead of the reason.
            while environ["wsgi.input"].read(1 << 16):
                pass
        return _written(answer, start)

    def _answer(self, environ: dict[str, Any]) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path == "/healthz":
            return Answer(HTTPStatus.OK) if method in ("GET", "HEAD") else Answer(HTTPStatus.METHOD_NOT_ALLOWED, method)
        _, folder, name = f"{path}//".split("/")[:3]
        if folder not in ("batches", "heartbeats") or path != f"/{folder}/{name}":
            return Answer(HTTPStatus.NOT_FOUND, "there are /batches/NAME, /heartbeats/AGENT and /healthz")
        if method != "PUT":
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, "batches and heartbeats are put")
        if not self._known(environ.get("HTTP_AUTHORIZATION", "")):
            return Answer(HTTPStatus.UNAUTHORIZED, "the token is missing or another one")
        length = environ.get("CONTENT_LENGTH") or ""
        if not (length.isascii() and length.isdigit()):
            return Answer(HTTPStatus.LENGTH_REQUIRED, "say how long it is")
        most = MOST_BYTES if folder == "batches" else MOST_HEARTBEAT_BYTES
        if int(length) > most:
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {most} bytes are not taken")
        self._patient()
        body = environ["wsgi.input"].read(int(length))
        if len(body) != int(length):
            return Answer(HTTPStatus.BAD_REQUEST, "it ends before its length")
        return self._batch(name, body) if folder == "batches" else self._heartbeat(name, body)

    def _known(self, authorization: str) -> bool:
        if self._token is None:
            return True
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._token()}".encode())

    def _batch(self, text: str, body: bytes) -> Answer:
        try:
            name = BatchName.parse(text)
        except WireError as error:
            return Answer(HTTPStatus.NOT_FOUND, str(error))
        try:
            inside = decode_batch(body).name
        except WireError as error:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        if inside != name:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"this batch is {inside}, and was put as {name}")
        with self._locks[hash(name) % _LOCKS]:
            self._spool.send(name, body)
        return Answer(HTTPStatus.CREATED)

    def _heartbeat(self, agent: str, body: bytes) -> Answer:
        try:
            heartbeat = decode_heartbeat(body)
            BatchName.parse(f"{heartbeat.agent}.{heartbeat.incarnation}.{heartbeat.sequence}")
        except WireError as error:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        if heartbeat.agent != agent:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, "this is another agent's heartbeat")
        with self._locks[hash(agent) % _LOCKS]:
            self._spool.beat(heartbeat)
        return Answer(HTTPStatus.NO_CONTENT)


def _written(answer: Answer, start: Start) -> Iterable[bytes]:
    status = answer.status
    headers, body = [], b""
    if status >= HTTPStatus.BAD_REQUEST:
        body = msgspec.json.encode({"title": status.phrase, "status": int(status), "detail": answer.detail})
        headers.append(("Content-Type", "application/problem+json"))
    elif status == HTTPStatus.OK:
        body = b'{"status":"ok"}'
        headers.append(("Content-Type", "application/json"))
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", "Bearer"))
    if status != HTTPStatus.NO_CONTENT:
        headers.append(("Content-Length", str(len(body))))
    start(f"{int(status)} {status.phrase}", headers)
    return [body]


class _Tls(BuiltinSSLAdapter):
    """TLS whose handshake is left to the worker: in the listening thread one silent caller would hold up all others."""

    def wrap(self, sock: Any) -> tuple[Any, dict[str, str]]:
        """The socket for TLS, nothing said yet."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, {"wsgi.url_scheme": "https"}


class _Connection(HTTPConnection):
    """A connection that shakes hands before its first request."""

    _greeted = False

    def communicate(self) -> bool:
        """Answer a request; False ends the connection."""
        self.server.hearing.begin(self.socket, HEAD_SECONDS)
        try:
            return self._answered()
        finally:
            self.server.hearing.end()

    def _answered(self) -> bool:
        if not self._greeted and isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket.do_handshake()
            except OSError as error:
                _log.warning("a call of %s failed in its TLS handshake: %s", self.remote_addr, error)
                return False
        self._greeted = True
        return bool(super().communicate())  # type: ignore[no-untyped-call]


class _Server(Server):
    """The HTTP server; it tells of what is amiss in our log."""

    ConnectionClass = _Connection
    hearing: Hearing
    # More than a handful of agents keep their connections.
    keep_alive_conn_limit = 1_000

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        """Bind, and leave no open socket behind where that fails."""
        try:
            bound: socket.socket = Server.bind_socket(socket_, bind_addr)  # type: ignore[no-untyped-call]
        except OSError:
            socket_.close()
            raise
        return bound

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log one line; a fault of ours with where it was."""
        _log.log(level, "%s", msg, exc_info=traceback and level >= logging.ERROR)


class PostServer:
    """The application on its port, in threads of its own."""

    def __init__(self, settings: TransportSettings, base: Path, spool: SpoolSender) -> None:
        """Begin to listen. Raises ConfigError, and TransportError where the port is taken."""
        address = addresses.listening(settings)
        token = None
        if settings.token_file:

            def token() -> str:
                return secret_in(base, settings.token_file, "transport.token_file")

            token()
        hearing = Hearing()
        self.posts = Posts(spool, token, lambda: hearing.more(BODY_SECONDS))
        self._server = _Server((address.host, address.port), self.posts, numthreads=THREADS, timeout=IDLE_SECONDS)
        self._server.hearing = hearing
        self._server.max_request_body_size = MOST_BYTES
        self._server.max_request_header_size = 64 << 10
        if settings.certificate_file:
            context = called(settings, base)
            adapter = _Tls(str(base / settings.certificate_file), str(base / settings.key_file))
            adapter.context = context
            self._server.ssl_adapter = adapter
        try:
            self._server.prepare()
        except OSError as error:
            raise TransportError(f"cannot listen on {address}: {error.strerror or error}") from error
        self._thread = threading.Thread(target=self._server.serve, name="posts", daemon=True)
        self._thread.start()
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._let_go, args=(hearing,), name="hearing", daemon=True)
        self._watch.start()

    def _let_go(self, hearing: Hearing) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            hearing.let_go()

    @property
    def port(self) -> int:
        """The port it listens on, also where any free one was asked for."""
        return int(self._server.bind_addr[1])

    def close(self) -> None:
        """Answer what is under way, and listen no more."""
        self._closing.set()
        self._server.stop()
        self._thread.join()
        self._watch.join()
