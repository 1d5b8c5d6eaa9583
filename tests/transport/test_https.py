"""Short posts beyond what all transports promise: who may post what, what is answered, what stays open."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path

import msgspec
import pytest
import urllib3

from domain.errors import ConfigError, TransportError
from domain.settings import TransportSettings
from domain.wire import encode_heartbeat
from tests.services.certificates import Authority
from tests.system.support import free_port, wait_for
from tests.transport.ways import Closing, batch, heartbeat
from transport import https_server
from transport.https import HttpsReceiver, HttpsSender

TOKEN = "0123456789abcdef0123456789abcdef"


class Place:
    """A directory with certificates, a token, and the settings of both ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority, self.strangers = Authority(folder / "tls"), Authority(folder / "strange", "Stranger")
        self.own, self.agent = self.authority.issue("collector"), self.authority.issue("agent")
        self.stranger = self.strangers.issue("agent")
        (folder / "token").write_text(TOKEN + "\n")
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"

    def collector(self, **changes: str) -> TransportSettings:
        settings = TransportSettings(
            url=self.url, token_file="token", listen=f"127.0.0.1:{self.port}",
            certificate_file=str(self.own.certificate), key_file=str(self.own.key),
        )  # fmt: skip
        return msgspec.structs.replace(settings, **changes)

    def sender(self, **changes: str) -> TransportSettings:
        settings = TransportSettings(url=self.url, token_file="token", ca_file=str(self.authority.certificate))
        return msgspec.structs.replace(settings, **changes)

    def pool(self) -> urllib3.HTTPSConnectionPool:
        return urllib3.HTTPSConnectionPool("localhost", self.port, ca_certs=str(self.authority.certificate), retries=0)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def receiver(place: Place, closing: Closing) -> HttpsReceiver:
    return closing(HttpsReceiver(place.collector(), place.folder / "spool", place.folder))


PAYLOAD = batch(1)[1]
NAME = str(batch(1)[0])
DAMAGED = PAYLOAD[:-1] + bytes([PAYLOAD[-1] ^ 1])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("PUT", f"/batches/{NAME}", PAYLOAD, 201, ""),
        ("PUT", f"/batches/{NAME}", DAMAGED, 422, "check sum"),
        ("PUT", f"/batches/{NAME}", b"", 422, "not a batch"),
        ("PUT", f"/batches/{NAME}", b"PPB\x09" + PAYLOAD[4:], 422, "version 9"),
        ("PUT", f"/batches/{batch(2)[0]}", PAYLOAD, 422, "was put as"),
        ("PUT", "/batches/..%2F..%2Fetc", PAYLOAD, 404, ""),
        ("PUT", "/batches/Agent.0123456789abcdef.1", PAYLOAD, 404, "not the name of a batch"),
        ("PUT", "/batches/", PAYLOAD, 404, ""),
        ("PUT", f"/batches/{NAME}/x", PAYLOAD, 404, "there are"),
        ("PUT", "/", PAYLOAD, 404, "there are"),
        ("POST", f"/batches/{NAME}", PAYLOAD, 405, "put"),
        ("GET", f"/batches/{NAME}", None, 405, "put"),
        ("PUT", "/heartbeats/agent", encode_heartbeat(heartbeat(1)), 204, ""),
        ("PUT", "/heartbeats/other", encode_heartbeat(heartbeat(1)), 422, "another agent's"),
        ("PUT", "/heartbeats/agent", b"{", 422, "not a heartbeat"),
        ("PUT", "/heartbeats/..", encode_heartbeat(heartbeat(1, "..")), 422, "not the name"),
        ("PUT", "/heartbeats/%2e%2e", encode_heartbeat(heartbeat(1, "..")), 422, "not the name"),
        ("PUT", "/heartbeats/agent", b" " * (1 << 20) + b" ", 413, "bytes"),
        ("GET", "/healthz", None, 200, ""),
    ],
)
def test_what_is_answered(
    place: Place, receiver: HttpsReceiver, closing: Closing, method: str, path: str, body: bytes | None,
    status: int, told: str,
) -> None:  # fmt: skip
    pool = closing(place.pool())
    answer = pool.request(method, path, body=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == status, answer.data
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = msgspec.json.decode(answer.data)
        assert problem["status"] == status
        assert problem["title"] == HTTPStatus(status).phrase
        assert told in problem["detail"]
        assert list(receiver.arrivals()) == []
        assert receiver.heartbeats() == []
    assert not [path for path in (place.folder / "spool").rglob("*") if path.suffix not in ("", ".ppb", ".json")]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é"])
def test_without_the_token_nothing_is_taken_and_only_health_is_told(
    place: Place, receiver: HttpsReceiver, closing: Closing, header: str | None
) -> None:
    pool = closing(place.pool())
    headers = {} if header is None else {"Authorization": header}
    answer = pool.request("PUT", f"/batches/{NAME}", body=PAYLOAD, headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert pool.request("GET", "/healthz").status == 200
    assert list(receiver.arrivals()) == []
    assert receiver.server.posts.refused == 1


def test_what_is_too_large_is_refused_before_it_is_read(
    place: Place, receiver: HttpsReceiver, closing: Closing
) -> None:
    pool = closing(place.pool())
    with pool.urlopen(
        "PUT", f"/batches/{NAME}", b"short",
        {"Authorization": f"Bearer {TOKEN}", "Content-Length": str((64 << 20) + 1)}, preload_content=False,
    ) as answer:  # fmt: skip
        assert answer.status == 413


def test_whoever_sends_much_learns_what_is_wrong_too(place: Place, receiver: HttpsReceiver, closing: Closing) -> None:
    (place.folder / "other").write_text("another-token-of-enough-letters")
    sender = closing(HttpsSender(place.sender(token_file="other"), place.folder))
    with pytest.raises(TransportError, match="answers 401: the token is missing or another one"):
        sender.send(*batch(1, header_bytes=5 << 20))


def test_a_token_is_changed_without_a_restart(place: Place, receiver: HttpsReceiver, closing: Closing) -> None:
    sender = closing(HttpsSender(place.sender(), place.folder))
    sender.send(*batch(1))
    (place.folder / "token").write_text("another-token-of-enough-letters")
    sender.send(*batch(2))
    assert len(list(receiver.arrivals())) == 2
    (place.folder / "token").unlink()
    with pytest.raises(TransportError, match=r"token_file.*No such file"):
        sender.send(*batch(3))


def test_certificates_of_our_own_authority_are_enough_and_others_are_not(
    place: Place, closing: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    settings = place.collector(token_file="", client_ca_file=str(place.authority.certificate))
    receiver = closing(HttpsReceiver(settings, place.folder / "spool", place.folder))
    known = place.sender(
        token_file="", certificate_file=str(place.agent.certificate), key_file=str(place.agent.key)
    )  # fmt: skip
    closing(HttpsSender(known, place.folder)).send(*batch(1))
    strange = msgspec.structs.replace(
        known, certificate_file=str(place.stranger.certificate), key_file=str(place.stranger.key)
    )
    for settings in (strange, place.sender()):
        with pytest.raises(TransportError, match="is not reached"):
            closing(HttpsSender(settings, place.folder)).send(*batch(2))
    assert [arrival.name for arrival in receiver.arrivals()] == [batch(1)[0]]
    assert "TLS handshake" in caplog.text


def test_a_collector_that_is_another_is_not_told_the_token(
    place: Place, receiver: HttpsReceiver, closing: Closing
) -> None:
    sender = closing(HttpsSender(place.sender(ca_file=str(place.strangers.certificate)), place.folder))
    with pytest.raises(TransportError, match=r"(?i)certificate"):
        sender.send(*batch(1))
    assert receiver.server.posts.refused == 0


def test_callers_who_say_nothing_hold_up_nobody(place: Place, receiver: HttpsReceiver, closing: Closing) -> None:
    silent = [socket.create_connection(("127.0.0.1", place.port)) for _ in range(5)]
    try:
        closing(HttpsSender(place.sender(), place.folder)).send(*batch(1))
    finally:
        for one in silent:
            one.close()


def test_nothing_stays_open_when_nothing_is_said(
    place: Place, closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_server, "IDLE_SECONDS", 0.3)
    closing(HttpsReceiver(place.collector(), place.folder / "spool", place.folder))
    sender = closing(HttpsSender(place.sender(), place.folder))
    sender.send(*batch(1))

    def open_here() -> int:
        local = f"0100007F:{place.port:04X}"
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1] == local and row[3] == "01" for row in rows)

    wait_for("the connection to be closed", lambda: not open_here(), 10)
    sender.send(*batch(2))


def test_many_agents_post_at_once(place: Place, receiver: HttpsReceiver, closing: Closing) -> None:
    problems: list[TransportError] = []

    def post(agent: str) -> None:
        sender = HttpsSender(place.sender(), place.folder)
        try:
            for sequence in range(1, 6):
                sender.send(*batch(sequence, agent))
                sender.send(*batch(1, "same"))
                sender.beat(heartbeat(sequence, agent))
        except TransportError as error:
            problems.append(error)
        finally:
            sender.close()

    threads = [threading.Thread(target=post, args=(f"agent-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(list(receiver.arrivals())) == 8 * 5 + 1
    assert {beat.sequence for beat in receiver.heartbeats()} == {5}
    assert receiver.server.posts.taken == 8 * 15


def test_a_full_disk_is_not_answered_with_thanks(
    place: Place, receiver: HttpsReceiver, closing: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    sender = closing(HttpsSender(place.sender(), place.folder))
    (place.folder / "spool" / "unfinished").rmdir()
    with caplog.at_level(logging.ERROR), pytest.raises(TransportError, match=r"answers 503: .*later"):
        sender.send(*batch(1))
    assert "not taken" in caplog.text
    (place.folder / "spool" / "unfinished").mkdir()
    sender.send(*batch(1))


def test_behind_a_proxy_it_listens_on_loopback_in_the_clear(place: Place, closing: Closing) -> None:
    settings = place.collector(certificate_file="", key_file="")
    receiver = closing(HttpsReceiver(settings, place.folder / "spool", place.folder))
    pool = closing(urllib3.HTTPConnectionPool("127.0.0.1", place.port))
    answer = pool.request("PUT", f"/batches/{NAME}", body=PAYLOAD, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == 201
    assert [arrival.name for arrival in receiver.arrivals()] == [batch(1)[0]]


def test_a_port_that_is_taken_is_named(place: Place, receiver: HttpsReceiver) -> None:
    with pytest.raises(TransportError, match=rf"cannot listen on 127\.0\.0\.1:{place.port}: "):
        HttpsReceiver(place.collector(), place.folder / "spool", place.folder)


@pytest.mark.parametrize(
    ("changes", "path", "told"),
    [
        ({"token_file": ""}, "transport.client_ca_file", "nothing says who may send"),
        ({"token_file": "missing"}, "transport.token_file", "cannot be read"),
        ({"key_file": ""}, "transport.key_file", "go together"),
        ({"certificate_file": "", "key_file": "", "listen": ""}, "transport.certificate_file", "in the clear"),
        ({"certificate_file": "", "key_file": "", "listen": "0.0.0.0:1"}, "transport.certificate_file", "in the clear"),
        (
            {"certificate_file": "", "key_file": "", "client_ca_file": "x"},
            "transport.certificate_file",
            "has one itself",
        ),
        ({"listen": "8443"}, "transport.listen", "not ADDRESS:PORT"),
        ({"client_ca_file": "missing"}, "transport.client_ca_file", "cannot be read"),
        ({"url": "https://u:hunter2@host"}, "transport.url", "holds a password"),
        ({"url": "https://host/path"}, "transport.url", "more than host and port"),
    ],
)
def test_settings_of_the_collector_that_cannot_work(
    place: Place, changes: dict[str, str], path: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        HttpsReceiver(place.collector(**changes), place.folder / "spool", place.folder)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("changes", "path", "told"),
    [
        ({"token_file": ""}, "transport.token_file", "nothing says who"),
        ({"token_file": "strange"}, "transport.token_file", "other signs"),
        ({"ca_file": "token"}, "transport.ca_file", "cannot be read"),
    ],
)
def test_settings_of_an_agent_that_cannot_work(place: Place, changes: dict[str, str], path: str, told: str) -> None:
    (place.folder / "strange").mkdir(exist_ok=True)
    (place.folder / "strange.token").write_text("two words")
    changes = {key: value.replace("strange", "strange.token") for key, value in changes.items()}
    with pytest.raises(ConfigError, match=told) as caught:
        HttpsSender(place.sender(**changes), place.folder)
    assert caught.value.path == path


@pytest.mark.parametrize("begun", ["headers", "a body"])
def test_callers_who_never_end_keep_nobody_else_out(
    place: Place, closing: Closing, begun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_server, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(https_server, "_LOOK_SECONDS", 0.1)
    receiver = closing(HttpsReceiver(place.collector(), place.folder / "spool", place.folder))
    sent = f"PUT /batches/{NAME} HTTP/1.1\r\nHost: a\r\n" + (
        "X-" if begun == "headers" else "Content-Length: 9\r\n\r\nx"
    )
    tls = ssl.create_default_context(cafile=str(place.authority.certificate))
    with ExitStack() as open_ones:
        for _ in range(https_server.THREADS + 1):
            plain = socket.create_connection(("localhost", place.port), 10)
            slow = open_ones.enter_context(tls.wrap_socket(plain, server_hostname="localhost"))
            slow.sendall(sent.encode())
        sender = closing(HttpsSender(place.sender(), place.folder))
        sender.send(*batch(1))
    assert [arrival.name for arrival in receiver.arrivals()] == [batch(1)[0]]
