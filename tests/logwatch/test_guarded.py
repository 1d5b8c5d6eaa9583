"""Patterns of users that run away: stopped wherever they stand, told by their place, and never a hang."""

from __future__ import annotations

import time

import pytest

from domain.codes import SHIPPED
from domain.errors import ConfigError
from domain.settings import Fields, Format, Join, Pair, Picked, Template, TimeField
from logwatch.guarded import BLOCK_SECONDS, PATTERN_SECONDS, Spending
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.some import NOW

RUNAWAY = "(?:x|xx)+[yz]"
BAD = b"ts=1795340172 op=" + b"x" * 60 + b"\n"
GOOD = b"ts=1795340172 op=a\n"
TIME = TimeField(field="ts")
_OP = Fields(endpoint="op")


def _form(**changed: object) -> Format:
    return Format(**{"kind": "logfmt", "time": TIME, "fields": _OP, **changed})  # type: ignore[arg-type]


# Where a user's pattern may stand, and what becomes of the line that it runs away on: malformed, or an event.
PLACES = {
    "ignore[0]": (_form(ignore=(RUNAWAY,)), False),
    "join.starts": (_form(join=Join(starts=rf"^ts=\d+ op=(?:{RUNAWAY}|a)")), False),
    "fields.endpoint.match": (_form(fields=Fields(endpoint=Picked(field="op", match=f"{RUNAWAY}|a"))), True),
    "fields.vendor.match": (_form(fields=Fields(vendor=Picked(field="op", match=RUNAWAY))), True),
    "fields.pharmacy.match": (_form(fields=Fields(pharmacy=Picked(field="op", match=RUNAWAY))), True),
    "fields.status.match": (_form(fields=Fields(status=Picked(field="op", match=RUNAWAY))), True),
    "fields.duration_ms.match": (_form(fields=Fields(duration_ms=Picked(field="op", match=RUNAWAY))), True),
    "fields.endpoint.template": (_form(template=(Template(pattern=RUNAWAY),)), True),
    "pattern": (Format(kind="regex", pattern=rf"^ts=(?P<ts>\d+) (?:op={RUNAWAY}|op=a)", time=TIME), False),
    "pair.starts": (_form(kind="pair", inner="logfmt", pair=Pair(id="op", starts=RUNAWAY, ends="=a")), False),
    "pair.ends": (_form(kind="pair", inner="logfmt", pair=Pair(id="op", starts="q=", ends=f"{RUNAWAY}|=a")), False),
}  # fmt: skip


@pytest.mark.parametrize("way", ["small", "block"])
@pytest.mark.parametrize("place", PLACES)
def test_a_pattern_is_stopped_wherever_it_stands_and_told(
    place: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logwatch.guarded.PATTERN_SECONDS", 0.02)
    form, is_event = PLACES[place]
    reading = Reader(form, Registry(10), path="formats.f").read(GOOD + BAD + GOOD, NOW, way)  # type: ignore[arg-type]
    parts = reading.accounting
    assert (parts.events, parts.malformed) == ((3, 0) if is_event else (2, 1))
    assert reading.tally.runaway == {f"formats.f.{place}": 1}


def test_a_pattern_of_a_files_name_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.guarded.PATTERN_SECONDS", 0.02)
    form = _form(fields=Fields(endpoint="op", server=Picked(file=RUNAWAY)))
    reading = Reader(form, Registry(10), path="formats.f").read(GOOD, NOW, file="/" + "x" * 60)
    assert reading.tally.runaway == {"formats.f.fields.server.file.match": 1}
    assert reading.tally.invalid == {"server": 1}
    assert reading.accounting.events == 1


def test_a_block_on_which_every_line_runs_away_costs_its_share_and_no_more() -> None:
    reader = Reader(_form(ignore=(RUNAWAY, "^#")), Registry(10), path="formats.f")
    begun = time.process_time()
    reading = reader.read(BAD * 2_000 + GOOD, NOW)
    assert time.process_time() - begun < BLOCK_SECONDS + 2 * PATTERN_SECONDS + 5
    # Once it had its time it is tried on no other line of the block, also not on one that would do it no harm.
    assert (reading.accounting.malformed, reading.tally.runaway) == (2_001, {"formats.f.ignore[0]": 2_001})
    assert reader.read(GOOD, NOW).accounting.events == 1


def test_keys_come_from_a_files_name() -> None:
    fields = Fields(endpoint="op", server=Picked(file=r"calls-([a-z0-9]+)\.log"), pharmacy=Picked(file=r"(\d{8})"))
    registry = Registry(10)
    reader = Reader(_form(fields=fields), registry, fixed={"hub": "dpp"})
    assert set(reader.keys) == {"endpoint", "server", "pharmacy"}
    names = registry.dictionaries
    for way in ("small", "block"):
        for file, server, pharmacy, bad in (
            ("/var/log/00000196/calls-tip01.log", "tip01", "00000196", 0),
            ("/var/log/00000196/calls-tip01.log.2.gz", "tip01", "00000196", 0),
            ("/var/log/00000197/other.log", "", "", 2),
        ):
            reading = reader.read(GOOD * 2, NOW, way, file=file)
            assert [names["server"].values[i] for i in reading.events.ids["server"]] == [server] * 2
            assert [names["pharmacy"].values[i] for i in reading.events.ids["pharmacy"]] == [pharmacy] * 2
            assert reading.tally.invalid == ({"pharmacy": bad} if bad else {})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (Fields(server=Picked()), "formats.x.fields.server"),
        (Fields(server=Picked(field="a")), "formats.x.fields.server"),
        (Fields(server=Picked(match="a")), "formats.x.fields.server"),
        (Fields(server=Picked(field="a", match="b", file="c")), "formats.x.fields.server"),
        (Fields(server=Picked(field="a", file="c")), "formats.x.fields.server"),
        (Fields(server=Picked(file="(")), "formats.x.fields.server.file.match"),
        (Fields(status=Picked(file="a")), "formats.x.fields.status"),
        (Fields(duration_ms=Picked(file="a")), "formats.x.fields.duration_ms"),
        (Fields(patient=Picked(file="a")), "formats.x.fields.patient"),
    ],
)
def test_a_key_that_is_picked_out_of_nothing_is_told(fields: Fields, path: str) -> None:
    with pytest.raises(ConfigError) as error:
        Reader(_form(fields=fields), Registry(10), codes=SHIPPED, path="formats.x")
    assert error.value.path == path
    assert error.value.mend


@pytest.mark.parametrize("by", [r"\9", r"\g<x>", r"\1"])
def test_a_replacement_that_names_no_group_is_told(by: str) -> None:
    with pytest.raises(ConfigError, match="cannot replace"):
        Reader(_form(template=(Template(pattern="a+", by=by),)), Registry(10), path="formats.x")
    Reader(_form(template=(Template(pattern="(?i)(?P<x>a+)", by=r"\g<x>\1"),)), Registry(10))


def test_many_patterns_share_what_a_block_has_and_the_quick_ones_go_on() -> None:
    spent = Spending({})
    spent.spent("quick", 0.01)
    for place in range(10):
        spent.spent(f"slow {place}", BLOCK_SECONDS / 10)
        assert spent.may_search("slow 0") == (place < 9)
    assert spent.may_search("quick")
    assert spent.may_search("new")
    assert not any(spent.may_search(f"slow {place}") for place in range(10))
