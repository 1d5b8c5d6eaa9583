"""Accounts in real Chromium: a link, a password, in, out, and a partner's pages, on a phone and on a desk."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from dashboard.access.passwords import hashed
from domain.access import EVERYTHING, Scope
from domain.settings import Settings, WebSettings
from rrd.store import RrdSeriesStore
from tests.dashboard import test_browser
from tests.dashboard.conftest import Build, House
from tests.dashboard.traffic import NOW, SETTINGS

PASSWORD = "correct horse battery"
browser, address = test_browser.browser, test_browser.address


@pytest.fixture
def house(store: RrdSeriesStore, build: Build) -> House:
    """One whose pages need an account, as `address` serves it."""
    web = WebSettings(guests="none")
    return build(store, Settings(site=SETTINGS.site, hubs=SETTINGS.hubs, web=web))


def _is_well_shown(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url
    small = page.evaluate(
        """() => [...document.querySelectorAll('.tabs a, button, input:not([type=hidden]):not([hidden])')]
        .filter(e => e.getBoundingClientRect().width && e.getBoundingClientRect().height < 39.5)
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert width > 640 or small == [], page.url


@pytest.mark.parametrize("width", [390, 1440])
def test_from_a_link_to_a_partners_pages(browser: Browser, address: str, house: House, width: int) -> None:
    anna = house.access.add_user("anna", "ops", EVERYTHING, NOW)
    house.access.add_link(anna, "link", NOW + 3_600)
    house.access.add_session(anna, "elsewhere", NOW, NOW + 3_600, "2001:db8:1:2:3:4:5:6")
    team = house.access.add_user("team", "partner", Scope(hubs=frozenset({"dpp"})), NOW)
    house.access.add_link(team, "theirs", NOW + 3_600)
    house.access.use_link("theirs", hashed(PASSWORD), NOW)
    page, said = test_browser._opened(browser, width)

    page.goto(f"{address}/welcome/link")
    _is_well_shown(page, width)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Keep it and log in").click()
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/account")
    _is_well_shown(page, width)
    assert page.get_by_text("this browser").is_visible()
    page.goto(f"{address}/audit")
    _is_well_shown(page, width)
    assert page.get_by_text("chose a password").is_visible()
    page.goto(f"{address}/account")
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url(f"{address}/login")

    page.goto(f"{address}/hub/dpp")
    _is_well_shown(page, width)
    page.get_by_label("Name").fill("team")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/hub/dpp")
    _is_well_shown(page, width)
    assert page.get_by_text("Counts under 5 are not told.").is_visible()
    plot = page.locator("#chart-failures .drawing")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    readout = plot.locator("output.readout")
    readout.wait_for(state="visible")
    assert "of" in readout.inner_text() or "under 5" in readout.inner_text()
    assert "Recip-e" not in page.content()
    page.close()
    assert said == []


def test_a_page_whose_session_ended_goes_to_the_login(browser: Browser, address: str, house: House) -> None:
    anna = house.access.add_user("anna", "ops", EVERYTHING, NOW)
    house.access.add_session(anna, "session", NOW, NOW + 3_600, "")
    page, _ = test_browser._opened(browser, 390)
    page.context.add_cookies([{"name": "pharmapulse", "value": "session", "url": address}])
    page.clock.install()
    with page.expect_request("**/api/v1/stream*"):
        page.goto(f"{address}/hub/dpp")
    house.access.end_sessions(anna)
    house.live.complete = (house.live.complete or 0) + 20
    house.app.extensions["pharmapulse"].watch.waker.wake()
    page.clock.fast_forward(30_000)
    page.wait_for_url(f"{address}/login?next=**")
    page.close()
