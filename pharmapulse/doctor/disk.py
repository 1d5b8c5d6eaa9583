"""The data directory: whether it is there, this user's, nobody else's, and has room for what comes."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pharmapulse.doctor.finding import Finding, House, amount, fail, ok, warn
from store.kinds import KINDS

DIRECTORY, SPACE = "data directory", "disk space"
LEAST_BYTES, FEW_BYTES = 500_000_000, 2_000_000_000
LEAST_DAYS, FEW_DAYS = 3.0, 30.0
# The growth is that of so long: the hour files written in it.
_LOOK_SECONDS = 86_400.0


def check_directory(house: House) -> Iterable[Finding]:
    """It is there, can be written, belongs to this user, and is closed to others."""
    data = house.config.data
    if not data.exists():
        yield warn(DIRECTORY, f"{data} is not there yet: made at the first start, if this user may",
                   f"install -d -m 750 {data}")  # fmt: skip
        return
    status = data.stat()
    if not stat.S_ISDIR(status.st_mode):
        yield fail(DIRECTORY, f"{data} is no directory", "Move it away, or choose another site.data")
        return
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK) or os.statvfs(data).f_flag & os.ST_RDONLY:
        yield fail(DIRECTORY, f"{data} cannot be written by {user(os.geteuid())}",
                   f"chown -R {user(os.geteuid())} {data}, or call this as {user(status.st_uid)}")  # fmt: skip
        return
    yield from ownership(data, status.st_mode, status.st_uid, os.geteuid())


def ownership(data: Path, mode: int, owner: int, caller: int) -> Iterable[Finding]:
    """Whose it is, and who else may look."""
    good = True
    if owner != caller:
        good = False
        yield warn(DIRECTORY, f"{data} belongs to {user(owner)}, and this is {user(caller)}: what is looked at here "
                   f"may differ for it", f"sudo -u {user(owner)} pharmapulse doctor …")  # fmt: skip
    if mode & 0o007:
        good = False
        yield warn(DIRECTORY, f"{data} is open to every user of this machine ({stat.S_IMODE(mode):o})",
                   f"chmod o-rwx {data}")  # fmt: skip
    if good:
        yield ok(DIRECTORY, f"{data}, {stat.S_IMODE(mode):o}, of {user(owner)}")


def user(number: int) -> str:
    """A user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@dataclass(frozen=True, slots=True)
class Growth:
    """How the ledger grows: bytes of hour files written in the last day, bytes and days held, days to be held."""

    bytes_a_day: float
    held_bytes: float
    held_days: float
    retention_days: float


def check_space(house: House) -> Iterable[Finding]:
    """Room for what comes."""
    place = house.config.data
    while not place.exists():
        place = place.parent
    room = os.statvfs(place)
    free, total = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    yield judged(str(place), free, total, growth(house))
    if room.f_files and room.f_favail * 20 < room.f_files:
        yield warn(SPACE, f"{room.f_favail} of {room.f_files} inodes left", "Remove files there")


def growth(house: House) -> Growth:
    """The ledger's growth, from its hour files."""
    folders = [house.places.ledger / kind.folder for kind in KINDS]
    lately = held = 0.0
    oldest = house.now
    for folder in (folder for folder in folders if folder.is_dir()):
        for entry in os.scandir(folder):
            status = entry.stat()
            held += status.st_size
            oldest = min(oldest, status.st_mtime)
            if house.now - status.st_mtime <= _LOOK_SECONDS:
                lately += status.st_size
    days = max(0.0, house.now - oldest) / 86_400
    # In its first day it has not grown for a whole one.
    return Growth(
        lately / max(min(days, 1.0), 1 / 24), held, days, float(house.config.settings.collector.retention_days)
    )


def judged(place: str, free: float, total: float, grows: Growth) -> Finding:
    """Whether the room will do, and for how long."""
    told = f"{amount(free)} of {amount(total)} free at {place}"
    mend = "Make room, give it a larger disk, or lower collector.retention_days"
    coming = grows.bytes_a_day * max(0.0, grows.retention_days - grows.held_days)
    if grows.bytes_a_day > 0:
        days = free / grows.bytes_a_day
        told += f"; the ledger grows by {amount(grows.bytes_a_day)} a day"
        if coming > free and days < FEW_DAYS:
            return (fail if days < LEAST_DAYS else warn)(SPACE, f"{told} and is full in {days:.0f} days", mend)
    if free < LEAST_BYTES:
        return fail(SPACE, told, mend)
    if free < FEW_BYTES:
        return warn(SPACE, told, mend)
    return ok(SPACE, told)
