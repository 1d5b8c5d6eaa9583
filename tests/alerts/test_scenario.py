"""From calls in a log to a mail: a real collector below, real channels above, a clock that a test steps."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from domain.errors import LiveUnavailableError, NotifyError, StoreError
from domain.published import Component
from domain.restart import Restart
from domain.settings import AlertSettings, Person, Route
from tests.alerts.world import ENDPOINT, HUB, OTHER, PNG, Hook, Mailbox, Told, Watch


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watch(tmp_path: Path, told: Told) -> Iterator[Watch]:
    watch = Watch(tmp_path, notifier=told)
    yield watch
    watch.close()


def hub_of(watch: Watch) -> Component:
    (component,) = watch.published.components
    return component


def test_an_endpoint_dies_and_recovers(tmp_path: Path, mailbox: Mailbox, hook: Hook) -> None:
    people = (Person(name="ann", urls=(mailbox.url,)), Person(name="ben", urls=(hook.url,)))
    watch = Watch(tmp_path, people=people)
    watch.live(300, tick=10)
    assert not watch.incidents.incidents(0, 10)
    assert hub_of(watch).state == "works"
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    while not mailbox.mails:
        watch.live(5)
        assert watch.first_failure is not None
        assert watch.clock.now() - watch.first_failure <= 60
    watch.live(300, tick=10)
    assert (len(mailbox.mails), len(hook.posts)) == (1, 1)
    (mail,) = mailbox.mails
    assert mail["subject"] == f"Recip-e · {ENDPOINT} fails"
    text = mail.get_body(("plain",)).get_content().replace("\u00a0", " ")  # type: ignore[union-attr]
    assert "of the calls fail technically (0.3 % last week), mostly SOA-02001; eHealth’s side." in text
    assert "Incident 1: http://localhost:8080/incident/1" in text
    (picture,) = mail.iter_attachments()
    assert picture.get_content_type() == "image/png"
    assert picture.get_content().startswith(PNG)
    assert hook.pictures(0)[0].startswith(PNG)
    assert hub_of(watch).state == "some-fail"
    (incident,) = watch.incidents.unsettled()
    assert (incident.state, incident.side, incident.endpoint) == ("firing", "ehealth", ENDPOINT)
    assert watch.first_failure is not None
    assert abs(incident.since - watch.first_failure) <= 10
    watch.failing = lambda _: False
    watch.live(300)
    assert (len(mailbox.mails), len(hook.posts)) == (2, 2)
    assert mailbox.mails[1]["subject"] == f"Recip-e · {ENDPOINT} is as expected again"
    over = mailbox.mails[1].get_body(("plain",)).get_content().replace("\u00a0", " ")  # type: ignore[union-attr]
    assert re.search(r"What it was: (100|9\d\.\d) % of the calls fail technically", over)
    assert hub_of(watch).state == "works"
    watch.live(1_800, tick=30)
    assert [entry.event for entry in watch.incidents.journal(1)] == ["opened", "confirmed", "recovered", "closed"]
    assert (len(mailbox.mails), len(watch.incidents.incidents(0, 10))) == (2, 1)
    watch.close()


@pytest.mark.parametrize("seed", range(5))
def test_six_calls_a_minute_are_enough_to_be_told_within_a_minute(tmp_path: Path, told: Told, seed: int) -> None:
    """Calls come as they come: where three came in time; the promise is of regular ones."""
    watch = Watch(tmp_path, per_minute=6, notifier=told, seed=seed)
    watch.live(300, tick=10)
    before = len(told.told)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    while len(told.told) == before:
        watch.live(5)
        assert watch.first_failure is None or watch.clock.now() - watch.first_failure <= 75
    assert len(watch.incidents.unsettled()) == 1
    watch.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_quiet_endpoint_is_told_by_its_fourth_failure(tmp_path: Path, told: Told, seed: int) -> None:
    watch = Watch(tmp_path, per_minute=0.25, notifier=told, seed=seed)
    watch.live(3_600, tick=60)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    while not told.told:
        before = watch.failures
        watch.live(30, tick=30)
        assert before <= 4
    watch.close()


def test_a_whole_hub_is_one_incident(watch: Watch, told: Told) -> None:
    watch.live(120, tick=10)
    watch.failing = lambda _: True
    watch.live(120)
    assert [title for _, title, _ in told.told] == ["Recip-e fails"]
    (incident,) = watch.incidents.unsettled()
    assert incident.endpoint == ""
    assert ENDPOINT in incident.reason
    assert OTHER in incident.reason
    assert hub_of(watch).state == "fails"


def test_silence_is_told(watch: Watch, told: Told) -> None:
    watch.live(960, tick=20)
    watch.calling = lambda endpoint: endpoint != ENDPOINT
    watch.live(150)
    assert [title for _, title, _ in told.told] == [f"Recip-e · {ENDPOINT} is silent"]
    assert "30 a minute last week" in told.told[0][2]


def test_an_ordinary_morning_tells_nothing(watch: Watch, told: Told) -> None:
    watch.live(2_400, tick=20)
    assert not told.told
    assert watch.alerts.stats.judgements > 100


def test_killed_between_keeping_and_telling(watch: Watch, told: Told) -> None:
    watch.live(120, tick=10)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    while not watch.incidents.to_tell(watch.clock.now(), 10):
        watch.world.step(5, watch._calls(5))
        watch.alerts.tick()
    watch.begin()  # the process was killed here: nothing of it is left but the state
    watch.live(60)
    assert [title for _, title, _ in told.told] == [f"Recip-e · {ENDPOINT} fails"]
    assert told.pictures == 1


def test_restarts_at_any_moment_tell_nothing_twice(watch: Watch, told: Told) -> None:
    watch.live(120, tick=10)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    for _ in range(12):
        watch.begin()
        watch.live(10)
    watch.failing = lambda _: False
    for _ in range(12):
        watch.begin()
        watch.live(10)
    assert [title.rsplit(" ", 1)[-1] for _, title, _ in told.told] == ["fails", "again"]


def test_acknowledged_stays_so_until_it_is_over(watch: Watch, told: Told) -> None:
    watch.live(120, tick=10)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    watch.live(60)
    (one,) = watch.incidents.unsettled()
    now = watch.clock.now()
    taken = replace(one, state="acknowledged", changed=now, acknowledged_by="ann")
    assert watch.incidents.keep(taken, one, "acknowledged", "ann", "", now) is not None
    watch.live(200, tick=10)
    assert watch.incidents.unsettled()[0].state == "acknowledged"
    assert len(told.told) == 1


def test_during_a_restart_nothing_is_told(watch: Watch, told: Told) -> None:
    watch.live(120, tick=10)
    now = watch.clock.now()
    made = Restart(0, HUB, "", "an update", "ann", "holding", now, now + 600, started=now)
    restart = watch.restarts.add(made)
    watch.calling = lambda _: False
    watch.live(300, tick=10)
    assert hub_of(watch).state == "maintenance"
    assert not told.told
    assert not watch.incidents.unsettled()
    watch.calling = lambda _: True
    watch.live(60)
    ended = replace(restart, state="ended", ended=watch.clock.now())
    assert watch.restarts.change(ended, restart)
    watch.live(300, tick=10)
    assert not told.told
    assert hub_of(watch).state == "works"
    assert hub_of(watch).days[-1].state == "maintenance"
    assert [notice.kind for notice in watch.published.notices] == ["maintenance"]


def test_in_shadow_all_is_recorded_and_nothing_told(tmp_path: Path, told: Told) -> None:
    watch = Watch(tmp_path, notifier=told, alerts_settings=AlertSettings(shadow=True))
    watch.live(120, tick=10)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    watch.live(120)
    assert not told.told
    (incident,) = watch.incidents.unsettled()
    assert "told to nobody: alerts.shadow is set" in watch.incidents.journal(incident.id)[-1].text
    watch.close()


def test_a_collector_that_is_away_is_told_once(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    watch.live(120, tick=10)
    reader = watch.alerts._reader
    live, reader.live = reader.live, _away()
    for _ in range(60):
        watch.clock.advance(5)
        watch.alerts.tick()
    assert [record.message for record in caplog.records if "collector" in record.message] == [
        "the collector does not answer: nothing is judged until it does"
    ]
    assert hub_of(watch).state == "unknown"
    reader.live = live
    watch.live(30)
    assert "the collector answers again" in caplog.text


def _away() -> Any:
    """A collector that does not answer."""

    class Away:
        def complete_up_to(self) -> float | None:
            raise LiveUnavailableError("away")

        def rows(self, *_: object) -> object:
            raise LiveUnavailableError("away")

        def sources(self) -> object:
            raise LiveUnavailableError("away")

    return Away()


def test_a_channel_that_is_down_is_tried_again(tmp_path: Path, mailbox: Mailbox) -> None:
    watch = Watch(tmp_path, people=(Person(name="ann", urls=(mailbox.url,)),))
    mailbox.refuse = True
    watch.live(120, tick=10)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    watch.live(60)
    assert watch.alerts.stats.tellings_failed == 2
    mailbox.refuse = False
    watch.live(60)
    assert len(mailbox.mails) == 1
    assert watch.alerts.stats.told == 1
    watch.close()


def test_a_person_who_is_gone_is_given_up(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    class Nobody(Told):
        def tell(self, person: str, delivery: object) -> None:
            raise NotifyError("there is nobody called ann", retry=False)

    watch.notifier = Nobody()
    watch.begin()
    watch.live(120, tick=10)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    watch.live(60)
    assert not watch.incidents.to_tell(1e12, 10)
    assert "is given up" in caplog.text


def test_a_locked_state_is_told_once_and_outlived(
    watch: Watch, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop itself: three ticks fail, then it goes on."""
    stop, ticks = threading.Event(), [0]
    tick = watch.alerts.tick

    def failing() -> None:
        ticks[0] += 1
        if ticks[0] <= 3:
            raise StoreError("state.db: database is locked")
        tick()
        stop.set()

    monkeypatch.setattr(watch.alerts, "tick", failing)
    monkeypatch.setattr(watch.alerts.teller, "tick", lambda: stop.wait(0.05))
    watch.alerts.run(stop)
    told = [record.message for record in caplog.records if record.name == "alerts.service"]
    assert told == ["cannot judge, and goes on trying: state.db: database is locked", "judging again"]


def due(watch: Watch) -> None:
    """An endpoint fails until somebody is to be told of it, and nobody was yet."""
    watch.live(120, tick=10)
    watch.failing = lambda endpoint: endpoint == ENDPOINT
    while not watch.incidents.to_tell(1e12, 5):
        watch.world.step(5, watch._calls(5))
        watch.alerts.tick()


def test_who_was_told_is_not_told_again_while_the_state_cannot_be_written(watch: Watch, told: Told) -> None:
    due(watch)
    watch.state.engine.dispose()
    event.listen(watch.state.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 50"))
    with closing(sqlite3.connect(watch.root / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(StoreError, match="locked"):
                watch.alerts.teller.tick()
    watch.alerts.teller.tick()
    assert len(told.told) == 1
    assert not watch.incidents.to_tell(1e12, 5)


def test_a_channel_that_hangs_holds_up_nobody_else(watch: Watch, told: Told) -> None:
    """And a stop does not wait for it."""
    hangs, ben_told, stop = threading.Event(), threading.Event(), threading.Event()

    class Hanging(Told):
        def tell(self, person: str, delivery: object) -> None:
            if person == "ann":
                hangs.wait(30)
            else:
                ben_told.set()

    watch.notifier = Hanging()
    watch.settings = msgspec.structs.replace(watch.settings, routes=(Route(to=("ann", "ben"), severity="notice"),))
    watch.begin()
    due(watch)
    telling = threading.Thread(target=watch.alerts.teller.run, args=(stop,))
    telling.start()
    assert ben_told.wait(20)
    stop.set()
    hangs.set()
    telling.join(20)
    assert not telling.is_alive()
    assert not watch.incidents.to_tell(1e12, 5)


def test_a_fault_of_the_telling_ends_the_process(watch: Watch) -> None:
    """Its supervisor starts it again; judging on would be of no use to anybody."""

    class Broken(Told):
        def tell(self, person: str, delivery: object) -> None:
            raise AttributeError("a bug")

    watch.notifier = Broken()
    watch.begin()
    due(watch)
    with pytest.raises(AttributeError, match="a bug"):
        watch.alerts.run(threading.Event())


def test_a_hub_that_does_not_come_back_from_its_restart_is_told(watch: Watch, told: Told) -> None:
    """Somebody said that it is back, and what piled up for it waits on."""
    watch.live(120, tick=10)
    now = watch.clock.now()
    made = Restart(0, HUB, "recipe", "an update", "ann", "holding", now, now + 600, started=now)
    restart = watch.restarts.add(made)
    watch.failing = lambda _: True
    watch.live(300, tick=10)
    draining = replace(restart, state="draining", resumed=watch.clock.now())
    assert watch.restarts.change(draining, restart)
    watch.live(150, tick=10)
    assert not told.told
    watch.live(60, tick=10)
    assert [title for _, title, _ in told.told] == ["Recip-e fails"]


def test_after_a_restart_nothing_is_told(watch: Watch, told: Told) -> None:
    watch.live(120, tick=10)
    now = watch.clock.now()
    made = Restart(0, HUB, "", "an update", "ann", "holding", now, now + 900, started=now)
    restart = watch.restarts.add(made)
    watch.calling = lambda _: False
    watch.live(900, tick=10)
    watch.calling = lambda _: True
    assert watch.restarts.change(
        replace(restart, state="ended", resumed=watch.clock.now(), ended=watch.clock.now()), restart
    )
    watch.live(1_200, tick=10)
    assert not told.told
    assert not watch.incidents.incidents(0, 10)
