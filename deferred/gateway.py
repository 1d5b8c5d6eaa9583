"""The gateway: calls come in over HTTP and are durable, and sealed, before they are acknowledged.

`POST|PUT|DELETE|PATCH /defer/TARGET/PATH` answers 202 with a receipt; `GET /receipts/ID` tells what became of it.
Plain WSGI: nothing between a request and its handling that could write a path or a body into a log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from deferred.admission import (
    METHODS,
    Address,
    RefusedError,
    address_of,
    bearer_of,
    headers_of,
    key_of,
    length_of,
    path_of,
    too_long,
)
from deferred.intake import Intake, QueueFullError, Tokens
from deferred.metrics import exposed
from deferred.service import LATE_SECONDS
from deferred.stats import GatewayStats
from domain.access import Token
from domain.clock import Clock
from domain.deferred import Call, Receipt
from domain.errors import StoreError
from domain.health import PATHS, Check, Health, answer, is_direct, probe
from domain.ports import DeferredStore
from domain.settings import DeferredSettings

RETRY_SECONDS = 10
_PIECE = 65_536
_log = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Gateway:
    """The WSGI application."""

    def __init__(
        self, settings: DeferredSettings, store: DeferredStore, tokens: Tokens, clock: Clock,
        metrics: Callable[[], bytes] | None = None,
    ) -> None:  # fmt: skip
        """`metrics` gives the figures told at `/metrics`; None: the queue's and the gateway's own."""
        self.stats = GatewayStats()
        self._targets = {target.name: target for target in settings.targets}
        self._most = settings.most_bytes
        self._store, self._tokens, self._clock = store, tokens, clock
        self._intake = Intake(store, list(self._targets), settings.most_waiting, clock)
        figures = exposed(store, list(self._targets), clock, self.stats) if metrics is None else metrics
        self._health = Health("deferred", self._alive, self._ready, figures)
        self._failing = False
        for name, why in self._apart().items():
            _log.error("calls for %s are refused until this is mended: %s", name, why)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        try:
            status, headers, body = self._answer(environ)
        except RefusedError as refused:
            status, headers, body = self._refuse(refused)
        except QueueFullError:
            status, headers, body = self._refuse(_later("the queue is full; try again later"))
        except StoreError as error:
            self._tell(error)
            status, headers, body = self._refuse(_later("the call could not be kept; try again later"))
        whole = {"Cache-Control": "no-store", "Content-Length": str(len(body)), **headers}
        start_response(f"{int(status)} {status.phrase}", list(whole.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: Mapping[str, Any]) -> tuple[HTTPStatus, Mapping[str, str], bytes]:
        method, raw = str(environ["REQUEST_METHOD"]), _raw(environ)
        path = path_of(raw)
        if path in PATHS:
            told = answer(self._health, path, direct=is_direct(environ))
            if told is not None:
                return HTTPStatus(told.status), {"Content-Type": told.kind}, told.body
        if path.startswith("/receipts/"):
            _only(method, ("GET", "HEAD"))
            return self._receipt(environ, path.removeprefix("/receipts/"))
        address = address_of(raw)
        if address is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is /defer/TARGET/PATH here, and /receipts/ID")
        _only(method, METHODS)
        return self._defer(environ, method, address)

    def _defer(
        self, environ: Mapping[str, Any], method: str, address: Address
    ) -> tuple[HTTPStatus, Mapping[str, str], bytes]:
        self._allow(self._token(environ), address.target)
        length = length_of(environ, self._most)
        known, order = key_of(environ, "Idempotency-Key"), key_of(environ, "Ordering-Key")
        body = self._body(environ, length)
        receipt = self._intake.keep(
            Call(address.target, method, address.path, headers_of(environ), order, known, body)
        )  # fmt: skip
        self._failing = False
        if not receipt.same:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "this key was used for another call")
        self.stats.accepted += 1
        headers = {"Content-Type": "application/json", "Location": f"/receipts/{receipt.id}"}
        return HTTPStatus.ACCEPTED, headers, _encode(receipt)

    def _receipt(self, environ: Mapping[str, Any], number: str) -> tuple[HTTPStatus, Mapping[str, str], bytes]:
        token = self._token(environ)
        receipt = self._store.receipt(number)
        if receipt is None or not self._may(token, receipt.target):
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such receipt, or it is older than a week")
        return HTTPStatus.OK, {"Content-Type": "application/json"}, _encode(receipt)

    def _token(self, environ: Mapping[str, Any]) -> Token:
        token = self._tokens.token(bearer_of(environ))
        if token is None:
            raise RefusedError(
                HTTPStatus.UNAUTHORIZED, "this token is not known, revoked or over",
                {"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )  # fmt: skip
        if "defer" not in token.abilities:
            raise RefusedError(HTTPStatus.FORBIDDEN, "this token may not defer calls")
        return token

    def _may(self, token: Token, name: str) -> bool:
        target = self._targets.get(name)
        return target is not None and token.scope.allows_hub(target.hub)

    def _allow(self, token: Token, name: str) -> None:
        if name not in self._targets:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such target")
        if not self._may(token, name):
            raise RefusedError(HTTPStatus.FORBIDDEN, "this token may not defer calls for this target's hub")
        if name in self._store.apart():
            raise _later("the key of this target is not at hand; try again later")

    def _body(self, environ: Mapping[str, Any], length: int | None) -> bytes:
        """The body, whole. Raises RefusedError where it is too long or breaks off."""
        wanted = self._most + 1 if length is None else length
        pieces, read = list[bytes](), 0
        while read < wanted:
            try:
                piece = environ["wsgi.input"].read(min(_PIECE, wanted - read))
            except Exception as error:
                # Each server has errors of its own for a body that breaks off or is in wrong chunks.
                raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not whole") from error
            if not piece:
                break
            pieces.append(piece)
            read += len(piece)
        if length is None and read > self._most:
            raise too_long(self._most)
        if length is not None and read < length:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not whole")
        return b"".join(pieces)

    def _refuse(self, refused: RefusedError) -> tuple[HTTPStatus, Mapping[str, str], bytes]:
        status = refused.status
        self.stats.refused[int(status)] = self.stats.refused.get(int(status), 0) + 1
        told = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": refused.reason}
        return status, {"Content-Type": "application/problem+json", **refused.headers}, msgspec.json.encode(told)

    def _tell(self, error: StoreError) -> None:
        """Tell once of a store that fails, until it works again."""
        if not self._failing:
            _log.error("calls are refused until this is mended: %s", error)
        self._failing = True

    def _alive(self) -> Sequence[Check]:
        return [Check("gateway", True, "answers")]

    def _ready(self) -> Sequence[Check]:
        """Whether calls are taken in and let out. Without a drain they are safe, and wait."""
        return [probe("queue", self._queue), self._keys_check(), self.drain_check()]

    def _apart(self) -> Mapping[str, str]:
        return {name: why for name, why in self._store.apart().items() if name in self._targets}

    def _keys_check(self) -> Check:
        """Whether each target's key is at hand."""
        apart = self._apart()
        told = "; ".join(f"{name}: {why}" for name, why in apart.items())
        return Check("keys", not apart, told or "each target's key is at hand")

    def _queue(self) -> str:
        waiting = sum(status.waiting for status in self._store.status(list(self._targets), self._clock.now()))
        return f"{waiting} calls wait"

    def drain_check(self) -> Check:
        """Whether the drain lives."""
        try:
            pulsed = self._store.pulsed()
        except StoreError as error:
            return Check("drain", False, str(error))
        if pulsed is None:
            return Check("drain", False, "has never run")
        ago = self._clock.now() - pulsed
        return Check("drain", ago <= LATE_SECONDS, f"said that it lives {ago:.0f} s ago")

    def close(self) -> None:
        """Keep what is being brought, and end."""
        self._intake.close()


def _later(reason: str) -> RefusedError:
    return RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, reason, {"Retry-After": str(RETRY_SECONDS)})


def _only(method: str, allowed: Sequence[str]) -> None:
    if method not in allowed:
        raise RefusedError(
            HTTPStatus.METHOD_NOT_ALLOWED, f"only {', '.join(allowed)} are taken here", {"Allow": ", ".join(allowed)}
        )


def _raw(environ: Mapping[str, Any]) -> str:
    """The address as it was sent: PATH_INFO has its percent escapes undone, and the target wants them."""
    return str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO", "/"))


def _encode(receipt: Receipt) -> bytes:
    told: dict[str, Any] = {
        "id": receipt.id, "target": receipt.target, "state": receipt.state, "accepted": receipt.accepted,
    }  # fmt: skip
    if receipt.delivered is not None:
        told["delivered"] = receipt.delivered
    return msgspec.json.encode(told)
