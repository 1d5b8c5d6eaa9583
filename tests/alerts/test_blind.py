"""That nothing is judged any more is told: once, with why, and again when it is over."""

from __future__ import annotations

import threading
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from alerts.blind import BLIND_SECONDS, Sight, everybody, tell_apart
from domain.errors import LiveUnavailableError, NotifyError
from domain.ports import Delivery
from domain.settings import AlertSettings
from rrd.present import Reader
from tests.alerts.world import Told, Watch
from tests.collector.world import BRUSSELS

ZONE = ZoneInfo("Europe/Brussels")
NOW = 1_795_000_000.0


def test_told_once_and_again_when_over() -> None:
    sight = Sight(NOW - 9_000)
    assert sight.message(NOW, NOW + BLIND_SECONDS, "", ZONE) is None
    said = sight.message(NOW, NOW + BLIND_SECONDS + 1, "state.db: the disk is full", ZONE)
    assert said is not None
    assert said.title == "pharmapulse is blind"
    assert "state.db: the disk is full." in said.text
    assert sight.message(NOW, NOW + 900, "", ZONE) is None
    over = sight.message(NOW + 890, NOW + 900, "", ZONE)
    assert over is not None
    assert over.title == "pharmapulse judges again"
    assert sight.message(NOW + 890, NOW + 900, "", ZONE) is None


def test_a_new_site_has_nothing_to_judge() -> None:
    assert Sight(NOW).message(None, NOW + 9_000, "", ZONE) is None
    assert Sight(NOW).message(None, NOW + 9_000, "the collector does not answer", ZONE) is not None


def test_a_collector_that_stays_away_is_told(tmp_path: Path) -> None:
    told = Told()
    watch = Watch(tmp_path, notifier=told)
    watch.live(60, tick=10)

    class Away:
        def __getattr__(self, _name: str) -> object:
            raise LiveUnavailableError("away")

    reader = watch.alerts._reader
    watch.alerts._reader = Reader(reader.series, Away(), watch.clock, BRUSSELS)  # type: ignore[arg-type]
    for _ in range(int(BLIND_SECONDS // 10) + 3):
        watch.clock.advance(10)
        watch.alerts.round()
    wait_for_tellers()
    assert [(person, title) for person, title, _ in told.told] == [("ann", "pharmapulse is blind")]
    assert "the collector does not answer" in told.told[0][2]
    watch.alerts._reader = reader
    watch.world.step(10, [])
    watch.alerts.round()
    wait_for_tellers()
    assert told.told[-1][1] == "pharmapulse judges again"
    watch.close()


def wait_for_tellers() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("tell "):
            thread.join(30)


def test_who_cannot_be_told_keeps_nobody_else_from_it(tmp_path: Path) -> None:
    class Half(Told):
        def tell(self, person: str, delivery: Delivery) -> None:
            if person == "ann":
                raise NotifyError("ann could not be told")
            super().tell(person, delivery)

    told = Half()
    for thread in tell_apart(told, ("ann", "ben"), Delivery("x", "y")):
        thread.join(30)
    assert [person for person, _, _ in told.told] == ["ben"]
    watch = Watch(tmp_path, notifier=told)
    assert everybody(watch.settings) == ("ann",)
    assert not everybody(msgspec.structs.replace(watch.settings, alerts=AlertSettings(shadow=True)))
    watch.close()
