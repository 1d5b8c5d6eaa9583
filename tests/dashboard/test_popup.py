"""Pop-ups in real Chromium: an incident written into a real state shows on every open page, once, within seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboard.conftest import House
from tests.dashboard.happened import fire, other, turn
from tests.dashboard.test_browser import address
from tests.dashboard.test_incidents import logged_in
from tests.dashboard.traffic import NOW
from tests.services.chromium import browser

__all__ = ["address", "browser"]  # fixtures
SOON = 4_000  # milliseconds: the watcher looks every two seconds


@pytest.fixture
def tabs(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context


def opened(tabs: BrowserContext, url: str, said: list[str] | None = None) -> Page:
    """A page that listens."""
    page = tabs.new_page()
    heard = [] if said is None else said
    page.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    with page.expect_response("**/api/v1/stream*"):
        page.goto(url)
    return page


def has_told(page: Page) -> bool:
    """Whether the page has told this PC of something by now, or does so soon.

    Asked from outside: waiting inside the page would need eval, which its policy refuses.
    """
    for _ in range(SOON // 50):
        if page.evaluate("told.length"):
            return True
        page.wait_for_timeout(50)
    return False


def wake(house: House) -> None:
    """Let the watcher look now."""
    house.app.extensions["pharmapulse"].watch.waker.wake()


def test_an_incident_pops_up_on_every_open_page_and_stays_until_somebody_dismisses_it(
    tabs: BrowserContext,
    address: str,
    house: House,
) -> None:
    said: list[str] = []
    first, second = opened(tabs, f"{address}/vendors", said), opened(tabs, f"{address}/hub/dpp", said)
    fired = fire(house.incidents)
    for page in (first, second):
        popup = page.locator(f"#popup-{fired.id}")
        expect(popup).to_be_visible(timeout=SOON)
        expect(popup).to_have_attribute("role", "alert")
        expect(popup).to_contain_text("executor.listOpenPrescriptions is failing at Recip-e since 10:28.")
        expect(popup).to_contain_text("39.8 % of the calls fail technically")
        expect(popup.get_by_role("link")).to_have_attribute("href", f"/incident/{fired.id}")
    # The next page of the tab shows it again: nobody has dismissed it.
    first.goto(f"{address}/incidents")
    expect(first.locator(f"#popup-{fired.id}")).to_be_visible()
    first.locator(f"#popup-{fired.id}").get_by_role("button").click()
    expect(first.locator(f"#popup-{fired.id}")).to_have_count(0)
    expect(second.locator(f"#popup-{fired.id}")).to_have_count(0)
    for page in (first, second):
        page.reload()
        page.wait_for_load_state()
        expect(page.locator(".popup")).to_have_count(0)
    assert said == []


def test_a_resolved_incident_changes_its_popup_in_place(
    tabs: BrowserContext,
    address: str,
    house: House,
) -> None:
    page = opened(tabs, address)
    fired = fire(house.incidents)
    wake(house)
    popup = page.locator(f"#popup-{fired.id}")
    expect(popup).to_contain_text("firing", timeout=SOON)
    taken = turn(house.incidents, fired, "acknowledged", NOW - 60, by="jan")
    wake(house)
    expect(popup).to_contain_text("jan took it up.", timeout=SOON)
    turn(house.incidents, taken, "recovered", NOW - 5)
    wake(house)
    expect(popup).to_contain_text("resolved", timeout=SOON)
    expect(popup).to_contain_text("was failing at Recip-e from 10:28 to 10:42.")
    expect(popup).to_have_attribute("role", "status")
    expect(page.locator(".popup")).to_have_count(1)


def test_what_was_dismissed_stays_so_until_it_takes_another_turn(
    tabs: BrowserContext,
    address: str,
    house: House,
) -> None:
    page = opened(tabs, address)
    fired = fire(house.incidents)
    wake(house)
    popup = page.locator(f"#popup-{fired.id}")
    popup.get_by_role("button").click(timeout=SOON)
    house.incidents.keep(fired, fired, "noted", "jan", "a note is no turn", NOW)
    another = fire(house.incidents, other("dpp", severity="notice"))
    wake(house)
    expect(page.locator(f"#popup-{another.id}")).to_be_visible(timeout=SOON)
    expect(popup).to_have_count(0)
    over = turn(house.incidents, fired, "recovered", NOW)
    wake(house)
    expect(popup).to_contain_text("resolved", timeout=SOON)
    popup.get_by_role("button").click()
    turn(house.incidents, over, "relapsed", NOW)
    wake(house)
    expect(popup).to_contain_text("firing", timeout=SOON)


def test_a_notice_goes_by_itself_and_a_page_does_not(
    tabs: BrowserContext,
    address: str,
    house: House,
) -> None:
    page = tabs.new_page()
    page.clock.install()
    with page.expect_response("**/api/v1/stream*"):
        page.goto(address)
    urgent, notice = fire(house.incidents), fire(house.incidents, other("dpp", severity="notice"))
    wake(house)
    expect(page.locator(".popup")).to_have_count(2, timeout=SOON)
    page.clock.fast_forward(31_000)
    expect(page.locator(f"#popup-{notice.id}")).to_have_count(0)
    expect(page.locator(f"#popup-{urgent.id}")).to_be_visible()


def test_without_a_stream_pages_ask_for_what_is_new(
    tabs: BrowserContext,
    address: str,
    house: House,
) -> None:
    watch = house.app.extensions["pharmapulse"].watch
    streams = [watch.open() for _ in range(watch.limit)]
    page = tabs.new_page()
    page.clock.install()
    with page.expect_response("**/api/v1/stream*") as refused:
        page.goto(address)
    assert refused.value.status == 503
    fired = fire(house.incidents)
    popup = page.locator(f"#popup-{fired.id}")
    page.wait_for_timeout(300)  # the refusal has come to the script
    page.clock.fast_forward(16_000)
    expect(popup).to_be_visible(timeout=SOON)
    turn(house.incidents, fired, "recovered", NOW)
    page.clock.fast_forward(16_000)
    expect(popup).to_contain_text("resolved", timeout=SOON)
    for stream in streams:
        assert stream is not None
        stream.close()


_HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
_RECORD = """
const Real = window.Notification;
window.told = [];
window.Notification = class extends Real {
  constructor(title, options) {
    super(title, options);
    window.told.push([title, options.tag, options.requireInteraction]);
  }
};
"""


def test_this_pc_tells_while_the_tab_is_hidden_once_it_may(
    tabs: BrowserContext,
    address: str,
    house: House,
) -> None:
    tabs.grant_permissions(["notifications"], origin=address)
    tabs.add_init_script(_RECORD)
    page = opened(tabs, f"{address}/incidents")
    page.evaluate(_HIDE)
    fire(house.incidents, other("raotd"))
    wake(house)
    page.wait_for_timeout(500)
    assert page.evaluate("told") == [], "nobody asked for it"
    page.reload()
    page.get_by_role("button", name="Tell me on this PC").click()
    expect(page.get_by_role("button", name="Stop telling me on this PC")).to_be_visible()
    page.evaluate(_HIDE)
    fired = fire(house.incidents)
    wake(house)
    assert has_told(page)
    assert page.evaluate("told") == [
        ["executor.listOpenPrescriptions is failing at Recip-e since 10:28.", f"pharmapulse-{fired.id}", True]
    ]
    page.get_by_role("button", name="Stop telling me on this PC").click()
    assert page.evaluate("localStorage.getItem('pharmapulse.tell')") is None


def test_one_of_many_hidden_tabs_tells_and_another_takes_over(tabs: BrowserContext, address: str, house: House) -> None:
    tabs.grant_permissions(["notifications"], origin=address)
    tabs.add_init_script(f"{_RECORD}\nlocalStorage.setItem('pharmapulse.tell', 'yes');")
    pages = [opened(tabs, address) for _ in range(3)]
    for page in pages:
        page.evaluate(_HIDE)
    fire(house.incidents)
    wake(house)
    assert has_told(pages[0])
    assert [page.evaluate("told.length") for page in pages[1:]] == [0, 0]
    pages[0].close()
    fire(house.incidents, other("dpp"))
    wake(house)
    assert has_told(pages[1])
    assert pages[2].evaluate("told.length") == 0


def test_ops_take_it_up_and_what_they_write_stays_while_the_page_renews_itself(
    tabs: BrowserContext, address: str, house: House
) -> None:
    said: list[str] = []
    fired = fire(house.incidents)
    logged_in(house)
    tabs.add_cookies([{"name": "pharmapulse", "value": "secret-of-jan", "url": address}])
    page = opened(tabs, f"{address}/incident/{fired.id}", said)
    page.get_by_role("button", name="I take it").click()
    expect(page.get_by_text("You took it up.")).to_be_visible()
    page.clock.install()
    page.reload()
    page.get_by_label("Note").fill("called the helpdesk")
    taken = house.incidents.incident(fired.id)
    assert taken is not None
    turn(house.incidents, taken, "recovered", NOW)
    wake(house)
    expect(page.locator(f"#popup-{fired.id}")).to_contain_text("resolved", timeout=SOON)
    page.clock.fast_forward(10_000)
    expect(page.locator("#journal")).to_contain_text("resolved", timeout=SOON)
    expect(page.get_by_label("Note")).to_have_value("called the helpdesk")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#journal")).to_contain_text("called the helpdesk")
    assert said == []


@pytest.mark.parametrize("width", [390, 1440])
def test_popups_fit_and_can_be_hit(
    browser: Browser,
    address: str,
    house: House,
    width: int,
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = opened(context, address)
        found = [fire(house.incidents, other(hub)) for hub in ("dpp", "raotd", "mycarenet")]
        wake(house)
        expect(page.locator(".popup")).to_have_count(len(found), timeout=SOON)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        for box in page.locator(".popup button").all():
            size = box.bounding_box()
            assert size is not None
            assert size["height"] >= 39.5
            assert re.match("Put away: incident", box.get_attribute("aria-label") or "")
