"""Where an axis has its ticks: local time across DST, round numbers upwards."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.series import DAY

_TIMES = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200)


def value_ticks(top: float, count: int = 4) -> list[float]:
    """Round values from 0 up to at most `top`, about `count` of them above 0."""
    if not top > 0:
        return [0.0, 1.0]
    rough = top / count
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    return [step * place for place in range(math.floor(top / step + 1e-9) + 1)]


def decade_ticks(low: float, high: float) -> list[float]:
    """1-2-5 values of a logarithmic axis from at most `low` to at least `high` (both above 0)."""
    ticks = [
        digit * 10.0**power
        for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        for digit in (1, 2, 5)
    ]
    below = max((tick for tick in ticks if tick <= low), default=ticks[0])
    above = min((tick for tick in ticks if tick >= high), default=ticks[-1])
    kept = [tick for tick in ticks if below <= tick <= above]
    if len(kept) > 7:
        # Many decades: only the powers of ten, but the ends stay so that every value is inside.
        kept = [tick for tick in kept if math.isclose(math.log10(tick) % 1, 0, abs_tol=1e-9) or tick in (below, above)]
    return kept if len(kept) > 1 else [below, below * 10]


def time_ticks(start: int, end: int, zone: ZoneInfo, most: int) -> list[tuple[int, str]]:
    """At most about `most` moments with their labels, on local wall-clock round times."""
    span = end - start
    if span <= 2 * DAY:
        step = next((step for step in _TIMES if span / step <= most), _TIMES[-1])
        return _within_days(start, end, step, zone)
    days = span / DAY
    if days <= 100:
        every = next((every for every in (1, 2, 4, 7, 14) if days / every <= most), 28)
        return _by_days(start, end, every, zone)
    return _by_months(start, end, max(1, math.ceil(days / 30.4 / most)), zone)


def _within_days(start: int, end: int, step: int, zone: ZoneInfo) -> list[tuple[int, str]]:
    day = datetime.fromtimestamp(start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    ticks: list[tuple[int, str]] = []
    while day.timestamp() < end:
        for seconds in range(0, DAY, step):
            local = day.replace(hour=seconds // 3_600, minute=seconds % 3_600 // 60)
            time = int(local.timestamp())
            # A wall-clock time that DST skips does not exist: it reads differently when looked at again.
            if start <= time < end and datetime.fromtimestamp(time, zone).time() == local.time():
                ticks.append((time, f"{local:%H:%M}"))
        day = (day.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return ticks


def _by_days(start: int, end: int, every: int, zone: ZoneInfo) -> list[tuple[int, str]]:
    day = datetime.fromtimestamp(start, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    ticks = []
    while (time := int(day.replace(tzinfo=zone).timestamp())) < end:
        # Weeks are marked at their Mondays, shorter steps from the start.
        if time >= start and (day.weekday() == 0 or every < 7):
            ticks.append((time, f"{day:%a} {day.day} {day:%b}"))
            day += timedelta(days=every)
        else:
            day += timedelta(days=1)
    return ticks


def _by_months(start: int, end: int, every: int, zone: ZoneInfo) -> list[tuple[int, str]]:
    first = datetime.fromtimestamp(start, zone)
    year, month = first.year, first.month
    ticks = []
    while (time := int(datetime(year, month, 1, tzinfo=zone).timestamp())) < end:
        if time >= start:
            local = datetime(year, month, 1, tzinfo=zone)
            ticks.append((time, f"{local:%b %Y}" if month == 1 else f"{local:%b}"))
            month += every
        else:
            month += 1
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return ticks
