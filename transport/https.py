"""Short posts over HTTPS, for agents to which no connection may stay open.

The agent puts each batch and each heartbeat; the collector's process keeps them in a spool of its own before it
answers, and reads them from there. The kept connection spares a handshake, and is closed when nothing is said for
some seconds; whoever calls next calls anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError

from domain.batch import BatchName, Heartbeat
from domain.errors import ConfigError, TransportError
from domain.ports import Arrival
from domain.settings import TransportSettings
from domain.wire import encode_heartbeat
from transport import addresses
from transport.https_server import PostServer
from transport.spool import SpoolReceiver, SpoolSender
from transport.tls import calling, secret_in

TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
# Once again at once where a kept connection turns out to be closed; a redirection is not followed with our token.
_RETRIES = urllib3.Retry(total=1, redirect=0, status=0)


class _Problem(msgspec.Struct, frozen=True):
    """What is read of a problem document."""

    detail: str = ""


def open_sender(settings: TransportSettings, _default_dir: Path, base: Path) -> HttpsSender:
    """The agent's end. Raises ConfigError; that the collector is away is told when something is sent."""
    return HttpsSender(settings, base)


def open_receiver(settings: TransportSettings, default_dir: Path, base: Path) -> HttpsReceiver:
    """The collector's end, with its spool in `default_dir`. Raises ConfigError, TransportError."""
    return HttpsReceiver(settings, default_dir, base)


class HttpsSender:
    """The agent's end of short posts."""

    def __init__(self, settings: TransportSettings, base: Path) -> None:
        """Connects when something is sent. Raises ConfigError."""
        address = addresses.https(settings)
        if not settings.token_file and not settings.certificate_file:
            raise ConfigError(
                "nothing says who sends",
                path="transport.token_file",
                mend="Name a file with the token that the collector knows, or this end's certificate_file and key_file",
            )
        self._settings, self._base = settings, base
        self._headers()
        self._to = f"the collector at {address}"
        self._pool = urllib3.HTTPSConnectionPool(
            address.host, address.port, timeout=TIMEOUT, maxsize=1, ssl_context=calling(settings, base)
        )

    def send(self, name: BatchName, payload: bytes) -> None:
        """Hand over a batch; the collector has it durably on return. Raises TransportError."""
        self._put(f"/batches/{name}", payload)

    def beat(self, heartbeat: Heartbeat) -> None:
        """Hand over the newest heartbeat. Raises TransportError."""
        self._put(f"/heartbeats/{heartbeat.agent}", encode_heartbeat(heartbeat))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def _put(self, path: str, body: bytes) -> None:
        try:
            # The token is read anew: it may be another by now.
            headers = self._headers()
        except ConfigError as error:
            raise TransportError(str(error)) from error
        try:
            answer = self._pool.urlopen("PUT", path, body, headers, retries=_RETRIES, redirect=False)
        except HTTPError as error:
            reason = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
            raise TransportError(f"{self._to} is not reached: {reason}") from error
        if not 200 <= answer.status < 300:
            raise TransportError(f"{self._to} answers {answer.status}: {_detail(answer.data)}")

    def _headers(self) -> dict[str, str]:
        if not self._settings.token_file:
            return {}
        token = secret_in(self._base, self._settings.token_file, "transport.token_file")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError(
                "the token has other signs than letters, digits and punctuation", path="transport.token_file",
                mend="Make one of at least 32 letters and digits, at random",
            )  # fmt: skip
        return {"Authorization": f"Bearer {token}"}


def _detail(body: bytes) -> str:
    """What an answer says is wrong; the beginning of it where it is no problem document (a proxy's, say)."""
    try:
        return msgspec.json.decode(body, type=_Problem).detail
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")[:200]


class HttpsReceiver:
    """The collector's end of short posts: a server that fills a spool, and the spool."""

    def __init__(self, settings: TransportSettings, directory: Path, base: Path) -> None:
        """Begin to listen. Raises ConfigError, TransportError."""
        self._spool = SpoolReceiver(directory)
        self.server = PostServer(settings, base, SpoolSender(directory))

    def arrivals(self) -> Iterator[Arrival]:
        """Batches that wait, oldest sequence first for each agent. Raises TransportError."""
        return self._spool.arrivals()

    def done(self, name: BatchName) -> None:
        """Take a batch out of the spool. Raises TransportError."""
        self._spool.done(name)

    def refuse(self, name: BatchName, reason: str) -> None:
        """Set a batch that cannot be used aside, in the spool's `bad`. Raises TransportError."""
        self._spool.refuse(name, reason)

    def heartbeats(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent. Raises TransportError."""
        return self._spool.heartbeats()

    def close(self) -> None:
        """Listen no more; what is in the spool stays."""
        self.server.close()
