"""What a check finds, and what it is given to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from pharmapulse.config import Config
from pharmapulse.places import Places

Level = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: how it is, what was found, and what to do: a command or a setting."""

    check: str
    level: Level
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """What there is to look at. `now` is the machine's wall clock."""

    config: Config
    now: float

    @property
    def places(self) -> Places:
        """Where everything is stored."""
        return Places(self.config.data)

    @property
    def file(self) -> str:
        """The configuration as commands name it."""
        return str(self.config.file)


Check = Callable[[House], Iterable[Finding]]


def ok(check: str, found: str) -> Finding:
    """All is as it should be."""
    return Finding(check, "ok", found)


def warn(check: str, found: str, mend: str) -> Finding:
    """Something should be looked after, and all works."""
    return Finding(check, "warn", found, mend)


def fail(check: str, found: str, mend: str) -> Finding:
    """Something does not work, or will not for long."""
    return Finding(check, "fail", found, mend)


def span(seconds: float) -> str:
    """How long that is, in one word of the size that matters."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def amount(size: float) -> str:
    """How many bytes that is."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} TB"


def several(count: int, what: str, many: str = "") -> str:
    """How many of something."""
    return f"{count} {what}" if count == 1 else f"{count} {many or what + 's'}"
