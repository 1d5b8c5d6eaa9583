"""The port that pages are served on: whether it can be had, told before anything is started on it."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterable

from domain.clock import EventWaker
from domain.errors import UsageError
from pharmapulse.places import HIGHEST_PORT

# So long is waited for a port: the processes of a stack that was killed a moment ago need a second to notice.
PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_LAST = 65_535


def check_ports(base: int, offsets: Iterable[int]) -> None:
    """Return once nobody listens on the ports counted from `base`. Raises UsageError, also where `base` is too high."""
    if not 1 <= base <= HIGHEST_PORT:
        raise UsageError(f"{base} is no port: write 1 to {HIGHEST_PORT}")
    for offset in offsets:
        check_port(base + offset)


def check_port(port: int, patience: float = PATIENCE_SECONDS) -> None:
    """Return once nobody listens on `port` of this machine. Raises UsageError where that does not come to pass."""
    if not 1 <= port <= _LAST:
        raise UsageError(f"{port} is no port: write 1 to {_LAST}")
    deadline, pause = time.monotonic() + patience, EventWaker()
    while (reason := refusal(port)) is not None:
        if reason != errno.EADDRINUSE or time.monotonic() >= deadline:
            told = "is in use by another program" if reason == errno.EADDRINUSE else "may not be used by this user"
            raise UsageError(f"port {port} {told}. Stop what holds it, or choose another with --port or web.port")
        pause.wait(_LOOK_SECONDS)


def refusal(port: int) -> int | None:
    """Why a server may not listen on the port, as an `errno`; None where it may."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: what is left of connections that were closed a moment ago does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno
    return None
