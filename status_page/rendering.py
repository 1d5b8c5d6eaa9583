"""The page's HTML: one template for the served page and for its static copy, all addresses relative."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.web import POLICY
from status_page.model import Page
from status_page.words import LANGUAGES, Language, words

STATIC = Path(__file__).parent / "static"
ASSETS = MappingProxyType(
    {
        "status.css": "text/css; charset=utf-8",
        "status.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }
)
"""Our static files with their types."""
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Frame:
    """How the page reaches what is around it.

    `root` leads from the page to where `status.json` lies, `home` from there to the page of a language (`fr` or
    `fr/`). A `copy` carries its own policy, as nobody knows which headers its server sends. `as_of` and
    `stale_seconds` let the open page grow old by itself; on a site whose clock is no wall it goes by its server alone.
    """

    root: str
    home: str
    copy: bool
    as_of: float | None
    stale_seconds: float
    wall: bool


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


@lru_cache(maxsize=len(ASSETS))
def version(name: str) -> str:
    """The version of a static file, for its address: browsers may keep it for good."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def render(page: Page, frame: Frame) -> str:
    """The page as HTML."""
    assets = {name.replace(".", "_"): f"{frame.root}static/{name}?v={version(name)}" for name in ASSETS}
    languages = [(language, f"{frame.root}{frame.home.format(language)}", words(language)) for language in LANGUAGES]
    return _environment().get_template("page.html").render(
        page=page, said=page.words, frame=frame, assets=assets, languages=languages, policy=POLICY,
    )  # fmt: skip


def render_missing(language: Language, title: str, root: str) -> str:
    """What somebody sees who asks for a page that there is not."""
    said = words(language)
    css = f"{root}static/status.css?v={version('status.css')}"
    return _environment().get_template("missing.html").render(
        said=said, language=language, title=title, root=root, css=css
    )  # fmt: skip
