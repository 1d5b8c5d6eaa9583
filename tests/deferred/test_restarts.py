"""Restarts: their life as a table, and carried out over real stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from alerts import restarts as life
from alerts.restarting import Restarting
from alerts.restarts import LIFE, Event
from domain.clock import ManualClock
from domain.deferred import Call, QueueStatus
from domain.errors import StoreError, UsageError
from domain.restart import Restart, RestartState
from store.deferred import SqliteDeferred, open_deferred
from store.keys import load_keys
from store.restarts import SqlRestarts
from store.state import open_state

NOW = 1_795_000_000.0


def restart(state: RestartState = "planned", target: str = "dpp", resumed: float | None = None) -> Restart:
    return Restart(7, "dpp", target, "new release", "ops", state, NOW, NOW + 600, resumed=resumed)


def status(oldest: float | None, waiting: int = 0) -> QueueStatus:
    return QueueStatus("dpp", False, "", None, "", waiting, oldest, 0, 0, 0.0)


class TestLife:
    @pytest.mark.parametrize("event", get_args(Event))
    @pytest.mark.parametrize("state", get_args(RestartState))
    def test_every_turn_is_in_the_table_or_refused(self, state: RestartState, event: Event) -> None:
        wanted = LIFE.get((state, event))
        if wanted is None:
            with pytest.raises(UsageError, match=rf"restart 7 of dpp is {state}"):
                life.next_state(restart(state), event)
        else:
            assert life.next_state(restart(state), event) == wanted

    def test_it_lasts_as_long_as_planned_whenever_it_begins(self) -> None:
        begun = life.start(restart(), NOW + 1_000)
        assert (begun.state, begun.started, begun.until) == ("holding", NOW + 1_000, NOW + 1_600)

    def test_an_end_before_the_beginning_is_refused(self) -> None:
        with pytest.raises(UsageError):
            life.plan("dpp", "", "", "ops", NOW, NOW)

    def test_a_reason_names_no_patient(self) -> None:
        with pytest.raises(UsageError, match="holds a patient's number"):
            life.plan("dpp", "", "call of 50010199928 hangs", "ops", NOW, NOW + 60)

    def test_without_deferred_calls_it_is_over_at_once(self) -> None:
        ended = life.end(restart("holding", target=""), NOW + 5)
        assert (ended.state, ended.resumed, ended.ended) == ("ended", NOW + 5, NOW + 5)

    @pytest.mark.parametrize(
        ("oldest", "over"), [(None, True), (NOW + 11, True), (NOW + 10, False), (NOW + 9, False)]
    )  # fmt: skip
    def test_it_is_over_once_what_came_before_its_end_is_gone(self, oldest: float | None, over: bool) -> None:
        draining = restart("draining", resumed=NOW + 10)
        changes = life.advance([draining, restart("holding"), restart()], [status(oldest)], NOW + 60)
        assert [(change.before, change.after.state, change.after.ended) for change in changes] == (
            [(draining, "ended", NOW + 60)] if over else []
        )

    def test_of_an_unknown_queue_nothing_is_concluded(self) -> None:
        assert not life.advance([restart("draining", target="else", resumed=NOW)], [status(None)], NOW)


@dataclass
class Site:
    """Stores, and what works on them."""

    queue: SqliteDeferred
    restarts: SqlRestarts
    clock: ManualClock

    @property
    def restarting(self) -> Restarting:
        return Restarting(self.restarts, self.queue, self.clock)

    def put(self, *bodies: bytes) -> None:
        self.queue.put([Call("dpp", "POST", "/", (), "", "", body) for body in bodies], self.clock.now())

    def held(self) -> bool:
        return self.queue.status(["dpp"], self.clock.now())[0].held


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    ring = load_keys("dpp", "", tmp_path / "dpp.key")
    with (
        closing(open_state(f"sqlite:///{tmp_path}/state.db")) as state,
        closing(open_deferred(tmp_path / "queue.db", {"dpp": ring})) as queue,
    ):
        yield Site(queue, SqlRestarts(state.engine), ManualClock(NOW))


class TestRestarting:
    def test_from_plan_to_end(self, site: Site) -> None:
        planned = site.restarting.plan("dpp", "dpp", "new release", "ops", NOW + 60, 600)
        assert (planned.state, site.held()) == ("planned", False)
        site.clock.advance(90)
        begun = site.restarting.start("dpp", "dpp", "", "somebody", 60)
        assert (begun.id, begun.state, begun.until) == (planned.id, "holding", NOW + 690)
        (queue,) = site.queue.status(["dpp"], NOW)
        assert (queue.held, queue.held_by, queue.reason) == (
            True, "somebody", f"restart {begun.id} of dpp: new release",
        )  # fmt: skip
        site.put(b"1", b"2")
        site.clock.advance(60)
        ended = site.restarting.end("dpp")
        assert (ended.state, site.held()) == ("draining", False)
        site.clock.advance(5)
        site.put(b"later")
        assert not site.restarting.advance()
        site.queue.delivered(site.queue.due("dpp", NOW + 500, 2), site.clock.now())
        (change,) = site.restarting.advance()
        assert (change.after.state, change.after.id) == ("ended", planned.id)
        assert not site.restarting.advance()
        assert [one.state for one in site.restarting.listed(NOW, 9)] == ["ended"]

    def test_one_that_nobody_planned(self, site: Site) -> None:
        begun = site.restarting.start("dpp", "dpp", "it hangs", "ops", 600)
        assert (begun.state, begun.until, begun.reason) == ("holding", NOW + 600, "it hangs")
        assert site.restarting.end("dpp").state == "ended"

    def test_without_a_target_it_only_stands_there(self, site: Site) -> None:
        site.restarting.start("recipe", "", "", "ops", 600)
        assert site.restarting.end("recipe").state == "ended"

    def test_what_makes_no_sense_is_refused(self, site: Site) -> None:
        service = site.restarting
        with pytest.raises(UsageError, match="no restart of dpp is under way"):
            service.end("dpp")
        with pytest.raises(UsageError, match="no restart of dpp is planned"):
            service.cancel("dpp")
        service.start("dpp", "dpp", "", "ops", 600)
        with pytest.raises(UsageError, match="is holding already: end it first"):
            service.start("dpp", "dpp", "", "ops", 600)

    def test_a_plan_that_is_dropped(self, site: Site) -> None:
        site.restarting.plan("dpp", "dpp", "", "ops", NOW + 60, 600)
        assert site.restarting.cancel("dpp").state == "cancelled"
        assert not site.restarts.unfinished()

    def test_a_kill_between_hold_and_note_leaves_a_queue_that_can_be_started_again(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(SqlRestarts, "change", lambda *_: False)
            with pytest.raises(StoreError, match="look again"):
                site.restarting.start("dpp", "dpp", "", "ops", 600)
        assert site.held()
        assert site.restarting.start("dpp", "dpp", "", "ops", 600).state == "holding"

    def test_begun_from_two_places_at_once_it_is_one(self, site: Site) -> None:
        class Late(SqlRestarts):
            """Looks before the other one begins."""

            def unfinished(self) -> list[Restart]:
                return []

        theirs = site.restarting.start("dpp", "dpp", "", "ann", 60)
        late = Restarting(Late(site.restarts._engine), site.queue, site.clock)
        with pytest.raises(StoreError, match="somebody else began a restart of dpp"):
            late.start("dpp", "dpp", "", "ben", 60)
        (left,) = site.restarts.unfinished()
        assert (left.id, left.state) == (theirs.id, "holding")
        assert site.restarting.end("dpp").state == "ended"
        assert not site.held()
