"""The public page: whether its document is there, readable and fresh."""

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import WireError
from domain.published import Published, decode_published
from pharmapulse import wiring
from pharmapulse.doctor.finding import Finding, House, fail, ok, span, warn

NAME = "public page"


def check(house: House) -> Iterable[Finding]:
    """The published document."""
    path = house.places.published
    start = f"pharmapulse alerts --config {house.file}"
    if not path.exists():
        yield warn(NAME, f"{path} is not there yet: the page is grey", start)
        return
    try:
        document = decode_published(path.read_bytes())
    except WireError as error:
        yield fail(NAME, f"{path}: {error}", f"Start the alerts process, which writes it anew: {start}")
        return
    stale = house.config.settings.status.stale_seconds
    yield judged(document, wiring.clock(house.config)[0].now(), stale, start)


def judged(document: Published, now: float, stale_seconds: float, start: str) -> Finding:
    """Whether the page believes it."""
    if now - document.written > stale_seconds:
        return fail(NAME, f"the document was written {span(now - document.written)} ago: the page is grey", start)
    if document.as_of is None or now - document.as_of > stale_seconds:
        since = "nothing is judged yet" if document.as_of is None else f"judged up to {span(now - document.as_of)} ago"
        return warn(
            NAME, f"the document is written, and {since}: the page is grey", "See what is found of the collector"
        )
    return ok(NAME, f"judged up to {now - document.as_of:.0f} s ago")
