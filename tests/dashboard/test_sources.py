"""What is read, on the pages: the answer first, where lines go, what is amiss, unknown codes, lines for ops only."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import msgspec
import pytest

from dashboard.sources import FATES, parts_of, size, sources_page, toml_of
from domain.access import EVERYTHING, Scope
from domain.batch import Accounting, Heartbeat, RecentLine, SourceState, Trouble
from domain.codes import CodeClass
from domain.incident import SOURCE_KINDS, Incident
from domain.redact import has_patient
from domain.settings import CodeSettings
from tests.dashboard.conftest import House
from tests.dashboard.happened import SUSPECTED, fire
from tests.dashboard.test_incidents import logged_in
from tests.dashboard.traffic import COMPLETE, FAILING, NOW, ZONE

PARTS = Accounting(lines=12_345, events=12_000, continuations=300, ignored=40, malformed=5, bytes=2_300_000)
FINE = SourceState(source="dpp-calls", watermark=COMPLETE, accounting=PARTS, files=3)
LOST = Trouble(kind="lost", file="/var/log/x-50010199928.log.1", since=NOW - 60, bytes=4_096)
OF_SOURCE = Incident(
    0, "", "agent/dpp-calls", "lost", "page", "suspected", "", NOW - 60, NOW - 60, NOW - 60, NOW, "x.log.1: lost"
)  # fmt: skip


def beat(*states: SourceState, at: float = NOW) -> Heartbeat:
    return Heartbeat(version=1, agent="agent", incarnation="0123456789abcdef", sequence=1, at=at, sources=states)


def changed(**values: object) -> SourceState:
    return msgspec.structs.replace(FINE, **values)


def line(place: int, *, hub: str = "recipe", endpoint: str = FAILING[1], klass: CodeClass = "technical") -> RecentLine:
    return RecentLine(
        at_us=int((NOW - 90 + place) * 1e6), hub=hub, endpoint=endpoint, code=f"E{place}", klass=klass,
        text=f"ts=… op={endpoint} aaa=000 no {place}", source="dpp-calls",
    )  # fmt: skip


def test_all_is_read() -> None:
    page = sources_page([beat(FINE)], ZONE, NOW)
    assert (page.sentence, page.css) == ("Every line is accounted for", "ok")
    assert page.detail == "12,345 lines read; the source is read up to now."
    assert sources_page([], ZONE, NOW).sentence == "No log watcher was heard yet"


@pytest.mark.parametrize(
    ("state", "at", "css", "word", "said"),
    [
        (changed(troubles=(LOST,)), NOW, "down", "lost lines", "[patient].log.1: bytes were lost"),
        (changed(accounting=Accounting(lines=2)), NOW, "down", "does not add up", "do not add up"),
        (FINE, NOW - 200, "down", "not heard", "last heard 3\u00a0min ago"),
        (changed(behind_seconds=300.0, unread_bytes=5_000), NOW, "degraded", "behind", "5,000 bytes wait"),
        (changed(watermark=NOW - 300), NOW, "degraded", "behind", "complete only up to 300 s ago"),
        (changed(skew_seconds=-90.0), NOW, "degraded", "clock off", "90\u00a0s behind"),
        (changed(watermark=None), NOW, "unknown", "starting", ""),
        (changed(accounting=Accounting(lines=200, events=180, malformed=20)), NOW, "degraded", "not understood",
         "10.0\u00a0% of its lines are not understood"),
        *[(changed(troubles=(msgspec.structs.replace(LOST, kind=kind),)), NOW, "degraded", word, "X")
          for kind, word in (("unread", "rotated unread"), ("unreadable", "unreadable"), ("absent", "no file"))],
    ],
)  # fmt: skip
def test_what_is_amiss_is_said_in_the_row(state: SourceState, at: float, css: str, word: str, said: str) -> None:
    [row] = sources_page([beat(state, at=at)], ZONE, NOW).rows
    assert (row.css, row.word) == (css, word)
    assert said.lower() in " ".join(row.amiss).lower()
    assert not has_patient(str(row))


def test_the_worst_comes_first_and_is_the_answer() -> None:
    page = sources_page([beat(FINE, changed(source="slow", behind_seconds=90.0)),
                         replace_agent(beat(changed(source="torn", troubles=(LOST,))), "hub-2")],
                        ZONE, NOW)  # fmt: skip
    assert [one.source for one in page.rows] == ["torn", "slow", "dpp-calls"]
    assert (page.sentence, page.css) == ("2 sources need a look", "down")
    assert "1 of 3 sources are read up to now" in page.detail
    alone = sources_page([beat(FINE, changed(source="torn", troubles=(LOST,)))], ZONE, NOW)
    assert alone.sentence == "torn: lost lines"


def replace_agent(heartbeat: Heartbeat, agent: str) -> Heartbeat:
    return msgspec.structs.replace(heartbeat, agent=agent)


def test_the_bar_shows_little_parts_too_and_is_whole() -> None:
    parts = parts_of(PARTS)
    assert [one.fate for one in parts] == ["events", "continuations", "ignored", "malformed"]
    assert sum(one.width for one in parts) == pytest.approx(100, abs=0.1)
    assert min(one.width for one in parts) > 1
    assert parts_of(Accounting()) == ()
    counted = set(Accounting.__struct_fields__) - {"lines", "bytes"}
    assert set(FATES) == counted


@pytest.mark.parametrize(("count", "text"), [(7, "7 B"), (1_234, "1.2 kB"), (999_900, "1.0 MB"), (2.5e12, "2.5 TB")])
def test_sizes(count: float, text: str) -> None:
    assert size(count).replace("\u00a0", " ") == text


@pytest.mark.parametrize("code", ["SOA-1", 'a"b\\c'])
def test_what_names_a_code_is_what_the_configuration_takes(code: str) -> None:
    [table] = tomllib.loads(toml_of(code))["codes"]
    assert msgspec.convert(table, CodeSettings).code == code


def test_the_pages_show_it(house: House) -> None:
    house.live.states = [FINE, changed(source="torn", troubles=(LOST,), unknown_codes={"ODD_1": 7, "ODD_2": 3})]
    page = house.get("/sources")
    assert "torn: lost lines" in page
    assert "ODD_1" in page
    assert "[[codes]]" in page
    assert not has_patient(page)
    one = house.get("/source/agent/torn")
    assert "Rotate by renaming" in one
    assert "ODD_2" in one
    house.get("/source/agent/nosuch", 404)
    told = json.loads(house.get("/api/v1/sources"))
    [fine, torn] = told["agents"][0]["sources"]
    assert (fine["amiss"], fine["accounting"]["lines"], fine["files"]) == ([], 12_345, 3)
    assert (torn["unknown_codes"], torn["troubles"][0]["bytes"]) == ({"ODD_1": 7, "ODD_2": 3}, 4_096)
    assert "lost" in torn["amiss"][0]
    assert not has_patient(json.dumps(told).replace(str(NOW), ""))


def test_while_the_collector_is_away_the_pages_say_so(house: House) -> None:
    house.live.answers = False
    assert "The collector does not answer" in house.get("/sources")
    house.get("/api/v1/sources", 503)
    house.get("/api/v1/lines", 503)


def test_lines_of_a_source_and_of_an_incident_are_for_ops_only(house: House) -> None:
    house.live.lines = [line(place) for place in range(40)] + [
        line(41, klass="ok"), line(42, hub="dpp", endpoint="tip.registerData", klass="ok"),
    ]  # fmt: skip
    number = fire(house.incidents, replace(SUSPECTED, since=NOW - 100)).id
    ops, partner = logged_in(house), logged_in(house, "ehealth", "partner", EVERYTHING)
    hub = logged_in(house, "hub", "partner", Scope(hubs=frozenset({"recipe"})))
    shown = ops.get("/source/agent/dpp-calls").text
    assert "no 42" in shown
    assert "no 42" not in ops.get("/source/agent/dpp-calls?only=failing").text
    page = ops.get(f"/incident/{number}").text
    assert [f"no {place}" in page for place in (34, 35, 39, 41)] == [False, True, True, False]
    for other in (partner, hub):
        assert "aaa=000" not in other.get(f"/incident/{number}").text
    assert "aaa=000" not in partner.get("/source/agent/dpp-calls").text
    assert partner.get("/api/v1/lines").status_code == hub.get("/api/v1/lines").status_code == 403
    told = json.loads(ops.get("/api/v1/lines?hub=recipe&limit=2").text)
    assert [one["code"] for one in told["lines"]] == ["E41", "E39"]
    assert ops.get("/api/v1/lines?limit=x").status_code == 400


def test_an_incident_of_a_source_has_its_page_and_leads_to_the_source(house: House) -> None:
    number = fire(house.incidents, OF_SOURCE).id
    page = house.get(f"/incident/{number}")
    assert "The source dpp-calls of agent lost lines" in page
    assert 'href="/source/agent/dpp-calls"' in page
    assert "chart-calls" not in page
    assert "The source dpp-calls of agent lost lines" in house.get("/incidents")
    assert "The source dpp-calls of agent lost lines" in house.get("/")
    told = json.loads(house.get(f"/api/v1/incidents/{number}"))
    assert (told["kind"], told["hub"], told["endpoint"]) == ("lost", "", "agent/dpp-calls")
    for kind in SOURCE_KINDS:
        fire(house.incidents, replace(OF_SOURCE, kind=kind))  # type: ignore[arg-type]
    house.get("/incidents")
