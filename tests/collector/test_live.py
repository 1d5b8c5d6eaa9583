"""The collector's socket: the real server, the real client."""

from __future__ import annotations

import logging
import random
import socket
import stat
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from collector.live import LiveServer, live_app
from domain import sketches
from domain.errors import LiveUnavailableError, StoreError
from domain.hyperloglog import pairs_of
from domain.sketches import packed
from tests.collector.test_collector import some_calls
from tests.collector.world import START, World
from transport.live import LiveClient


def test_the_client_gets_what_the_collector_has(tmp_path: Path) -> None:
    world, rng = World(tmp_path), random.Random(1)
    server = LiveServer(world.collector, tmp_path / "live.sock")
    server.start()
    client = LiveClient(tmp_path / "live.sock")
    assert client.complete_up_to() is None
    assert not client.rows("hub", 60).rows
    for _ in range(20):
        world.step(20, some_calls(rng, int(world.clock.now()), 15, 6))
    for family, step in (("hub", 10), ("endpoint_vendor", 60), ("pharmacy", 86_400)):
        here, there = world.collector.rows(family, step), client.rows(family, step)
        assert here.rows
        assert (here.complete_up_to, list(here.rows)) == (there.complete_up_to, list(there.rows))
        for key, rows in here.rows.items():
            np.testing.assert_array_equal(rows.values, there.rows[key].values)
    assert list(client.rows("hub", 60, [("dpp",)]).rows) == [("dpp",)]
    assert client.sources() == tuple(world.collector.sources())
    assert client.complete_up_to() == world.collector.complete_up_to()
    with pytest.raises(LiveUnavailableError, match=r"answers 400: .*no family hub with a step of 7 s"):
        client.rows("hub", 7)
    server.close()
    assert not (tmp_path / "live.sock").exists()


def test_patients_are_counted_by_hub_and_hour(tmp_path: Path) -> None:
    world = World(tmp_path)
    server = LiveServer(world.collector, tmp_path / "live.sock")
    server.start()
    client = LiveClient(tmp_path / "live.sock", 30.0)
    some = np.random.default_rng(1).integers(2, 2**64, 900, dtype=np.uint64)
    # Of three pharmacies, each of which shares patients with the next; one of the hours in two batches.
    for hour, pharmacy, seen in ((0, "1", some[:400]), (0, "2", some[300:700]), (0, "3", some[600:]), (1, "1", some)):
        for half in (seen[::2], seen[1::2]):
            registers = packed(np.zeros(len(half), dtype=np.int64), pairs_of(half), 1)
            row = [START + 3_600 * hour, "dpp", pharmacy, registers[0], 2]
            world.send_sketches(pl.DataFrame([row], schema=sketches.SCHEMA, orient="row"))
        world.collector.tick()
        if pharmacy == "2":
            world.files.compact()
    found = client.patients(START, START + 25 * 3_600)
    assert [(one.hour, one.hub, one.uncounted) for one in found] == [(START, "dpp", 12), (START + 3_600, "dpp", 4)]
    for one in found:
        assert one.patients == pytest.approx(900, rel=0.05)
    assert [one.hour for one in client.patients(START + 1, START + 3_601)] == [START + 3_600]
    assert client.patients(START + 7_200, START + 9_000) == ()
    with pytest.raises(LiveUnavailableError, match=r"answers 400: .*at most 25 hours at once"):
        client.patients(START, START + 26 * 3_600)
    world.die()
    for part in (tmp_path / "ledger" / "sketches").iterdir():
        part.unlink()
    with pytest.raises(LiveUnavailableError, match="answers 503"):
        client.patients(START, START + 3_600)
    server.close()


def test_questions_beside_ticks(tmp_path: Path) -> None:
    world, rng = World(tmp_path), random.Random(2)
    server = LiveServer(world.collector, tmp_path / "live.sock")
    server.start()
    client, stop, told = LiveClient(tmp_path / "live.sock", 30.0), threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            told.append(client.rows("hub", 10).complete_up_to)

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(60):
        world.step(15, some_calls(rng, int(world.clock.now()), 15, 3))
    stop.set()
    asking.join()
    server.close()
    known = [mark for mark in told if mark is not None]
    assert known == sorted(known)
    world.check()


def test_the_socket_is_for_its_owner_and_a_stale_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "live.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left_behind:
        left_behind.bind(str(path))
    server = LiveServer(World(tmp_path).collector, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server.start()
    with pytest.raises(StoreError, match="another collector listens here"):
        LiveServer(World(tmp_path / "other").collector, path)
    server.close()
    path.write_text("notes")
    with pytest.raises(StoreError, match="in the place of the collector's socket"):
        LiveServer(World(tmp_path / "third").collector, path)
    assert path.read_text() == "notes"


def test_a_server_that_closes_says_nothing_and_leaves_no_thread(tmp_path: Path) -> None:
    collector, before = World(tmp_path).collector, threading.active_count()
    for number in range(30):
        server = LiveServer(collector, tmp_path / "live.sock")
        if number % 3:
            server.start()
        if number % 3 == 1:
            LiveClient(tmp_path / "live.sock").complete_up_to()
        server.close()  # an error in the server's thread would be a warning, and so fail here
    assert threading.active_count() == before


def test_bad_questions_get_a_problem_document(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = live_app(World(tmp_path).collector).test_client()
    with caplog.at_level(logging.ERROR):
        for body in (b"", b"{}", b'{"family": "hub", "step": "x"}', b'{"family": "nothing", "step": 60}'):
            answer = client.post("/rows", data=body)
            assert answer.status_code == 400
            assert answer.mimetype == "application/problem+json"
    assert not caplog.records
    assert client.get("/healthz").json == {"status": "ok", "complete_up_to": None}
