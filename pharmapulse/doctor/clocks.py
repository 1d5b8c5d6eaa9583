"""The clock: whether it is kept right, and whether logs and log watchers go by another."""

from __future__ import annotations

import ctypes
import glob
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.errors import LiveUnavailableError
from pharmapulse import wiring
from pharmapulse.doctor.finding import Finding, House, fail, ok, warn

NAME = "clock"
AHEAD_SECONDS, FAR_SECONDS = 5.0, 300.0
# adjtimex(2): the state of a clock that nothing keeps right.
_TIME_ERROR = 5
_TIMEX_BYTES = 512  # more than any kernel's struct timex; all zero asks and sets nothing
_SYNC = "sudo timedatectl set-ntp true, or start chrony"


def check(house: House) -> Iterable[Finding]:
    """Kept right by NTP; files and heartbeats not from the future; the zone has its summer time."""
    good = True
    for finding in (kept(clock_state()), *ahead(house), zone(house)):
        if finding is not None:
            good = False
            yield finding
    if house.config.settings.site.clock != "wall":
        yield warn(NAME, f"this site replays: site.clock is {house.config.settings.site.clock}", 'site.clock = "wall"')
    elif good:
        yield ok(NAME, f"kept right; {house.config.settings.site.zone} is {local(house):%H:%M %Z} now")


def clock_state() -> int | None:
    """What adjtimex(2) says of the kernel's clock, without changing it; None where it says nothing."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "adjtimex"):
        return None
    state = int(library.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return None if state < 0 else state


def kept(state: int | None) -> Finding | None:
    """Whether the clock is kept right; None where it is, or cannot be told."""
    if state == _TIME_ERROR:
        return warn(NAME, "nothing keeps this machine's clock right, and calls are counted by time", _SYNC)
    return None


def ahead(house: House) -> Iterable[Finding]:
    """Log files and log watchers from the future."""
    newest, name = 0.0, ""
    for source in house.config.settings.sources:
        for pattern in source.paths:
            for found in glob.glob(house.config.absolute(pattern), recursive=True):  # noqa: PTH207 (Path.glob takes no absolute pattern)
                time = os.stat(found).st_mtime  # noqa: PTH116 (a name may be of no encoding)
                newest, name = max((newest, name), (time, found))
    if newest - house.now > AHEAD_SECONDS:
        yield drifted(f"{name} was written", newest - house.now)
    clock = wiring.clock(house.config)[0]
    try:
        beats = wiring.live(house.config).sources() if house.places.ledger.exists() else ()
    except LiveUnavailableError:
        return  # told by the check of the collector
    now = clock.now()
    for beat in beats:
        if beat.at - now > AHEAD_SECONDS:
            yield drifted(f"the log watcher {beat.agent} speaks", beat.at - now)


def drifted(what: str, seconds: float) -> Finding:
    """Something from the future."""
    worse = fail if seconds > FAR_SECONDS else warn
    return worse(NAME, f"{what} {seconds:.0f} s in the future: that machine's clock or this one's is wrong", _SYNC)


def local(house: House) -> datetime:
    """The time at the site."""
    return datetime.fromtimestamp(house.now, ZoneInfo(house.config.settings.site.zone))


def zone(house: House) -> Finding | None:
    """Whether the zone's data know the coming changes; None where they do."""
    name = house.config.settings.site.zone
    here = ZoneInfo(name)
    moments = [datetime.fromtimestamp(house.now, UTC) + timedelta(days=30 * month) for month in range(13)]
    if name == "Europe/Brussels" and len({moment.astimezone(here).utcoffset() for moment in moments}) < 2:
        return fail(NAME, f"{name} has no summer time in this machine's data", "sudo apt-get install tzdata")
    return None
