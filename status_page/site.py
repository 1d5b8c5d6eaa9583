"""The answers of the public site, each made once for a reading of the document and kept until there is another."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec

from domain.clock import Clock
from domain.published import PublicState, Published
from status_page import machine, model
from status_page.belief import Reason, belief, overall
from status_page.button import button
from status_page.rendering import Frame, render
from status_page.source import PublishedFile
from status_page.words import Language, local, words

HTML, JSON, SVG = "text/html; charset=utf-8", "application/json", "image/svg+xml"
_SMALL = 1_000  # bytes below which packing saves nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished body, plain and packed, and its tag."""

    body: bytes
    packed: bytes | None
    kind: str
    tag: str


@dataclass(frozen=True, slots=True)
class Now:
    """What is there at this moment: the reading, whether it is believed, and for how many seconds more."""

    document: Published | None
    problem: str
    number: int
    reason: Reason
    seconds_left: float


class Site:
    """Built once; shared by all requests. `wall`: the site's clock goes as everybody's does."""

    def __init__(self, file: PublishedFile, clock: Clock, title: str, stale_seconds: float, wall: bool) -> None:
        self.file, self.clock, self.title, self.stale_seconds, self.wall = file, clock, title, stale_seconds, wall
        self._lock = threading.Lock()
        self._made_of: Hashable = None
        self._kept: dict[Hashable, Answer] = {}

    def now(self) -> Now:
        """Look at document and clock."""
        reading, now = self.file.read(), self.clock.now()
        reason = belief(reading.document, now, self.stale_seconds)
        as_of = None if reading.document is None else reading.document.as_of
        left = as_of + self.stale_seconds - now if as_of is not None and reason == "fresh" else 0.0
        return Now(reading.document, reading.problem, reading.number, reason, left)

    def page(self, now: Now, language: Language) -> Answer:
        """The page."""
        return self._answer(now, ("page", language), HTML, lambda: self.html(now, language, "./", "{}"))

    def html(self, now: Now, language: Language, root: str, home: str, *, copy: bool = False) -> str:
        """The page's text; `root` and `home` as in `Frame`."""
        # A page that is stale already says so itself, and nothing of it can grow older.
        as_of = now.document.as_of if now.document is not None and now.reason == "fresh" else None
        frame = Frame(root, home, copy, as_of, self.stale_seconds, self.wall)
        return render(model.page(now.document, now.reason, language, self.title), frame)

    def status(self, now: Now) -> Answer:
        """`status.json`."""
        return self._answer(
            now, "status", JSON,
            lambda: msgspec.json.encode(machine.status(now.document, now.reason, self.title, self.stale_seconds)),
        )  # fmt: skip

    def shields(self, now: Now, language: Language) -> Answer:
        """`badge.json`."""
        return self._answer(
            now, ("shields", language), JSON,
            lambda: msgspec.json.encode(machine.shields(now.document, now.reason, language, self.title)),
        )  # fmt: skip

    def badge(self, now: Now, language: Language, component: str | None = None) -> Answer | None:
        """The button of the whole, or of one service; None where the document knows no such service."""
        if component is not None and now.document is None:
            component = None  # nothing is known, and that is what the button of any service says
        told = self._told(now, language, component)
        if told is None:
            return None
        label, state, word = told
        return self._answer(now, ("badge", language, component), SVG, lambda: button(label, state, word, language))

    def dated_badge(self, now: Now, language: Language, component: str | None = None) -> str | None:
        """The button with its date and time: a copy cannot turn grey by itself."""
        told = self._told(now, language, component)
        if told is None:
            return None
        label, state, word = told
        if now.document is not None and now.document.as_of is not None:
            word = f"{word} · {local(now.document.as_of, ZoneInfo(now.document.zone)):%Y-%m-%d %H:%M}"
        return button(label, state, word, language)

    def _told(self, now: Now, language: Language, component: str | None) -> tuple[str, PublicState, str] | None:
        said, fresh = words(language), now.reason == "fresh"
        if component is None:
            state = _whole(now.document) if fresh else "unknown"
            return self.title, state, said.of(state).badge
        parts = () if now.document is None else now.document.components
        part = next((part for part in parts if part.key == component), None)
        if part is None:
            return None
        state = part.state if fresh else "unknown"
        return model.name_of(part, said), state, said.of(state).word

    def _answer(self, now: Now, what: Hashable, kind: str, make: Callable[[], str | bytes]) -> Answer:
        made_of = (now.number, now.reason)
        with self._lock:
            if made_of != self._made_of:
                self._made_of, self._kept = made_of, {}
            if what not in self._kept:
                made = make()
                self._kept[what] = finished(made if isinstance(made, bytes) else made.encode(), kind)
            return self._kept[what]


def _whole(document: Published | None) -> PublicState:
    return "unknown" if document is None else overall([part.state for part in document.components])


def finished(body: bytes, kind: str) -> Answer:
    """A body as it is sent."""
    packed = gzip.compress(body, mtime=0) if len(body) > _SMALL else None
    return Answer(body, packed, kind, hashlib.sha256(body).hexdigest()[:20])
