"""Real series files, shared by the tests that only read; ports around them, made anew for each test."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.app import create_app
from domain.clock import ManualClock
from rrd.store import RrdSeriesStore
from tests.dashboard.traffic import NOW, SETTINGS, OpenPresent, Progress, filled_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> RrdSeriesStore:
    return filled_store(tmp_path_factory.mktemp("series"))


@dataclass
class House:
    """An application with the ports it was built from."""

    app: Flask
    live: OpenPresent
    state: Progress
    clock: ManualClock

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def get(self, address: str, status: int = 200) -> str:
        answer = self.client.get(address)
        assert answer.status_code == status, f"{address}: {answer.status} {answer.text[:500]}"
        return answer.text


@pytest.fixture
def house(store: RrdSeriesStore) -> House:
    live, state, clock = OpenPresent(), Progress(), ManualClock(NOW)
    return House(create_app(SETTINGS, store, live, state, clock), live, state, clock)
