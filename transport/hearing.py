"""How long callers are listened to: who never ends what they begin to send must not hold a thread for ever.

A server's thread reads a request as it comes. A limit on each read is none: a byte now and then keeps it waiting, and
as many such callers as there are threads would shut everybody else out. Here a request has so many seconds to come,
whatever its pace; then its connection is heard no more, and it ends as one whose caller has gone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

# From a request's first byte to the end of its headers, and from there to the end of its body.
HEAD_SECONDS, BODY_SECONDS = 10.0, 60.0


class Hearing:
    """The requests that are being read, one to a thread. Threads share it."""

    def __init__(self, steady: Callable[[], float] = monotonic) -> None:
        self._steady = steady
        self._lock = threading.Lock()
        self._heard: dict[int, tuple[socket.socket, float]] = {}

    def begin(self, connection: socket.socket, seconds: float) -> None:
        """This thread reads from a connection, for so long at most."""
        with self._lock:
            self._heard[threading.get_ident()] = (connection, self._steady() + seconds)

    def more(self, seconds: float) -> None:
        """What this thread reads may take so long from now."""
        with self._lock:
            if (heard := self._heard.get(threading.get_ident())) is not None:
                self._heard[threading.get_ident()] = (heard[0], self._steady() + seconds)

    def end(self) -> None:
        """This thread has read what it was to read."""
        with self._lock:
            self._heard.pop(threading.get_ident(), None)

    def let_go(self) -> int:
        """Hear those no more whose time is over; how many. To be called every second or so."""
        now = self._steady()
        with self._lock:
            over = {thread: heard[0] for thread, heard in self._heard.items() if now >= heard[1]}
            for thread, connection in over.items():
                del self._heard[thread]
                with suppress(OSError):  # it has gone by itself
                    # Of a TLS socket the connection below it: its own way would send the answer in plain.
                    socket.socket.shutdown(connection, socket.SHUT_RD)
        return len(over)
