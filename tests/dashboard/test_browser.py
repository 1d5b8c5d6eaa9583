"""Real Chromium over a real server: no console error, nothing sideways, the pointer's figures, swaps in place."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import ThreadedWSGIServer, make_server

from tests.dashboard.conftest import House
from tests.dashboard.happened import RESTART, fire, other, turn
from tests.dashboard.test_sources import LOST, changed, line
from tests.dashboard.traffic import FAILING, NOW, PHARMACIES
from tests.services.chromium import browser

__all__ = ["browser"]  # a fixture

ENDPOINT = f"/hub/{FAILING[0]}/endpoint/{FAILING[1]}"
PAGES = {
    "overview": "/",
    "hub": "/hub/recipe",
    "endpoint": ENDPOINT,
    "endpoint-week": f"{ENDPOINT}?range=week",
    "crossed": f"{ENDPOINT}?vendor=apolline&range=6h",
    "vendors": "/vendors",
    "vendor": "/vendor/apolline",
    "pharmacies": "/pharmacies",
    "pharmacy": f"/pharmacy/{PHARMACIES[3]}?range=month",
    "incidents": "/incidents",
    "incident": "/incident/1",
    "restarts": "/restarts",
    "sources": "/sources",
    "source": "/source/agent/torn",
    "missing": "/hub/nowhere",
}


@pytest.fixture
def address(house: House) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    assert isinstance(server, ThreadedWSGIServer)
    server.daemon_threads = True
    # Open streams end with their pages; the server does not wait for them.
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _opened(browser: Browser, width: int, scheme: str = "light") -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)  # type: ignore[arg-type] # a literal
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if "127.0.0.1" in request.url else said.append(f"asked {request.url}"))
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_pages_show_without_error_or_sideways_scroll(
    browser: Browser, address: str, house: House, tmp_path: Path, width: int, scheme: str
) -> None:
    turn(house.incidents, fire(house.incidents, other("dpp")), "recovered", NOW)
    fire(house.incidents)
    house.restarts.add(RESTART)
    house.live.states += [changed(source="torn", troubles=(LOST,), unknown_codes={"ODD_1": 7})]
    house.live.lines = [line(place) for place in range(9)]
    shots = Path(os.environ.get("PHARMAPULSE_SHOTS", tmp_path))
    page, said = _opened(browser, width, scheme)
    for name, path in PAGES.items():
        page.goto(address + path)
        page.wait_for_load_state("load")
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert sideways <= 0, f"{path} is {sideways} px too wide at {width}"
        small = page.evaluate(
            """() => [...document.querySelectorAll('.tabs a, .ranges > a, .btn, button, input, .rows tr')]
            .filter(e => e.getBoundingClientRect().width && e.getBoundingClientRect().height < 39.5)
            .map(e => e.outerHTML.slice(0, 80))"""
        )
        assert width > 640 or not [one for one in small if "<tr><th" not in one], f"{path}: under 40 px: {small}"
        page.screenshot(path=shots / f"{name}-{width}-{scheme}.png", full_page=True)
    page.close()
    assert [line for line in said if "404" not in line] == []


def test_the_pointer_and_the_keys_tell_the_figures(browser: Browser, address: str) -> None:
    page, said = _opened(browser, 1440)
    page.goto(address + ENDPOINT)
    plot = page.locator("#chart-calls .drawing")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + 60)
    readout = plot.locator("output.readout")
    readout.wait_for(state="visible")
    assert "calls/min" in readout.inner_text()
    assert "last year, Mon 24 Nov 2025" in readout.inner_text()
    latency = page.locator("#chart-latency .drawing")
    latency.focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    shown = latency.locator("output.readout")
    shown.wait_for(state="visible")
    assert "p95" in shown.inner_text()
    page.keyboard.press("Escape")
    shown.wait_for(state="hidden")
    page.close()
    assert said == []


def test_a_page_whose_server_is_away_turns_grey_and_recovers(browser: Browser, address: str, house: House) -> None:
    page, _ = _opened(browser, 390)
    page.clock.install()
    with page.expect_request("**/api/v1/stream*"):
        page.goto(address)
    assert page.locator("#away").is_hidden()
    for gone in (True, False):
        page.context.set_offline(gone)
        house.clock.advance(20)
        house.live.complete = (house.live.complete or 0) + 20
        house.app.extensions["pharmapulse"].watch.waker.wake()
        page.clock.fast_forward(10_000)
        page.wait_for_function("gone => document.getElementById('away').hidden !== gone", arg=gone)
        colour = page.locator("#answer").evaluate("answer => getComputedStyle(answer).filter")
        assert colour == ("grayscale(1)" if gone else "none")
    page.close()


def test_a_newer_watermark_swaps_the_figures_in_place(browser: Browser, address: str, house: House) -> None:
    page, said = _opened(browser, 1440)
    page.clock.install()
    with page.expect_request("**/api/v1/stream*"):
        page.goto(address + ENDPOINT)
    page.locator("#table-calls summary").click()
    page.evaluate("scrollTo(0, 120)")
    page.evaluate("document.querySelector('#answer').dataset.seen = 'kept'")
    before = page.locator("#answer").inner_text()
    house.clock.advance(20)
    house.live.complete = (house.live.complete or 0) + 20
    house.app.extensions["pharmapulse"].watch.waker.wake()
    page.clock.fast_forward(10_000)
    page.wait_for_function("t => document.querySelector('#answer').innerText !== t", arg=before)
    assert "10:42:37" in page.locator("#answer").inner_text()
    assert page.locator("#answer").get_attribute("data-seen") == "kept", "the page was not loaded anew"
    assert page.locator("#table-calls").get_attribute("open") is not None
    assert page.evaluate("scrollY") == 120
    page.close()
    assert said == []
