"""The static copy: the same pages and pictures as files, for any web server. Each is written aside and renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from status_page.rendering import ASSETS, STATIC
from status_page.site import Now, Site
from status_page.words import DEFAULT, LANGUAGES, Language

_MODE = 0o644  # whoever serves the copy is somebody else


def files(site: Site, now: Now) -> Iterator[tuple[str, bytes]]:
    """Every file of the copy by its path, in the order of writing: what pages need comes before them."""
    for name in ASSETS:
        yield f"static/{name}", (STATIC / name).read_bytes()
    yield "status.json", site.status(now).body
    parts = () if now.document is None else now.document.components
    for language in LANGUAGES:
        yield f"badge-{language}.svg", _picture(site, now, language)
        for part in parts:
            yield f"badge/{quote(part.key, safe='')}-{language}.svg", _picture(site, now, language, part.key)
    yield "badge.svg", _picture(site, now, DEFAULT)
    for language in LANGUAGES:
        yield f"{language}/index.html", site.html(now, language, "../", "{}/", copy=True).encode()
    yield "index.html", site.html(now, DEFAULT, "./", "{}/", copy=True).encode()


def export(site: Site, now: Now, directory: Path) -> list[str]:
    """Write the copy into a directory, over an older one; the paths written. Raises OSError."""
    written = []
    for path, data in files(site, now):
        _write(directory / path, data)
        written.append(path)
    return written


def _picture(site: Site, now: Now, language: Language, component: str | None = None) -> bytes:
    return (site.dated_badge(now, language, component) or "").encode()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, aside = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, _MODE)
            file.write(data)
            file.flush()
            os.fsync(number)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
