"""Troubles of sources: told once, with the file and the mend, and again when they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.publish import public_state
from alerts.routes import route
from alerts.sources import (
    CONFIRM,
    FRESH_SECONDS,
    GONE_SECONDS,
    HAPPENED,
    NOTED_SECONDS,
    OVER_SECONDS,
    SEVERITIES,
    found_in,
    step,
)
from alerts.step import CLOSE
from domain.batch import Accounting, Heartbeat, SourceState, Trouble
from domain.incident import SOURCE_KINDS, Incident
from domain.redact import has_patient
from domain.settings import AlertSettings, Route
from tests.alerts.world import Told, Watch
from tests.collector.world import INCARNATION

NOW = 1_795_000_000.0
LOST = Trouble(kind="lost", file="/var/log/calls.log.1", since=NOW - 5, bytes=4_096)


def beat(*troubles: Trouble, at: float = NOW, skew: float | None = None, parts: Accounting | None = None) -> Heartbeat:
    state = SourceState(source="calls", watermark=at, accounting=parts or Accounting(), troubles=troubles,
                        skew_seconds=skew)  # fmt: skip
    return Heartbeat(version=1, agent="hub-3", incarnation=INCARNATION, sequence=1, at=at, sources=(state,))


class Kept:
    """Incidents as a store keeps them, stepped by hand; what is told."""

    def __init__(self) -> None:
        self.incidents: dict[int, Incident] = {}
        self.told: list[tuple[str, str]] = []

    def look(self, heartbeats: Sequence[Heartbeat], now: float) -> None:
        found, heard = found_in(heartbeats, now)
        for _ in range(2):
            done = step([one for one in self.incidents.values() if one.state != "closed"], found, heard, now)
            for change in done.changes:
                number = change.after.id or len(self.incidents) + 1
                self.incidents[number] = replace(change.after, id=number)
                if change.tell:
                    self.told.append((change.event, change.text))
            for number, reason in done.seen.items():
                self.incidents[number] = replace_seen(self.incidents[number], now, reason)

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(one.kind, one.state) for one in self.incidents.values()]


def replace_seen(incident: Incident, now: float, reason: str) -> Incident:
    return replace(incident, seen=now, reason=reason)


def test_what_is_lost_is_told_at_once_and_again_when_more_is() -> None:
    kept = Kept()
    kept.look([beat(LOST)], NOW)
    [(event, text)] = kept.told
    assert (event, kept.states) == ("confirmed", [("lost", "firing")])
    assert text.startswith("/var/log/calls.log.1: bytes were lost that were never read (4,096 bytes). Rotate by")
    for second in range(5, 120, 5):
        kept.look([beat(LOST, at=NOW + second)], NOW + second)
    assert len(kept.told) == 1
    more = Trouble(kind="lost", file="/var/log/other.log", since=NOW + 120, bytes=7)
    for second in range(120, 240, 5):
        kept.look([beat(LOST, more, at=NOW + second)], NOW + second)
    assert [event for event, _ in kept.told] == ["confirmed", "noted"]
    assert "/var/log/other.log" in kept.told[1][1]


@pytest.mark.parametrize("kind", sorted(SOURCE_KINDS - HAPPENED))
def test_the_others_are_told_once_they_have_lasted_and_when_they_are_over(kind: str) -> None:
    def heard(at: float) -> list[Heartbeat]:
        trouble = Trouble(kind=kind, file="/x.log", since=NOW, detail="why")  # type: ignore[arg-type]
        return [beat(at=at, skew=90.0)] if kind == "skewed" else [beat(trouble, at=at)]

    kept, wait = Kept(), CONFIRM.get(kind, 0.0)  # type: ignore[call-overload]
    at = NOW
    while at < NOW + wait:
        kept.look(heard(at), at)
        assert kept.told == []
        at += 5
    kept.look(heard(at), at)
    assert [event for event, _ in kept.told] == ["confirmed"]
    over = at
    while at < over + OVER_SECONDS + NOTED_SECONDS + 5:
        at += 5
        kept.look([beat(at=at)], at)
    assert [event for event, _ in kept.told] == ["confirmed", "recovered"]
    assert kept.states == [(kind, "resolved")]
    kept.look([beat(at=at + CLOSE)], at + CLOSE)
    assert kept.states == [(kind, "closed")]


def test_what_passes_before_it_has_lasted_is_told_to_nobody() -> None:
    kept = Kept()
    kept.look([beat(skew=-90.0)], NOW)
    kept.look([beat(at=NOW + 200)], NOW + 200)
    assert (kept.told, kept.states) == ([], [("skewed", "closed")])


def test_of_a_log_watcher_that_is_silent_nothing_is_learnt() -> None:
    kept = Kept()
    kept.look([beat(LOST)], NOW)
    later = NOW + FRESH_SECONDS + 2
    kept.look([beat(at=NOW + 1)], later)
    kept.look([], later + 5)
    assert kept.states == [("lost", "firing")]
    kept.look([], NOW + GONE_SECONDS + 1)
    assert kept.states == [("lost", "resolved")]
    assert len(kept.told) == 1, "nobody needs to hear that a retired log watcher has no trouble any more"


def test_lines_that_do_not_add_up_are_found_even_if_nobody_says_so() -> None:
    [found], _ = found_in([beat(parts=Accounting(lines=2, events=1))], NOW)
    assert (found.kind, found.place) == ("unbalanced", "hub-3/calls")


def test_every_kind_has_a_severity_and_none_is_the_publics() -> None:
    assert set(SEVERITIES) == SOURCE_KINDS
    kept = Kept()
    kept.look([beat(LOST)], NOW)
    [incident] = kept.incidents.values()
    assert public_state(incident) is None
    assert incident.severity == "page"
    assert route(incident, [Route(to=("ann",), hubs=("dpp",))], AlertSettings()).people == ("ann",)


def test_people_are_told_of_it_and_a_patient_in_a_files_name_is_not(tmp_path: Path) -> None:
    told = Told()
    watch = Watch(tmp_path, notifier=told)
    trouble = Trouble(kind="lost", file="/var/log/50010199928.log", since=watch.clock.now(), bytes=9)
    watch.world.sender.beat(beat(trouble, at=watch.clock.now()))
    watch.world.collector.tick()
    watch.alerts.once()
    [(person, title, text)] = told.told
    assert (person, title) == ("ann", "The source calls of hub-3 lost lines")
    assert "[patient].log: bytes were lost" in text
    assert "Side:" not in text
    assert not has_patient(text)
    [incident] = watch.incidents.unsettled()
    assert (incident.hub, incident.endpoint, incident.state) == ("", "hub-3/calls", "firing")
    watch.alerts.once()
    assert len(told.told) == 1
