"""The gateway over a real server: what it takes, what it refuses, and what it never says."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cheroot.wsgi import Server

from deferred.gateway import Gateway
from deferred.intake import TOKEN_SECONDS, Tokens
from deferred.service import LATE_SECONDS
from domain.access import EVERYTHING, Ability, Scope
from domain.clock import ManualClock
from domain.errors import StoreError
from domain.settings import DeferredSettings, Target
from store.access import SqlAccess
from store.deferred import SqliteDeferred, open_deferred
from store.keys import load_keys, make_key
from store.state import open_state
from tests.store.test_deferred import full_disk

NOW = 1_795_000_000.0
NISS, SECRET = "50010199928", "s" * 40
SETTINGS = DeferredSettings(
    most_bytes=1_000, most_waiting=20,
    targets=(Target(name="dpp", url="http://127.0.0.1:1/", hub="dpp"), Target(name="raotd", url="http://127.0.0.1:1/")),
)  # fmt: skip


class Door:
    """The gateway behind a server, and a caller before it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, ManualClock(NOW)
        self.state = open_state(f"sqlite:///{folder}/state.db")
        self.access = SqlAccess(self.state.engine)
        rings = {t.name: load_keys(t.name, "", folder / "keys" / f"{t.name}.key") for t in SETTINGS.targets}
        self.store = open_deferred(folder / "queue.db", rings)
        self.gateway = Gateway(SETTINGS, self.store, Tokens(self.access, self.clock), self.clock)
        self.server = Server(("127.0.0.1", 0), self.gateway, numthreads=8)
        self.server.shutdown_timeout = 1
        self.server.prepare()
        self.port = int(self.server.bind_addr[1])
        threading.Thread(target=self.server.serve, daemon=True).start()
        self.token(SECRET)

    def token(
        self, secret: str, *abilities: Ability, scope: Scope = EVERYTHING, expires: float | None = None
    ) -> int:  # fmt: skip
        granted = frozenset(abilities or ("defer",))
        return self.access.add_token("caller", secret, "ops", scope, granted, self.clock.now(), expires).id

    def ask(
        self, method: str, path: str, body: Any = b"", secret: str = SECRET, **headers: str
    ) -> tuple[int, Mapping[str, str], Any]:  # fmt: skip
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Authorization": f"Bearer {secret}"} if secret else {}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            data = answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(data or b"null")

    def waiting(self, target: str = "dpp") -> int:
        return self.store.status([target], NOW)[0].waiting

    def close(self) -> None:
        self.server.stop()
        self.gateway.close()
        self.store.close()
        self.state.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with closing(Door(tmp_path)) as door:
        yield door


def test_a_call_is_kept_and_told_of(door: Door) -> None:
    status, headers, receipt = door.ask(
        "PUT", f"/defer/dpp/subject/{NISS}/a%2Fb?x=%20", b"<x/>", Content_Type="text/xml", Ordering_Key="o",
        Idempotency_Key="i", X_Own="1", Cookie="no", Target_Authorization="Basic theirs",
    )  # fmt: skip
    assert status == 202
    assert receipt == {"id": receipt["id"], "target": "dpp", "state": "waiting", "accepted": NOW}
    assert headers["location"] == f"/receipts/{receipt['id']}"
    (waiting,) = door.store.due("dpp", NOW, 9)
    call = door.store.open(waiting)
    assert (call.method, call.path, call.key, call.idempotency_key, call.body) == (
        "PUT", f"/subject/{NISS}/a%2Fb?x=%20", "o", "i", b"<x/>",
    )  # fmt: skip
    assert dict(call.headers) == {"Authorization": "Basic theirs", "Content-Type": "text/xml", "X-Own": "1"}
    door.store.delivered([waiting], NOW + 3)
    status, _, told = door.ask("GET", headers["location"])
    assert (status, told["state"], told["delivered"]) == (200, "delivered", NOW + 3)
    again = door.ask(
        "PUT", f"/defer/dpp/subject/{NISS}/a%2Fb?x=%20", b"<x/>", Content_Type="text/xml", Ordering_Key="o",
        Idempotency_Key="i", X_Own="1", Target_Authorization="Basic renewed", Traceparent="00-another",
    )  # fmt: skip
    assert (again[0], again[2]) == (202, told)


def test_a_body_in_chunks(door: Door) -> None:
    assert door.ask("POST", "/defer/dpp/x", iter([b"a" * 400, b"b" * 400]))[0] == 202
    assert door.store.open(door.store.due("dpp", NOW, 1)[0]).body == b"a" * 400 + b"b" * 400
    assert door.ask("POST", "/defer/dpp/x", iter([b"a" * 600, b"b" * 600]))[0] == 413
    assert door.waiting() == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", f"/defer/none/{NISS}", b"", {}, 404), ("GET", f"/defer/dpp/{NISS}", b"", {}, 405),
        ("POST", f"/else/{NISS}", b"", {}, 404), ("POST", f"/defer/dpp/{NISS}/../x", b"", {}, 400),
        ("POST", "/defer/dpp/x", NISS * 100, {}, 413), ("POST", "/defer/dpp/x", b"", {"Ordering_Key": NISS * 30}, 400),
        ("POST", f"/defer/dpp/{NISS}/..;x/y", b"", {}, 400), ("POST", f"/defer/dpp/{NISS}/%2e%2E;/y", b"", {}, 400),
        ("POST", f"/defer/dpp/{NISS}/%252e%252e/y", b"", {}, 400), ("POST", f"/defer/dpp/{NISS}/..%5Cy", b"", {}, 400),
        ("POST", f"/defer/dpp/{NISS}%252F..%252Fy", b"", {}, 400),
        ("POST", f"/receipts/{NISS}", b"", {}, 405), ("GET", f"/receipts/{NISS}", b"", {}, 404),
        ("POST", "/defer/dpp/x", b"", {"secret": f"{NISS}-wrong"}, 401),
        ("POST", "/defer/dpp/x", b"", {"secret": ""}, 401),
    ],
)  # fmt: skip
def test_a_refusal_says_why_and_repeats_nothing(
    door: Door,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
) -> None:
    answered, told, problem = door.ask(method, path, body, **headers)
    assert answered == status == problem["status"]
    assert told["content-type"] == "application/problem+json"
    assert problem["detail"]
    assert NISS not in json.dumps(problem)
    assert door.waiting() == 0
    assert NISS not in caplog.text
    assert door.gateway.stats.refused == {status: 1}
    assert ("www-authenticate" in told) == (status == 401)


def test_who_may_defer(door: Door) -> None:
    door.token("r" * 40, "read")
    door.token("h" * 40, scope=Scope(hubs=frozenset({"dpp"})))
    door.token("o" * 40, scope=Scope(hubs=frozenset({"recipe"})))
    door.token("e" * 40, expires=NOW + 5)
    asked = {secret: door.ask("POST", "/defer/dpp/x", b"", secret * 40)[0] for secret in "rhoe"}
    assert asked == {"r": 403, "h": 202, "o": 403, "e": 202}
    assert door.ask("POST", "/defer/raotd/x", b"", "h" * 40)[0] == 403
    door.clock.advance(6)
    assert door.ask("POST", "/defer/dpp/x", b"", "e" * 40)[0] == 401
    receipt = door.ask("POST", "/defer/raotd/x", b"")[2]["id"]
    assert door.ask("GET", f"/receipts/{receipt}", secret="h" * 40)[0] == 404
    assert door.ask("GET", f"/receipts/{receipt}")[0] == 200


def test_a_token_that_is_revoked_ends_within_half_a_minute(door: Door) -> None:
    number = door.token("v" * 40)
    assert door.ask("POST", "/defer/dpp/x", b"", "v" * 40)[0] == 202
    door.access.revoke_token(number, NOW)
    door.clock.advance(TOKEN_SECONDS)
    assert door.ask("POST", "/defer/dpp/x", b"", "v" * 40)[0] == 401


def test_a_state_that_fails_stops_new_callers_only(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.token("n" * 40)
    assert door.ask("POST", "/defer/dpp/x")[0] == 202
    door.clock.advance(TOKEN_SECONDS + 1)

    def full(*_: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(SqlAccess, "token", full)
    assert door.ask("POST", "/defer/dpp/x")[0] == 202
    status, headers, _ = door.ask("POST", "/defer/dpp/x", b"", "n" * 40)
    assert (status, headers["retry-after"]) == (503, "10")


def test_a_full_queue_and_a_full_disk_are_told_and_heal(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    with full_disk(600_000):
        statuses = [door.ask("POST", f"/defer/raotd/{NISS}", b"x" * 1_000)[0] for _ in range(3)]
        assert statuses == [202] * 3
        size = (door.folder / "queue.db-wal").stat().st_size
    with full_disk(size):
        status, headers, problem = door.ask("POST", f"/defer/dpp/{NISS}", b"x" * 1_000, Idempotency_Key="i")
        assert (status, headers["retry-after"]) == (503, "10")
        assert NISS not in json.dumps(problem)
        assert door.ask("POST", "/defer/dpp/x", b"", Idempotency_Key="i")[0] == 503
    assert caplog.text.count("calls are refused until this is mended") == 1
    assert NISS not in caplog.text
    assert door.ask("POST", "/defer/dpp/x", b"", Idempotency_Key="i")[0] == 202
    assert door.waiting() == 1
    for _ in range(30):
        door.clock.advance(2)
        last = door.ask("POST", "/defer/dpp/x")
    assert last[0] == 503
    assert "queue is full" in last[2]["detail"]
    assert door.waiting() + door.waiting("raotd") == 20
    door.store.delivered(door.store.due("dpp", NOW, 5), NOW)
    door.clock.advance(2)
    assert door.ask("POST", "/defer/dpp/x")[0] == 202


def test_a_body_that_breaks_off_is_not_taken(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port), 10) as connection:
        connection.sendall(
            b"POST /defer/dpp/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: 9\r\n\r\nab"
            % SECRET.encode()
        )
        connection.shutdown(socket.SHUT_WR)
        assert b"202" not in connection.recv(100)
    assert door.waiting() == 0


def test_a_key_used_for_another_call_is_refused_also_after_delivery(door: Door) -> None:
    door.token("t" * 40)
    first = door.ask("POST", "/defer/dpp/x", b"1", Idempotency_Key="i", Content_Type="text/xml", X_Own=NISS)
    others: list[tuple[str, str, bytes, dict[str, str]]] = [
        ("POST", "/defer/dpp/x", b"2", {}), ("PUT", "/defer/dpp/x", b"1", {}), ("POST", "/defer/dpp/y", b"1", {}),
        ("POST", "/defer/dpp/x", b"1", {"Content_Type": "text/plain"}), ("POST", "/defer/dpp/x", b"1", {"X_Own": "-"}),
        ("POST", "/defer/dpp/x", b"1", {"Ordering_Key": "o"}), ("POST", "/defer/dpp/x", b"2", {"secret": "t" * 40}),
    ]  # fmt: skip
    for settled in (False, True):
        for method, path, body, headers in others:
            sent = {"Content_Type": "text/xml", "X_Own": NISS, "Idempotency_Key": "i", **headers}
            status, _, told = door.ask(method, path, body, **sent)
            assert (status, told["detail"]) == (422, "this key was used for another call")
            assert first[2]["id"] not in str(told)
            assert NISS not in str(told)
        for secret in (SECRET, "t" * 40):
            again = door.ask(
                "POST", "/defer/dpp/x", b"1", secret, Idempotency_Key="i", Content_Type="text/xml", X_Own=NISS
            )
            assert (again[0], again[2]["id"]) == (202, first[2]["id"])
        if not settled:
            door.store.delivered(door.store.due("dpp", NOW, 9), NOW)
    assert door.waiting() == 0
    assert door.gateway.stats.refused[422] == 2 * len(others)


def test_a_target_without_its_key_is_refused_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Door(tmp_path).close()
    make_key(tmp_path / "another.key")
    (tmp_path / "another.key").replace(tmp_path / "keys" / "raotd.key")
    (tmp_path / "state.db").unlink()
    with closing(Door(tmp_path)) as door:
        assert caplog.text.count("calls for raotd are refused until this is mended") == 1
        status, headers, told = door.ask("POST", "/defer/raotd/x", b"1")
        assert (status, told["detail"]) == (503, "the key of this target is not at hand; try again later")
        assert "retry-after" in headers
        assert door.ask("POST", "/defer/dpp/x", b"1")[0] == 202
        door.store.pulse(NOW)
        status, _, ready = door.ask("GET", "/readyz", secret="")
        (keys,) = [check for check in ready["checks"] if check["name"] == "keys"]
        assert (status, keys["ok"]) == (503, False)
        assert "raotd: " in str(keys)
        assert "Put it back" in str(keys)


def test_many_at_once_share_commits(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, put = [], SqliteDeferred.put

    def counted(store: SqliteDeferred, calls: Any, now: float) -> Any:
        sizes.append(len(calls))
        return put(store, calls, now)

    monkeypatch.setattr(SqliteDeferred, "put", counted)
    together = _at_once([lambda: door.ask("POST", "/defer/dpp/x")[0] for _ in range(16)])
    assert together == [202] * 16
    assert sum(sizes) == 16


def _at_once(works: list[Callable[[], int]]) -> list[int]:
    results: list[int] = []
    threads = [threading.Thread(target=lambda work=work: results.append(work())) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_health_tells_of_gateway_and_drain(door: Door) -> None:
    assert door.ask("GET", "/healthz", secret="")[0] == 200
    assert door.ask("HEAD", "/healthz", secret="")[::2] == (200, None)
    status, _, told = door.ask("GET", "/readyz", secret="")
    assert status == 503
    assert {check["name"]: check["ok"] for check in told["checks"]} == {"queue": True, "keys": True, "drain": False}
    door.store.pulse(door.clock.now())
    assert door.ask("GET", "/readyz", secret="")[0] == 200
    door.clock.advance(LATE_SECONDS + 1)
    assert door.ask("GET", "/readyz", secret="")[0] == 503


def test_nothing_of_a_call_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door.ask("POST", f"/defer/dpp/{NISS}", NISS.encode(), Ordering_Key=NISS, Idempotency_Key=NISS)
    assert NISS not in caplog.text
