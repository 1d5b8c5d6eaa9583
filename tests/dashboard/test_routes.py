"""Every address, asked through the real application over real series files."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from threading import Semaphore
from urllib.parse import urljoin, urlsplit

import numpy as np
import pytest

from dashboard.stream import Watch
from domain.errors import SeriesError
from domain.series import Rows, SeriesKey
from rrd.store import RrdSeriesStore
from tests.dashboard.conftest import Build, House
from tests.dashboard.happened import fire
from tests.dashboard.traffic import (
    BUSIEST,
    COMPLETE,
    ENDPOINTS,
    FAILING,
    PHARMACIES,
    SETTINGS,
    OpenPresent,
    rows_of,
    written_end,
)

ENDPOINT = f"/hub/{FAILING[0]}/endpoint/{FAILING[1]}"
SERIES = "/api/v1/series/hub/recipe"


class Reading(HTMLParser):
    """The links of a page, and whatever a strict policy would block."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.blocked: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.blocked += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.blocked += [tag] * (tag == "style" or (tag == "script" and not given.get("src")))
        self.links += [link for link in (given.get("href"), given.get("src")) if link]
        self.ids += [given["id"] or ""] if "id" in given else []


def test_every_link_of_every_page_leads_somewhere_and_nothing_is_outside(house: House) -> None:
    waiting, seen = ["/"], set[str]()
    while waiting:
        address = waiting.pop()
        answer = house.client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status}"
        text = answer.text if answer.mimetype == "text/html" else ""
        answer.close()
        reading = Reading(text)
        assert reading.blocked == [], address
        assert len(set(reading.ids)) == len(reading.ids), f"{address}: ids twice"
        for link in reading.links:
            parts = urlsplit(urljoin(f"http://localhost{address}", link))
            assert parts.netloc == "localhost", f"{address} leads out: {link}"
            # One pharmacy and one range stand for all of them.
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            if parts.fragment or (parts.path.startswith("/pharmacy/") and parts.path[-8:] != BUSIEST):
                continue
            if "range=" in parts.query and parts.path != "/hub/recipe":
                continue
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    for hub in ENDPOINTS:
        assert f"/hub/{hub}" in seen
    assert "/vendor/Cito%20&%20Co/2" in seen
    assert any(address.startswith("/hub/ehealth/endpoint/GET%20/a//b/%2") for address in seen)
    assert len(seen) > 40


def test_every_rule_that_reads_answers_under_a_strict_policy(house: House, build: Build, tmp_path: Path) -> None:
    # The hubs of this traffic write no technical figures: one stands by itself.
    figures = RrdSeriesStore(tmp_path / "series", durable=False)
    rows = Rows(int(COMPLETE) // 60 * 60 - 60, 60, ("last", "min", "max", "mean"), np.full((1, 4), 5_000.0))
    figures.write(SeriesKey("value", ("recipe", "gc", "web-1", "heap", "MB")), rows)
    technical = build(figures)
    fill = {"hub": "recipe", "name": FAILING[1], "vendor": "apolline", "pharmacy": BUSIEST, "family": "hub",
            "path": "recipe", "filename": "pharmapulse.css", "agent": "agent", "source": "dpp-calls",
            "number": str(fire(house.incidents).id)}  # fmt: skip
    for rule in house.app.url_map.iter_rules():
        assert rule.methods is not None
        if "GET" not in rule.methods or rule.endpoint.startswith("access."):
            continue  # tests/dashboard/test_access_table.py has those
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: fill[match[1]], rule.rule)
        asked = technical if rule.rule.startswith("/figure/") else house
        address += "/gc/web-1/heap/MB" * (asked is technical)
        answer = asked.client.get(address, buffered=False)
        assert answer.status_code in (200, 302), f"{address}: {answer.status}"
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        answer.close()


def test_every_described_address_exists_and_every_one_for_machines_is_described(house: House) -> None:
    document = json.loads(house.get("/api/v1/openapi.json"))
    rules = {
        re.sub(r"<(?:\w+:)?(\w+)>", lambda match: "{key}" if match[1] == "path" else f"{{{match[1]}}}", rule.rule)
        for rule in house.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") or rule.rule in ("/healthz", "/readyz")
    }
    assert set(document["paths"]) == rules


def test_the_answer_comes_first_as_a_sentence(house: House) -> None:
    page = house.get("/")
    told = json.loads(house.get("/api/v1/overview"))
    assert told["answer"]["text"] == "executor.listOpenPrescriptions is failing at Recip-e since 10:28."
    assert any("apolline explains 99" in detail for detail in told["answer"]["details"])
    assert any("SOA-02001, eHealth’s side" in detail for detail in told["answer"]["details"])
    assert "executor.listOpenPrescriptions is failing at Recip-e" in page
    assert "Complete up to <time>10:42:17</time>" in page
    states = {hub["hub"]: hub["state"] for hub in told["hubs"]}
    assert states == {
        "recipe": "some",
        "dpp": "ok",
        "assurpharma": "ok",
        "raotd": "ok",
        "mycarenet": "slow",
        "ehealth": "ok",
    }
    assert [hub["hub"] for hub in told["hubs"]] == [hub.key for hub in SETTINGS.hubs], "in the settings' order"


def test_a_series_page_compares_with_named_dates_and_has_a_table(house: House) -> None:
    page = house.get("/hub/recipe")
    for words in ("today, Mon 23 Nov", "last week, Mon 16 Nov", "last month, Mon 26 Oct", "last year, Mon 24 Nov 2025"):
        assert words in page
    assert '<th scope="row">09:00</th>' in page
    assert page.count('role="img"') == 6, "three charts, each wide and narrow"


def test_series_as_json(house: House) -> None:
    told = json.loads(house.get(f"{SERIES}?from=2026-11-23T08:00&to=2026-11-23T12:00&step=60&compare=week,year"))
    assert told["resolution"] == 60
    assert len(told["times"]) == len(told["values"]["calls"]) == 240
    assert told["complete_up_to"] == COMPLETE
    known = [time for time, calls in zip(told["times"], told["values"]["calls"], strict=True) if calls is not None]
    assert known[-1] == int(COMPLETE // 60) * 60 - 60
    assert [line["name"] for line in told["compare"]] == ["last week", "last year"]
    assert told["compare"][1]["resolution"] == 300
    deep = json.loads(house.get("/api/v1/series/endpoint_vendor/ehealth/GET%20/a//b/../{}%3F/Cito%20&%20Co/2?range=1h"))
    assert deep["key"] == ["ehealth", "GET /a//b/../{}?", "Cito & Co/2"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/hub/nowhere", 404), ("/hub/recipe/endpoint/none", 404), (f"{ENDPOINT}?vendor=none", 404),
        ("/vendor/none", 404), ("/pharmacy/99999999", 404), ("/nothing", 404), ("/hub/recipe?range=decade", 400),
        ("/hub/recipe?from=x", 400), ("/hub/%00", 404), ("/api/v1/nothing", 404), ("/api/v1/series/none/x", 404),
        ("/api/v1/series/hub/none", 404), (f"{SERIES}?range=decade", 400), (f"{SERIES}?step=7", 400),
        (f"{SERIES}?range=month&step=10", 400), (f"{SERIES}?compare=decade", 400), ("/api/v1/keys/none", 404),
    ],
)  # fmt: skip
def test_bad_requests_are_told_in_the_form_of_their_address(house: House, address: str, status: int) -> None:
    answer = house.client.get(address)
    assert answer.status_code == status
    if address.startswith("/api"):
        assert answer.mimetype == "application/problem+json"
        problem = answer.get_json(force=True)
        assert problem["status"] == status
        assert problem["detail"]
    else:
        assert answer.mimetype == "text/html"
        assert "pharmapulse" in answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"])
def test_this_machines_names_are_answered(house: House, host: str) -> None:
    assert house.client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "[::2]", "", "]["]
)
def test_foreign_host_headers_are_refused(house: House, host: str) -> None:
    answer = house.client.get("/", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "Recip-e" not in answer.text
    if host == "evil.example":
        assert answer.mimetype == "application/problem+json"


def test_what_came_out_of_logs_is_escaped(build: Build, tmp_path: Path) -> None:
    nasty = '"><script>alert(1)</script>'
    own = RrdSeriesStore(tmp_path, durable=False)
    end = written_end(60)
    for family, key in (("hub", (nasty,)), ("endpoint", (nasty, nasty)), ("vendor", (nasty,))):
        rows = rows_of(SeriesKey("hub", ("dpp",)), 60, end - 1_200, end)
        own.write(SeriesKey(family, key), rows)
    house = build(own)
    house.live.answers = False
    client = house.client
    for address in ("/", "/vendors", "/vendor/%22%3E%3Cscript%3Ealert(1)%3C/script%3E"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert Reading(answer.text).blocked == []


def test_pages_work_and_say_so_when_the_collector_does_not_answer(house: House) -> None:
    house.live.answers = False
    for address in ("/", "/hub/recipe", "/vendors", "/pharmacies"):
        assert "The collector does not answer." in house.get(address)
    assert house.client.get("/api/v1/sources").status_code == 503
    ready = json.loads(house.get("/readyz"))
    assert ready["status"] == "ok"
    assert ready["checks"][-1]["reason"] == "does not answer; pages show what is written"


def test_what_was_fine_long_ago_is_not_shown_as_fine(house: House) -> None:
    house.live.answers = False
    house.clock.advance(1_800.0)
    page = house.get("/")
    assert "Nothing is known of the last minutes." in page
    assert "as last week" not in page.replace("Calls today, over last week", "")
    assert "Nothing is known of the last minutes." in house.get("/hub/recipe")
    assert "unknown" in house.get("/vendors")


def test_an_address_that_leads_nowhere_is_told_so(house: House) -> None:
    assert "No page has this address." in house.get("/nowhere", 404)


def test_pages_say_how_far_the_history_is_filled(house: House) -> None:
    house.state.set_progress("history", 43, 100)
    assert "History is filling: 43\u00a0% done." in house.get("/hub/recipe")
    house.state.set_progress("history", 100, 100)
    assert "History is filling" not in house.get("/hub/recipe")


def test_unreadable_series_are_a_503_and_no_traceback(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SeriesError("recipe/60.rrd: Input/output error")

    monkeypatch.setattr(house.app.extensions["pharmapulse"].ports.series, "read", fail)
    answer = house.client.get("/hub/recipe")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Input/output error" in answer.text


def test_an_empty_house_says_what_comes(build: Build, tmp_path: Path) -> None:
    house = build(RrdSeriesStore(tmp_path))
    house.live.answers = False
    client = house.client
    assert "Nothing has been counted yet." in client.get("/").text
    for address in ("/vendors", "/pharmacies", "/api/v1/overview", "/api/v1/hubs", "/readyz"):
        assert client.get(address).status_code == 200


def test_pharmacies_are_found_by_number_and_province(house: House) -> None:
    assert json.loads(house.get("/api/v1/pharmacies"))["total"] == len(PHARMACIES)
    assert [one["pharmacy"] for one in json.loads(house.get("/api/v1/pharmacies?query=namur"))["pharmacies"]] == [
        PHARMACIES[-1]
    ]
    page = house.get(f"/pharmacies?q={BUSIEST}")
    assert f"/pharmacy/{BUSIEST}" in page
    assert "No pharmacy’s number holds" in house.get("/pharmacies?q=zzz")
    assert "2 of 2" in house.get("/pharmacies?page=77")
    busiest = house.get("/pharmacies").partition("Busiest now")[2]
    assert re.findall(r"/pharmacy/(\d{8})", busiest)[0] == BUSIEST, "the overloading pharmacy comes first"


def test_warm_answers_are_made_once(house: House) -> None:
    first = house.get("/hub/recipe")
    asked = house.live.questions
    assert house.get("/hub/recipe") == first
    assert house.live.questions == asked + 1, "only the watermark is asked for"


# the stream


class Steps:
    """A waker whose waits end when the test says so."""

    def __init__(self) -> None:
        self._steps = Semaphore(0)

    def wait(self, seconds: float) -> bool:
        return self._steps.acquire()

    def wake(self) -> None:
        self._steps.release()


def test_a_stream_tells_when_ten_more_seconds_are_complete() -> None:
    live, steps = OpenPresent(), Steps()
    watch = Watch(live, limit=2, waker=steps)
    stream = watch.open()
    assert stream is not None
    assert next(stream) == "retry: 5000\n\n"
    live.complete = COMPLETE + 3
    steps.wake()
    live.complete = COMPLETE + 10
    steps.wake()
    assert next(stream) == f'event: complete\ndata: {{"complete_up_to":{COMPLETE + 10}}}\n\n'
    stream.close()


def test_streams_are_capped_and_give_their_places_free(house: House) -> None:
    watch = house.app.extensions["pharmapulse"].watch
    open_ = [house.client.get("/api/v1/stream", buffered=False) for _ in range(watch.limit)]
    assert {answer.status_code for answer in open_} == {200}
    refused = house.client.get("/api/v1/stream")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "30"
    open_[0].close()
    again = house.client.get("/api/v1/stream", buffered=False)
    assert again.status_code == 200
    for answer in [again, *open_[1:]]:
        answer.close()


@pytest.mark.parametrize("name", ["..", "../../etc", ".", "%2F", "a?b#c", "söft/é"])
def test_a_vendor_of_any_name_has_a_page_that_browsers_reach(build: Build, tmp_path: Path, name: str) -> None:
    own = RrdSeriesStore(tmp_path, durable=False)
    end = written_end(60)
    own.write(SeriesKey("vendor", (name,)), rows_of(SeriesKey("hub", ("dpp",)), 60, end - 1_200, end))
    house = build(own)
    house.live.answers = False
    client = house.client
    address = next(link for link in Reading(client.get("/vendors").text).links if link.startswith("/vendor/"))
    assert urljoin("http://127.0.0.1/vendors", address) == f"http://127.0.0.1{address}", "no browser takes it apart"
    page = client.get(address)
    assert page.status_code == 200
    figures = unescape(next(re.finditer('data-series="([^"]+)"', page.text))[1])
    assert urljoin("http://127.0.0.1/", figures) == f"http://127.0.0.1{figures}"
    assert client.get(figures).status_code == 200


def test_a_pharmacy_seen_a_moment_ago_has_a_page_before_its_first_row_is_written(house: House) -> None:
    house.get("/pharmacy/00009989", 404)
    house.live.fresh = {SeriesKey("pharmacy", ("00009989",)): (BUSIEST,)}
    assert "Pharmacy 00009989" in house.get("/pharmacy/00009989")
    assert json.loads(house.get("/api/v1/series/pharmacy/00009989"))["key"] == ["00009989"]
    house.get("/pharmacy/00009990", 404)
