"""Handing a call to its target over HTTP, with kept connections."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TooSlowError
from urllib3.util import Timeout, parse_url

from deferred.verdict import BROKE, Answer, parse_retry_after
from domain.clock import Clock
from domain.deferred import Call
from domain.settings import Target

# Of an answer's body nothing is wanted; so much is read to keep the connection, more closes it.
_READ_BYTES = 65_536
AGENT = "pharmapulse"

# Its warnings quote the path, which may name a patient.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class Carrier(Protocol):
    """Hands calls to one target. Threads may share it."""

    def send(self, call: Call) -> Answer:
        """Send a call; what came back. Raises nothing that a target or the network can cause."""
        ...


class HttpCarrier:
    """A Carrier over HTTP(S). Certificates are always checked; redirections are not followed."""

    def __init__(self, target: Target, connections: int, clock: Clock, timer: Callable[[], float]) -> None:
        """`clock` reads a date in Retry-After, `timer` is a steady one that measures how long answers take."""
        self._clock, self._timer = clock, timer
        self._timeout = target.timeout_seconds
        url = parse_url(target.url)
        self._base = (url.path or "").rstrip("/")
        pool = urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED", ca_certs=target.ca_file or None, retries=False, maxsize=connections, block=True
        )
        self._pool = pool.connection_from_url(target.url)

    def send(self, call: Call) -> Answer:
        """Send a call; what came back."""
        headers = {"User-Agent": AGENT, **dict(call.headers), "Idempotency-Key": call.idempotency_key}
        if call.key:
            headers["Ordering-Key"] = call.key
        begun = self._timer()
        try:
            response = self._pool.urlopen(
                call.method, self._base + call.path, body=call.body, headers=headers, retries=False, redirect=False,
                timeout=Timeout(total=self._timeout), preload_content=False,
            )  # fmt: skip
            if len(response.read(_READ_BYTES)) == _READ_BYTES:
                response.close()
            response.release_conn()
        except (HTTPError, OSError) as error:
            # Its own words may quote the address that was called.
            return Answer(None, self._timer() - begun, None, self._named(error))
        after = parse_retry_after(response.headers.get("Retry-After"), self._clock.now())
        return Answer(response.status, self._timer() - begun, after)

    def _named(self, error: Exception) -> str:
        if isinstance(error, NewConnectionError):
            return "no connection"
        if isinstance(error, TooSlowError):
            return f"no answer in {self._timeout:g} s"
        return "its certificate is not trusted" if isinstance(error, SSLError) else BROKE

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
