"""Real series files, shared by the tests that only read; ports around them, made anew for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.app import create_app
from dashboard.site import Ports
from domain.clock import ManualClock
from domain.deferred import QueueStatus
from domain.settings import Settings
from rrd.store import RrdSeriesStore
from store.access import SqlAccess
from store.incidents import SqlIncidents
from store.restarts import SqlRestarts
from store.state import SqlState, open_state
from tests.dashboard.traffic import NOW, SETTINGS, OpenPresent, filled_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> RrdSeriesStore:
    return filled_store(tmp_path_factory.mktemp("series"))


@dataclass
class House:
    """An application with the ports it was built from. `clock` is the site's and the wall's."""

    app: Flask
    live: OpenPresent
    state: SqlState
    access: SqlAccess
    incidents: SqlIncidents
    restarts: SqlRestarts
    clock: ManualClock

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def get(self, address: str, status: int = 200) -> str:
        answer = self.client.get(address)
        assert answer.status_code == status, f"{address}: {answer.status} {answer.text[:500]}"
        return answer.text


Build = Callable[..., House]


@pytest.fixture
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Makes applications over series, each with a state of its own."""
    opened: list[SqlState] = []

    def made(
        store: RrdSeriesStore, settings: Settings = SETTINGS, queues: Callable[[], Sequence[QueueStatus]] = tuple
    ) -> House:
        live, clock = OpenPresent(), ManualClock(NOW)
        state = open_state(f"sqlite:///{tmp_path_factory.mktemp('state')}/state.db")
        opened.append(state)
        access, incidents, restarts = SqlAccess(state.engine), SqlIncidents(state.engine), SqlRestarts(state.engine)
        ports = Ports(store, live, state, access, incidents, clock, clock, b"signs the forms", restarts, queues)
        return House(create_app(settings, ports), live, state, access, incidents, restarts, clock)

    yield made
    for state in opened:
        state.close()


@pytest.fixture
def house(store: RrdSeriesStore, build: Build) -> House:
    return build(store)
