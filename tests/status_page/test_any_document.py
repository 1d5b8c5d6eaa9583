"""Whatever stands in the document: every address answers, and no name becomes markup."""

from __future__ import annotations

import json
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.published import Component, Day, Notice, Published
from status_page.belief import fault
from status_page.words import LANGUAGES, STATES
from tests.status_page.conftest import Public, site_at
from tests.status_page.documents import MORNING, NOW, publish
from tests.status_page.test_routes import outline

NAMES = st.one_of(
    st.sampled_from(
        ["recipe", "<script>alert(1)</script>", '" onload="x', "a/b", "..", "{{ 7 * 7 }}", "&amp;", "\x00]]>"]
    ),
    st.text(max_size=20),
)
STATE = st.sampled_from(STATES)
ANY_TIME = st.one_of(st.floats(0, 4e9), st.floats(allow_nan=False), st.sampled_from([NOW, NOW - 300, NOW + 300]))
GOOD_TIME = st.one_of(st.floats(0, 4e9), st.sampled_from([NOW, NOW - 300, NOW + 300]))


def documents(times: st.SearchStrategy[float], dates: st.SearchStrategy[str]) -> st.SearchStrategy[Published]:
    maybe = st.none() | times
    day = st.builds(Day, date=dates, state=STATE, availability=st.none() | st.floats(0, 1))
    part = st.builds(Component, key=NAMES, name=NAMES, does=NAMES, state=STATE, since=maybe, wait_seconds=maybe,
                     days=st.lists(day, max_size=95).map(tuple))  # fmt: skip
    notice = st.builds(Notice, id=NAMES, kind=st.sampled_from(["incident", "maintenance"]), hub=NAMES, state=STATE,
                       start=times, end=maybe)  # fmt: skip
    return st.builds(
        Published, version=st.just(1), site=NAMES, zone=st.sampled_from(["Europe/Brussels", "UTC"]) | NAMES,
        as_of=st.sampled_from([None, NOW, NOW - 119, NOW - 500]) | maybe, written=times,
        components=st.lists(part, max_size=4, unique_by=lambda one: one.key).map(tuple),
        notices=st.lists(notice, max_size=4).map(tuple),
    )  # fmt: skip


def served(document: Published) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "status.json"
        publish(path, document)
        public = site_at(path)
        usual = outline(_morning())
        for language in LANGUAGES:
            text = public.get(f"/{language}")
            found = outline(text)
            assert not found.wrong
            assert set(found.tags) <= set(usual.tags)
            assert found.attributes <= usual.attributes | {"hidden", "class"}
            assert found.tags["script"] == 1
            assert len(set(found.ids)) == len(found.ids)
        told = json.loads(public.get("/status.json"))
        if told["stale"]:
            assert told["state"] == "unknown"
        ET.fromstring(public.get("/badge.svg"))
        json.loads(public.get("/badge.json"))


def _morning() -> str:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "status.json"
        publish(path, MORNING)
        public: Public = site_at(path)
        return public.get("/en")


@settings(max_examples=25, deadline=None)
@given(documents(ANY_TIME, st.dates().map(str) | NAMES))
def test_any_document_is_a_page(document: Published) -> None:
    served(document)


@settings(max_examples=40, deadline=None)
@given(documents(GOOD_TIME, st.dates().map(str)).map(lambda one: msgspec.structs.replace(one, zone="Europe/Brussels")))
def test_any_sound_document_is_shown_in_full(document: Published) -> None:
    assert fault(document) == ""
    served(document)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "status.json"
        publish(path, document)
        public = site_at(path)
        assert public.get("/en").count("<article") == len(document.components)
        for part in document.components:
            text = public.client.get("/badge/" + "".join(f"%{byte:02X}" for byte in part.key.encode()) + ".svg")
            assert text.status_code in (200, 404)
            if text.status_code == 200:
                ET.fromstring(text.text)
