"""Whether the published document may be believed: pure decisions with their reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from domain.published import WORSE, PublicState, Published

Reason = Literal["fresh", "unreadable", "nothing judged yet", "too old", "ahead of the clock"]

_LATEST = 32_503_680_000.0  # the year 3000: no date of ours lies beyond


def belief(document: Published | None, now: float, stale_seconds: float) -> Reason:
    """`fresh`, or why what the document says of the present may not be shown as such."""
    if document is None:
        return "unreadable"
    if document.as_of is None:
        return "nothing judged yet"
    if now - document.as_of > stale_seconds:
        return "too old"
    return "ahead of the clock" if document.as_of - now > stale_seconds else "fresh"


def overall(states: Sequence[PublicState]) -> PublicState:
    """The state of the whole; of nothing, it is not known."""
    return max(states, key=WORSE.index, default="unknown")


def fault(document: Published) -> str:
    """What cannot be right in a document of the right shape; "" where nothing is."""
    try:
        ZoneInfo(document.zone)
    except (KeyError, ValueError, OSError):
        return f'"{document.zone}" is not a time zone'
    for what, time in _times(document):
        if not 0 <= time <= _LATEST:
            return f"{what} is no time: {time}"
    for part in document.components:
        if part.wait_seconds is not None and not (part.wait_seconds >= 0 and math.isfinite(part.wait_seconds)):
            return f"the wait of {part.key} is no span: {part.wait_seconds}"
        for day in part.days:
            try:
                date.fromisoformat(day.date)
            except ValueError:
                return f'a day of {part.key} is no date: "{day.date}"'
            if day.availability is not None and not 0 <= day.availability <= 1:
                return f"the availability of {part.key} on {day.date} is no share: {day.availability}"
    keys = [part.key for part in document.components]
    return "two components have the same key" if len(set(keys)) < len(keys) else ""


def _times(document: Published) -> Iterator[tuple[str, float]]:
    yield "written", document.written
    if document.as_of is not None:
        yield "as_of", document.as_of
    for part in document.components:
        if part.since is not None:
            yield f"since of {part.key}", part.since
    for notice in document.notices:
        yield f"the start of {notice.id}", notice.start
        if notice.end is not None:
            yield f"the end of {notice.id}", notice.end
