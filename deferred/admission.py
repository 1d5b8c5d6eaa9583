"""What the gateway lets in: a request taken apart, and refused with a reason before anything is kept. Pure.

A refusal names what is wrong and repeats nothing of the request: that may hold a patient's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from domain.errors import UsageError

METHODS = ("POST", "PUT", "DELETE", "PATCH")
MOST_KEY = 255
MOST_PATH = 8_190
# Handed on to the target, besides X-…; hop-by-hop headers never are. `Authorization` is the gateway's own: what the
# target wants there comes as `Target-Authorization`.
HANDED_ON = frozenset({
    "ACCEPT", "ACCEPT_LANGUAGE", "CONTENT_TYPE", "CONTENT_ENCODING", "CONTENT_LANGUAGE", "IF_MATCH", "IF_NONE_MATCH",
    "SOAPACTION", "TRACEPARENT",
})  # fmt: skip
_OF_PROXIES = ("X_FORWARDED", "X_REAL_IP")
_ESCAPED_TIMES = 4  # more than any chain of servers undoes
_PATH = re.compile(r"[!-~]+")
_KEY = re.compile(r"[!-~][ -~]*")


class RefusedError(UsageError):
    """A request that is not taken, with the status and the reason to answer."""

    def __init__(self, status: HTTPStatus, reason: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.reason, self.headers = status, reason, headers or {}
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Address:
    """Which target is meant, and the path with its query there."""

    target: str
    path: str


def address_of(raw: str) -> Address | None:
    """The parts of `/defer/TARGET/PATH`; None where it is another address. Raises RefusedError for a bad path."""
    if not raw.startswith("/"):
        raw = _without_host(raw)
    head, _, rest = raw.removeprefix("/").partition("/")
    if head != "defer":
        return None
    target, slash, path = rest.partition("/")
    if not slash:
        target, question, query = target.partition("?")
        path = question + query
    if len(path) > MOST_PATH or (path and not _PATH.fullmatch(path)):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the path is too long, or holds what no address may")
    if _leads_out(path.partition("?")[0]) or any(ord(char) < 32 for char in unquote(path)):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the path leads out of the target, or holds control characters")
    return Address(target, f"/{path}")


def path_of(raw: str) -> str:
    """The path of an address as it was sent, without its query. Raises RefusedError where it is none."""
    return (raw if raw.startswith("/") else _without_host(raw)).partition("?")[0]


def _without_host(raw: str) -> str:
    try:
        parts = urlsplit(raw)
    except ValueError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the address cannot be read") from error
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _leads_out(path: str) -> bool:
    """Whether a server may understand a segment as `.` or `..`: also behind `;`, and where it was escaped twice."""
    for _ in range(_ESCAPED_TIMES):
        segments = path.replace("\\", "/").split("/")
        if any(segment.partition(";")[0].strip() in (".", "..") for segment in segments):
            return True
        path = unquote(path, errors="replace")
    return False


def headers_of(environ: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The headers of a WSGI request that are handed on."""
    found = []
    for name, value in environ.items():
        word = name.removeprefix("HTTP_")
        if not value or (word == name and name != "CONTENT_TYPE"):
            continue
        if word == "TARGET_AUTHORIZATION":
            found.append(("Authorization", str(value)))
        elif word in HANDED_ON or (word.startswith("X_") and not word.startswith(_OF_PROXIES)):
            found.append((word.replace("_", "-").title(), str(value)))
    return tuple(sorted(found))


def key_of(environ: Mapping[str, object], header: str) -> str:
    """An idempotency or ordering key, "" where there is none. Raises RefusedError."""
    value = str(environ.get(f"HTTP_{header.upper().replace('-', '_')}", ""))
    if value and (len(value) > MOST_KEY or not _KEY.fullmatch(value)):
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, f"{header} is at most {MOST_KEY} printable ASCII characters, the first no blank"
        )
    return value


def bearer_of(environ: Mapping[str, object]) -> str:
    """The token of a request. Raises RefusedError."""
    scheme, _, secret = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise RefusedError(
            HTTPStatus.UNAUTHORIZED, "a token that may defer is needed: Authorization: Bearer TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
    return secret.strip()


def length_of(environ: Mapping[str, object], most: int) -> int | None:
    """The length of the body, None where it comes in chunks. Raises RefusedError where it is too long."""
    text = str(environ.get("CONTENT_LENGTH", "") or "")
    if not text:
        return None if environ.get("HTTP_TRANSFER_ENCODING") else 0
    if not (text.isascii() and text.isdigit()):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
    if len(text) > 15 or int(text) > most:
        raise too_long(most)
    return int(text)


def too_long(most: int) -> RefusedError:
    """The refusal of a body of more than `most` bytes."""
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a call may have {most} bytes at most")
