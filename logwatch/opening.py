"""Which files of a source are opened now, and which wait: open files are few, and what is live comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from logwatch.fingerprint import Seen
from logwatch.looking import PACKED

Found = tuple[Path, Seen]

# So many files of a source are held open, those last written to. The others sleep: closed, until they are seen to
# change. One that is open loses nothing when it is moved out of sight right after its last line. Old files that are
# being caught up with take half of the places at most.
MOST_OPEN = 128
# A file written to so much earlier than the newest is old: waiting, it holds no watermark back.
OLD_NS = 600 * 10**9


@dataclass(frozen=True, slots=True)
class Choice:
    """Files to be opened, in this order; those that wait; whether some of these may be live."""

    now: Sequence[Found] = ()
    later: Sequence[Found] = ()
    crowded_by_live: bool = False


def in_order(fresh: Sequence[Found], room: int) -> Choice:
    """Of files that are not open, and of which each goes on in the next: the oldest. All others hold back."""
    waiting = sorted(fresh, key=lambda one: (one[1].modified_ns, one[0]))
    return Choice(waiting[: max(0, room)], waiting[max(0, room) :], len(waiting) > max(0, room))


def choose(fresh: Sequence[Found], newest: int, room: int, room_for_old: int) -> Choice:
    """Of files that are not open: those that may be live, the newest first; then the old ones, the oldest first.

    `newest` is when the source's newest file was written to, `room` for how many there is room, and for how many old.
    """
    live = sorted((found for found in fresh if newest - found[1].modified_ns < OLD_NS), key=_modified, reverse=True)
    old = sorted((found for found in fresh if newest - found[1].modified_ns >= OLD_NS), key=_modified)
    for_live = min(len(live), max(0, room))
    for_old = max(0, min(room - for_live, room_for_old))
    # Originals before what they were copied or compressed to, which is compared with them.
    now = sorted([*live[:for_live], *old[:for_old]], key=lambda one: (one[0].suffix in PACKED, -one[1].size, one[0]))
    return Choice(now, [*live[for_live:], *old[for_old:]], len(live) > for_live)


def _modified(found: Found) -> int:
    return found[1].modified_ns
