"""Callers of the deferred gateway: plain sockets, and the same call again under the same key until it is taken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from domain.clock import EventWaker


@dataclass(frozen=True)
class Message:
    """A call as its caller knows it."""

    path: str
    key: str
    order: str
    body: bytes

    def request(self, target: str, token: str) -> bytes:
        order = f"Ordering-Key: {self.order}\r\n" if self.order else ""
        head = (
            f"POST /defer/{target}{self.path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: {self.key}\r\n{order}Content-Type: text/xml\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class Caller(threading.Thread):
    """Sends its messages one after the other; each until it has a 202."""

    def __init__(self, port: int, target: str, token: str, messages: Sequence[Message]) -> None:
        super().__init__(daemon=True)
        self.taken = self.repeated = 0
        self._port, self._target, self._token, self._messages = port, target, token, messages
        self._socket: socket.socket | None = None
        self._pause = EventWaker()

    def run(self) -> None:
        for message in self._messages:
            request = message.request(self._target, self._token)
            while not self._try(request):
                self.repeated += 1
                self._pause.wait(0.05)
            self.taken += 1
        if self._socket is not None:
            self._socket.close()

    def _try(self, request: bytes) -> bool:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), 10)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
            head, body = b"", b""
            while b"\r\n\r\n" not in head:
                piece = self._socket.recv(65_536)
                if not piece:
                    raise ConnectionError
                head += piece
            head, _, body = head.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            while len(body) < length:
                piece = self._socket.recv(65_536)
                if not piece:
                    raise ConnectionError
                body += piece
        except (OSError, ConnectionError):
            if self._socket is not None:
                self._socket.close()
            self._socket = None
            return False
        return head.split(None, 2)[1] == b"202"
