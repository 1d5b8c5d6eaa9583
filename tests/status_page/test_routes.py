"""What is answered at each address, for how long it may be kept, and that nothing is taken in."""

from __future__ import annotations

import gzip
import json
import os
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from domain.published import PUBLISHED_VERSION
from domain.web import SECURITY_HEADERS
from status_page.site import Now
from status_page.words import LANGUAGES, STATES, Language
from tests.status_page.conftest import Public
from tests.status_page.documents import CALM, MORNING, NOW, component, publish

GOLDEN = Path(__file__).parent / "golden"
ADDRESSES = ("/", "/en", "/fr", "/nl", "/de", "/status.json", "/badge.svg", "/badge/recipe.svg", "/badge.json")
VOID = {"meta", "link", "br"}


class Outline(HTMLParser):
    """Tags, ids and what is wrong with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.wrong: list[str] = []
        self.refers: list[str] = []
        self.lang = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags[tag] += 1
        self.attributes |= set(values)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.refers += (values.get("aria-labelledby") or "").split()
        if tag == "html":
            self.lang = values.get("lang") or ""
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(f"</{tag}>")


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    found.close()
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_in_each_language(public: Public, language: str) -> None:
    answer = public.client.get(f"/{language}")
    found = outline(answer.text)
    assert found.lang == answer.headers["Content-Language"] == language
    assert not found.wrong
    assert len(set(found.ids)) == len(found.ids)
    assert set(found.refers) <= set(found.ids)
    assert found.tags["h1"] == found.tags["main"] == found.tags["title"] == 1
    assert found.tags["script"] == 1
    assert "style" not in found.attributes
    assert "style" not in found.tags
    for other in LANGUAGES:
        assert f'href="./{other}"' in answer.text
    assert public.get(f"/?lang={language}") == answer.text


@pytest.mark.parametrize(
    ("asked", "given"),
    [("fr-BE,fr;q=0.9,en;q=0.8", "fr"), ("nl", "nl"), ("de-DE", "de"), ("it", "en"), ("", "en"), ("en;q=0.2,nl", "nl")],
)
def test_the_language_is_what_the_browser_asks_for(public: Public, asked: str, given: str) -> None:
    answer = public.client.get("/", headers={"Accept-Language": asked})
    assert outline(answer.text).lang == answer.headers["Content-Language"] == given
    assert {"accept-language", "accept-encoding"} == {
        name.strip().lower() for name in answer.headers["Vary"].split(",")
    }
    assert "Accept-Language" not in public.client.get("/fr", headers={"Accept-Language": "nl"}).headers["Vary"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_may_be_kept_but_not_beyond_its_truth(public: Public, address: str) -> None:
    first = public.client.get(address)
    most = 30 if "badge" in address else 10
    assert first.headers["Cache-Control"] == f"public, max-age={most}, must-revalidate"
    again = public.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    public.clock.advance(105)  # 5 seconds before it is too old
    assert public.client.get(address).headers["Cache-Control"] == "public, max-age=5, must-revalidate"
    public.clock.advance(6)
    grey = public.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert grey.status_code == 200
    assert grey.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("address", [*ADDRESSES, "/nowhere", "/healthz", "/static/status.css"])
def test_headers_and_no_cookie(public: Public, address: str) -> None:
    answer = public.client.get(address)
    assert "Set-Cookie" not in answer.headers
    shared = any(word in address for word in ("badge", "status.json"))
    for name, value in SECURITY_HEADERS.items():
        opened = shared and name == "Cross-Origin-Resource-Policy"
        assert answer.headers[name] == ("cross-origin" if opened else value)
    assert answer.headers.get("Access-Control-Allow-Origin") == ("*" if shared else None)


def test_pages_travel_packed_to_those_who_can_unpack(public: Public) -> None:
    plain = public.client.get("/en")
    packed = public.client.get("/en", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert len(packed.data) < len(plain.data) / 5
    assert "Content-Encoding" not in public.client.get("/en", headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_an_answer_is_made_once_for_a_document(public: Public, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Language] = []
    own = public.site.html

    def counted(now: Now, language: Language, root: str, home: str) -> str:
        made.append(language)
        return own(now, language, root, home)

    monkeypatch.setattr(public.site, "html", counted)
    for address in ("/en", "/en", "/", "/fr", "/en"):
        public.get(address)
    assert made == ["en", "fr"]
    public.publish(CALM)
    assert "All services work" in public.get("/en")
    public.clock.advance(200)
    assert "How things are just now is not known" in public.get("/en")
    assert made == ["en", "fr", "en", "en"]


def test_the_json(public: Public) -> None:
    told = json.loads(public.get("/status.json"))
    assert (told["version"], told["state"], told["stale"], told["reason"]) == (1, "some-fail", False, "fresh")
    assert (told["as_of"], told["valid_until"]) == (NOW - 10, NOW + 110)
    assert told["headline"]["nl"] == "Sommige aanvragen mislukken: Elektronische voorschriften"
    recipe = told["components"][0]
    assert recipe["names"]["de"] == "Elektronische Verschreibungen"
    assert recipe["month"] == {"month": "2026-11", "availability": pytest.approx(0.99855, abs=1e-5)}
    assert len(recipe["days"]) == 90
    assert told["notices"][0] == {"id": "7", "kind": "incident", "component": "recipe", "state": "some-fail",
                                  "start": NOW - 260, "end": None}  # fmt: skip
    public.clock.advance(200)
    grey = json.loads(public.get("/status.json"))
    assert (grey["stale"], grey["reason"], grey["state"]) == (True, "too old", "unknown")
    assert {(part["state"], part["since"], part["wait_seconds"]) for part in grey["components"]} == {
        ("unknown", None, None)
    }
    assert grey["components"][0]["days"] == recipe["days"]


@pytest.mark.parametrize("state", STATES)
def test_the_button_is_as_it_was(public: Public, state: str) -> None:
    part = component("recipe", "Recip-e", state)  # type: ignore[arg-type] # one of STATES
    public.publish(msgspec.structs.replace(CALM, components=(part,)))
    drawn = public.get("/badge.svg?lang=fr")
    golden = GOLDEN / f"badge-{state}.svg"
    if os.environ.get("PHARMAPULSE_GOLDEN"):
        golden.write_text(drawn, "utf-8")
    assert drawn == golden.read_text("utf-8")
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.get("aria-label") == root[0].text
    assert int(root.get("width", "0")) > 100


def test_buttons_of_services(public: Public) -> None:
    assert "Insurability and reimbursement: your messages are kept" in public.get("/badge/mycarenet.svg?lang=en")
    assert "Voorschriften".lower() in public.get("/badge/recipe.svg", Accept_Language="nl-BE")
    assert public.client.get("/badge/nowhere.svg").status_code == 404
    told = json.loads(public.get("/badge.json?lang=en"))
    assert told == {"schemaVersion": 1, "label": "FarmaFlux", "message": "some requests fail", "color": "9a5b00",
                    "isError": False, "cacheSeconds": 30}  # fmt: skip
    public.clock.advance(200)
    assert "not known" in public.get("/badge/mycarenet.svg?lang=en")
    assert json.loads(public.get("/badge.json?lang=en"))["isError"] is True


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no-json": b"<html>",
    "another-shape": b'{"version": 1}',
    "a-version-to-come": msgspec.json.encode(msgspec.structs.replace(CALM, version=PUBLISHED_VERSION + 1)),
    "no-zone": msgspec.json.encode(msgspec.structs.replace(CALM, zone="Nowhere")),
    "endless": b" " * (4 * 2**20 + 1),
}


@pytest.mark.parametrize("broken", ["missing", *BROKEN, "a-directory"])
def test_without_a_document_the_page_is_grey_and_says_so(
    nothing: Public, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    nothing.path.parent.mkdir()
    if broken == "a-directory":
        nothing.path.mkdir()
    elif broken != "missing":
        nothing.path.write_bytes(BROKEN[broken])
    for language in LANGUAGES:
        found = nothing.client.get(f"/{language}")
        assert found.status_code == 200
        assert '<html lang="' in found.text
        assert 'class="stale"' in found.text
        assert "works" not in found.text
    assert json.loads(nothing.get("/status.json"))["reason"] == "unreadable"
    assert "not known" in nothing.get("/badge.svg?lang=en")
    assert "not known" in nothing.get("/badge/recipe.svg?lang=en")
    ready = nothing.client.get("/readyz")
    assert ready.status_code == 503
    assert str(nothing.path) in ready.text
    assert nothing.client.get("/healthz").status_code == 200
    assert len([record for record in caplog.records if "nothing is known" in record.message]) == 1
    if broken == "a-directory":
        nothing.path.rmdir()
    publish(nothing.path, MORNING)
    assert nothing.client.get("/readyz").status_code == 200
    assert "Some requests fail" in nothing.get("/en")


def test_readyz_and_metrics_say_how_old_it_is(public: Public) -> None:
    assert "pharmapulse_status_page_fresh 1.0" in public.get("/metrics")
    public.clock.advance(500)
    ready = public.client.get("/readyz")
    assert ready.status_code == 503
    assert "too old" in ready.text
    assert "pharmapulse_status_page_fresh 0.0" in public.get("/metrics")
    far = public.client.get("/readyz", environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert far.status_code == 503
    assert str(public.path) not in far.text
    assert public.client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 403


def test_what_is_not_there(public: Public) -> None:
    answer = public.client.get("/a/b?lang=nl", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, outline(answer.text).lang) == (404, "nl")
    assert 'href="../nl"' in answer.text
    assert public.client.get("/nowhere", headers={"Accept": "image/png"}).content_type.startswith("text/plain")
    assert public.client.get("/static/../words/en.toml").status_code == 404
    refused = public.client.post("/", data=b"x" * 10_000)
    assert refused.status_code == 405
    assert "POST" not in refused.headers["Allow"]
    assert "50010199928" not in public.client.get("/50010199928").text


def test_assets_may_be_kept_for_good_under_their_version(public: Public) -> None:
    text = public.get("/en")
    address = text.split('rel="stylesheet" href=".')[1].split('"')[0]
    answer = public.client.get(address)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert public.client.get("/static/status.css").headers["Cache-Control"] == "no-cache"
