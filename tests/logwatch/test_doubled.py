"""The hour that October doubles: told by the file's order, however the lines arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settings import Fields, Format, TimeField
from logwatch.doubled import Passed, changes
from logwatch.follow import FollowedFile
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.times import US
from tests.logwatch.some import NOW, bounded, read_blocks
from tests.logwatch.watching import Site

BRUSSELS = ZoneInfo("Europe/Brussels")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHANGE = datetime(2026, 10, 25, 1, tzinfo=UTC)
FORM = Format(kind="logfmt", time=TimeField(field="ts"), fields=Fields(endpoint="op", code="code"))


def written(moment: datetime) -> bytes:
    return f"ts={moment.astimezone(BRUSSELS):%Y-%m-%dT%H:%M:%S} op=a code=TIP_200\n".encode()


def read(lines: list[bytes], size: int, way: str = "small") -> list[datetime]:
    blocks = [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    events = read_blocks(FORM, blocks, way).events  # type: ignore[arg-type]
    return [EPOCH + timedelta(microseconds=event[0]) for event in events]  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["small", "block"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_night_is_read_as_it_was(way: str, size: int) -> None:
    moments = [CHANGE + timedelta(seconds=17 * step) for step in range(-800, 800)]
    assert read([written(moment) for moment in moments], size, way) == moments


def test_lines_out_of_order_by_a_minute_stay_in_their_pass() -> None:
    moments = [CHANGE + timedelta(seconds=17 * step + 60 * (-1) ** step) for step in range(-800, 800)]
    assert read([written(moment) for moment in moments], 10_000) == moments


def test_a_quiet_log_is_told_as_soon_as_it_goes_back() -> None:
    minutes = (-70, -58, -20, -3, 10, 30, 58, 61, 200)
    moments = [CHANGE + timedelta(minutes=minute) for minute in minutes]
    assert read([written(moment) for moment in moments], 2) == moments


def test_times_with_a_zone_are_left_alone() -> None:
    lines = [b"ts=2026-10-25T02:30:00+02:00 op=a\n", b"ts=2026-10-25T02:00:00+02:00 op=a\n"]
    assert read(lines, 2) == [CHANGE - timedelta(minutes=30), CHANGE - timedelta(minutes=60)]


@given(
    steps=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 100)), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60)),
)
@bounded(100)
def test_any_cutting_and_way_gives_the_same(steps: list[tuple[int, int]], cuts: list[int]) -> None:
    moment, lines = CHANGE - timedelta(hours=2), []
    for ahead, back in steps:
        moment += timedelta(seconds=ahead)
        lines.append(written(moment - timedelta(seconds=back)))
    whole = read_blocks(FORM, [b"".join(lines)], "small").told()
    edges = [0, *sorted({min(cut, len(lines)) for cut in cuts}), len(lines)]
    blocks = [b"".join(lines[a:b]) for a, b in pairwise(edges) if a < b]
    for way in ("small", "block"):
        assert read_blocks(FORM, blocks, way).told() == whole


def test_what_a_file_came_by_survives_a_restart(tmp_path: Path) -> None:
    moments = [CHANGE + timedelta(minutes=minute) for minute in range(-90, 90, 7)]
    content = b"".join(map(written, moments))
    path = tmp_path / "calls.log"
    path.write_bytes(content)
    length = len(written(moments[0]))
    for stop in range(1, len(moments)):
        found: list[int] = []
        position = None
        for most in (stop * length, len(content)):
            file = FollowedFile("s", path, NOW)
            if position is not None:
                assert file.resume(position)
            reader = Reader(FORM, Registry(10))
            reading = reader.read(file.read(most, NOW), NOW, passed=file.passed)
            file.counted(reading.accounting)
            position = file.position()
            found += reading.events.time_us.tolist()
            file.close()
        assert [EPOCH + timedelta(microseconds=us) for us in found] == moments


def test_a_file_that_begins_anew_has_come_by_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calls.log"
    path.write_bytes(written(CHANGE))
    file = FollowedFile("s", path, NOW)
    assert file.resume(msgspec.structs.replace(file.position(), doubled=(1, 2)))
    assert file.position().doubled == (1, 2)
    file.begin_again()
    assert file.passed == Passed()
    file.close()


def test_when_clocks_go_back() -> None:
    (change,) = changes(BRUSSELS, 2026)
    assert change == ((CHANGE - EPOCH) // timedelta(microseconds=1), 3_600 * US)
    assert changes(ZoneInfo("UTC"), 2026) == ()
    assert changes(BRUSSELS, 9_999) == ()
    ((_, half),) = changes(ZoneInfo("Australia/Lord_Howe"), 2026)
    assert half == 1_800 * US


def test_an_agent_that_is_killed_or_cannot_keep_anything_in_that_night_counts_it_right(tmp_path: Path) -> None:
    lines = [written(CHANGE + timedelta(minutes=minute)) for minute in range(-100, 100, 9)]
    with Site(tmp_path, FORM) as site:
        for place, line in enumerate(lines):
            site.append("calls.log", line)
            site.outbox.full = place % 4 == 1
            site.tick()
            if place % 3 == 2:
                site.restart()
        site.outbox.full = False
        site.settle()
        site.has_sent(b"".join(lines))
        hours = site.sent().group_by(pl.col("bucket") // 3_600).agg(pl.col("calls").sum()).sort("bucket")
        assert hours["calls"].to_list() == [5, 7, 6, 5]
