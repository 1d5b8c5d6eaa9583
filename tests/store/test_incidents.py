"""Incidents in the state: kept whole with journal and notifications, changed by one of two, told until delivered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.errors import StoreError
from domain.incident import Incident
from store.incidents import SqlIncidents
from store.state import SqlState, open_state


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqlState]:
    with closing(open_state(f"sqlite:///{tmp_path}/state.db")) as state:
        yield state


@pytest.fixture
def store(state: SqlState) -> SqlIncidents:
    return SqlIncidents(state.engine)


def incident(**changes: object) -> Incident:
    fields: dict[str, object] = {
        "id": 0, "hub": "recipe", "endpoint": "executor.x", "kind": "failing", "severity": "page",
        "state": "suspected", "side": "ehealth", "since": 100.0, "opened": 120.0, "changed": 120.0, "seen": 119.0,
        "reason": "40 % of the calls fail technically",
    }  # fmt: skip
    return Incident(**(fields | changes))  # type: ignore[arg-type]


def kept(store: SqlIncidents, **changes: object) -> Incident:
    made = store.keep(incident(**changes), None, "opened", "pharmapulse", "seen", 120.0)
    assert made is not None
    return made


def fired(store: SqlIncidents, before: Incident, *tell: str, now: float = 130.0) -> Incident:
    after = store.keep(replace(before, state="firing", changed=now), before, "confirmed", "x", "y", now, tell)
    assert after is not None
    return after


def test_an_incident_is_kept_with_its_journal(store: SqlIncidents) -> None:
    made = kept(store)
    assert made == replace(incident(), id=made.id)
    firing = fired(store, made, "ann", "ben", "ann")
    assert store.incident(made.id) == firing
    assert store.incident(99) is None
    assert store.unsettled() == [firing]
    assert [(entry.event, entry.by, entry.text) for entry in store.journal(made.id)] == [
        ("opened", "pharmapulse", "seen"), ("confirmed", "x", "y"),
    ]  # fmt: skip
    waiting = store.to_tell(130, 10)
    assert [(one.person, one.attempts, one.incident) for one in waiting] == [("ann", 0, made.id), ("ben", 0, made.id)]
    assert not store.to_tell(129, 10)
    assert len(store.to_tell(130, 1)) == 1


def test_of_two_who_change_it_one_does(store: SqlIncidents) -> None:
    made = kept(store)
    mine = replace(made, state="acknowledged", changed=125.0, acknowledged_by="ann")
    assert store.keep(mine, made, "acknowledged", "ann", "", 125) is not None
    assert store.keep(replace(made, state="firing", changed=126.0), made, "confirmed", "p", "", 126, ["ben"]) is None
    assert [entry.event for entry in store.journal(made.id)] == ["opened", "acknowledged"]
    assert not store.to_tell(1_000, 10)


def test_a_passage_through_a_state_is_not_the_next_one(store: SqlIncidents) -> None:
    first = fired(store, kept(store))
    resolved = store.keep(replace(first, state="resolved", changed=200.0), first, "recovered", "p", "", 200)
    assert resolved is not None
    again = store.keep(replace(resolved, state="firing", changed=210.0), resolved, "relapsed", "p", "", 210)
    assert again is not None
    assert store.keep(replace(first, state="acknowledged", changed=220.0), first, "acknowledged", "a", "", 220) is None


def test_seen_again_without_an_entry(store: SqlIncidents) -> None:
    made, other = kept(store), kept(store, endpoint="executor.y")
    store.touch({})
    store.touch({made.id: (180.0, "still")})
    assert store.incident(made.id) == replace(made, seen=180.0, reason="still")
    assert store.incident(other.id) == other
    assert len(store.journal(made.id)) == 1
    # A note of being seen does not stand in the way of a change.
    assert fired(store, made).state == "firing"


def test_newest_first_and_since(store: SqlIncidents) -> None:
    old = kept(store, opened=50.0, changed=60.0, state="closed", closed=60.0)
    new = kept(store, opened=500.0, changed=500.0)
    assert [one.id for one in store.incidents(0, 10)] == [new.id, old.id]
    assert [one.id for one in store.incidents(55, 10)] == [new.id, old.id]
    assert [one.id for one in store.incidents(61, 10)] == [new.id]
    assert len(store.incidents(0, 1)) == 1
    assert store.unsettled() == [new]


def test_entries_of_all_incidents_in_order(store: SqlIncidents) -> None:
    assert store.last_entry() == 0
    first = kept(store)
    mark = store.last_entry()
    kept(store)
    fired(store, first)
    assert [(entry.incident, entry.event) for entry in store.entries_after(mark, 10)] == [
        (first.id + 1, "opened"), (first.id, "confirmed"),
    ]  # fmt: skip
    assert len(store.entries_after(0, 1)) == 1
    assert not store.entries_after(store.last_entry(), 10)


def test_told_again_until_told(store: SqlIncidents) -> None:
    fired(store, kept(store), "ann")
    (waiting,) = store.to_tell(130, 10)
    store.not_told(waiting, "no answer" * 200, 160)
    assert not store.to_tell(159, 10)
    (waiting,) = store.to_tell(160, 10)
    assert (waiting.attempts, len(waiting.error)) == (1, 500)
    store.told(waiting, 161)
    assert not store.to_tell(10_000, 10)


def test_given_up(store: SqlIncidents) -> None:
    fired(store, kept(store), "ann")
    store.not_told(store.to_tell(130, 10)[0], "no such person", None)
    assert not store.to_tell(1e12, 10)


_CHILD = """
import sys
from dataclasses import replace
from store.incidents import SqlIncidents
from store.state import open_state
store = SqlIncidents(open_state(sys.argv[1]).engine)
made, me = store.incident(int(sys.argv[2])), sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
for at in range(20):
    store.touch({made.id: (float(at), me)})
    new = store.keep(replace(made, id=0, endpoint=me), None, "opened", me, "", float(at))
    store.keep(replace(new, state="firing", changed=1.0), new, "confirmed", me, "", float(at), [me])
won = store.keep(replace(made, state="firing", changed=500.0), made, "confirmed", me, "", 500.0, ["ann"])
print(won is not None)
"""


def test_two_processes_at_once(tmp_path: Path, store: SqlIncidents) -> None:
    made = kept(store)
    url = f"sqlite:///{tmp_path}/state.db"
    together = [
        subprocess.Popen(
            [sys.executable, "-c", _CHILD, url, str(made.id), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for process in together:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in together:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in together]
    assert [errors for _, errors in answers] == ["", ""]
    assert sorted(out.strip() for out, _ in answers) == ["False", "True"]
    assert len(store.unsettled()) == 41
    assert len(store.to_tell(1_000, 100)) == 41


def test_a_word_that_is_none_is_told(state: SqlState, store: SqlIncidents) -> None:
    made = kept(store)
    with state.engine.begin() as connection:
        connection.execute(text("UPDATE incidents SET state = 'odd'"))
    with pytest.raises(StoreError, match='"odd" is no state'):
        store.incident(made.id)


def test_what_cannot_be_kept_is_kept_in_no_part(state: SqlState, store: SqlIncidents) -> None:
    made = kept(store)
    with state.engine.begin() as connection:
        connection.execute(text("DROP TABLE notifications"))
    with pytest.raises(StoreError, match="notifications"):
        fired(store, made, "ann")
    assert store.incident(made.id) == made
    assert len(store.journal(made.id)) == 1
