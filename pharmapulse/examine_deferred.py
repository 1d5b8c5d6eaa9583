"""What the types cannot say of deferred calls: their targets, addresses and bounds."""

from __future__ import annotations

import ipaddress
import math
import re
from urllib.parse import urlsplit

from domain.errors import ConfigError
from domain.settings import DeferredSettings, Target
from store.keys import CREDENTIAL

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def examine(settings: DeferredSettings) -> None:
    """Raise ConfigError with the place of what is wrong."""
    try:
        ipaddress.ip_address(settings.listen)
    except ValueError as error:
        raise ConfigError(
            f'"{settings.listen}" is not an address', path="deferred.listen", mend='Write one such as "127.0.0.1"'
        ) from error
    _at_least(1, settings.most_bytes, "deferred.most_bytes")
    _at_least(1, settings.most_waiting, "deferred.most_waiting")
    names, hubs = set[str](), set[str]()
    for place, target in enumerate(settings.targets):
        at = f"deferred.targets[{place}]"
        _examine_target(target, at)
        if target.name in names:
            raise ConfigError(f'two targets are called "{target.name}"', path=f"{at}.name", mend="Give each its own")
        if target.hub in hubs:
            raise ConfigError(
                f'two targets belong to the hub "{target.hub}"', path=f"{at}.hub",
                mend="Name it at one of them: a restart holds one queue",
            )  # fmt: skip
        names.add(target.name)
        hubs |= {target.hub} - {""}


def _examine_target(target: Target, at: str) -> None:
    if not _NAME.fullmatch(target.name):
        raise ConfigError(
            f'"{target.name}" is not a target\'s name', path=f"{at}.name", mend="Write small letters, digits and dashes"
        )
    _examine_url(target.url, f"{at}.url")
    _at_least(0.1, target.rate, f"{at}.rate")
    _at_least(0.1, target.timeout_seconds, f"{at}.timeout_seconds")
    if target.key_file.startswith(CREDENTIAL) and not _CREDENTIAL_NAME.fullmatch(
        target.key_file.removeprefix(CREDENTIAL)
    ):
        raise ConfigError(
            "names no credential", path=f"{at}.key_file", mend=f'Write "{CREDENTIAL}NAME", or the path of a file'
        )


def _examine_url(url: str, at: str) -> None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f'"{url}" is not an address', path=at, mend='Write "https://HOST/PATH"') from error
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f'"{url}" is not an address of the web', path=at, mend='Write "https://HOST/PATH"')
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            "holds a user, a query or a fragment", path=at,
            mend="Leave it out; callers send what the hub asks for as Target-Authorization",
        )  # fmt: skip
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigError(
            f'"{url}" would carry patients\' data in plain text', path=at,
            mend="Write https://, or let a proxy on this machine add TLS",
        )  # fmt: skip


def _at_least(least: float, value: float, path: str) -> None:
    if not value >= least or value == math.inf:  # TOML knows nan and inf, and nothing is less than nan
        raise ConfigError(f"{value} is too little, or no such number", path=path, mend=f"Write {least} or more")
