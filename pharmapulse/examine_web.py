"""What is checked of `[web]` beyond its types: nothing is served to a network by oversight."""

from __future__ import annotations

import ipaddress
import math
import re

from domain.errors import ConfigError
from domain.settings import WebSettings

MOST_PROXIES = 8
LONGEST_HOURS = 24.0 * 90
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def examine(web: WebSettings) -> None:
    """Raises ConfigError with the place."""
    try:
        beyond = not ipaddress.ip_address(web.listen).is_loopback
    except ValueError as error:
        raise ConfigError(
            f'"{web.listen}" is not an address to listen on', path="web.listen",
            mend='Write one such as "127.0.0.1" (this machine only) or "0.0.0.0" (all of its addresses)',
        ) from error  # fmt: skip
    for place, host in enumerate(web.hosts):
        if not _is_host(host):
            raise ConfigError(
                f'"{host}" is no name of a host', path=f"web.hosts[{place}]",
                mend='Write it without scheme, port and path, such as "pulse.example.be"',
            )  # fmt: skip
    if not 0 <= web.proxies <= MOST_PROXIES:
        raise ConfigError(
            f"{web.proxies} proxies cannot be",
            path="web.proxies",
            mend=f"Write how many stand in front: 0 to {MOST_PROXIES}",
        )
    if not 0 < web.session_hours <= LONGEST_HOURS:
        problem = "is too little" if web.session_hours <= 0 else "is too much"
        if web.session_hours == math.inf or math.isnan(web.session_hours):
            problem = "is no such number"
        raise ConfigError(
            f"{web.session_hours} {problem}", path="web.session_hours", mend=f"Write hours, at most {LONGEST_HOURS:g}"
        )
    if beyond and web.guests == "local":
        raise ConfigError(
            f'"local" lets whoever sits at this machine read without an account, and {web.listen} serves a network',
            path="web.guests",
            mend='Write "until-accounts" or "none", or let web.listen be "127.0.0.1"',
        )
    if (beyond or web.proxies) and not web.hosts:
        why = f"{web.listen} serves a network" if beyond else "a proxy passes on what others ask"
        raise ConfigError(
            f"{why}, and no name is listed that they may call this dashboard by", path="web.hosts",
            mend='List the names people open it by, such as ["pulse.example.be"]',
        )  # fmt: skip


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None and ".." not in host
    return True
