"""Following in months of running: where it begins, who has the turn, what waits, what is told."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.batch import Accounting, SourceState
from domain.errors import ConfigError, StoreError
from logwatch.balance import imbalance
from logwatch.skew import LEAST_LOOKS, WINDOW_SECONDS, ahead
from logwatch.sources import LINGER_SECONDS, QUIET_SECONDS
from logwatch.start import start_us
from logwatch.troubles import UNREAD_SECONDS
from logwatch.watch import BACKFILL_SECONDS
from tests.logwatch.watching import START, Site, call, calls


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def state(site: Site) -> SourceState:
    """The source in the newest heartbeat."""
    [source] = site.heartbeat().sources
    return source


# -- where it begins -------------------------------------------------------------------------------------------


def test_a_source_begun_at_the_end_counts_what_comes_after(tmp_path: Path) -> None:
    with Site(tmp_path, start="end") as site:
        site.append("calls.log", calls(0, 10) + call(10)[:-9])
        (site.logs / "calls.log.1.gz").write_bytes(gzip.compress(calls(100, 200)))
        site.tick()
        assert site.sent().is_empty()
        # Killed and begun anew, it does not begin at the end again.
        site.restart()
        site.append("calls.log", call(10)[-9:] + calls(11, 13))
        site.append("calls.new", calls(20, 22))
        for _ in range(3):
            site.tick()
            site.restart()
        shutil.move(site.logs / "calls.log", site.logs / "calls.log.2")
        site.append("calls.log", calls(30, 31))
        for _ in range(3):
            site.tick(LINGER_SECONDS)
        content = calls(10, 13) + calls(20, 22) + calls(30, 31)
        site.has_sent(content)
        assert len(calls(0, 10)) in {position.begun for position in site.outbox.positions()}
        assert not state(site).troubles


def test_files_that_come_after_a_beginning_at_the_end_without_any_are_read_whole(tmp_path: Path) -> None:
    with Site(tmp_path, start="end") as site:
        site.tick()
        site.restart()
        site.append("calls.log", calls(0, 3))
        site.tick()
        site.has_sent(calls(0, 3))


def test_calls_before_the_time_of_beginning_are_ignored_and_accounted_for(tmp_path: Path) -> None:
    start = datetime.fromtimestamp(START - 100, UTC).isoformat()
    with Site(tmp_path, start=start) as site:
        site.append("calls.log", calls(0, 5, ago=101) + b"no line\n" + calls(5, 8, ago=100) + calls(8, 10))
        site.tick()
        assert site.sent()["calls"].sum() == 5
        total = site.outbox.totals()["calls"]
        assert (total.lines, total.events, total.ignored, total.malformed) == (11, 5, 5, 1)
        assert total.balanced
        site.restart()
        site.append("calls.log", call(1, ago=200) + call(1))
        site.tick()
        assert site.outbox.totals()["calls"].ignored == 6
        assert site.sent()["calls"].sum() == 6


@pytest.mark.parametrize("start", ["start", "2026-11-22", "2026-11-22T10:00:00", "yesterday", ""])
def test_what_is_no_place_to_begin(start: str) -> None:
    with pytest.raises(ConfigError, match=r'sources\[0\]\.start: .* Write "beginning", "end", or a time'):
        start_us(start, "sources[0].start")


def test_places_to_begin() -> None:
    assert start_us("beginning") is start_us("end") is None
    assert start_us("1970-01-01T01:00:01.5+01:00") == start_us("1970-01-01T00:00:01.5Z") == 1_500_000


# -- who has the turn ------------------------------------------------------------------------------------------


def test_thousands_of_old_files_do_not_keep_the_present_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logwatch.agent.BACKLOG_BYTES", 14_000)
    with Site(tmp_path) as site:
        old = b""
        for place in range(700):
            line = call(place, ago=86_400.0 * 30 - place * 60) * 10
            at = START - 86_400 * 30 + place * 60
            os.utime(site.append(f"calls-{place:04}.log", line), (at, at))
            old += line
        live = calls(0, 5)
        os.utime(site.append("calls-now.log", live), (START, START))
        left, ticks = [], 0
        while (behind := site.tick()) and ticks < 500:
            ticks += 1
            live += call(ticks)
            os.utime(site.append("calls-now.log", call(ticks)), (START + ticks, START + ticks))
            if site.clock.now() - site.heartbeat().at < 1:
                assert site.watermark() == site.heartbeat().at - 2
                left.append(state(site).unread_bytes)
            # The oldest first: what is kept are the oldest, and the file of now.
            if ticks == 5:
                kept = sorted(Path(position.path).name for position in site.outbox.positions())
                assert kept == [*(f"calls-{place:04}.log" for place in range(len(kept) - 1)), "calls-now.log"]
        assert not behind
        assert ticks > 8  # it took its time, and was never in the way
        assert left == sorted(left, reverse=True)
        site.settle()
        site.has_sent(old + live)


def test_a_turn_ends_by_the_clock_and_goes_on_with_those_that_waited(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        steady = iter(range(1_000_000))
        site.agent._steady = lambda: float(next(steady))  # each look at it is a second later
        for place in range(9):
            site.append(f"calls-{place}", calls(place * 10, place * 10 + 10))
        ticks = 0
        while site.tick():
            ticks += 1
        assert 3 <= ticks <= 9
        site.has_sent(calls(0, 90))
        assert site.watermark() is not None


def test_more_busy_files_than_are_held_open_are_all_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.sources.MOST_OPEN", 4)
    with Site(tmp_path) as site:
        content = b""
        for turn in range(12):
            for place in range(10):
                site.append(f"calls-{place}", call(turn * 10 + place))
                content += call(turn * 10 + place)
            site.tick()
        assert site.sent()["calls"].sum() > 60
        site.settle()
        site.has_sent(content)


def test_a_quiet_file_that_grows_again_is_read_at_once(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    site.tick()
    site.tick(BACKFILL_SECONDS * 10)
    site.append("calls.log", calls(3, 5))
    site.append("calls.log", calls(5, 6, ago=86_400))
    site.tick(2)
    site.has_sent(calls(0, 5) + calls(5, 6, ago=86_400))
    assert site.watermark() == site.clock.now() - 2


# -- what waits ------------------------------------------------------------------------------------------------


def test_a_full_outbox_leaves_the_lines_in_the_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Site(tmp_path, outbox_bytes=20_000) as site:
        site.sender.away = True
        content = b""
        for turn in range(100):
            site.append("calls.log", calls(turn * 50, turn * 50 + 50))
            content += calls(turn * 50, turn * 50 + 50)
            assert not site.tick()
        waiting = sum(len(payload) for _, payload in site.outbox.waiting())
        assert 20_000 <= waiting == site.outbox.waiting_bytes < 25_000
        [figures] = site.agent.stats.sources
        assert figures.unread_bytes > 100_000
        assert figures.behind_seconds > 50
        assert "nothing is read" in site.agent.stats.held_back
        assert len([record for record in caplog.records if "nothing is read" in record.message]) == 1
        with pytest.raises(StoreError, match="nothing is read"):
            site.agent.drain()
        site.restart()
        assert not site.tick()
        assert site.agent.stats.held_back
        site.sender.away = False
        site.tick()
        site.settle()
        assert not site.agent.stats.held_back
        assert site.outbox.waiting_bytes == 0
        site.has_sent(content)


def test_a_disk_that_is_full_for_real_loses_nothing(site: Site) -> None:
    site.append("calls.log", calls(0, 10))
    site.tick()
    database: sqlite3.Connection = site.outbox.real._database
    [pages] = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages + 2}")
    content = calls(0, 10)
    for turn in range(1, 20):
        content += calls(turn * 1_000, turn * 1_000 + 900)
        site.append("calls.log", calls(turn * 1_000, turn * 1_000 + 900))
        if turn == 5:
            (site.logs / "calls.log").rename(site.logs / "calls.log.1")
        site.tick()
    assert site.agent.stats.not_kept
    database.execute("PRAGMA max_page_count = 1000000")
    site.settle()
    assert not site.agent.stats.not_kept
    site.has_sent(content)


# -- what is told ----------------------------------------------------------------------------------------------


def test_a_rotated_file_that_goes_unread_is_told_before_it_is_deleted(tmp_path: Path) -> None:
    with Site(tmp_path, outbox_bytes=1) as site:
        site.append("calls.log", calls(0, 3))
        site.tick()
        site.sender.away = True
        site.append("calls.log", calls(3, 5))
        site.tick()
        (site.logs / "calls.log").rename(site.logs / "calls.log.1")
        with (site.logs / "calls.log.1").open("ab") as writer:
            writer.write(calls(5, 9))
        site.tick(UNREAD_SECONDS)
        site.tick(UNREAD_SECONDS)
        [trouble] = site.agent.stats.sources[0].troubles
        assert (trouble.kind, Path(trouble.file).name) == ("unread", "calls.log.1")
        assert trouble.bytes == len(calls(5, 9))
        site.sender.away = False
        for _ in range(3):
            site.tick(2)
        assert not state(site).troubles
        site.has_sent(calls(0, 9))


def test_a_file_that_waited_to_be_opened_and_was_deleted_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logwatch.sources.MOST_OPEN", 2)
    monkeypatch.setattr("logwatch.agent.BACKLOG_BYTES", 1)
    with Site(tmp_path) as site:
        for place in range(6):
            path = site.append(f"calls-{place}", calls(place * 1_000, place * 1_000 + 3_000, ago=90_000.0 - place))
            os.utime(path, (START - 90_000 + place * 1_000,) * 2)
        site.tick()
        (site.logs / "calls-3").unlink()
        (site.logs / "calls-4").unlink()
        (site.logs / "calls-4.gz").write_bytes(gzip.compress(b"what it held\n"))
        for _ in range(4):
            site.tick(40)
        lost = [trouble for trouble in state(site).troubles if trouble.kind == "lost"]
        assert [Path(trouble.file).name for trouble in lost] == ["calls-3"]
        assert lost[0].bytes == len(calls(3_000, 6_000, ago=89_997.0))


def test_a_file_that_cannot_be_read_and_then_can(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    site.append("calls.gz", gzip.compress(calls(3, 9))[:-9])
    site.tick(2)
    site.tick(2)
    [trouble] = state(site).troubles
    assert (trouble.kind, Path(trouble.file).name) == ("unreadable", "calls.gz")
    (site.logs / "calls.gz").write_bytes(gzip.compress(calls(3, 9)))
    for _ in range(3):
        site.tick(2)
    assert not state(site).troubles
    site.has_sent(calls(0, 9))


@contextmanager
def as_somebody() -> Iterator[None]:
    """As a user without rights, which root is not."""
    if os.geteuid() == 0:
        os.seteuid(65_534)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


@pytest.fixture
def open_site() -> Iterator[Site]:
    """A site in a directory that others may look into, as those of the tests are not."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        with Site(Path(directory)) as site:
            yield site


def test_rights_lost_and_given_back(open_site: Site) -> None:
    site = open_site
    site.append("calls.log", calls(0, 3))
    site.tick(2)
    before = site.watermark()
    new = site.append("calls.new", calls(3, 5))
    new.chmod(0)
    with as_somebody():
        site.agent._read_all(site.clock.now())
        [trouble] = site.agent._watches[0].troubles.told(site.clock.now())
        assert (trouble.kind, Path(trouble.file).name) == ("unreadable", "calls.new")
    new.chmod(0o644)
    site.settle()
    site.has_sent(calls(0, 5))
    # The whole directory: nobody knows what grows in there, so that no watermark passes.
    site.logs.chmod(0)
    watch = site.agent._watches[0]
    mark = watch.watermark
    site.clock.advance(10)
    with as_somebody():
        site.agent._read_all(site.clock.now())
        assert [trouble.kind for trouble in watch.troubles.told(site.clock.now())] == ["unreadable"]
        assert watch.watermark == mark != before
    site.logs.chmod(0o755)
    site.append("calls.log", calls(5, 7))
    site.tick(2)
    assert site.watermark() == site.clock.now() - 2
    site.has_sent(calls(0, 7))


def test_a_directory_that_goes_and_comes_again(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    site.tick()
    away = site.directory / "away"
    site.logs.rename(away)
    for _ in range(4):
        site.tick(LINGER_SECONDS)
    away.rename(site.logs)
    site.append("calls.log", calls(3, 5))
    site.tick()
    site.has_sent(calls(0, 5))


def test_the_last_line_without_an_end_of_a_file_that_is_not_renamed(site: Site) -> None:
    for hour in range(3):
        site.append(f"calls-{hour}.log", calls(hour * 10, hour * 10 + 5)[:-1])
    site.tick()
    site.tick(3_600)
    assert site.sent()["calls"].sum() == 12
    site.tick(QUIET_SECONDS)
    assert site.sent()["calls"].sum() == 15


def test_a_name_with_a_number_says_that_nobody_writes_to_it(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    site.append("calls.log.1", calls(3, 6)[:-1])
    site.append("calls.log-20261121", calls(6, 9)[:-1])
    site.append("calls.logs", calls(9, 12)[:-1])
    site.tick()
    site.restart()
    site.tick(LINGER_SECONDS)
    site.tick(LINGER_SECONDS)
    assert site.sent()["calls"].sum() == 11


def test_sums_that_do_not_add_up_are_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.append("calls.log", calls(0, 3))
    site.tick()
    [file] = site.agent._watches[0].files.files.values()
    file.line_ends += 1
    site.append("calls.log", calls(3, 5))
    site.tick(2)
    [trouble] = state(site).troubles
    assert trouble.kind == "unbalanced"
    assert "6 lines end in it, and 5 are accounted for" in trouble.detail
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("told", "ends", "offset", "size", "problem"),
    [
        (Accounting(lines=2, events=2, bytes=10), 2, 10, 10, ""),
        (Accounting(lines=2, events=2, bytes=10), -1, 10, None, ""),
        (Accounting(lines=2, events=1, bytes=10), 2, 10, None, "does not add up to that"),
        (Accounting(lines=2, events=2, bytes=10), 3, 10, None, "3 lines end in it, and 2"),
        (Accounting(lines=2, events=2, bytes=9), 2, 10, None, "10 bytes were read, and 9"),
        (Accounting(lines=2, events=2, bytes=10), 2, 10, 12, "holds 12 bytes, and is counted up to 10"),
    ],
)
def test_what_does_not_add_up(told: Accounting, ends: int, offset: int, size: int | None, problem: str) -> None:
    found = imbalance(told, ends, 0, offset, size)
    assert (problem in found) and bool(found) == bool(problem)


# -- whose clock -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [-90.0, 0.0, 45.0, 1_000.0])
def test_the_lead_of_a_servers_clock_is_measured_on_live_lines(site: Site, lead: float) -> None:
    for turn in range(30):
        now = site.clock.now() + 1
        # Some lines of each second, some of them told late, one with a wild time.
        ages = [0.9, 0.1, 30.0 if turn % 4 else 0.2, -200.0 if turn == 7 else 0.5]
        content = b"".join(call(turn * 4 + i, ago=START - now - lead + age) for i, age in enumerate(ages))
        site.append("calls.log", content)
        site.tick()
    told = state(site).skew_seconds
    assert told is not None
    assert lead - 1 <= told <= lead + 0.5


def test_of_a_backlog_no_clock_is_measured(site: Site) -> None:
    for turn in range(20):
        site.append(f"calls-{turn}", calls(0, 9, ago=400))
        site.tick()
    assert state(site).skew_seconds is None


def test_the_ninth_of_ten_samples_counts_and_few_do_not() -> None:
    assert ahead([1.0] * (LEAST_LOOKS - 1)) is None
    assert ahead([*(-1.0 for _ in range(9)), 100.0, *(-1.0 for _ in range(10))]) == -1.0
    assert ahead([*(-30.0 for _ in range(5)), *(0.0 for _ in range(15))]) == 0.0
    assert WINDOW_SECONDS == 300


def test_a_clock_set_back_puts_nothing_off(site: Site) -> None:
    path = site.append("calls.log", calls(0, 3)[:-1])
    site.append("calls.gz", b"\x1f\x8b")
    site.tick()
    path.unlink()
    site.clock.advance(-7 * 86_400)
    for _ in range(3):
        site.tick(LINGER_SECONDS)
    assert site.outbox.totals()["calls"].bytes == len(calls(0, 3)) - 1
    assert not site.agent._watches[0].files.files
