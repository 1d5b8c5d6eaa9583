"""Which stretch of time a page shows: the range chooser, as pure functions of what was asked and of now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.calendar import COMPARISONS, Comparison, comparable_time, local_midnight
from domain.errors import UsageError
from domain.series import DAY, MAX_POINTS, Family, pick_resolution

SHORTEST, LONGEST = 60, 3_700 * DAY
DRAWN_POINTS = 720
# Shorter lines where finer points would show chance, or only the weekends: half a minute, a minute, a week.
_FEWER_POINTS = {"1h": 120, "6h": 360, "year": 52}
_DETAILED = 8 * DAY  # up to here a line is read finely and thinned; beyond, a coarser resolution is read

# name → label, seconds, and what the rolling windows are aligned to (so that charts can be kept between buckets)
_ROLLING: dict[str, tuple[str, int, int]] = {
    "1h": ("1 h", 3_600, 10),
    "6h": ("6 h", 6 * 3_600, 60),
    "week": ("Week", 7 * DAY, 900),
    "month": ("Month", 28 * DAY, 3_600),
}
CHOICES: dict[str, str] = {
    "1h": "1 h", "6h": "6 h", "today": "Today", "week": "Week", "month": "Month", "year": "Year",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to but not including `end` (epoch seconds); may reach into the future (today)."""

    name: str
    label: str
    start: int
    end: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.start

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The periods worth drawing beside it: those that do not overlap it."""
        return tuple(name for name, days in COMPARISONS.items() if self.seconds <= days * DAY + 3_600)

    @property
    def drawn_points(self) -> int:
        """How many points a line of it is drawn with at most."""
        return _FEWER_POINTS.get(self.name, DRAWN_POINTS)

    def resolution(self, family: Family, now: float) -> int:
        """The step in seconds at which a chart of the window is read."""
        points = MAX_POINTS if self.seconds <= _DETAILED else DRAWN_POINTS
        return pick_resolution(family, self.start, self.end, now, points)

    def compared(self, comparison: Comparison, zone: ZoneInfo) -> tuple[int, int]:
        """The comparable stretch, in epoch seconds."""
        return (
            int(comparable_time(self.start, comparison, zone)),
            int(comparable_time(self.end - 1, comparison, zone)) + 1,
        )


def named_window(name: str, now: float, zone: ZoneInfo) -> Window:
    """The window of a chooser's name. Raises UsageError for a name that is none of CHOICES."""
    if name == "today":
        midnight = local_midnight(now, zone)
        return Window(name, "Today", int(midnight), _next_midnight(midnight, zone))
    if name == "year":
        # Whole weeks of whole days: today would end it as a fall.
        end = local_midnight(now, zone)
        start = datetime.fromtimestamp(end, zone) - timedelta(days=364)
        return Window(name, "Year", int(start.timestamp()), int(end))
    if name not in _ROLLING:
        raise UsageError(f'"{name}" is no range: choose one of {", ".join(CHOICES)}, or give from and to')
    label, seconds, grid = _ROLLING[name]
    end = -int(-now // grid) * grid
    return Window(name, label, end - seconds, end)


def _next_midnight(midnight: float, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(midnight, zone) + timedelta(days=1)
    return int(datetime(local.year, local.month, local.day, tzinfo=zone).timestamp())


def parse_time(text: str, what: str, zone: ZoneInfo) -> int:
    """Epoch seconds of `2026-11-23T08:00` (local), an RFC 3339 time, or epoch seconds. Raises UsageError."""
    try:
        if text.isascii() and text.isdigit():
            when = datetime.fromtimestamp(int(text), zone)
        else:
            when = datetime.fromisoformat(text)
            when = when if when.tzinfo else when.replace(tzinfo=zone)
        seconds = int(when.timestamp())
    except (ValueError, OverflowError, OSError):
        raise UsageError(f'{what}: "{text[:60]}" is no time; write it like 2026-11-23T08:00') from None
    return seconds


def custom_window(begin: str, end: str, now: float, zone: ZoneInfo) -> Window:
    """The window from … to …; an empty end means now. Raises UsageError where it is none."""
    start = parse_time(begin, "from", zone)
    stop = parse_time(end, "to", zone) if end else int(now)
    if stop - start < SHORTEST:
        raise UsageError("from … to …: the end must be at least a minute after the start")
    if stop - start > LONGEST:
        raise UsageError("from … to …: at most ten years are kept")
    if start > now:
        raise UsageError("from … to …: the start lies in the future")
    return Window("custom", "From … to …", start, stop)


def asked_window(arguments: dict[str, str], now: float, zone: ZoneInfo, default: str = "today") -> Window:
    """The window that a request's arguments ask for: `from` and `to`, or `range`. Raises UsageError."""
    if arguments.get("from"):
        return custom_window(arguments["from"], arguments.get("to", ""), now, zone)
    if arguments.get("to"):
        raise UsageError("to without from: give both, or only from")
    return named_window(arguments.get("range") or default, now, zone)
