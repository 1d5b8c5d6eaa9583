"""The mission once, end to end: an endpoint dies and is told, recovers and is told; a hub restarts and nobody is hurt.

All of it is `pharmapulse run` with real logs, mails, web hook, hub and browser, at any time of day; each of its six
processes is killed on the way.
"""

from __future__ import annotations

import re
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from domain.calendar import BRUSSELS, comparable_day, day_class
from domain.series import DAY
from pharmapulse.places import OFFSETS, Places
from pharmapulse.wiring import live
from rrd.graph import HEIGHT, WIDTH
from rrd.store import RrdSeriesStore
from simulator.hub import digest, read_journal
from simulator.patients import pool
from tests.alerts.world import PNG
from tests.services.chromium import browser
from tests.system.callers import Caller, Message
from tests.system.hubs import DEAD
from tests.system.patients import Search
from tests.system.story import DYING, PROCESSES, RESTARTING, Site
from tests.system.support import (
    counted,
    get,
    no_traceback,
    text_of,
    try_get,
    wait_equal,
    wait_for,
)

__all__ = ["browser"]  # a fixture

CALLS, LANES, CALLERS = 400, 8, 4
SOON, OVER = 60.0, 200.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as things:
        yield Site(tmp_path, things)


def since(begin: float, looks: Mapping[str, Callable[[], object]], most: float) -> dict[str, float]:
    """After how many seconds from the epoch second `begin` each of some things was so; fails after `most`."""
    found: dict[str, float] = {}

    def all_of_them() -> bool:
        for name, look in looks.items():
            if name not in found and look():
                found[name] = round(time.time() - begin, 1)
        return len(found) == len(looks)

    try:
        wait_for("all of it", all_of_them, max(0.0, begin + most - time.time()), every=0.2)
    except AssertionError as error:
        raise AssertionError(f"{sorted(set(looks) - set(found))} not in {most:.0f} s; {found}") from error
    return found


def test_the_mission_once(site: Site, browser: Browser) -> None:
    begun = time.time()
    took = {"a calm start": calm(site)}
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    with page.expect_response("**/api/v1/stream*"):
        page.goto(f"http://127.0.0.1:{site.port}/")
    took["an endpoint dies"] = an_endpoint_dies(site, page, browser)
    took["it recovers"] = it_recovers(site, page)
    took["a hub restarts"] = a_hub_restarts(site)
    page.close()
    took["nothing is lost"] = nothing_is_lost(site, begun)
    assert site.told() == (2, 2)
    assert site.run.stop() == 0
    said = site.run.said()
    no_traceback(said)
    search = Search(pool(1)[:50])
    search.text("what the processes say", said)
    assert not search.findings
    assert all(f"{name} ended with -9" in said for name in PROCESSES)
    for step, figures in took.items():
        print(f"{step}: {figures}")
    print(f"all: {time.time() - begun:.0f} s")


def calm(site: Site) -> dict[str, float]:
    """All six run, calls are counted, the public page is green; the collector is killed and comes again."""
    begin = time.time()
    looks = {name: partial(try_get, site.port + offset, "/readyz") for name, offset in OFFSETS.items()}
    found = since(begin, looks, SOON)
    assert set(site.processes()) == PROCESSES
    again = site.kill("collector")
    found |= since(begin, {"works": lambda: site.shows("works", "all services work", "All services work")}, SOON)
    again()
    assert not site.incidents()
    return found


def an_endpoint_dies(site: Site, page: Page, browser: Browser) -> dict[str, float]:
    """Told within a minute of the first failing line, whatever is killed just then."""
    site.hubs.failing.add(DYING)
    begin = wait_for("a call that fails", lambda: site.hubs.failed_at, every=0.01)
    again = site.kill("logwatch")
    popup = page.locator("#popup-1")
    found = since(
        begin,
        {
            "incident": lambda: [one for one in site.incidents() if one["state"] == "firing"],
            "mail": lambda: site.mailbox.mails,
            "web hook": lambda: site.hook.posts,
            "pop-up": popup.count,
            "public page": lambda: site.shows("some-fail", "some requests fail", "Some requests fail"),
        },
        SOON,
    )
    again()
    (incident,) = site.incidents()
    assert (incident["hub"], incident["endpoint"], incident["kind"]) == (*DYING, "failing")
    assert abs(incident["since"] - begin) <= 10
    assert DEAD in incident["reason"]
    expect(popup).to_contain_text(f"{DYING[1]} is failing at DPP")
    expect(popup).to_have_attribute("role", "alert")
    check_mail(site, browser)
    assert site.hook.posts[0]["title"] == f"DPP · {DYING[1]} fails"
    assert site.hook.pictures(0)[0].startswith(PNG)
    # Once it is written down that they were told, no kill tells them again.
    wait_for("the journal", lambda: site.written_down("confirmed"))
    waiting = [site.kill("alerts"), site.kill("status-page")]
    for again in waiting:
        again()
    assert site.shows("some-fail", "some requests fail", "Some requests fail")
    return found


def check_mail(site: Site, browser: Browser) -> None:
    """Its words, its picture, and that its link opens the incident's page."""
    (mail,) = site.mailbox.mails
    assert mail["subject"] == f"DPP · {DYING[1]} fails"
    part = mail.get_body(("plain",))
    assert part is not None
    text = part.get_content().replace("\u00a0", " ")
    assert f"of the calls fail technically (0 % last week), mostly {DEAD}" in text
    (picture,) = mail.iter_attachments()
    data = picture.get_content()
    assert data.startswith(PNG)
    assert struct.unpack(">II", data[16:24]) == (WIDTH, HEIGHT)
    assert len(data) > 5_000
    link = re.search(r"^Incident 1: (\S+)$", text, re.MULTILINE)
    assert link, text
    opened = browser.new_page()
    answer = opened.goto(link[1])
    assert answer is not None
    assert answer.status == 200
    expect(opened.locator("#answer h1")).to_contain_text(f"{DYING[1]} is failing at DPP")
    opened.close()


def it_recovers(site: Site, page: Page) -> dict[str, float]:
    """Over, and told once more; the page that was open since before hears it from another dashboard."""
    begin = time.time()
    site.hubs.failing.clear()
    again = site.kill("dashboard")
    popup = page.locator("#popup-1")
    found = since(
        begin,
        {
            "resolved": lambda: [one for one in site.incidents() if one["state"] == "resolved"],
            "mail": lambda: site.told()[0] == 2,
            "web hook": lambda: site.told()[1] == 2,
            "pop-up": lambda: popup.get_by_text("resolved").count(),
            "public page": lambda: site.shows("works", "all services work", "All services work"),
        },
        OVER,
    )
    again()
    expect(page.locator(".popup")).to_have_count(1)
    assert site.mailbox.mails[1]["subject"] == f"DPP · {DYING[1]} is as expected again"
    wait_for("the journal", lambda: site.written_down("recovered"))
    return found


def a_hub_restarts(site: Site) -> dict[str, float]:
    """Calls are kept while the hub is away, nobody is told of its silence, and all go out in order when it is back."""
    begin = time.time()
    site.command("restart", "start", RESTARTING, "--reason", "new release")
    site.hubs.silent.add(RESTARTING)
    site.stop_hub()
    sent = messages()
    port = site.port + OFFSETS["deferred"]
    callers = [
        Caller(port, RESTARTING, site.token, [m for m in sent if int(m.order) % CALLERS == n]) for n in range(CALLERS)
    ]
    for caller in callers:
        caller.start()
    wait_for("some calls", lambda: sum(caller.taken for caller in callers) > CALLS // 4, every=0.01)
    again = site.kill("deferred")
    kept = partial(site.shows, "kept", "messages are kept", "Messages are kept and processed later")
    found = since(
        begin,
        {
            "public page": kept,
            "202 for all": lambda: sum(caller.taken for caller in callers) == CALLS,
            "silence found": lambda: site.judged()[1] > 0 or not judges_silence(),
        },
        OVER,
    )
    again()
    # A silence is sure by the judgement after the first that found it.
    first, _ = site.judged()
    wait_for("another judgement", lambda: site.judged()[0] > first)
    (queue,) = site.restarts()["queues"]
    assert (queue["held"], queue["waiting"], queue["delivered"]) == (True, CALLS, 0)
    shown = text_of(get(site.port, "/restarts")[2])
    assert "Recip-e is being restarted; its calls are held" in shown
    assert f"{CALLS} waiting" in shown
    site.hub = site.start_hub()
    site.hubs.silent.clear()
    wait_for("the hub", lambda: try_get(site.hub_port, "/count"))
    begin = time.time()
    site.command("restart", "end", RESTARTING)
    found |= since(
        begin,
        {
            "drained": lambda: site.restarts()["queues"][0]["waiting"] == 0,
            "over by itself": lambda: site.restarts()["restarts"][0]["state"] == "ended",
            "green again": lambda: site.shows("works", "all services work", "All services work"),
        },
        SOON,
    )
    check_journal(site, sent)
    assert [one["hub"] for one in site.incidents()] == [DYING[0]]
    return found


def messages() -> list[Message]:
    """Calls about patients, in lanes of their own."""
    made = []
    for number in range(CALLS):
        body = f"<call n='{number}'><ssin>{pool(1)[number % 50]}</ssin></call>".encode()
        made.append(Message("/prescriptions", f"call-{number}", str(number % LANES), body))
    return made


def check_journal(site: Site, sent: list[Message]) -> None:
    """The hub took every call once, those of one ordering key in the order in which they were sent."""
    journal = read_journal(site.journal)
    assert sorted(entry.key for entry in journal) == sorted(digest(message.key.encode()) for message in sent)
    arrived, expected = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for entry in journal:
        arrived[entry.order].append(entry.body)
    for message in sent:
        expected[digest(message.order.encode())].append(digest(message.body))
    assert arrived == expected


def judges_silence() -> bool:
    """Whether today compares with a day of its kind: else silence is not judged, as around holidays."""
    today = datetime.now(BRUSSELS).date()
    return any(day_class(today) == day_class(comparable_day(today, of)) for of in ("last week", "last month"))


def nothing_is_lost(site: Site, begun: float) -> dict[str, float]:
    """Every line that was written is counted once, by hub and endpoint."""
    begin = time.time()
    site.hubs.stop()
    store, buckets = RrdSeriesStore(Places(site.config.data).series), live(site.config)
    count = partial(counted, store, buckets, "endpoint", 10, begun - DAY, begin + 60)
    wait_equal("every call", count, Counter(site.hubs.calls), 60)
    return {f"all {site.hubs.calls.total():,} lines counted once": round(time.time() - begin, 1)}
