"""Calls of two lines: each once, joined by what both hold, through kills, full disks and rotations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import Accounting
from domain.codes import SHIPPED
from domain.errors import ConfigError
from domain.settings import Fields, Format, Pair, TimeField
from logwatch.catalog import formats
from logwatch.examples import failures
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.some import NOW, as_values, bounded, read_blocks
from tests.logwatch.watching import START, Site

PAIR = Pair(id="id", starts=" ev=start", ends=" ev=end", seconds=60)
FORM = Format(
    kind="pair",
    inner="logfmt",
    time=TimeField(field="ts"),
    fields=Fields(endpoint="op", code="code", vendor="client", duration_ms="dt"),
    pair=PAIR,
)
PATIENT = "50010199928"


def line(ev: str, call: str, at: float = 0.0, more: str = "") -> bytes:
    """One line of a call."""
    return f"ts={START + at:.3f} ev={ev} id={call} {more}\n".encode()


def told(content: bytes, form: Format = FORM) -> tuple[list[tuple[object, ...]], Accounting]:
    """Endpoint, vendor, code, class and duration of each call; where the lines went."""
    read = read_blocks(form, [content], "small")
    assert read.accounting.balanced
    return [(event[3], event[4], event[8], event[9], event[1]) for event in read.events], read.accounting


def test_an_end_takes_from_its_start_what_it_lacks() -> None:
    log = line("start", "1", 0, "op=a client=x") + line("end", "1", 1.5, "client=y code=TIP_200")
    events, parts = told(log)
    assert events == [("a", "y", "TIP_200", "ok", 1_500_000)]
    assert (parts.events, parts.continuations, parts.pending) == (1, 1, 0)


def test_a_duration_in_the_line_is_believed_and_one_that_cannot_be_is_none() -> None:
    assert told(line("start", "1", 0) + line("end", "1", 1, "dt=87"))[0][0][-1] == 87_000
    read = read_blocks(FORM, [line("start", "1", 2) + line("end", "1", 1)], "small")
    assert (read.events[0][1], read.tally.invalid) == (-1, {"duration": 1})


def test_a_start_alone_is_a_call_without_an_end() -> None:
    log = line("start", "1", 0, "op=a") + line("start", "2", 30, "op=b") + line("end", "3", 60)
    events, parts = told(log)
    assert events == [("a", "", "NO_END", "technical", -1), ("", "", "", "ok", -1)]
    assert (parts.events, parts.pending) == (2, 1)
    assert read_blocks(FORM, [log], "small").events[0][0] == int(START * 1e6)


def test_an_id_that_begins_again_gives_its_older_call_up() -> None:
    events, parts = told(line("start", "1", 0, "op=a") + line("start", "1", 1, "op=b") + line("end", "1", 2))
    assert [event[0] for event in events] == ["a", "b"]
    assert (parts.events, parts.continuations, parts.pending) == (2, 1, 0)


def test_no_more_wait_than_may() -> None:
    form = Format(kind="pair", inner="logfmt", time=FORM.time, fields=FORM.fields,
                  pair=Pair(id="id", starts=" ev=start", ends=" ev=end", most=2, code="LOST"))  # fmt: skip
    log = b"".join(line("start", f"{place}", place, f"op=o{place}") for place in range(5))
    events, parts = told(log, form)
    assert [event[0] for event in events] == ["o0", "o1", "o2"]
    assert {event[2:4] for event in events} == {("LOST", "technical")}
    assert (parts.events, parts.pending) == (3, 2)


def test_other_lines_are_passed_over_and_bad_ones_malformed() -> None:
    parts = told(b"ready\n" + line("start", "1")[4:] + b" ev=end\n\n")[1]
    assert (parts.ignored, parts.malformed, parts.lines) == (2, 2, 4)


def test_a_start_without_an_id_leaves_it_to_the_end_to_count() -> None:
    read = read_blocks(FORM, [line("start", "") + line("end", "", 1)], "small")
    assert (read.accounting.events, read.accounting.continuations) == (1, 1)
    assert read.tally.invalid == {"pair.id": 2}


def test_starts_in_the_future_do_not_wait() -> None:
    parts = told(line("start", "1", NOW - START + 400))[1]
    assert (parts.future, parts.pending) == (1, 0)


_STEP = st.tuples(st.sampled_from(["start", "end"]), st.integers(0, 4), st.integers(-20, 40))


@given(st.lists(_STEP, max_size=30), st.lists(st.integers(1, 120), max_size=20))
@bounded(200)
def test_any_cutting_gives_the_same_calls(steps: Sequence[tuple[str, int, int]], cuts: Sequence[int]) -> None:
    at, lines = 0, []
    for place, (ev, call, gap) in enumerate(steps):
        at += gap
        lines.append(line(ev, f"{call}", at, f"op=o{place} client=c{place % 3}"))
    whole = read_blocks(FORM, [b"".join(lines)], "small")
    assert whole.accounting.balanced
    assert whole.accounting.lines == len(lines)
    pieces, place = [], 0
    for size in (*cuts, len(lines)):
        pieces.append(b"".join(lines[place : place + size % 5 + 1]))
        place += size % 5 + 1
    pieces.append(b"".join(lines[place:]))
    assert read_blocks(FORM, [piece for piece in pieces if piece], "small").told() == whole.told()


def test_history_of_several_files_is_not_torn_by_another_files_time() -> None:
    registry = Registry(10)
    reader = Reader(FORM, registry)
    reader.read(line("start", "1", 0, "op=a"), NOW, file="a", identity="a")
    reader.read(line("end", "9", 500), NOW, file="b", identity="b")
    reading = reader.read(line("end", "1", 501), NOW, file="b", identity="b")
    assert [event[3] for event in as_values(reading.events, registry)] == ["a"]
    assert reading.elsewhere == {"a": Accounting(pending=-1, continuations=1)}


def test_what_joins_a_call_is_kept_as_a_digest_only() -> None:
    reader = Reader(FORM, Registry(10), secret=b"s", source="calls")
    reader.read(line("start", PATIENT, 0, f"op=get/{PATIENT}"), NOW, identity="f")
    assert reader.pairing is not None
    [call], closed = reader.pairing.changes()
    assert not closed
    assert PATIENT not in repr(call)
    assert call.keys == {"endpoint": "get/[patient]"}
    assert not any(sign.isdigit() for sign in call.id)


@pytest.mark.parametrize(
    ("form", "path"),
    [
        (Format(kind="pair", inner="logfmt"), "formats.x.pair"),
        (Format(kind="pair", pair=PAIR), "formats.x.inner"),
        (Format(kind="logfmt", pair=PAIR), "formats.x.pair"),
        (Format(kind="pair", inner="poetry", pair=PAIR), "formats.x.inner"),
        (Format(kind="pair", inner="iis", pair=PAIR), "formats.x.inner"),
        (Format(kind="pair", inner="logfmt", pair=Pair(id="", starts="a", ends="b")), "formats.x.pair.id"),
        (Format(kind="pair", inner="logfmt", pair=Pair(id="i", starts="(", ends="b")), "formats.x.pair.starts"),
        (Format(kind="pair", inner="logfmt", pair=Pair(id="i", starts="a", ends="b", most=0)), "formats.x.pair.most"),
        (Format(kind="pair", inner="java-logback", pair=PAIR), "formats.x.pair.id"),
    ],
)  # fmt: skip
def test_a_wrong_pair_is_told_with_its_place(form: Format, path: str) -> None:
    with pytest.raises(ConfigError) as error:
        Reader(form, Registry(1), path="formats.x")
    assert error.value.path == path
    assert error.value.mend


def test_formats_hold_one_another_by_name_but_never_themselves() -> None:
    calls = Format(kind="logfmt", time=TimeField(field="ts"), fields=Fields(endpoint="op"))
    own = {"calls": calls, "both": Format(kind="pair", inner="calls", pair=PAIR, fields=Fields(code="code"))}
    known = formats(own)
    events, _ = told(line("start", "1", 0, "op=a") + line("end", "1", 1, "code=TIP_200"), known["both"])
    assert events == [("a", "", "TIP_200", "ok", 1_000_000)]
    within = formats({"calls": calls, "docker": Format(kind="json", inner="calls", inner_field="log",
                      time=TimeField(field="ts"), fields=Fields(endpoint="op"))})  # fmt: skip
    assert not failures(within["docker"], SHIPPED, "formats.docker", NOW)
    read = read_blocks(within["docker"], [b'{"log":"ts=1795340172 op=a\\n"}\n'], "small")
    assert [event[3] for event in read.events] == ["a"]
    json = Format(kind="json", inner="b", inner_field="log")
    with pytest.raises(ConfigError, match="leads back to itself") as error:
        formats({"a": json, "b": Format(kind="json", inner="a", inner_field="log")})
    assert error.value.path == "formats.a.inner"
    with pytest.raises(ConfigError, match="leads back to itself"):
        formats({"access": Format(kind="json", inner="access", inner_field="log")})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path, FORM) as site:
        yield site


def accounting(site: Site) -> Accounting:
    """Where all lines of the source went."""
    return site.outbox.totals()["calls"]


LOG = [
    line("start", "1", 0, "op=a"), line("start", "2", 0.1, "op=b"), line("end", "1", 0.2, "code=TIP_200"),
    line("start", "1", 0.3, "op=c"), line("end", "2", 0.4), line("end", "1", 0.5), line("end", "7", 0.6),
]  # fmt: skip


def test_a_kill_between_any_two_lines_changes_nothing(tmp_path: Path) -> None:
    for kill in range(len(LOG) + 1):
        directory = tmp_path / f"{kill}"
        directory.mkdir()
        with Site(directory, FORM) as site:
            for place, one in enumerate(LOG):
                if place == kill:
                    site.restart()
                site.append("calls.log", one)
                if place % 2 == kill % 2:
                    site.tick()
            site.settle()
            site.restart()
            site.settle()
            site.has_sent(b"".join(LOG))
            assert not site.outbox.open_calls()


def test_what_could_not_be_kept_is_read_again_with_the_calls_that_waited(site: Site) -> None:
    site.append("calls.log", b"".join(LOG[:2]))
    site.settle()
    site.outbox.full = True
    site.append("calls.log", b"".join(LOG[2:5]))
    site.tick()
    site.append("calls.log", b"".join(LOG[5:]))
    site.tick()
    assert len(site.outbox.open_calls()) == 2
    site.outbox.full = False
    site.settle()
    site.has_sent(b"".join(LOG))


def test_a_start_and_its_end_in_two_files(site: Site) -> None:
    old = site.append("calls.log", LOG[0])
    site.settle()
    old.rename(site.logs / "calls.log.1")
    site.append("calls.log", LOG[2])
    site.settle()
    assert accounting(site) == Accounting(lines=2, events=1, continuations=1, bytes=len(LOG[0]) + len(LOG[2]))
    by_file = {position.accounting for position in site.outbox.positions()}
    assert {(a.lines, a.events, a.continuations, a.pending) for a in by_file} == {(1, 0, 1, 0), (1, 1, 0, 0)}
    assert site.sent()["calls"].sum() == 1


def test_history_is_read_in_the_order_of_its_files(site: Site) -> None:
    for place, one in enumerate(LOG[:3]):
        path = site.append(f"calls.log.{9 - place}", one)
        os.utime(path, (START + place, START + place))
    site.settle()
    parts = accounting(site)
    assert (parts.events, parts.continuations, parts.pending) == (1, 1, 1)


def test_a_start_that_hears_nothing_is_counted_in_time_and_in_its_file(site: Site) -> None:
    site.append("calls.log", LOG[0])
    site.settle()
    assert (accounting(site).pending, accounting(site).events) == (1, 0)
    site.restart()
    site.tick(30)
    site.tick(40)
    site.tick()
    assert (accounting(site).pending, accounting(site).events) == (0, 1)
    [position] = site.outbox.positions()
    assert (position.accounting.pending, position.accounting.events) == (0, 1)
    assert not site.outbox.open_calls()
    [row] = site.sent().iter_rows(named=True)
    assert (row["endpoint"], row["code"], row["class"], row["side"]) == ("a", "NO_END", "technical", "")


def test_a_patient_is_the_ends_or_else_the_starts() -> None:
    form = Format(kind="pair", inner="logfmt", time=FORM.time, pair=PAIR, fields=Fields(endpoint="op", patient="who"))
    alone = read_blocks(form, [line("end", "1", 1, f"who={PATIENT}")], "small").events[0][11]
    assert alone
    for start, end in ((f"who={PATIENT}", ""), ("who=75123199921", f"who={PATIENT}"), ("", f"who={PATIENT}")):
        read = read_blocks(form, [line("start", "1", 0, start), line("end", "1", 1, end)], "small")
        assert [event[11] for event in read.events] == [alone]
