"""The published document: all that the public page may know, and nothing that names a vendor or a pharmacy.

One small JSON file, written whole by the alerts process and read by the status page. Version 1; readers take their
own version and the one before.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from domain.errors import WireError

PUBLISHED_VERSION = 1
READABLE = (PUBLISHED_VERSION - 1, PUBLISHED_VERSION)

PublicState = Literal["works", "some-fail", "fails", "kept", "maintenance", "unknown"]
"""Works; some calls fail; most or all fail; messages are kept and processed later; planned work; not known."""

# From best to worst. A whole is as its worst part is known to be: that something is not known hides no trouble that
# is, and no trouble hides behind what is not known.
WORSE: tuple[PublicState, ...] = ("works", "maintenance", "kept", "unknown", "some-fail", "fails")


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One local day of a component: its worst state, and the share of calls that did not fail technically."""

    date: str
    state: PublicState
    availability: float | None


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One hub as the public sees it. `since`: from when it has been in this state (epoch seconds, whole minutes).

    `wait_seconds` is about how long kept messages still wait. `days` are the last 90, oldest first.
    """

    key: str
    name: str
    does: str
    state: PublicState
    since: float | None = None
    wait_seconds: float | None = None
    days: tuple[Day, ...] = ()


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know: a trouble that lasts or is over, or planned work. `hub` is the component's key."""

    id: str
    kind: Literal["incident", "maintenance"]
    hub: str
    state: PublicState
    start: float
    end: float | None


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The whole document. `as_of` is up to when everything in it is judged; `written` when it was written."""

    version: int
    site: str
    zone: str
    as_of: float | None
    written: float
    components: tuple[Component, ...]
    notices: tuple[Notice, ...] = ()


def encode_published(document: Published) -> bytes:
    """The document's bytes."""
    return msgspec.json.encode(document)


def decode_published(data: bytes) -> Published:
    """The document of some bytes. Raises WireError where they are none, or of a version we do not read."""
    try:
        document = msgspec.json.decode(data, type=Published)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"this is no published document: {error}") from error
    if document.version not in READABLE:
        raise WireError(
            f"this document has version {document.version}, and this program reads {' and '.join(map(str, READABLE))}"
        )
    return document
