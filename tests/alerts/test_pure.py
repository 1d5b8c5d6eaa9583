"""The decisions of the alerts, in tables: evidence, blame, grouping, life, routing, words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from alerts.blame import Blame, blame, vendor_behind
from alerts.detect import Finding
from alerts.evidence import failing_stretch, silence
from alerts.judge import DEFAULTS
from alerts.lanes import next_try
from alerts.lifecycle import LIFE, IllegalTransitionError, acknowledged, moved, next_state, was_told
from alerts.message import Figures, body, link_base, title
from alerts.routes import route
from alerts.step import CLOSE, HEALTHY, RELAPSE, Change, causes, is_expected, step
from domain.codes import SHIPPED
from domain.incident import Anomaly, Incident, IncidentEvent, IncidentState, Kind, Severity
from domain.restart import Restart, RestartState
from domain.series import FAMILIES, Rows, SeriesKey, Values
from domain.settings import AlertSettings, Route, Settings, Site, WebSettings

NAN = math.nan


def rows(calls: Sequence[float] | Values, technical: Sequence[float] | Values, step: int = 10) -> Rows:
    sources = FAMILIES["endpoint"].sources
    values = np.full((len(calls), len(sources)), np.nan)
    values[:, 0], values[:, 2] = calls, technical
    return Rows(0, step, sources, values)


@pytest.mark.parametrize(
    ("calls", "technical", "usual", "since", "sure"),
    [
        ([1] * 10, [0] * 10, 0.003, None, None),
        ([1] * 10, [0] * 9 + [1], 0.003, None, None),  # one failure is nothing
        ([1] * 10, [0] * 8 + [1, 1], 0.003, 80, False),  # two in a row are watched
        ([1] * 10, [0] * 7 + [1, 1, 1], 0.003, 70, True),
        ([1, 0] * 5, [0, 0, 0, 0, 1, 0, 1, 0, 1, 0], 0.003, 40, True),  # buckets without a call say nothing
        ([1] * 10, [0] * 7 + [1, 1, 1], 0.3, None, None),  # usual there
        ([1] * 10, [0] * 7 + [1, 1, 1], NAN, 70, True),  # nothing compares
        ([NAN] * 7 + [1] * 3, [NAN] * 7 + [1] * 3, 0.003, 70, True),
        ([NAN] * 10, [NAN] * 10, 0.003, None, None),
        ([100] * 10, [0] * 9 + [40], 0.003, 90, True),  # at once
        ([100] * 10, [0] * 6 + [40] * 4, 0.003, 60, True),
        ([100] * 10, [0] * 6 + [15] * 4, 0.003, None, None),  # under the limit
        ([100] * 10, [40] * 3 + [0] * 7, 0.003, None, None),  # over
        ([20] * 10, [0] * 9 + [20], 0.003, 90, True),  # dead for ten seconds
    ],
)
def test_failing(
    calls: list[float], technical: list[float], usual: float, since: int | None, sure: bool | None
) -> None:
    found = failing_stretch(rows(calls, technical), 0.2, usual)
    assert (None if found is None else found.since, None if found is None else found.sure) == (since, sure)


def test_a_partial_failure_of_a_quiet_endpoint_is_found_as_well() -> None:
    found = failing_stretch(rows([1] * 90, [0] * 60 + [1, 0] * 15), 0.2, 0.003)
    assert found is not None
    assert found.sure
    assert found.share == pytest.approx(0.5, abs=0.02)


def test_ordinary_failures_raise_nothing_in_a_day() -> None:
    random = np.random.default_rng(1)
    calls = random.poisson(8, 8_640).astype(float)
    technical = random.binomial(calls.astype(int), 0.005).astype(float)
    sure = 0
    for end in range(90, 8_640):
        found = failing_stretch(rows(calls[end - 90 : end], technical[end - 90 : end]), 0.2, 0.005)
        sure += found is not None and found.sure
    assert sure == 0


@pytest.mark.parametrize(
    ("calls", "per_second", "since"),
    [
        ([5] * 6 + [0] * 6, 0.5, 60),
        ([5] * 6 + [0] * 6, 0.4, None),
        ([5] * 6 + [0] * 5 + [NAN], 5.0, None),
        ([5] * 12, 5.0, None),
        ([0] * 12, 1.0, 0),
    ],
)
def test_silent(calls: list[float], per_second: float, since: int | None) -> None:
    assert silence(rows(calls, [0] * 12), per_second, 30) == since


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ({}, Blame()),
        ({"SOA-02001": 9, "ERR200054": 1}, Blame("SOA-02001", "ehealth")),
        ({"SOA-02001": 4, "SOA-02002": 4, "TIP_999": 3}, Blame("", "ehealth")),
        ({"ERR200054": 5}, Blame("ERR200054", "vendor")),
        ({"503": 5}, Blame("503", "hub")),
        ({"E_UNHEARD_OF": 5}, Blame("E_UNHEARD_OF", "hub")),
        ({"SOA-02001": 1, "TIP_999": 1, "ERR200054": 1}, Blame()),
    ],
)
def test_whose_side(failures: dict[str, float], told: Blame) -> None:
    assert blame(failures, SHIPPED) == told


@pytest.mark.parametrize(
    ("calls", "vendor"),
    [
        ({}, ""),
        ({"one": (10, 10)}, ""),
        ({"one": (10, 10), "two": (100, 0)}, "one"),
        ({"one": (10, 10), "two": (100, 40)}, ""),
        ({"one": (10, 5), "two": (10, 5)}, ""),
    ],
)
def test_the_vendor_behind_it(calls: dict[str, tuple[float, float]], vendor: str) -> None:
    assert vendor_behind(calls) == vendor


# ---- life ----


@pytest.mark.parametrize("state", get_args(IncidentState))
@pytest.mark.parametrize("event", get_args(IncidentEvent))
def test_every_transition_is_in_the_table_or_refused(state: IncidentState, event: IncidentEvent) -> None:
    if (state, event) in LIFE:
        assert next_state(state, event) in get_args(IncidentState)
    else:
        with pytest.raises(IllegalTransitionError, match=f"that is {state} cannot be {event}"):
            next_state(state, event)


def test_times_of_a_life() -> None:
    one = incident(state="firing")
    assert acknowledged(one, "ann", 7).acknowledged_by == "ann"
    assert moved(one, "noted", 7).changed == one.changed
    over = moved(one, "recovered", 7)
    assert (over.resolved, over.changed) == (7, 7)
    assert moved(over, "closed", 9).closed == 9
    assert moved(over, "relapsed", 9).resolved == 7
    assert [was_told(x) for x in (incident(), one, over, moved(incident(), "closed", 1))] == [False, True, True, False]


# ---- steps ----


def incident(number: int = 1, **changes: object) -> Incident:
    fields: dict[str, object] = {
        "id": number, "hub": "recipe", "endpoint": "a", "kind": "failing", "severity": "page", "state": "suspected",
        "side": "", "since": 80.0, "opened": 100.0, "changed": 100.0, "seen": 100.0, "reason": "it fails",
    }  # fmt: skip
    return Incident(**(fields | changes))  # type: ignore[arg-type]


def finding(
    endpoint: str = "a", *, hub: str = "recipe", kind: Kind = "failing", severity: Severity = "page",
    sure: bool = True, at: float = 110,
) -> Finding:  # fmt: skip
    series = SeriesKey("endpoint", (hub, endpoint)) if endpoint else SeriesKey("hub", (hub,))
    return Finding(Anomaly(series, kind, severity, 80, at, 0.4, 0.003, f"{series} is odd", "hub"), sure)


def stepped(
    unsettled: Sequence[Incident], findings: Sequence[Finding], now: float = 113, mark: float = 110, endpoints: int = 9
) -> list[Change]:
    return step(unsettled, findings, mark, now, endpoints_of={"recipe": endpoints}).changes


@pytest.mark.parametrize(
    ("names", "endpoints", "places"),
    [
        (["a"], 9, ["a"]),
        ([""], 9, [""]),
        (["", "a"], 9, ["a"]),  # one endpoint explains its hub
        (["", "a", "b"], 9, [""]),
        (["a", "b"], 9, ["a", "b"]),
        (["a", "b"], 4, [""]),  # half of the hub
        (["a", "b", "c"], 9, [""]),
    ],
)
def test_one_cause_is_one_incident(names: list[str], endpoints: int, places: list[str]) -> None:
    found = causes([finding(name) for name in reversed(names)], {"recipe": endpoints})
    assert sorted(cause.endpoint for cause in found) == places


def test_kinds_that_differ_are_causes_that_differ() -> None:
    found = causes([finding("a"), finding("b", kind="silent"), finding("c", hub="dpp")], {"recipe": 2})
    assert [(cause.hub, cause.endpoint) for cause in found] == [("dpp", "c"), ("recipe", "a"), ("recipe", "b")]


def test_a_hub_names_its_endpoints() -> None:
    (change,) = stepped([], [finding(""), finding("a"), finding("b")])
    assert change.after.reason == "hub recipe is odd; endpoints: a, b"


def test_suspected_first_and_told_when_sure_and_seen_again() -> None:
    (opened,) = stepped([], [finding(sure=True)], mark=100)
    assert (opened.event, opened.after.state, opened.tell) == ("opened", "suspected", False)
    one = replace(opened.after, id=1, seen=100.0)
    assert not stepped([one], [finding(sure=False)])
    assert not stepped([one], [finding(at=100)], mark=100)  # the same judgement again, as after a restart
    (confirmed,) = stepped([one], [finding()])
    assert (confirmed.event, confirmed.after.state, confirmed.tell) == ("confirmed", "firing", True)
    assert confirmed.after.side == "hub"


def test_a_notice_waits_longer() -> None:
    one = incident(severity="notice", kind="fewer")
    few = finding(kind="fewer", severity="notice")
    assert not stepped([one], [few], now=399)
    assert stepped([one], [few], now=400)[0].tell


def test_what_merely_lasts_is_noted_as_seen() -> None:
    done = step([incident(state="firing")], [finding()], 110, 113, endpoints_of={})
    assert (done.changes, done.seen) == ([], {1: "endpoint recipe · a is odd"})


def test_what_ebbs_keeps_its_words() -> None:
    ebbing = replace(finding(), ebbs=True)
    assert step([incident(state="firing")], [ebbing], 110, 113, endpoints_of={}).seen == {1: "it fails"}
    found = failing_stretch(rows([20] * 10, [0] * 5 + [20] * 4 + [0]), 0.2, 0.003)
    assert found is not None
    assert found.ebbs
    lasting = failing_stretch(rows([20] * 10, [0] * 5 + [20] * 5), 0.2, 0.003)
    assert lasting is not None
    assert not lasting.ebbs


def test_suspected_and_gone_is_told_to_nobody() -> None:
    assert not stepped([incident()], [], mark=100 + HEALTHY - 10)
    (gone,) = stepped([incident()], [], mark=100 + HEALTHY)
    assert (gone.event, gone.after.state, gone.tell) == ("closed", "closed", False)


@pytest.mark.parametrize("state", ["firing", "acknowledged"])
def test_over_when_healthy_for_a_minute(state: str) -> None:
    one = incident(state=state)
    assert not stepped([one], [], mark=100 + HEALTHY - 10)
    (over,) = stepped([one], [], mark=100 + HEALTHY, now=170)
    assert (over.event, over.after.state, over.after.resolved, over.tell) == ("recovered", "resolved", 170, True)


def test_back_soon_is_the_same_and_told_only_if_it_lasts() -> None:
    over = incident(state="resolved", resolved=200.0, changed=200.0)
    assert not stepped([over], [finding(sure=False)], now=210)
    (back,) = stepped([over], [finding()], now=200 + RELAPSE - 1)
    assert (back.event, back.after.state, back.after.id, back.tell) == ("relapsed", "firing", 1, False)
    again = back.after
    (over_again,) = stepped([again], [], now=600, mark=again.seen + HEALTHY)
    assert (over_again.event, over_again.tell) == ("recovered", False)
    (lasts,) = stepped([again], [finding(at=700)], now=again.changed + RELAPSE, mark=700)
    assert (lasts.event, lasts.tell, lasts.after.resolved) == ("noted", True, None)
    (told,) = stepped([lasts.after], [], now=2_000, mark=1_900)
    assert (told.event, told.tell) == ("recovered", True)


def test_back_later_is_told_and_closed_after_that() -> None:
    over = incident(state="resolved", resolved=200.0, changed=200.0, acknowledged_by="ann")
    (back,) = stepped([over], [finding()], now=200 + RELAPSE)
    assert (back.event, back.tell, back.after.resolved, back.after.acknowledged_by) == ("relapsed", True, None, "")
    assert not stepped([over], [], now=200 + CLOSE - 1)
    (closed,) = stepped([over], [], now=200 + CLOSE)
    assert (closed.after.state, closed.tell) == ("closed", False)


def test_worse_is_told_once() -> None:
    one = incident(state="firing", severity="notice", kind="fewer")
    (worse,) = stepped([one], [finding()])
    assert (worse.event, worse.tell, worse.after.kind, worse.after.severity) == ("noted", True, "failing", "page")
    assert not stepped([worse.after], [finding(at=120)], mark=120)
    assert not stepped([incident(state="firing")], [finding(kind="fewer", severity="notice")])


def test_it_widens_to_its_hub() -> None:
    one = incident(state="firing")
    (wider,) = stepped([one], [finding(""), finding("a"), finding("b")])
    assert (wider.event, wider.after.endpoint, wider.tell) == ("noted", "", False)
    done = step([wider.after], [finding("b", at=120)], 120, 123, endpoints_of={"recipe": 9})
    assert (done.changes, list(done.seen)) == ([], [1])  # and explains what is left of it


def test_an_endpoint_explains_its_hub_while_it_lasts() -> None:
    done = step([incident(state="firing")], [finding("")], 110, 113, endpoints_of={"recipe": 9})
    assert (done.changes, list(done.seen)) == ([], [1])


def test_a_restart_explains_what_is_seen() -> None:
    restart = Restart(7, "recipe", "recipe", "update", "ann", "holding", 50, 500, started=90)
    fields = {"endpoints_of": {"recipe": 9}, "restarts": [restart]}
    assert not step([], [finding()], 110, 113, **fields).changes  # type: ignore[arg-type]
    (noted,) = step([incident(state="firing")], [finding()], 110, 113, **fields).changes  # type: ignore[arg-type]
    assert (noted.event, noted.tell) == ("noted", False)
    assert noted.text.startswith("restart 7 of recipe: ")
    assert not step([incident(state="firing")], [], 900, 903, **fields, noted={(1, 7)}).changes  # type: ignore[arg-type]
    (other,) = step([], [finding("c", hub="dpp")], 110, 113, **fields).changes  # type: ignore[arg-type]
    assert other.after.hub == "dpp"
    over = replace(restart, state="ended", ended=1_000.0)
    fields["restarts"] = [over]
    assert not step([], [finding()], 1_100, 1_103, **fields).changes  # type: ignore[arg-type]
    assert step([], [finding()], 1_300, 1_303, **fields).changes  # type: ignore[arg-type]


# ---- routes and words ----

ROUTES = (Route(to=("ann", "ben"), hubs=("recipe",)), Route(to=("cleo", "ann"), severity="notice"))


@pytest.mark.parametrize(
    ("one", "routes", "people", "reason"),
    [
        (incident(), ROUTES, ("ann", "ben", "cleo"), "told to ann, ben, cleo"),
        (incident(hub="dpp"), ROUTES, ("cleo", "ann"), "told to cleo, ann"),
        (incident(severity="notice"), ROUTES, ("cleo", "ann"), "told to cleo, ann"),
        (incident(severity="log"), ROUTES, (), "told to nobody: it is only recorded"),
        (incident(), (), (), "told to nobody: no route is configured"),
        (incident(hub="dpp"), ROUTES[:1], (), "told to nobody: no route takes a page of dpp"),
    ],
)
def test_who_is_told(one: Incident, routes: tuple[Route, ...], people: tuple[str, ...], reason: str) -> None:
    told = route(one, routes, DEFAULTS)
    assert (told.people, told.reason) == (people, reason)


def test_in_shadow_nobody() -> None:
    assert route(incident(), ROUTES, AlertSettings(shadow=True)).reason == "told to nobody: alerts.shadow is set"


NAMES = {"recipe": "Recip-e"}
ZONE = ZoneInfo("Europe/Brussels")


def test_the_answer_comes_first() -> None:
    seen = Figures(118.2, 120.4, 47.1, 1_000.0, "apolline")
    text = body(incident(side="ehealth", since=940.0), "confirmed", seen, NAMES, ZONE, 1_000, "http://x/incidents/1")
    assert title(incident(), "confirmed", NAMES) == "Recip-e · a fails"
    assert text.replace("\u00a0", " ").splitlines() == [
        "Recip-e · a: it fails.",
        "Since 01:15.",
        "Side: eHealth’s side.",
        "Nearly all that fail are calls of apolline.",
        "",
        "Calls: 118 a minute now, 120 a minute last week.",
        "Technical failures: 47 a minute.",
        "Complete up to 01:16:40.",
        "",
        "Incident 1: http://x/incidents/1",
    ]


def test_it_is_over_in_words() -> None:
    over = incident(since=0.0, seen=600.0, resolved=660.0, state="resolved")
    text = body(over, "recovered", None, NAMES, ZONE, 700, "l").replace("\u00a0", " ")
    assert title(over, "recovered", NAMES) == "Recip-e · a is as expected again"
    assert "It lasted from 01:00 to 01:10, about 10 min." in text


def test_no_patient_in_words() -> None:
    one = incident(endpoint="GET /subject/50010199928/x", reason="code 50010199928 fails")
    assert "50010199928" not in title(one, "confirmed", NAMES) + body(one, "confirmed", None, NAMES, ZONE, 0, "")


def test_the_link_goes_by_the_names_people_use() -> None:
    site = Site(name="x", data="x")
    assert link_base(Settings(site=site)) == "http://localhost:8080"
    assert link_base(Settings(site=site, web=WebSettings(hosts=("pulse.example",)))) == "https://pulse.example"


def test_tried_again_for_a_day() -> None:
    tries, now = 0, 0.0
    while (at := next_try(tries + 1, 0, now)) is not None:
        assert at - now == min(30 * 2**tries, 3_600)
        tries, now = tries + 1, at
    assert 82_800 < now <= 86_400


@pytest.mark.parametrize(
    ("state", "resumed", "ended", "now", "expected"),
    [
        ("planned", None, None, 100, False),
        ("cancelled", None, 90, 100, False),
        ("holding", None, None, 1_099, True),
        ("holding", None, None, 1_100, False),  # ten minutes later than it should be over
        ("draining", 400, None, 579, True),
        ("draining", 400, None, 580, False),  # the hub is back, and what piled up goes out to it
        ("ended", 400, 450, 579, True),
        ("ended", 400, 900, 901, False),
    ],
)
def test_how_long_a_restart_explains_what_is_seen(
    state: str, resumed: float | None, ended: float | None, now: float, expected: bool
) -> None:
    started = None if state in ("planned", "cancelled") else 90.0
    restart = Restart(
        7, "recipe", "recipe", "update", "ann", cast("RestartState", state), 50, 500, started, resumed, ended
    )
    assert is_expected(restart, now) is expected
