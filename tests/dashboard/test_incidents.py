"""Incidents and restarts on the pages: their words, who sees them, who may take one up, what open pages are told."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from alerts.judge import Level, State
from alerts.lifecycle import moved
from dashboard import incidents as words
from dashboard.incident_page import window_around, window_of
from dashboard.marks import marks_of, texts
from dashboard.names import Names
from dashboard.news import newest_turns, news_since
from dashboard.restarts import about_done, restarts_page
from dashboard.stream import Watch
from dashboard.windows import named_window
from domain.access import EVERYTHING, Role, Scope
from domain.deferred import QueueStatus
from domain.errors import StoreError
from domain.incident import Incident, JournalEntry
from domain.restart import RestartState
from domain.series import SeriesKey
from domain.settings import DeferredSettings, Target
from rrd.store import RrdSeriesStore
from store.incidents import SqlIncidents
from tests.dashboard.conftest import Build, House
from tests.dashboard.happened import OPENED, RESTART, SUSPECTED, fire, other, turn
from tests.dashboard.test_routes import Steps
from tests.dashboard.traffic import COMPLETE, FAILING, FAULT, NOW, SETTINGS, ZONE, OpenPresent

NAMES = Names(SETTINGS)
FIRING = replace(SUSPECTED, id=7, state="firing")
PATIENT = "50.01.01-999.28"


def logged_in(house: House, name: str = "jan", role: Role = "ops", scope: Scope = EVERYTHING) -> FlaskClient:
    """A browser in which somebody is logged in."""
    user = replace(house.access.add_user(name, role, scope, NOW), password_hash="x")
    house.access.change_user(user)
    house.access.add_session(user, f"secret-of-{name}", NOW, NOW + 3_600, "127.0.0.1")
    client = house.client
    client.set_cookie("pharmapulse", f"secret-of-{name}")
    return client


def sent(client: FlaskClient, number: int, what: str, **fields: str) -> TestResponse:
    """A form of the incident's page, filled in and sent."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(f"/incident/{number}").text)
    assert found is not None
    return client.post(f"/incident/{number}/{what}", data={"csrf_token": found[1], **fields})


# words


@pytest.mark.parametrize(
    ("incident", "headline"),
    [
        (FIRING, "executor.listOpenPrescriptions is failing at Recip-e"),
        (replace(FIRING, severity="notice"), "executor.listOpenPrescriptions fails in part at Recip-e"),
        (replace(FIRING, endpoint="", kind="silent"), "Recip-e is silent"),
        (replace(FIRING, kind="fewer"), "executor.listOpenPrescriptions gets fewer calls than expected at Recip-e"),
        (replace(FIRING, state="resolved", resolved=NOW), "executor.listOpenPrescriptions was failing at Recip-e"),
        (replace(FIRING, resolved=NOW), "executor.listOpenPrescriptions is failing at Recip-e"),
    ],
)
def test_an_incident_says_what_is_wrong_where(incident: Incident, headline: str) -> None:
    assert words.headline(incident, NAMES) == headline


def test_every_state_has_a_shape_and_a_word_of_its_own() -> None:
    looks = [
        words.look(replace(FIRING, state=state))
        for state in ("suspected", "firing", "acknowledged", "resolved", "closed")
    ]  # fmt: skip
    assert len({css for css, _ in looks}) == len({word for _, word in looks}) == 5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (40, "40 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (11_100, "3 h 5 min"),
     (2 * 86_400 + 4 * 3_600 + 120, "2 d 4 h"), (86_400, "1 d")],
)  # fmt: skip
def test_how_long_is_told_in_two_units(seconds: float, text: str) -> None:
    assert words.lasting(seconds).replace("\u00a0", " ") == text


def test_a_name_that_begins_small_stays_so_at_the_start_of_a_sentence() -> None:
    assert words.sentence("eHealth’s side") == "eHealth’s side."
    assert words.sentence("no call, 12 a minute last week") == "No call, 12 a minute last week."


def test_the_day_of_a_span_is_told_once() -> None:
    assert words.span(NOW - 86_400, NOW - 86_000, ZONE, NOW) == "Sun 22 Nov 10:42 – 10:49"
    assert words.span(NOW - 86_400, NOW, ZONE, NOW) == "Sun 22 Nov 10:42 – 10:42"
    assert words.span(NOW - 600, NOW, ZONE, NOW) == "10:32 – 10:42"


def test_what_lasts_comes_first_pages_before_notices() -> None:
    notice = replace(FIRING, id=1, severity="notice")
    closed = replace(FIRING, id=2, state="closed", resolved=NOW)
    taken = replace(FIRING, id=3, state="acknowledged")
    suspected = replace(FIRING, id=4, state="suspected")
    assert [one.id for one in words.lasting_first([closed, suspected, notice, taken, FIRING])] == [7, 1, 3, 4, 2]


# incidents and the judge


AS_USUAL = State(Level.OK, "as last week", "shares, latency and calls are as last week")
FAILS = State(Level.FAILING, "failing", "39 % of the calls fail technically")
OVER = replace(FIRING, state="resolved", resolved=COMPLETE - 120)


@pytest.mark.parametrize(
    ("state", "incidents", "level", "word"),
    [
        (AS_USUAL, (), Level.OK, "as last week"),
        (AS_USUAL, (FIRING,), Level.FAILING, "failing"),
        (AS_USUAL, (replace(FIRING, severity="notice"),), Level.SOME, "some calls fail"),
        (AS_USUAL, (SUSPECTED,), Level.OK, "as last week"),
        (FAILS, (replace(FIRING, kind="fewer"),), Level.FAILING, "failing"),
        (FAILS, (OVER,), Level.OK, "recovered"),
        (FAILS, (replace(OVER, resolved=COMPLETE - 900),), Level.FAILING, "failing"),
        (FAILS, (OVER, replace(FIRING, id=8)), Level.FAILING, "failing"),
        (State(Level.SLOW, "slow", ""), (OVER,), Level.SLOW, "slow"),
        (FAILS, (replace(OVER, endpoint=""),), Level.FAILING, "failing"),
    ],
)
def test_state_and_incidents_agree(state: State, incidents: tuple[Incident, ...], level: Level, word: str) -> None:
    found = words.settled(state, *FAILING, incidents, COMPLETE)
    assert (found.level, found.word) == (level, word)


@pytest.mark.parametrize(
    ("incidents", "level", "word"),
    [
        ((OVER,), Level.OK, "recovered"),
        ((OVER, replace(FIRING, id=8, endpoint="other")), Level.FAILING, "failing"),
        ((OVER, replace(SUSPECTED, id=8, endpoint="other")), Level.FAILING, "failing"),
        ((replace(OVER, hub="dpp"),), Level.FAILING, "failing"),
        ((replace(OVER, resolved=COMPLETE - 900),), Level.FAILING, "failing"),
    ],
)
def test_a_hub_recovers_with_its_endpoint(incidents: tuple[Incident, ...], level: Level, word: str) -> None:
    found = words.settled(FAILS, "recipe", "", incidents, COMPLETE)
    assert (found.level, found.word) == (level, word)


def test_a_fault_is_told_in_the_incidents_words_also_when_the_minutes_show_it() -> None:
    assert words.settled(FAILS, *FAILING, (FIRING,), COMPLETE).reason == FIRING.reason


def test_a_hub_shows_all_of_its_incidents_and_an_endpoint_its_own_and_its_hubs() -> None:
    hub, mine, another = SeriesKey("hub", ("recipe",)), SeriesKey("endpoint", FAILING), SeriesKey("hub", ("dpp",))
    assert words.covers(FIRING, hub)
    assert words.covers(FIRING, mine)
    assert words.covers(FIRING, SeriesKey("endpoint_vendor", (*FAILING, "apolline")))
    assert words.covers(replace(FIRING, endpoint=""), mine)
    assert not words.covers(replace(FIRING, endpoint="other"), mine)
    assert not words.covers(FIRING, another)
    assert not words.covers(FIRING, SeriesKey("vendor", ("recipe",)))


def test_suspicions_shade_nothing_and_many_incidents_are_told_in_one() -> None:
    window, hub = named_window("today", NOW, ZONE), SeriesKey("hub", ("recipe",))
    found = [
        replace(FIRING, id=number, state="closed", since=NOW - number * 1_000, resolved=NOW - number * 1_000 + 300)
        for number in range(1, 5)
    ]
    nothing = [replace(SUSPECTED, id=9), replace(SUSPECTED, id=10, state="closed", closed=NOW)]
    long_ago = replace(found[0], since=NOW - 200_000, resolved=NOW - 190_000)
    marks = marks_of([*found, *nothing, long_ago], hub, window, ZONE, NOW)
    assert [mark.text.split(",")[0] for mark in marks] == ["incident 4", "incident 3", "incident 2", "incident 1"]
    assert texts(marks) == ["4 incidents, the last: incident 1, 10:25 – 10:30"]
    assert texts(marks_of([FIRING], hub, window, ZONE, NOW)) == ["incident 7, since 10:28"]


def test_the_graph_shows_half_an_hour_around_and_never_the_future() -> None:
    around, counted = window_around(FIRING, NOW), window_of(FIRING, NOW)
    assert around.start <= FAULT - 1_800
    assert NOW <= around.end < NOW + 60
    assert (counted.start, counted.end) == (int(FAULT), int(-NOW // 60) * -60)
    over = replace(FIRING, state="closed", since=FAULT - 7_200, resolved=FAULT - 7_190)
    assert window_around(over, NOW).end == int(FAULT) - 7_190 + 1_800 + 50
    assert window_of(over, NOW).seconds == 60


# news


def test_only_the_last_turn_of_an_incident_is_news_and_no_suspicion_is() -> None:
    entries = [
        JournalEntry(1, 5, 0, "opened", "pharmapulse", ""),
        JournalEntry(2, 6, 0, "opened", "pharmapulse", ""),
        JournalEntry(3, 5, 1, "confirmed", "pharmapulse", ""),
        JournalEntry(4, 6, 1, "closed", "pharmapulse", ""),
        JournalEntry(5, 5, 2, "acknowledged", "jan", ""),
        JournalEntry(6, 5, 3, "noted", "jan", ""),
    ]
    assert [entry.id for entry in newest_turns(entries)] == [5]


def test_news_say_what_where_since_and_whose_side(house: House) -> None:
    fired = fire(house.incidents)
    (news,) = news_since(house.incidents, 0, NAMES, ZONE, NOW)
    assert (news.incident, news.event, news.state, news.severity) == (fired.id, "confirmed", "firing", "page")
    assert news.text == "executor.listOpenPrescriptions is failing at Recip-e since 10:28."
    assert news.detail.endswith("mostly SOA-02001. eHealth’s side.")
    turn(house.incidents, fired, "recovered", NOW - 5)
    (news,) = news_since(house.incidents, news.entry, NAMES, ZONE, NOW)
    assert (news.event, news.text) == (
        "recovered",
        "executor.listOpenPrescriptions was failing at Recip-e from 10:28 to 10:42.",
    )
    assert news_since(house.incidents, news.entry, NAMES, ZONE, NOW) == []


def _incident_events(piece: str) -> list[tuple[str, str]]:
    return re.findall(r'id: (\d+)\nevent: incident\ndata: [^\n]*"state":"(\w+)"', piece)


def test_a_stream_tells_each_turn_once_and_goes_on_where_a_page_was(house: House) -> None:
    live, steps = OpenPresent(), Steps()
    watch = Watch(live, limit=3, waker=steps, newest=house.incidents.last_entry)

    def tell(after: int) -> list[object]:
        return list(news_since(house.incidents, after, NAMES, ZONE, NOW))

    stream = watch.open(0, tell)  # type: ignore[arg-type] # a list of News
    assert stream is not None
    assert next(stream) == "retry: 5000\n\n"
    fired = fire(house.incidents)
    steps.wake()
    first = next(stream)
    assert _incident_events(first) == [("2", "firing")]
    house.incidents.keep(fired, fired, "noted", "jan", "a note", NOW)
    steps.wake()
    assert _incident_events(next(stream)) == []
    turn(house.incidents, fired, "recovered", NOW)
    steps.wake()
    assert _incident_events(next(stream)) == [("4", "resolved")]
    stream.close()
    again = watch.open(2, tell)  # type: ignore[arg-type] # as above
    assert again is not None
    assert _incident_events(next(again)) == [("4", "resolved")], "it missed the end, and is told so at once"
    late = watch.open(4, tell)  # type: ignore[arg-type] # as above
    assert late is not None
    assert next(late) == "retry: 5000\n\n"
    for one in (again, late):
        one.close()


def test_a_state_that_cannot_be_read_is_asked_again(house: House) -> None:
    steps, broken = Steps(), [True]

    def newest() -> int:
        if broken[0]:
            raise StoreError("state.db: database is locked")
        return house.incidents.last_entry()

    watch = Watch(OpenPresent(), limit=1, waker=steps, newest=newest)
    stream = watch.open(0, lambda after: news_since(house.incidents, after, NAMES, ZONE, NOW))
    assert stream is not None
    assert next(stream) == "retry: 5000\n\n"
    fire(house.incidents)
    steps.wake()
    broken[0] = False
    steps.wake()
    assert _incident_events(next(stream)) == [("2", "firing")]
    stream.close()


# pages


def test_the_answer_is_in_the_incidents_words_and_leads_to_it(house: House) -> None:
    fired = fire(house.incidents, replace(SUSPECTED, since=FAULT - 60))
    page = house.get("/")
    told = json.loads(house.get("/api/v1/overview"))
    assert told["answer"]["text"] == "executor.listOpenPrescriptions is failing at Recip-e since 10:27."
    assert told["answer"]["incident"] == fired.id
    assert f'<a href="/incident/{fired.id}">Incident {fired.id}</a>; nobody took it up yet.' in page
    assert [hub["incident"] for hub in told["hubs"]] == [fired.id, None, None, None, None, None]
    assert told["troubles"][0]["incident"] == fired.id
    turn(house.incidents, fired, "acknowledged", NOW, by="jan")
    assert "jan took it up." in house.get("/"), "a turn of an incident makes the page anew"


def test_an_incident_shows_before_whole_minutes_do_and_its_end_too(house: House) -> None:
    fired = fire(house.incidents, other("dpp", kind="silent", side="hub", reason="no call, 412 a minute last week"))
    told = json.loads(house.get("/api/v1/overview"))
    assert {hub["hub"]: hub["word"] for hub in told["hubs"]}["dpp"] == "silent"
    assert "DPP is silent" in house.get("/hub/dpp"), "the hub's page tells of it"
    turn(house.incidents, fired, "recovered", NOW - 30)
    found = fire(house.incidents)
    turn(house.incidents, found, "recovered", NOW - 60)
    told = json.loads(house.get("/api/v1/overview"))
    assert "is failing" not in told["answer"]["text"], "its last minutes are judged yet, and it is over"
    page = house.get(f"/hub/{FAILING[0]}/endpoint/{FAILING[1]}")
    assert "<b>Recovered.</b>" in page


def test_other_incidents_are_told_beside_the_answer(house: House) -> None:
    fire(house.incidents)
    second = fire(house.incidents, other("raotd", kind="fewer", severity="notice"))
    assert f'<a href="/incident/{second.id}">RaOTD gets fewer calls than expected</a>' in house.get("/").replace(
        "<wbr>", ""
    )


def test_graphs_shade_incidents_and_say_so_in_words(house: House) -> None:
    fired = fire(house.incidents)
    for address in ("/hub/recipe", f"/hub/{FAILING[0]}/endpoint/{FAILING[1]}", f"/incident/{fired.id}"):
        page = house.get(address)
        assert page.count('class="band"') >= 4, address
        assert re.search(rf'aria-label="Calls a minute: [^"]*; incident {fired.id}, since 10:28"', page), address
    assert 'class="band"' not in house.get("/hub/dpp")


def test_the_list_and_the_page_of_an_incident(house: House) -> None:
    fired = fire(house.incidents)
    closed = turn(house.incidents, fire(house.incidents, other("dpp", kind="silent")), "recovered", NOW - 100)
    suspicion = house.incidents.keep(other("ehealth"), None, "opened", "pharmapulse", "", NOW - 900)
    assert suspicion is not None
    turn(house.incidents, suspicion, "closed", NOW - 800)
    page = house.get("/incidents")
    assert "executor.listOpenPrescriptions is failing at Recip-e since 10:28; nobody took it up yet." in page
    assert page.index(f"/incident/{fired.id}") < page.index(f"/incident/{closed.id}")
    assert f"/incident/{suspicion.id}" not in page, "it came to nothing"
    page = house.get(f"/incident/{fired.id}")
    assert "39.8 % of the calls fail technically (0.3 % last week), mostly SOA-02001. It has lasted 14" in page
    assert "told: duty" in page
    assert "apolline" in page
    assert "I take it" not in page, "a guest reads"
    assert house.client.get("/incident/99").status_code == 404
    told = json.loads(house.get(f"/api/v1/incidents/{fired.id}"))
    assert [entry["event"] for entry in told["journal"]] == ["opened", "confirmed"]
    assert told["news"]["entry"] == told["journal"][-1]["entry"]
    listed = json.loads(house.get("/api/v1/incidents"))["incidents"]
    assert {one["incident"] for one in listed} == {fired.id, closed.id}
    assert json.loads(house.get("/api/v1/news"))["news"] == []
    assert len(json.loads(house.get("/api/v1/news?after=0"))["news"]) == 2
    for days in ("0", "x", "1000", "²"):
        assert house.client.get(f"/api/v1/incidents?days={days}").status_code == 400


def test_a_long_list_is_cut_and_says_so(house: House) -> None:
    for place in range(102):
        at = NOW - 600 * (place + 2)
        over = turn(house.incidents, fire(house.incidents, other("dpp", since=at, opened=at)), "recovered", at + 300)
        turn(house.incidents, over, "closed", at + 400)
    page = house.get("/incidents")
    assert page.count('class="row"') == 100
    assert "Older ones are left out here" in page
    assert "102 incidents, the last: incident 1," in house.get("/hub/dpp?range=week")


def test_ops_take_an_incident_up_and_note_what_they_did(house: House) -> None:
    fired = fire(house.incidents)
    client = logged_in(house)
    assert "I take it" in client.get(f"/incident/{fired.id}").text
    answer = sent(client, fired.id, "take")
    assert (answer.status_code, answer.location) == (303, f"/incident/{fired.id}?said=taken")
    page = client.get(answer.location).text
    assert "jan took it up." in page
    assert "You took it up." in page
    assert "I take it" not in page
    assert sent(client, fired.id, "note", text=" called the helpdesk\r\nthey restart ").status_code == 303
    assert [(entry.event, entry.by, entry.text) for entry in house.incidents.journal(fired.id)[2:]] == [
        ("acknowledged", "jan", ""), ("noted", "jan", "called the helpdesk\nthey restart"),
    ]  # fmt: skip
    actions = [entry.action for entry in house.access.audit(10)]
    assert {"took up an incident", "noted at an incident"} <= set(actions)
    colleague = logged_in(house, "els")
    assert sent(colleague, fired.id, "take").location == f"/incident/{fired.id}?said=late"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "the note is empty"), ("x" * 2_001, "2,001 characters"), (f"asked for {PATIENT}", "patient")],
)
def test_a_bad_note_is_refused_and_kept_nowhere(house: House, text: str, said: str) -> None:
    fired = fire(house.incidents)
    answer = sent(logged_in(house), fired.id, "note", text=text)
    assert answer.status_code == 400
    assert said in answer.text
    assert PATIENT not in answer.text
    assert len(house.incidents.journal(fired.id)) == 2


def test_the_journal_says_who_was_told_and_who_could_not_be(house: House) -> None:
    opened = house.incidents.keep(SUSPECTED, None, "opened", "pharmapulse", "", OPENED)
    assert opened is not None
    firing = moved(opened, "confirmed", OPENED + 10)
    house.incidents.keep(firing, opened, "confirmed", "pharmapulse", "", OPENED + 10, ("duty", "boss", "second"))
    duty, boss, second = house.incidents.to_tell(NOW, 9)
    house.incidents.told(duty, OPENED + 12)
    house.incidents.not_told(boss, "no such mailbox", None)
    house.incidents.not_told(second, "the mail server is away", NOW + 60)
    page = house.get(f"/incident/{opened.id}")
    assert "Told duty at 10:28:32. boss could not be told: no such mailbox." in page
    assert "second is still to be told (tried once: the mail server is away)." in page
    told = json.loads(house.get(f"/api/v1/incidents/{opened.id}"))["journal"]
    assert [one["person"] for one in told[1]["told"]] == ["duty", "boss", "second"]
    partner = logged_in(house, "softc", "partner", Scope(hubs=frozenset({"recipe"})))
    for address in (f"/incident/{opened.id}", f"/api/v1/incidents/{opened.id}"):
        assert "duty" not in partner.get(address).text


def test_nobody_else_changes_anything(house: House) -> None:
    fired = fire(house.incidents)
    assert house.client.post(f"/incident/{fired.id}/take").status_code in (401, 403), "a guest"
    client = logged_in(house)
    assert client.post(f"/incident/{fired.id}/take").status_code == 400, "without the form's own token"
    partner = logged_in(house, "softc", "partner", Scope(hubs=frozenset({"recipe"})))
    assert "I take it" not in partner.get(f"/incident/{fired.id}").text
    assert partner.post(f"/incident/{fired.id}/note", data={"text": "x"}).status_code in (400, 403)
    assert len(house.incidents.journal(fired.id)) == 2


@pytest.mark.parametrize("scope", [EVERYTHING, Scope(hubs=frozenset({"recipe"}))], ids=["everything", "a hub"])
def test_what_an_incident_says_tells_partners_no_share_and_no_rate(house: House, scope: Scope) -> None:
    mine = fire(house.incidents, replace(SUSPECTED, reason="61.37 % of the calls fail technically (0.73 % last week)"))
    turn(house.incidents, mine, "recovered", NOW, "it was 66.67 % at most")
    partner = logged_in(house, "softc", "partner", scope)
    for address in ("/", "/incidents", f"/incident/{mine.id}", "/hub/recipe", "/api/v1/overview", "/api/v1/incidents",
                    f"/api/v1/incidents/{mine.id}", "/api/v1/news?after=0"):  # fmt: skip
        answer = partner.get(address)
        assert answer.status_code == 200, address
        assert not [figure for figure in ("61.37", "0.73", "66.67") if figure in answer.text], address
    assert "some of the calls fail technically" in partner.get(f"/api/v1/incidents/{mine.id}").text
    assert "61.37" in logged_in(house).get(f"/api/v1/incidents/{mine.id}").text


@pytest.mark.parametrize("days", ["0", "426", "-1", "000001999999", "1" * 5_000, "0" * 400 + "1", "x"])
def test_a_number_of_days_that_is_none_is_refused(house: House, days: str) -> None:
    assert house.client.get(f"/api/v1/incidents?days={days}").status_code == 400


@pytest.mark.parametrize("number", [2, 2**31, 10**30])
def test_a_number_of_no_incident_is_not_found(house: House, number: int) -> None:
    fire(house.incidents)
    house.get(f"/incident/{number}", 404)
    house.get(f"/api/v1/incidents/{number}", 404)


def test_a_partner_sees_and_hears_its_own_hubs_only(house: House) -> None:
    mine = fire(house.incidents)
    turn(house.incidents, mine, "noted", NOW, "between us: the node is old", "jan")
    others = fire(house.incidents, other("dpp", reason="77.77 % of the calls fail technically"))
    house.restarts.add(RESTART)
    partner = logged_in(house, "softc", "partner", Scope(hubs=frozenset({"recipe"})))
    for address in ("/", "/incidents", f"/incident/{mine.id}", "/restarts", "/hub/recipe", "/api/v1/incidents",
                    f"/api/v1/incidents/{mine.id}", "/api/v1/news?after=0", "/api/v1/restarts"):  # fmt: skip
        answer = partner.get(address)
        assert answer.status_code == 200, address
        for secret in ("dpp", "DPP", "77.77", "RaOTD", "new release", "between us"):
            assert secret not in answer.text, f"{address}: {secret}"
    for address in (f"/incident/{others.id}", f"/api/v1/incidents/{others.id}", "/incident/99"):
        assert partner.get(address).status_code == 404
    with partner.get("/api/v1/stream?after=0", buffered=False) as stream:
        events = next(iter(stream.iter_encoded())).decode()
        assert [number for number, _ in _incident_events(events)] == ["2"]


# restarts


TARGET = Target(name="raotd", url="https://raotd.example", hub="raotd", rate=50.0)


def _queue(**changes: object) -> QueueStatus:
    status = QueueStatus("raotd", False, "", None, "", 18_240, NOW - 600, 1_000, 0, 40.0)
    return replace(status, **changes)  # type: ignore[arg-type] # of its own fields


@pytest.mark.parametrize(
    ("changes", "done"),
    [({}, NOW + 456), ({"rate": 90.0}, NOW + 18_240 / 50), ({"held": True}, None), ({"rate": 0.0}, None),
     ({"waiting": 0}, None)],
)  # fmt: skip
def test_about_when_a_queue_is_empty(changes: dict[str, object], done: float | None) -> None:
    assert about_done(_queue(**changes), TARGET, NOW) == done


def test_a_queue_of_few_calls_tells_partners_no_figure_of_them() -> None:
    few = _queue(waiting=3, delivered=2, dead=1, rate=2 / 60)
    for status in (few, replace(few, waiting=300), replace(few, held=True, held_by="jan")):
        shown = str(restarts_page([], [], [(status, TARGET)], NAMES, ZONE, NOW, 5).queues)
        told = str(restarts_page([], [], [(status, TARGET)], NAMES, ZONE, NOW).queues)
        assert ("2.0 a minute" in told, "2.0 a minute" in shown, "few a minute" in shown) == (True, False, True)
        assert "at best" not in shown
        assert "done='about" not in shown
        assert about_done(status, TARGET, NOW, 5) is None
    many = _queue(held=True, held_by="jan")
    assert "at best once let go" in restarts_page([], [], [(many, TARGET)], NAMES, ZONE, NOW, 5).queues[0].done


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("planned", "The next restart is RaOTD’s, 12:42."),
        ("holding", "RaOTD is being restarted; its calls are held."),
        ("draining", "RaOTD is back; the calls held meanwhile go out."),
    ],
)
def test_the_page_of_restarts_says_first_what_runs(state: RestartState, sentence: str) -> None:
    restart = replace(RESTART, state=state)
    assert restarts_page([restart], [], [], NAMES, ZONE, NOW).sentence == sentence


def test_restarts_and_queues_are_shown(store: RrdSeriesStore, build: Build) -> None:
    settings = msgspec.structs.replace(SETTINGS, deferred=DeferredSettings(targets=(TARGET,)))
    house = build(store, settings, queues=lambda: (_queue(held=True, held_by="jan", reason="restart 1"),))
    house.restarts.add(replace(RESTART, state="holding", started=NOW - 60))
    past = replace(RESTART, hub="dpp", state="ended", planned=NOW - 9_000, started=NOW - 9_000, ended=NOW - 8_000)
    house.restarts.add(past)
    page = house.get("/restarts")
    assert "RaOTD is being restarted; its calls are held." in page
    assert "18,240" in page
    assert "held by jan (restart 1); 6\u00a0min at best once let go" in page
    assert "08:12 – 08:29, 16\u00a0min" in page
    told = json.loads(house.get("/api/v1/restarts"))
    assert [one["state"] for one in told["restarts"]] == ["holding", "ended"]
    assert told["queues"][0]["waiting"] == 18_240
    assert "2 not over" not in house.get("/incidents")
    assert "1 not over" in house.get("/incidents")


def test_an_unreadable_state_is_a_503(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("state.db: disk I/O error")

    monkeypatch.setattr(SqlIncidents, "unsettled", fail)
    answer = house.client.get("/incidents")
    assert answer.status_code == 503
    assert "disk I/O error" in answer.text
