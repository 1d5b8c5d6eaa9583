"""Copies and emptied files: what logrotate's copytruncate, `cp`, gzip and shells do to logs; every call once."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zstandard

from logwatch.losses import COPY_SECONDS
from logwatch.sources import LINGER_SECONDS
from logwatch.waiting import SETTLED_SECONDS
from tests.logwatch.watching import Site, call, calls

BANNER = b"the hub begins to write\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def copied(site: Site, name: str = "calls.log.1") -> Path:
    """A copy of the log, as `copytruncate` makes it."""
    return Path(shutil.copyfile(site.logs / "calls.log", site.logs / name))


def emptied(site: Site, content: bytes = b"") -> None:
    """The log emptied in its place, and perhaps filled again."""
    with (site.logs / "calls.log").open("r+b") as writer:
        writer.truncate()
        writer.write(content)


def lines(site: Site, content: bytes) -> None:
    """Check the calls, the lines and the bytes: what is no call is malformed."""
    assert site.sent().equals(site.expected(content))
    total = site.outbox.totals()["calls"]
    assert total.balanced
    assert (total.lines, total.bytes) == (content.count(b"\n"), len(content))
    for position in site.outbox.positions():
        assert position.line_ends == position.accounting.lines
        assert position.accounting.bytes == position.offset - position.begun


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("looked", [False, True])
@pytest.mark.parametrize("begins", [b"", BANNER])
@pytest.mark.parametrize("refilled", [1, 5, 40])
def test_copytruncate_counts_each_call_once(
    site: Site, begins: bytes, refilled: int, looked: bool, restarted: bool
) -> None:
    first, unread, second = begins + calls(0, 10), calls(10, 14), begins + calls(20, 20 + refilled)
    site.append("calls.log", first)
    site.tick()
    site.append("calls.log", unread)
    copied(site)
    if looked:
        site.tick()
    emptied(site, second)
    if restarted:
        site.restart()
    for _ in range(4):
        site.tick(2)
    lines(site, first + unread + second)
    site.restart()
    site.append("calls.log", calls(90, 92))
    for _ in range(4):
        site.tick(LINGER_SECONDS)
    lines(site, first + unread + second + calls(90, 92))
    assert not [trouble.kind for source in site.heartbeat().sources for trouble in source.troubles]


def test_copytruncate_time_and_again_under_shifting_names(site: Site) -> None:
    content = b""
    for turn in range(6):
        part = BANNER + calls(turn * 30, turn * 30 + 10 + turn)
        site.append("calls.log", part)
        site.tick()
        rest = calls(turn * 30 + 20, turn * 30 + 22)
        site.append("calls.log", rest)
        content += part + rest
        for old in range(turn, 0, -1):
            (site.logs / f"calls.log.{old}").rename(site.logs / f"calls.log.{old + 1}")
        copied(site)
        emptied(site)
        if turn == 3:
            site.restart()
        for _ in range(3):
            site.tick(2)
    for _ in range(3):
        site.tick(LINGER_SECONDS)
    lines(site, content)


def test_a_copy_that_is_being_written_waits_and_a_live_file_does_not(site: Site) -> None:
    content = calls(0, 3_000)
    site.append("calls.log", content)
    site.tick()
    copy = site.logs / "calls.log.1"
    for end in (0, 10, 70, 5_000, len(content) // 2, len(content)):
        copy.write_bytes(content[:end])
        site.append("calls.log", call(end))
        content += call(end)
        site.tick(3)
        lines(site, content)
    copy.write_bytes(content)
    emptied(site, calls(5_000, 5_003))
    for _ in range(3):
        site.tick(3)
    lines(site, content + calls(5_000, 5_003))


@pytest.mark.parametrize("packed", [False, True])
def test_a_copy_kept_beside_its_original_is_never_read_though_that_goes(site: Site, packed: bool) -> None:
    content = calls(0, 50)
    site.append("calls.log", content)
    site.tick()
    if packed:
        (site.logs / "calls.kept.gz").write_bytes(gzip.compress(content))
    else:
        copied(site, "calls.kept")
    site.append("calls.log", calls(50, 90))
    for _ in range(4):
        site.tick(SETTLED_SECONDS / 2)
    (site.logs / "calls.log").unlink()
    for _ in range(4):
        site.tick(LINGER_SECONDS)
    site.restart()
    site.tick()
    lines(site, calls(0, 90))


def test_of_two_that_begin_alike_the_longer_is_followed_whatever_they_are_called(site: Site) -> None:
    site.append("calls.log", calls(0, 20))
    copied(site, "calls.a-copy")
    site.tick()
    for place in range(20, 30):
        site.append("calls.log", call(place))
        site.tick(2)
    site.restart()
    site.append("calls.log", calls(30, 33))
    for _ in range(3):
        site.tick(2)
    lines(site, calls(0, 33))


def test_a_file_emptied_and_filled_to_the_same_size_is_another_content(site: Site) -> None:
    site.append("calls.log", calls(10, 20))
    site.tick()
    emptied(site, calls(20, 30))
    assert len(calls(10, 20)) == len(calls(20, 30))
    site.tick()
    lines(site, calls(10, 30))
    emptied(site, calls(40, 50))
    site.restart()
    site.tick()
    lines(site, calls(10, 30) + calls(40, 50))


def test_what_was_emptied_before_it_was_read_is_told_when_no_copy_comes(site: Site) -> None:
    site.append("calls.log", calls(0, 10))
    site.tick()
    site.append("calls.log", call(10) + call(11)[:-7])
    site.outbox.full = True
    site.tick()  # seen, and not kept
    site.outbox.full = False
    emptied(site)
    site.tick()
    site.tick(COPY_SECONDS)
    site.tick(3)
    [source] = site.heartbeat().sources
    [trouble] = source.troubles
    lost = len(call(10) + call(11)) - 7
    assert (trouble.kind, trouble.bytes, Path(trouble.file).name) == ("lost", lost, "calls.log")
    assert "are lost" in trouble.detail
    lines(site, calls(0, 10))


def test_a_copy_of_one_that_was_emptied_unread_loses_nothing(site: Site) -> None:
    site.append("calls.log", calls(0, 10))
    site.tick()
    site.append("calls.log", calls(10, 12))
    site.outbox.full = True
    site.tick()
    site.outbox.full = False
    copied(site)
    emptied(site)
    for _ in range(4):
        site.tick(COPY_SECONDS)
    [source] = site.heartbeat().sources
    assert not source.troubles
    lines(site, calls(0, 12))


@pytest.mark.parametrize("name", ["calls.log.1.gz", "calls.log.1.zst"])
@pytest.mark.parametrize("begins", [b"", BANNER])
def test_compressed_straight_from_an_emptied_file(site: Site, name: str, begins: bytes) -> None:
    content = begins + calls(0, 30)
    site.append("calls.log", content[:1_000])
    site.tick()
    pack = gzip.compress if name.endswith(".gz") else zstandard.compress
    (site.logs / name).write_bytes(pack(content))
    emptied(site, begins + calls(50, 55))
    for _ in range(3):
        site.tick(2)
    site.restart()
    site.tick()
    lines(site, content + begins + calls(50, 55))


def test_compressed_files_that_were_read_are_not_unpacked_at_each_start(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.logs / "calls.1.gz").write_bytes(gzip.compress(calls(0, 5_000)))
    site.settle()
    assert site.outbox.positions()[0].whole == (site.logs / "calls.1.gz").stat().st_size
    site.restart()
    monkeypatch.setattr("logwatch.opened.BLOCK", 0)  # nothing of a content may be gone through
    site.settle()
    lines(site, calls(0, 5_000))


def test_two_names_of_one_file_and_a_link_are_one_file(site: Site) -> None:
    path = site.append("calls.log", calls(0, 5))
    os.link(path, site.logs / "calls.also")
    (site.logs / "calls.current").symlink_to("calls.log")
    site.tick()
    site.append("calls.also", calls(5, 7))
    site.tick()
    (site.logs / "calls.also").unlink()
    site.append("calls.log", calls(7, 9))
    site.tick()
    lines(site, calls(0, 9))


def test_a_link_that_is_moved_to_the_next_file(site: Site) -> None:
    store = site.directory / "store"
    store.mkdir()
    link = site.logs / "calls.current"
    content = b""
    for hour in range(3):
        target = store / f"{hour}.log"
        target.write_bytes(calls(hour * 10, hour * 10 + 4))
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        site.tick()
        with target.open("ab") as writer:
            writer.write(call(hour * 10 + 5))
        content += calls(hour * 10, hour * 10 + 4) + call(hour * 10 + 5)
        if hour == 1:
            site.tick()
    for _ in range(3):
        site.tick(LINGER_SECONDS)
    lines(site, content)


def test_a_checkpoint_of_before_there_were_digests_is_gone_on_from(site: Site) -> None:
    site.append("calls.log", calls(0, 10))
    site.tick()
    [position] = site.outbox.positions()
    old = msgspec.structs.replace(position, tail="", line_ends=-1)
    site.outbox.real._database.execute("UPDATE positions SET position = ?", (msgspec.json.encode(old),))
    site.restart()
    site.append("calls.log", calls(10, 12))
    site.tick()
    site.has_sent(calls(0, 12))
    assert site.outbox.positions()[0].line_ends == -1


def test_of_many_that_begin_alike_a_compressed_one_is_told_in_one_pass(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, opened = b"", 0
    unpack = gzip.GzipFile

    def counted(*args: object, **keywords: object) -> gzip.GzipFile:
        nonlocal opened
        opened += 1
        return unpack(*args, **keywords)  # type: ignore[call-overload,no-any-return]

    for hour in range(12):
        part = BANNER + calls(hour * 40, hour * 40 + 20 + hour)
        path = site.append(f"calls.{hour:02}", part[:-100])
        site.tick()
        site.agent.close()  # so that the original is not held open
        path.unlink()
        (site.logs / f"calls.{hour:02}.gz").write_bytes(gzip.compress(part))
        if hour == 11:
            monkeypatch.setattr(gzip, "GzipFile", counted)
        site.restart()
        site.tick()
        content += part
    # Of eleven no more than their heads are looked at, and the twelfth is gone through twice: to find out, and to read.
    assert opened < 12 * 4
    lines(site, content)
