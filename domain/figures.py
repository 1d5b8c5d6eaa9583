"""How figures are written, on pages and in messages: units always, no false precision, local time.

All spaces inside a figure are no-break spaces, so that a number never parts from its unit.
"""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.access import SMALL_COUNT

NONE = "–"
NBSP = "\u00a0"
# Stands for a figure of fewer calls than its reader is told of (`domain.access.SMALL_COUNT`).
FEW = float("-inf")


def count(value: float) -> str:
    """A whole number with thousands: `1,310`."""
    if value == FEW:
        return f"<{SMALL_COUNT}"
    return NONE if math.isnan(value) else f"{value:,.0f}"


def rate(value: float) -> str:
    """Calls a minute: whole from ten on, one decimal below, and never `0` for a little."""
    if value == FEW:
        return "few"
    if math.isnan(value):
        return NONE
    if value == 0 or value >= 9.95:
        return f"{value:,.0f}"
    return "<0.1" if value < 0.05 else f"{value:.1f}"


def percent(share: float) -> str:
    """A share (0..1) in per cent: `22.8 %`, `<0.1 %` for a little, `0 %` for none."""
    if share == FEW:
        return "few"
    if math.isnan(share):
        return NONE
    if share <= 0 or share >= 0.9995:
        return f"{share * 100:.0f}{NBSP}%"
    return f"<0.1{NBSP}%" if share < 0.0005 else f"{share * 100:.1f}{NBSP}%"


def whole_percent(share: float) -> str:
    """A share (0..1) in whole per cent, never `100 %` for less than all."""
    if share == FEW:
        return "few"
    return NONE if math.isnan(share) else f"{min(round(share * 100), 99) if share < 1 else 100}{NBSP}%"


def millis(microseconds: float) -> str:
    """A duration in µs as milliseconds without the unit: `1,840`, `4.2`."""
    if microseconds == FEW:
        return "few"
    if math.isnan(microseconds):
        return NONE
    value = microseconds / 1000
    return f"{value:,.0f}" if value >= 9.95 or value == 0 else "<0.1" if value < 0.05 else f"{value:.1f}"


def hour_minute(time: float, zone: ZoneInfo) -> str:
    """Local `hh:mm`."""
    return datetime.fromtimestamp(time, zone).strftime("%H:%M")


def clock_time(time: float, zone: ZoneInfo) -> str:
    """Local `hh:mm:ss`."""
    return datetime.fromtimestamp(time, zone).strftime("%H:%M:%S")


def day(time: float, zone: ZoneInfo, now: float) -> str:
    """A local day as people say it: `Mon 16 Nov`, with the year where it is not this one."""
    local = datetime.fromtimestamp(time, zone)
    text = f"{local:%a} {local.day} {local:%b}"
    return text if local.year == datetime.fromtimestamp(now, zone).year else f"{text} {local.year}"


def moment(time: float, zone: ZoneInfo, now: float) -> str:
    """`10:38` today, `Mon 16 Nov 10:38` on another day."""
    if datetime.fromtimestamp(time, zone).date() == datetime.fromtimestamp(now, zone).date():
        return hour_minute(time, zone)
    return f"{day(time, zone, now)} {hour_minute(time, zone)}"


def duration(seconds: float) -> str:
    """A step or a span in its largest whole unit: `10 s`, `5 min`, `6 h`, `1 d`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{NBSP}{unit}"
    return f"{seconds:.0f}{NBSP}s"
