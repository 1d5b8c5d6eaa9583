"""Whether a process lives and does its work: named checks with reasons, and the answers made of them.

`/healthz` asks whether its loops turn, `/readyz` whether it does what it is there for, `/metrics` gives its figures in
the text format of Prometheus. Each process hands in what it looks at as a `Health`; how it serves it is its own.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import msgspec

from domain.errors import PharmapulseError
from domain.redact import mask_patients

PATHS = ("/healthz", "/readyz", "/metrics")
STATUS = "/status"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# A proxy in front says by one of these for whom it asks.
_PASSED_ON = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP")
_PASSED_ON_PREFIX = "HTTP_X_FORWARDED"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at: whether it is as it should be, and what was found."""

    name: str
    ok: bool
    reason: str


class Report(msgspec.Struct, frozen=True):
    """The answer of a process about itself."""

    process: str
    status: Literal["ok", "failing"]
    checks: tuple[Check, ...]


class Pulse:
    """When a loop last turned. One thread beats, any thread asks.

    Goes by the machine's steady clock, not by the site's: a replayed site's loop turns at the machine's pace, and a
    clock that is set back must not make a stuck loop look alive.
    """

    def __init__(self, what: str, limit_seconds: float, steady: Callable[[], float] = time.monotonic) -> None:
        """`what` is the loop's name; it stands still when it has not turned for `limit_seconds`."""
        self.what, self.limit = what, limit_seconds
        self._steady = steady
        self._last = steady()

    def beat(self) -> None:
        """The loop turned."""
        self._last = self._steady()

    def check(self) -> Check:
        """Whether it turned lately."""
        ago = self._steady() - self._last
        if ago > self.limit:
            return Check(self.what, False, f"stands still for {ago:.0f} s, and {self.limit:.0f} s are allowed")
        return Check(self.what, True, f"turned {ago:.1f} s ago")


def probe(name: str, look: Callable[[], str]) -> Check:
    """A check by trying: `look` tells what it found, or raises the error that says why not."""
    try:
        return Check(name, True, look())
    except PharmapulseError as error:
        return Check(name, False, str(error))


@dataclass(frozen=True, slots=True)
class Health:
    """What a process is asked for: its loops, what its work needs, its figures as text.

    `status` is more about its work as JSON, where it has that to tell.
    """

    process: str
    alive: Callable[[], Iterable[Check]]
    ready: Callable[[], Iterable[Check]]
    metrics: Callable[[], bytes]
    status: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, content type, body."""

    status: int
    kind: str
    body: bytes


def report(process: str, checks: Iterable[Check]) -> Report:
    """The checks as one answer, patients' numbers masked: a reason may quote what somebody named a file."""
    masked = tuple(Check(check.name, check.ok, mask_patients(check.reason)) for check in checks)
    return Report(process, "ok" if all(check.ok for check in masked) else "failing", masked)


def answer(health: Health, path: str, *, direct: bool) -> Answer | None:
    """The answer at one of PATHS, and at STATUS where the process has one; None for any other.

    Who asks from elsewhere than this machine hears whether all is well, and neither reasons nor figures.
    """
    if path == "/metrics":
        if not direct:
            return _problem(HTTPStatus.FORBIDDEN, "metrics are told on this machine only; ask 127.0.0.1 itself")
        return Answer(HTTPStatus.OK, METRICS_TYPE, health.metrics())
    if path == STATUS and health.status is not None:
        if not direct:
            return _problem(HTTPStatus.FORBIDDEN, "the status is told on this machine only; ask 127.0.0.1 itself")
        return Answer(HTTPStatus.OK, "application/json", health.status())
    if path not in PATHS:
        return None
    told = report(health.process, health.alive() if path == "/healthz" else health.ready())
    if not direct:
        told = Report(told.process, told.status, ())
    status = HTTPStatus.OK if told.status == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, "application/json", msgspec.json.encode(told))


def _problem(status: HTTPStatus, detail: str) -> Answer:
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return Answer(status, "application/problem+json", msgspec.json.encode(body))


def is_direct(environ: Mapping[str, object]) -> bool:
    """Whether a WSGI request comes from this machine itself, and no proxy passed it on.

    A proxy that adds no header of its own speaks HTTP/1.0 unless told otherwise; tools of today speak HTTP/1.1.
    """
    if not _is_loopback(str(environ.get("REMOTE_ADDR", ""))) or environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return False
    return not any(name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIX) for name in environ)


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def decode_report(data: bytes) -> Report | None:
    """The report of an answer's body; None where it is none."""
    try:
        return msgspec.json.decode(data, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def all_of(*checks: Callable[[], Check]) -> Callable[[], Sequence[Check]]:
    """Several checks as one question, each asked anew."""
    return lambda: [check() for check in checks]
