"""What is amiss with the files of one source: told once in our log, and with each heartbeat while it lasts.

`unread`, `unreadable` and `absent` last as long as they are so. Bytes that are `lost` and sums that are `unbalanced`
happened at a moment: they are told for a day, so that nobody needs to look at the right minute.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

import msgspec

from domain.batch import LONGEST_TOLD, Trouble
from domain.redact import fit_name

log = logging.getLogger(__name__)

Kind = Literal["unread", "lost", "unbalanced", "unreadable", "absent"]

# A rotated file may be behind for so long before it is told that it could go unread.
UNREAD_SECONDS = 60.0
KEPT_SECONDS = 86_400.0
MOST_TOLD = 20
_MOST_KEPT = 500
_HAPPENED = ("lost", "unbalanced")
# The worst first: what is gone, what may go, what cannot be counted.
_ORDER = ("lost", "unbalanced", "unread", "unreadable", "absent")


class Troubles:
    """The troubles of one source, by their kind and file."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._kept: dict[tuple[Kind, str], Trouble] = {}

    def has(self, kind: Kind, file: str, now: float, detail: str, bytes_: int = 0) -> None:
        """There is this trouble since now, or still; more bytes of what happened before are added."""
        before = self._kept.pop((kind, file), None)
        since = now if before is None else min(before.since, now)
        if before is not None and kind in _HAPPENED:
            since, bytes_ = now, before.bytes + bytes_
        if before is None and len(self._kept) >= _MOST_KEPT:
            return
        name, detail = fit_name(file)[:LONGEST_TOLD], fit_name(detail)[:LONGEST_TOLD]
        self._kept[kind, file] = Trouble(kind=kind, file=name, since=since, bytes=bytes_, detail=detail)
        if before is None or (before.detail != detail and kind in _HAPPENED):
            level = logging.ERROR if kind in _HAPPENED else logging.WARNING
            log.log(level, "source %s: %s", self._source, f"{name}: {detail}" if name else detail)

    def over(self, kind: Kind, file: str) -> None:
        """There is no such trouble any more."""
        self._kept.pop((kind, file), None)

    def keep_only(self, kind: Kind, files: set[str]) -> None:
        """Of a kind, none but those of these files are left."""
        for key in [key for key in self._kept if key[0] == kind and key[1] not in files]:
            del self._kept[key]

    def set_back(self, now: float) -> None:
        """The clock was set back: nothing began later than now."""
        self._kept = {
            key: msgspec.structs.replace(trouble, since=min(trouble.since, now)) for key, trouble in self._kept.items()
        }

    def told(self, now: float) -> Sequence[Trouble]:
        """The worst and the oldest first, at most MOST_TOLD."""
        for key, trouble in list(self._kept.items()):
            if trouble.kind in _HAPPENED and now - trouble.since > KEPT_SECONDS:
                del self._kept[key]
        return sorted(self._kept.values(), key=lambda one: (_ORDER.index(one.kind), one.since, one.file))[:MOST_TOLD]
