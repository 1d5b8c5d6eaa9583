"""What a request needs and who it comes from, decided from plain facts. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from domain.access import EVERYTHING, Token, User, Who

# Open to all; from this machine itself only; whoever may read something; may read everything; has an account; may
# change something.
Need = Literal["open", "local", "read", "everything", "account", "change"]
Verdict = Literal["allowed", "log in", "forbidden"]

READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
GUEST = Who("guest", "ops", EVERYTHING, may_change=False)

# Addresses, as the routes are written, that need something else than the rule below. What is not listed needs "read"
# to be looked at and "change" for everything else, so that a forgotten one is shut.
_NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        "/static/<path:filename>": "open",
        "/favicon.ico": "open",
        "/login": "open",
        "/welcome/<secret>": "open",
        "/healthz": "open",
        "/readyz": "open",
        "/metrics": "local",
        "/pharmacies": "everything",
        "/api/v1/pharmacies": "everything",
        "/sources": "everything",
        "/source/<agent>/<endpoint:source>": "everything",
        "/figures": "everything",
        "/figure/<endpoint:path>": "everything",
        "/api/v1/sources": "everything",
        "/api/v1/lines": "everything",
        "/api/v1/patients": "everything",
        "/account": "account",
        "/account/sessions": "account",
        "/logout": "account",
        "/audit": "change",
    }
)
# What a proxy adds. Its being there says that somebody else stands behind the address that the request came from.
_PROXY_HEADERS = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP")


def needed(rule: str | None, method: str) -> Need:
    """What a request for a route needs. `rule` is the route as it is written, None for an address of none."""
    by_method: Need = "read" if method in READING else "change"
    return by_method if rule is None else _NEEDS.get(rule, by_method)


def verdict(need: Need, who: Who | None, *, at_home: bool) -> Verdict:
    """Whether the request is let through. `at_home`: it comes from this machine itself."""
    if need == "open" or (need == "local" and at_home):
        return "allowed"
    if need == "local":
        return "forbidden"
    if who is None:
        return "log in"
    if need == "read" or (need == "everything" and who.scope.everything):
        return "allowed"
    if need == "everything":
        return "forbidden"
    if who == GUEST:
        return "log in"
    return "allowed" if who.may_change or (need == "account" and is_account(who)) else "forbidden"


def is_account(who: Who) -> bool:
    """Whether this is somebody who logged in: neither a guest nor a token."""
    return who != GUEST and not who.name.startswith(TOKEN_NAME)


TOKEN_NAME = "token "  # noqa: S105 (the beginning of a name, no secret)


def who_is(user: User) -> Who:
    """An account as whoever asks: ops may read and change everything, partners read what they were given."""
    ops = user.role == "ops"
    return Who(user.name, user.role, EVERYTHING if ops else user.scope, may_change=ops)


def who_holds(token: Token) -> Who | None:
    """A token as whoever asks; None where it was not given for reading. No token changes anything."""
    if "read" not in token.abilities:
        return None
    scope = EVERYTHING if token.role == "ops" else token.scope
    return Who(f"{TOKEN_NAME}{token.name}", token.role, scope, may_change=False)


def host_name(host: str) -> str:
    """The name or address in a Host header, in small letters; "" where there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_host(host: str, names: Collection[str]) -> bool:
    """Whether a Host header calls us by one of our names."""
    name = host_name(host)
    return name in LOCAL_NAMES or name in {known.lower() for known in names}


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def is_at_home(peer: str, environ: Mapping[str, object]) -> bool:
    """Whether a request comes straight from this machine itself: nobody has passed it on.

    `peer` is who the connection came from, whatever a proxy says; `environ` is the request's WSGI environment, of
    which the headers are read as they came. Browsers and tools of today speak HTTP/1.1; older proxies do not.
    """
    passed_on = any(name in environ for name in _PROXY_HEADERS) or any(
        name.startswith("HTTP_X_FORWARDED") for name in environ
    )
    local_host = host_name(str(environ.get("HTTP_HOST", ""))) in LOCAL_NAMES
    return is_loopback(peer) and local_host and not passed_on and environ.get("SERVER_PROTOCOL") != "HTTP/1.0"


def limited_by(address: str) -> str:
    """What attempts are counted under: an IPv4 address, or the network that an IPv6 caller has to itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    found = getattr(found, "ipv4_mapped", None) or found
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def local_target(asked: str) -> str:
    """Where somebody goes after logging in: a path on this site, else the first page."""
    parts = urlsplit(asked)
    inside = asked.startswith("/") and not asked.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    printable = asked.isprintable() and "\\" not in asked
    return asked if inside and printable and not asked.startswith(("/login", "/logout")) else "/"
