"""The published document: what the public reads of what is known, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from alerts.publish import Known, document, notices, public_state, state_of, wait_of, write
from domain.deferred import QueueStatus
from domain.errors import StoreError
from domain.incident import Incident
from domain.published import Published, decode_published, encode_published
from domain.restart import Restart
from domain.series import DAY
from domain.settings import DeferredSettings, HubSettings, Settings, Site, Target

NOW = datetime(2026, 11, 23, 10, 42, tzinfo=UTC).timestamp()
TODAY = int(NOW // DAY) * DAY
SETTINGS = Settings(
    site=Site(name="Our site", data="data"),
    hubs=(HubSettings(key="recipe", name="Recip-e", does="prescriptions"),),
    deferred=DeferredSettings(targets=(Target(name="recipe-in", url="https://hub.example/", hub="recipe", rate=50),)),
)
KNOWN = Known({TODAY - DAY: 0.9991, TODAY: None}, frozenset({TODAY - DAY, TODAY}), 0.0)


def incident(number: int = 1, **changes: object) -> Incident:
    fields: dict[str, object] = {
        "id": number, "hub": "recipe", "endpoint": "executor.secret", "kind": "failing", "severity": "page",
        "state": "firing", "side": "vendor", "since": NOW - 630, "opened": NOW - 600, "changed": NOW - 590,
        "seen": NOW - 5, "reason": "mostly ERR200054 of vendor apolline",
    }  # fmt: skip
    return Incident(**(fields | changes))  # type: ignore[arg-type]


def over(**changes: object) -> Incident:
    return incident(**({"state": "resolved", "resolved": NOW - 60} | changes))  # type: ignore[arg-type]


def restart(**changes: object) -> Restart:
    fields: dict[str, object] = {
        "id": 4, "hub": "recipe", "target": "recipe-in", "reason": "update", "by": "ann", "state": "holding",
        "planned": NOW - 100, "until": NOW + 500, "started": NOW - 90,
    }  # fmt: skip
    return Restart(**(fields | changes))  # type: ignore[arg-type]


def queue(**changes: object) -> QueueStatus:
    fields: dict[str, object] = {
        "target": "recipe-in", "held": False, "held_by": "", "held_since": None, "reason": "", "waiting": 0,
        "oldest": None, "delivered": 0, "dead": 0, "rate": 0.0,
    }  # fmt: skip
    return QueueStatus(**(fields | changes))  # type: ignore[arg-type]


HELD = queue(held=True, held_since=NOW - 80, waiting=1_000, oldest=NOW - 80)


@pytest.mark.parametrize(
    ("mark", "failing", "told", "restarts", "queues", "state", "since"),
    [
        (NOW - 5, 0.0, [], [], [], "works", None),
        (NOW - 181, 0.0, [incident()], [], [], "unknown", NOW - 181),
        (None, 0.0, [], [], [], "unknown", None),
        (NOW - 5, 0.1, [incident()], [], [], "some-fail", NOW - 630),
        (NOW - 5, 0.6, [incident()], [], [], "fails", NOW - 630),
        (NOW - 5, 0.3, [incident(endpoint="")], [], [], "fails", NOW - 630),
        (NOW - 5, 0.03, [incident(endpoint="", severity="notice")], [], [], "some-fail", NOW - 630),
        (NOW - 5, 0.0, [incident(kind="fewer")], [], [], "works", None),
        (NOW - 5, 0.0, [over()], [], [], "works", NOW - 60),
        (NOW - 5, 1.0, [incident(endpoint="")], [restart(target="")], [], "maintenance", NOW - 90),
        (NOW - 5, 1.0, [incident(endpoint="")], [restart()], [HELD], "kept", NOW - 90),
        (NOW - 5, 0.0, [], [], [HELD], "kept", NOW - 80),
        (NOW - 5, 0.0, [], [], [queue(waiting=3, oldest=NOW - 2)], "works", None),
        (NOW - 5, 0.0, [], [], [queue(waiting=3, oldest=NOW - 70)], "kept", NOW - 70),
        (NOW - 5, 0.0, [], [restart(state="ended", ended=NOW - 20)], [], "works", NOW - 20),
    ],
)
def test_what_the_public_reads(
    mark: float | None, failing: float, told: Sequence[Incident], restarts: Sequence[Restart],
    queues: Sequence[QueueStatus], state: str, since: float | None,
) -> None:  # fmt: skip
    assert state_of(mark, NOW, failing, told, restarts, queues) == (state, since)


@pytest.mark.parametrize(
    ("restarts", "queues", "seconds"),
    [
        ([restart()], [HELD], 520),  # until it is over, and a thousand at fifty a second
        ([restart(state="draining")], [queue(waiting=1_000, oldest=NOW - 80, rate=25.0)], 40),
        ([], [], None),
    ],
)
def test_how_long_what_is_kept_waits(
    restarts: Sequence[Restart], queues: Sequence[QueueStatus], seconds: float | None
) -> None:
    assert wait_of(NOW, SETTINGS, restarts, queues) == seconds


def made(*incidents: Incident, restarts: Sequence[Restart] = (), known: Known = KNOWN) -> Published:
    return document(SETTINGS, NOW - 5, NOW, {"recipe": known}, incidents, restarts, ())


def test_days_and_notices() -> None:
    published = made(incident(), incident(2, state="suspected"))
    (component,) = published.components
    assert (component.name, component.does, component.state, component.since) == (
        "Recip-e", "prescriptions", "some-fail", (NOW - 630) // 60 * 60,
    )  # fmt: skip
    assert [(day.date, day.state, day.availability) for day in component.days] == [
        ("2026-11-22", "works", 0.9991), ("2026-11-23", "some-fail", None),
    ]  # fmt: skip
    assert [(notice.id, notice.state, notice.end) for notice in published.notices] == [
        ("incident-1", "some-fail", None)
    ]


def test_a_day_without_calls_is_not_known() -> None:
    published = made(known=Known({TODAY: None}, frozenset(), math.nan))
    assert published.components[0].days[0].state == "unknown"


def test_planned_work_is_a_notice_and_not_a_state() -> None:
    planned = restart(state="planned", started=None, planned=NOW + 3_600, until=NOW + 5_400)
    published = made(restarts=[planned])
    assert published.components[0].state == "works"
    assert [(one.kind, one.start, one.end) for one in published.notices] == [("maintenance", NOW + 3_600, NOW + 5_400)]
    assert not notices([], [restart(state="cancelled")], NOW)
    assert not notices([over(resolved=NOW - 15 * DAY)], [restart(state="ended", ended=NOW - 15 * DAY)], NOW)


def test_nothing_below_a_hub_is_in_it() -> None:
    text = encode_published(made(incident(), over(), restarts=[restart()])).decode()
    assert not [word for word in ("secret", "apolline", "ERR", "ann", "vendor", "recipe-in") if word in text]
    assert public_state(incident(state="closed")) is None  # it was never more than suspected
    assert msgspec.json.decode(text)["version"] == 1


def test_it_is_there_whole_or_as_before(tmp_path: Path) -> None:
    file = tmp_path / "published" / "status.json"
    write(file, made())
    assert decode_published(file.read_bytes()) == made()
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == ["status.json"]
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    with pytest.raises(StoreError, match="blocked"):
        write(blocked / "status.json", made())
