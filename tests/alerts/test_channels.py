"""Channels and pictures: what is told of a channel never holds its secret; a picture is drawn whatever is known."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from alerts.notify import AppriseNotifier, masked
from domain.clock import ManualClock
from domain.errors import NotifyError, SeriesError
from domain.ports import Delivery
from domain.series import DAY, SeriesKey
from domain.settings import Person
from rrd.graph import Mark, draw, mark_lines, picture, window
from rrd.present import Reader
from tests.alerts.world import PNG, Hook
from tests.collector.world import BRUSSELS, START, MemorySeries
from tests.dashboard.traffic import OpenPresent


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


DELIVERY = Delivery("Recip-e fails", "40 % of the calls\nof patient 50010199928", None)


def notifier(tmp_path: Path, *urls: str) -> AppriseNotifier:
    return AppriseNotifier([Person(name="ann", urls=urls)], tmp_path)


def test_no_patient_is_told(tmp_path: Path, hook: Hook) -> None:
    notifier(tmp_path, hook.url).tell("ann", DELIVERY)
    assert hook.posts[0]["title"] == "Recip-e fails"
    assert hook.posts[0]["message"] == "40 % of the calls\nof patient [patient]"
    assert hook.posts[0]["attachments"] == []


def test_one_channel_that_works_is_enough(tmp_path: Path, hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    notifier(tmp_path, "json://127.0.0.1:9/hidden-path", hook.url).tell("ann", DELIVERY)
    assert len(hook.posts) == 1
    ours = [record.message for record in caplog.records if record.name == "alerts.notify"]
    assert any("ann was told, but not by json://127.0.0.1:9/…" in text for text in ours)
    assert not [text for text in ours if "hidden" in text]


def test_none_that_works_may_work_later(tmp_path: Path, hook: Hook) -> None:
    hook.status = 500
    with pytest.raises(NotifyError, match=r"ann could not be told: json://127\.0\.0\.1:.*500") as caught:
        notifier(tmp_path, hook.url).tell("ann", DELIVERY)
    assert caught.value.retry
    assert "secret" not in str(caught.value)


def test_nobody_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(NotifyError, match='nobody called "ben"') as caught:
        notifier(tmp_path).tell("ben", DELIVERY)
    assert not caught.value.retry


def test_a_file_of_urls_is_read_at_each_use(tmp_path: Path, hook: Hook) -> None:
    told = AppriseNotifier([Person(name="ann", urls_file="urls")], tmp_path)
    with pytest.raises(NotifyError, match="No such file") as caught:
        told.tell("ann", DELIVERY)
    assert caught.value.retry
    (tmp_path / "urls").write_text(f"# hers\n{hook.url}\n")
    told.tell("ann", DELIVERY)
    assert told.people() == ["ann"]
    assert len(hook.posts) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mailtos://ann:hidden@mail.example.org?to=ops@example.org", "mailtos://ann:****@mail.example.org/"),
        ("jsons://u:hidden@example.org:8443/hidden?x=hidden", "jsons://example.org:8443/…"),
        ("nonsense-hidden", "nonsense-hidden://…"),
        ("nonsense://hidden", "nonsense://…"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert masked(url).startswith(shown)
    assert url.startswith("nonsense-") or "hidden" not in masked(url)


# ---- pictures ----


@pytest.mark.parametrize(
    ("age", "step", "least"), [(30, 10, 1_500), (3_600, 10, 5_400), (7_200, 60, 10_800), (2 * DAY, 300, 2 * DAY)]
)
def test_a_picture_shows_what_came_before(age: float, step: int, least: float) -> None:
    start, of = window(1_000_000 - age, 1_000_000)
    assert of == step
    assert start % step == 0
    assert 1_000_000 - start >= least


def test_a_picture_of_nothing_is_one(tmp_path: Path) -> None:
    live = OpenPresent()
    live.answers = False
    snapshot = Reader(MemorySeries(), live, ManualClock(START), BRUSSELS).snapshot()
    drawn = picture(
        snapshot, SeriesKey("hub", ("x",)), '-- "odd": %s \\ é' * 10, START - 60, [Mark(START, "a:b\\c %d")]
    )
    assert drawn.startswith(PNG)


def test_the_words_of_a_mark_are_wrapped_and_not_cut_by_the_edge() -> None:
    words = "since 14:32: 100 % of the calls fail technically (0.3 % last week), mostly PCDH_EHEALTH_CONNECTION_ERROR"
    shown = [mark_lines(Mark(START, words)), mark_lines(Mark(START, f"{words}, {words}, {words}"))]
    assert " ".join(shown[0]) == words
    assert shown[1][-1].endswith(" …")
    assert all(len(lines) == 2 and max(map(len, lines)) <= 76 for lines in shown)
    assert mark_lines(Mark(START, "")) == [""]


def test_a_picture_without_the_program_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = {name: np.ones(10) for name in ("calls", "failed", "week")}
    with pytest.raises(SeriesError, match="there is no rrdtool"):
        draw(START, 10, lines, "x", [], BRUSSELS)
    assert not [name for name in os.listdir(tmp_path) if name.startswith("pharmapulse")]  # noqa: PTH208 (names are enough)


def test_a_mail_server_that_never_answers_holds_up_nobody_else(tmp_path: Path, hook: Hook) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        mail = f"mailto://127.0.0.1:{port}?from=pulse@example.org&to=ann@example.org"
        people = (Person(name="ann", urls=(mail,)), Person(name="ben", urls=(hook.url,)))
        both = AppriseNotifier(people, tmp_path)
        hanging = threading.Thread(target=both.send, args=("ann", DELIVERY))
        hanging.start()
        connection, _ = silent.accept()
        both.tell("ben", DELIVERY)
        assert len(hook.posts) == 1
        assert hanging.is_alive()
        connection.close()
    hanging.join(30)
    assert not hanging.is_alive()
