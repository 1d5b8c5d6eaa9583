"""Real Chromium: nothing sideways, no error, and a page that grows old turns grey by itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler, make_server

from domain.clock import ManualClock
from status_page.export import export
from status_page.words import LANGUAGES
from tests.services.chromium import browser
from tests.status_page.conftest import Public, site_at
from tests.status_page.documents import CALM, MORNING, NOW

__all__ = ["browser"]  # a fixture

GREY = "How things are just now is not known"


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def address(public: Public) -> Iterator[str]:
    class Dated(Quiet):
        """A server whose own time is the test's."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(public.clock.now(), usegmt=True)

    server = make_server("127.0.0.1", 0, public.app, threaded=True, request_handler=Dated)
    assert isinstance(server, ThreadedWSGIServer)
    server.daemon_threads = True
    yield from served(server, server.port)


def served(server: ThreadedWSGIServer | ThreadingHTTPServer, port: int) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    thread.join()
    server.server_close()


def opened(browser: Browser, width: int, scheme: str = "light", now: float | None = NOW) -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type] # a literal
    if now is not None:
        page.clock.install(time=now)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if "127.0.0.1" in request.url else said.append(f"asked {request.url}"))
    return page, said


def pass_time(public: Public, page: Page, seconds: int) -> None:
    public.clock.advance(seconds)
    page.clock.fast_forward(seconds * 1000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_pages_show_without_error_or_sideways_scroll(
    browser: Browser, address: str, public: Public, tmp_path: Path, width: int, scheme: str
) -> None:
    shots = Path(os.environ.get("PHARMAPULSE_SHOTS", tmp_path))
    for stale in (False, True):
        if stale:
            public.clock.advance(500)
        page, said = opened(browser, width, scheme)  # with a cache of its own
        for language in LANGUAGES:
            page.goto(f"{address}/{language}")
            page.wait_for_load_state("load")
            assert ("stale" in page.evaluate("document.documentElement.className")) is stale
            for details in page.locator("details").all():
                details.locator("summary").click()
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            small = page.evaluate(
                """() => [...document.querySelectorAll('nav a, summary, footer a')]
                .filter(e => e.getBoundingClientRect().height < 39.5).map(e => e.outerHTML.slice(0, 80))"""
            )
            assert not small
            page.screenshot(path=shots / f"status-{language}-{width}-{scheme}-{stale}.png", full_page=True)
        page.close()
        assert said == []


def test_nothing_newer_turns_the_open_page_grey(browser: Browser, address: str, public: Public) -> None:
    page, said = opened(browser, 390)
    page.goto(f"{address}/en")
    title = page.locator("h1")
    expect(title).to_have_text("Some requests fail: Electronic prescriptions", use_inner_text=True)
    pass_time(public, page, 100)
    assert page.evaluate("document.documentElement.className") == ""
    pass_time(public, page, 11)
    expect(title).to_have_text(GREY, use_inner_text=True)
    expect(page.locator(".state").first).to_have_text("not known", use_inner_text=True)
    assert page.title().startswith(GREY)
    assert page.locator(".days").first.evaluate("days => getComputedStyle(days).filter") == "grayscale(1)"
    page.close()
    assert said == []


def test_without_the_network_it_turns_grey_and_comes_back(browser: Browser, address: str, public: Public) -> None:
    page, _ = opened(browser, 1440)
    page.goto(f"{address}/en")
    page.context.set_offline(True)
    pass_time(public, page, 60)
    expect(page.locator("h1")).to_have_text("Some requests fail: Electronic prescriptions", use_inner_text=True)
    pass_time(public, page, 60)
    expect(page.locator("h1")).to_have_text(GREY, use_inner_text=True)
    expect(page.locator(".away")).to_be_visible()
    public.publish(msgspec.structs.replace(CALM, as_of=NOW + 115))
    page.context.set_offline(False)
    page.clock.fast_forward(40_000)
    expect(page.locator("h1")).to_have_text("All services work", use_inner_text=True)
    expect(page.locator(".away")).to_be_hidden()
    assert page.title() == "All services work · FarmaFlux"
    page.close()


def test_news_is_taken_over_in_place(browser: Browser, address: str, public: Public) -> None:
    page, said = opened(browser, 390)
    page.goto(f"{address}/en")
    page.locator("#days-2 summary").click()
    page.evaluate("document.querySelector('#answer').dataset.seen = 'kept'")
    public.publish(msgspec.structs.replace(CALM, as_of=NOW + 30))
    pass_time(public, page, 40)
    expect(page.locator("h1")).to_have_text("All services work", use_inner_text=True)
    assert page.locator("#answer").get_attribute("data-seen") == "kept", "the page was not loaded anew"
    assert page.locator("#days-2").get_attribute("open") is not None
    expect(page.locator("#lasting")).to_be_hidden()
    page.close()
    assert said == []


@pytest.mark.parametrize("wrong_by", [-3600, 3600])
def test_a_device_whose_clock_is_wrong_goes_by_the_server(
    browser: Browser, address: str, public: Public, wrong_by: int
) -> None:
    page, said = opened(browser, 390, now=NOW + wrong_by)
    page.goto(f"{address}/en")
    expect(page.locator("html")).not_to_have_class("stale")
    public.publish(CALM)
    title, asked = page.locator("h1"), 0
    while title.inner_text() != "All services work":
        assert (asked := asked + 5) < 100, "the server was never asked"
        pass_time(public, page, 5)
    assert "stale" not in page.evaluate("document.documentElement.className")
    page.context.set_offline(True)
    pass_time(public, page, 120)
    expect(title).to_have_text(GREY, use_inner_text=True)
    page.close()
    assert [line for line in said if "ERR_INTERNET_DISCONNECTED" not in line] == []


def test_a_replayed_site_goes_by_its_server_alone(browser: Browser, tmp_path: Path) -> None:
    public = site_at(tmp_path / "status.json", wall=False)
    public.publish(MORNING)
    server = make_server("127.0.0.1", 0, public.app, threaded=True, request_handler=Quiet)
    assert isinstance(server, ThreadedWSGIServer)
    for address in served(server, server.port):
        page, _ = opened(browser, 390, now=NOW + 9_000_000)
        page.goto(f"{address}/en")
        page.clock.fast_forward(100_000)
        expect(page.locator("h1")).to_have_text("Some requests fail: Electronic prescriptions", use_inner_text=True)
        page.context.set_offline(True)
        page.clock.fast_forward(130_000)
        expect(page.locator("h1")).to_have_text(GREY, use_inner_text=True)
        page.close()


def test_a_static_copy_turns_grey_by_its_script(browser: Browser, public: Public, tmp_path: Path) -> None:
    export(public.site, public.site.now(), tmp_path / "copy")
    clock: ManualClock = public.clock

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "copy"))  # type: ignore[arg-type] # handed through

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(clock.now() if timestamp is None else timestamp, usegmt=True)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    for address in served(server, server.server_port):
        page, said = opened(browser, 390)
        page.goto(address)
        page.get_by_role("link", name="NL").click()
        page.wait_for_url("**/nl/")
        title = page.locator("h1")
        expect(title).to_have_text("Sommige aanvragen mislukken: Elektronische voorschriften", use_inner_text=True)
        pass_time(public, page, 115)
        expect(title).to_have_text("De huidige toestand is niet bekend", use_inner_text=True)
        assert said == []
        page.locator("footer a").last.click()
        page.wait_for_url("**/badge-nl.svg")
        assert "2026-11-23 10:42" in page.content()
        page.close()
