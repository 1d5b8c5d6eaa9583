"""The agent on files that grow, are renamed, truncated, deleted and compressed: every call once."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import Accounting
from domain.cells import add
from domain.settings import Fields, Format
from logwatch.known import REMEMBER_SECONDS
from logwatch.sources import LINGER_SECONDS
from logwatch.watch import BACKFILL_SECONDS
from tests.logwatch.some import bounded
from tests.logwatch.watching import START, FailingOutbox, Site, call, calls


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def test_a_file_that_grows_is_read_as_it_grows(site: Site) -> None:
    content = calls(0, 25)
    for place in range(25):
        site.append("calls.log", call(place))
        site.tick()
    site.has_sent(content)


def test_a_partial_last_line_waits_for_its_end(site: Site) -> None:
    content = calls(0, 3)
    site.append("calls.log", content[:-20])
    site.tick()
    assert site.sent()["calls"].sum() == 2
    site.restart()
    site.append("calls.log", content[-20:-1])
    site.tick(3600)
    assert site.sent()["calls"].sum() == 2
    site.append("calls.log", content[-1:])
    site.tick()
    site.has_sent(content)


def test_a_first_line_in_pieces(site: Site) -> None:
    for byte in call(1)[:-1]:
        site.append("calls.log", bytes([byte]))
        site.tick()
    assert site.sent().is_empty()
    site.append("calls.log", b"\n")
    site.tick()
    site.has_sent(call(1))


def test_a_renamed_file_is_still_read_and_so_is_the_new_one(site: Site) -> None:
    old = site.append("calls.log", calls(0, 5))
    site.tick()
    with old.open("ab") as writer:
        writer.write(calls(5, 8))
        old.rename(site.logs / "calls.log.1")
        site.append("calls.log", calls(8, 11))
        writer.flush()
        site.tick()
        writer.write(calls(11, 13))
    site.append("calls.log", calls(13, 15))
    site.tick()
    site.has_sent(calls(0, 15))


def test_a_file_renamed_out_of_sight_is_read_to_its_end(site: Site) -> None:
    old = site.append("calls.log", calls(0, 5))
    site.tick()
    with old.open("ab") as writer:
        old.rename(site.logs / "old")
        site.append("calls.log", calls(5, 6))
        site.tick()
        writer.write(calls(6, 9) + call(9)[:-1])
        writer.flush()
        site.tick()
        assert site.sent()["calls"].sum() == 9
        site.tick(LINGER_SECONDS)
    # Nothing more came: the last line, which no line end closed, was counted, and the file let go.
    site.tick()
    site.has_sent(calls(0, 10)[:-1])
    assert [file.path.name for file in site.agent._watches[0].files.files.values()] == ["calls.log"]


def test_a_file_deleted_while_open_is_read_to_its_end(site: Site) -> None:
    path = site.append("calls.log", calls(0, 5))
    site.tick()
    site.append("calls.log", calls(5, 9))
    path.unlink()
    for _ in range(3):
        site.tick(LINGER_SECONDS)
    site.has_sent(calls(0, 9))
    assert not site.agent._watches[0].files.files


def test_a_single_line_without_an_end_is_counted_when_its_file_is_gone(site: Site) -> None:
    path = site.append("calls.log", call(0)[:-1])
    site.tick()
    path.unlink()
    for _ in range(3):
        site.tick(LINGER_SECONDS)
    site.has_sent(call(0)[:-1])


def test_draining_counts_unfinished_lines_too(site: Site) -> None:
    site.append("calls.a", calls(0, 3)[:-1])
    site.append("calls.b", call(3)[:-1])
    site.clock.advance(1)
    site.agent.drain()
    assert site.sent().equals(site.expected(calls(0, 4)))
    assert site.outbox.totals()["calls"] == Accounting(lines=4, events=4, bytes=len(calls(0, 4)) - 2)


def test_a_new_file_that_takes_an_old_ones_inode_is_another_file(site: Site) -> None:
    path = site.append("calls.log", calls(0, 9))
    site.tick()
    site.agent.close()
    path.unlink()
    site.append("calls.log", calls(9, 30))
    site.restart()
    site.settle()
    site.has_sent(calls(0, 30))


@pytest.mark.parametrize("while_down", [False, True])
def test_a_truncated_file_is_read_from_its_start(site: Site, while_down: bool) -> None:
    path = site.append("calls.log", calls(0, 9))
    site.tick()
    if while_down:
        site.restart()
    path.write_bytes(b"")
    if not while_down:
        site.tick()
    site.append("calls.log", calls(9, 12))
    site.tick()
    site.tick()
    site.has_sent(calls(0, 12))
    site.restart()
    site.append("calls.log", calls(12, 14))
    site.tick()
    site.has_sent(calls(0, 14))


def packed(name: str, content: bytes) -> bytes:
    """The content compressed as the name says."""
    return gzip.compress(content) if name.endswith(".gz") else zstandard.compress(content)


@pytest.mark.parametrize("name", ["calls.log.1.gz", "calls.log.1.zst"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_compressed_copy_of_a_half_read_file_is_read_from_there(site: Site, name: str, restarted: bool) -> None:
    content = calls(0, 20)
    path = site.append("calls.log", content[:700])
    site.tick()
    if restarted:
        site.restart()
    site.append("calls.log", content[700:])
    (site.logs / name).write_bytes(packed(name, content))
    path.unlink()
    site.append("calls.log", calls(20, 22))
    for _ in range(5):
        site.tick(LINGER_SECONDS)
    site.has_sent(calls(0, 22))
    site.restart()
    site.tick()
    site.has_sent(calls(0, 22))


def test_a_compressed_copy_beside_its_original_waits_for_it(site: Site) -> None:
    content = calls(0, 50_000)
    path = site.append("calls.log.1", content[:-500])
    copy = site.logs / "calls.log.1.gz"
    data = packed(copy.name, content)
    site.tick()
    for end in (0, 1, 5, 40, 50_000, len(data) // 2, len(data)):
        copy.write_bytes(data[:end])
        site.tick()
    site.append("calls.log.1", content[-500:])
    site.tick()
    path.unlink()
    for _ in range(5):
        site.tick(LINGER_SECONDS)
    site.has_sent(content)


def test_files_that_begin_alike_are_told_apart(site: Site) -> None:
    head = b"# calls of the hub\n"
    site.append("calls.log.2", head + calls(0, 9))
    site.append("calls.log.1", head + calls(9, 40))
    site.settle()
    for name in ("calls.log.2", "calls.log.1"):
        path = site.logs / name
        (site.logs / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    site.append("calls.log", head + calls(40, 44))
    for _ in range(5):
        site.tick(LINGER_SECONDS)
    assert site.sent().equals(site.expected(calls(0, 44)))


def test_a_compressed_file_of_its_own_is_read_whole_while_another_begins_alike(site: Site) -> None:
    head = b"# calls of the hub\n"
    site.append("calls.log", head + calls(9, 40))
    (site.logs / "calls.log.1.gz").write_bytes(gzip.compress(head + calls(0, 9)))
    for _ in range(3):
        site.tick()
    assert site.sent().equals(site.expected(calls(0, 40)))


_UNREADABLE = {
    "two bytes of gzip": b"\x1f\x8b",
    "gzip's head and garbage": b"\x1f\x8b\x08\x00garbage that is no gzip at all",
    "zstd's head": b"\x28\xb5\x2f\xfd",
    "zstd's head and garbage": b"\x28\xb5\x2f\xfdgarbage",
    "gzip of nothing, cut": gzip.compress(b"")[:-3],
    "gzip with a wrong sum": gzip.compress(b"x" * 5_000)[:-8] + b"\x00" * 8,
    "nothing": b"",
    "zeros": b"\x00" * 3_000,
}


@pytest.mark.parametrize("what", _UNREADABLE)
def test_a_file_that_cannot_be_read_hinders_no_other(site: Site, what: str, caplog: pytest.LogCaptureFixture) -> None:
    site.append("calls.bad", _UNREADABLE[what])
    site.append("calls.log", calls(0, 5))
    for _ in range(5):
        site.tick()
    assert site.sent().equals(site.expected(calls(0, 5)))
    assert len([record for record in caplog.records if "calls.bad" in record.message]) <= 2


def test_a_damaged_compressed_file_is_read_when_it_is_mended(site: Site) -> None:
    content = calls(0, 30_000)
    data = gzip.compress(content)
    path = site.logs / "calls.gz"
    for end in (12, len(data) // 3, len(data) - 4, len(data)):
        path.write_bytes(data[:end])
        site.tick()
    site.settle()
    site.has_sent(content)


def test_an_agent_that_is_killed_between_any_two_ticks_counts_each_call_once(site: Site) -> None:
    written = 0
    for step in range(12):
        site.append("calls.log", calls(written, written + 7) + call(written + 7)[:11])
        site.append("calls.log", call(written + 7)[11:] if step % 2 else b"")
        if not step % 2:
            site.tick()
            site.append("calls.log", call(written + 7)[11:])
        written += 8
        if step % 3 == 0:
            (site.logs / "calls.log").rename(site.logs / f"calls.log.{step}")
        if step % 4 == 1:
            site.tick()
        site.restart()
    site.settle()
    site.has_sent(calls(0, written))


_STEPS = ("appends", "partial", "rotates", "deletes", "ticks", "restarts", "full", "away", "late")


@given(steps=st.lists(st.sampled_from(_STEPS), max_size=30))
@bounded(25)
def test_whatever_happens_each_call_is_counted_once(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    with Site(tmp_path_factory.mktemp("site")) as site:
        content, rest = _happen(site, steps)
        site.outbox.full = site.sender.away = False
        site.append("calls.log", rest)
        site.settle()
        site.has_sent(content + rest)


def _happen(site: Site, steps: list[str]) -> tuple[bytes, bytes]:
    """What was written, and the rest of a line that was begun."""
    content, rest, rotated = b"", b"", 0
    names: list[str] = []
    for step in steps:
        site.outbox.full, site.sender.away = step == "full", step == "away"
        if step == "appends":
            more = rest + calls(len(content), len(content) + 3)
            site.append("calls.log", more)
            content, rest = content + more, b""
        elif step == "partial" and not rest:
            line = call(len(content))
            site.append("calls.log", line[:17])
            content, rest = content + line[:17], line[17:]
        elif step == "rotates" and not rest and (site.logs / "calls.log").exists():
            rotated += 1
            names.append(f"calls.log.{rotated}")
            (site.logs / "calls.log").rename(site.logs / names[-1])
        elif step == "deletes" and names:
            site.settle()
            (site.logs / names.pop(0)).unlink()
        elif step == "restarts":
            site.restart()
        else:
            site.tick(LINGER_SECONDS if step == "late" else 1)
    return content, rest


# -- when keeping or handing over fails ------------------------------------------------------------------------


def test_what_could_not_be_kept_is_read_again_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.append("calls.log", calls(0, 5))
    site.tick()
    site.append("calls.log", calls(5, 9))
    site.outbox.full = True
    for _ in range(3):
        assert not site.tick()
    assert "the disk is full" in caplog.text
    assert site.watermark() == START + 1 - 2
    site.outbox.full = False
    site.append("calls.log", calls(9, 10))
    site.tick()
    site.has_sent(calls(0, 10))


def test_the_last_line_of_a_deleted_file_outlives_a_full_disk(site: Site) -> None:
    path = site.append("calls.log", calls(0, 5)[:-1])
    site.tick()
    path.unlink()
    site.tick()
    site.outbox.full = True
    site.tick(LINGER_SECONDS)
    site.tick(LINGER_SECONDS)
    site.outbox.full = False
    site.tick(LINGER_SECONDS)
    site.tick(LINGER_SECONDS)
    site.has_sent(calls(0, 5)[:-1])


def test_a_compressed_file_cut_short_while_the_disk_was_full_is_read_again(site: Site) -> None:
    content = calls(0, 130_000)
    data = gzip.compress(content)
    (site.logs / "calls.gz").write_bytes(data[:-4])
    site.outbox.full = True
    site.tick()
    site.outbox.full = False
    site.settle()
    some = site.outbox.totals().get("calls", Accounting()).events
    (site.logs / "calls.gz").write_bytes(data)
    site.settle()
    assert some > 0
    site.has_sent(content)


def test_nothing_is_lost_while_nobody_takes_it(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.sender.away = True
    for place in range(20):
        site.append("calls.log", call(place))
        site.tick()
    assert site.sent().is_empty()
    assert len(site.outbox.waiting()) == 20
    # Told of once a heartbeat.
    assert len([record for record in caplog.records if "nobody answers" in record.message]) == 10
    site.restart()
    site.sender.away = False
    site.tick()
    site.has_sent(calls(0, 20))
    assert not site.outbox.waiting()


@pytest.fixture
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in turns of 64 KiB, and a batch holds 500 events, so that a small log shows it."""
    monkeypatch.setattr("logwatch.watch.PIECE_BYTES", 1 << 14)
    monkeypatch.setattr("logwatch.watch.MOST_BYTES_A_TURN", 1 << 16)
    monkeypatch.setattr("logwatch.watch.PROBE_BYTES", 1 << 14)
    monkeypatch.setattr("logwatch.agent.BACKLOG_BYTES", 1 << 16)
    monkeypatch.setattr("logwatch.gathered.MOST_EVENTS", 500)


@pytest.mark.usefixtures("small_turns")
def test_much_is_committed_in_parts_and_files_take_turns(site: Site) -> None:
    content = calls(0, 4_000)
    cut = content.index(b"\n", len(content) // 2) + 1
    site.append("calls.a", content[:cut])
    site.append("calls.b", content[cut:])
    assert site.tick()
    assert site.outbox.sequence > 1
    assert {Path(position.path).name for position in site.outbox.positions()} == {"calls.a", "calls.b"}
    site.settle()
    site.has_sent(content)


# -- what is told ----------------------------------------------------------------------------------------------


def test_heartbeats_come_every_two_seconds_even_when_nothing_does(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    seen = []
    for _ in range(6):
        site.tick()
        seen.append(site.heartbeat().at - START)
    assert seen == [1, 1, 3, 3, 5, 5]
    heartbeat = site.heartbeat()
    assert (heartbeat.agent, heartbeat.incarnation) == ("agent", site.outbox.incarnation)
    assert heartbeat.sequence == site.outbox.sequence == 1
    [source] = heartbeat.sources
    assert (source.source, source.accounting.events) == ("calls", 3)


def test_the_watermark_is_the_start_of_a_tick_that_found_the_end_less_the_disorder(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    site.tick()
    assert site.watermark() == START + 1 - 2
    site.tick(10)
    assert site.watermark() == START + 11 - 2


@pytest.mark.usefixtures("small_turns")
def test_no_watermark_before_there_is_a_file_or_while_a_live_file_is_unread(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.tick(2)
    [source] = site.heartbeat().sources
    assert source.watermark is None and source.is_absent
    assert "no file matches" in caplog.text
    site.append("calls.log", calls(0, 3_000))
    assert site.tick(2)
    assert site.watermark() is None
    site.settle(2)
    assert site.watermark() == site.clock.now() - 2


@pytest.mark.usefixtures("small_turns")
def test_a_backlog_of_old_lines_holds_nothing_back(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    site.append("calls.old", calls(0, 3_000, ago=BACKFILL_SECONDS + 60))
    assert site.tick(2)
    assert site.watermark() == site.clock.now() - 2
    site.settle(2)


def test_what_the_registry_keeps_apart_outlives_a_restart(tmp_path: Path) -> None:
    with Site(tmp_path, field_cap=3) as site:
        site.append("calls.log", calls(0, 5))
        site.tick()
        site.restart()
        site.append("calls.log", calls(2, 7))
        site.tick()
        assert site.outbox.registry()["endpoint"] == ("op0", "op1", "op2", "other")
        sent = add([site.sent()], ("endpoint",)).select("endpoint", "calls")
        assert dict(sent.rows()) == {"op0": 1, "op1": 1, "op2": 2, "other": 6}


def test_what_is_amiss_is_told_once_a_minute_without_a_line_of_it(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    line = b"ts=%d op=a apb=50010199928 code=NEW_50010199928 dt=x msg=50010199928\n" % START
    site.append("calls.log", line * 2 + b"garbage 50010199928\n")
    site.tick()
    site.tick(60)
    [told] = [record.message for record in caplog.records if "invalid keys" in record.message]
    assert told == "source calls: invalid keys: {'pharmacy': 2, 'duration': 2}"
    assert "unknown codes: {'NEW_[patient]': 2}" in caplog.text
    assert "50010199928" not in caplog.text


def test_no_patient_reaches_the_disk(site: Site) -> None:
    site.append("calls.log", b"ts=%d op=a/50.01.01-999.28/b client=50010199928 code=E50010199928x\n" % START * 3)
    site.append("calls.log", b"50010199928 is no line\n")
    site.tick()
    for path in site.directory.rglob("*"):
        if path.is_file() and site.logs not in path.parents:
            assert b"50010199928" not in path.read_bytes()
            assert b"50.01.01-999.28" not in path.read_bytes()
    cells = site.sent()
    assert set(cells["endpoint"]) == {"a/[patient]/b"}
    assert set(cells["vendor"]) == {"[patient]"}


def test_files_gone_for_a_week_are_forgotten_and_their_counts_stay(site: Site) -> None:
    path = site.append("calls.log", calls(0, 5))
    site.tick()
    path.unlink()
    site.tick(LINGER_SECONDS)
    site.tick(LINGER_SECONDS)
    assert len(site.outbox.positions()) == 1
    site.tick(REMEMBER_SECONDS)
    site.tick(1)
    assert not site.outbox.positions()
    site.has_sent(calls(0, 5))


def test_run_waits_a_tick_and_stops_when_told(site: Site) -> None:
    site.append("calls.log", calls(0, 3))
    site.agent.run(site.clock, lambda: site.clock.now() > START + 4.5)
    assert site.clock.now() == START + 5
    site.has_sent(calls(0, 3))


def test_the_outbox_of_these_tests_is_the_real_one(site: Site) -> None:
    assert isinstance(site.outbox, FailingOutbox)
    assert type(site.outbox.real).__module__ == "store.outbox"


def test_another_format(tmp_path: Path) -> None:
    with Site(tmp_path, Format(kind="access", fields=Fields(duration_us="duration"))) as site:
        line = b'10.0.0.1 - - [22/Nov/2026:10:36:12 +0100] "GET /x/1234 HTTP/1.1" 200 1 "-" "-" 5\n'
        site.append("calls.log", line * 4)
        site.tick()
        site.has_sent(line * 4)
        assert set(site.sent()["endpoint"]) == {"GET /x/{}"}
