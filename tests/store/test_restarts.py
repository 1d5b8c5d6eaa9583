"""Restarts in the state: kept, found, changed by one only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from domain.restart import Restart
from store.restarts import SqlRestarts
from store.state import open_state

NOW = 1_795_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlRestarts]:
    with closing(open_state(f"sqlite:///{tmp_path}/state.db")) as state:
        yield SqlRestarts(state.engine)


def restart(hub: str = "dpp", planned: float = NOW) -> Restart:
    return Restart(0, hub, "dpp-calls", "new release", "ops", "planned", planned, planned + 600)


def test_it_is_kept_with_a_number(store: SqlRestarts) -> None:
    first, second = store.add(restart()), store.add(restart("recipe"))
    assert first.id and second.id and first.id != second.id
    assert store.restart(first.id) == first
    assert store.restart(99) is None


def test_unfinished_ones_stand_by_time(store: SqlRestarts) -> None:
    late, early = store.add(restart(planned=NOW + 9)), store.add(restart(planned=NOW))
    over = store.add(restart())
    assert store.change(replace(over, state="cancelled", ended=NOW), over)
    assert store.unfinished() == [early, late]


def test_only_one_changes_a_state(store: SqlRestarts) -> None:
    planned = store.add(restart())
    holding = replace(planned, state="holding", started=NOW + 5, until=NOW + 700)
    assert store.change(holding, planned)
    assert not store.change(replace(planned, state="cancelled"), planned)
    assert store.restart(planned.id) == holding


def test_the_newest_stand_first(store: SqlRestarts) -> None:
    old = store.add(restart(planned=NOW - 9_000))
    done = replace(old, state="ended", started=NOW - 9_000, ended=NOW - 10)
    assert store.change(done, old)
    ancient = store.add(restart(planned=NOW - 90_000))
    newest = store.add(restart(planned=NOW))
    assert store.restarts(NOW - 20, 10) == [newest, done]
    assert store.restarts(0, 2) == [newest, done]
    assert store.restarts(0, 10)[-1] == ancient
