"""The client of live buckets: what it makes of answers, of none and of strange ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np
import pytest

from domain.errors import ConfigError, LiveUnavailableError
from domain.ports import LiveRows
from domain.series import Rows
from transport.live import LiveClient, decode_rows, encode_rows


def test_rows_survive_the_wire() -> None:
    rows = Rows(120, 60, ("calls", "p50"), np.array([[0.0, np.nan], [2.0**53 - 1, 87_000.0]]))
    empty = Rows(120, 60, ("calls", "p50"), np.empty((0, 2)))
    live = LiveRows(130.25, MappingProxyType({("dpp", "a b/é"): rows, ("dpp", "x"): empty}))
    back = decode_rows(encode_rows(live, 60, ("calls", "p50")))
    assert back.complete_up_to == 130.25
    for key, sent in live.rows.items():
        got = back.rows[key]
        assert (got.start, got.step, got.sources) == (sent.start, sent.step, sent.sources)
        np.testing.assert_array_equal(got.values, sent.values)
    assert not decode_rows(encode_rows(LiveRows(None, {}), 60, ("calls",))).rows


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"<html>"])
def test_strange_answers_are_no_rows(data: bytes) -> None:
    with pytest.raises(LiveUnavailableError, match="cannot be read"):
        decode_rows(data)


def test_another_version_is_refused_by_both_numbers() -> None:
    answer = msgspec.json.encode({"version": 9, "complete_up_to": None, "step": 60, "sources": [], "rows": []})
    with pytest.raises(LiveUnavailableError, match="answers in version 9, and this program reads 0 and 1"):
        decode_rows(answer)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(LiveUnavailableError, match=r"live\.sock does not answer") as caught:
        LiveClient(tmp_path / "live.sock").sources()
    assert caught.value.retry


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\d+ bytes long, and a unix socket's path holds 107") as caught:
        LiveClient(tmp_path / ("x" * 100))
    assert caught.value.path == "site.data"


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """A socket that says the same to whoever connects once."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "does not answer"),
        (b"220 mail.example ESMTP\r\n", "does not answer"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nhelp", "answers 500: help"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "does not answer"),
    ],
)
def test_a_server_that_is_something_else(tmp_path: Path, answer: bytes, told: str) -> None:
    with answering(tmp_path / "live.sock", answer), pytest.raises(LiveUnavailableError, match=told):
        LiveClient(tmp_path / "live.sock").complete_up_to()


def test_a_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "live.sock"))
        server.listen()
        with pytest.raises(LiveUnavailableError, match="timed out"):
            LiveClient(tmp_path / "live.sock", timeout_seconds=0.05).complete_up_to()
