"""Vendors and pharmacies as lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alerts.judge import Minutes, State, judge, share
from alerts.measure import last_minutes
from dashboard.breakdown import sums
from dashboard.data import Snapshot
from dashboard.few import shown_minutes, shown_state, told
from dashboard.windows import named_window
from domain.identifiers import province
from domain.series import Key, SeriesKey

PAGE_ROWS, BUSIEST = 50, 10
_BUSY_STEP, _BUSY_SECONDS = 300, 60


@dataclass(frozen=True, slots=True)
class VendorRow:
    """A vendor as it is now."""

    name: str
    state: State
    minutes: Minutes


def vendor_rows(snapshot: Snapshot) -> tuple[VendorRow, ...]:
    """Every vendor, those in trouble first, then by calls."""
    snapshot.open_rows("vendor", 60)
    rows = []
    for key in snapshot.keys("vendor"):
        seen = last_minutes(snapshot, SeriesKey("vendor", key))
        state = shown_state(judge(seen, snapshot.bounds), seen, snapshot.least)
        rows.append(VendorRow(key[0], state, shown_minutes(seen, snapshot.least)))
    return tuple(sorted(rows, key=lambda row: (-max(row.state.level, 1), -np.nan_to_num(row.minutes.calls), row.name)))


@dataclass(frozen=True, slots=True)
class PharmacyRow:
    """A pharmacy's day so far."""

    number: str
    place: str
    calls: float
    technical_share: float
    functional_share: float


@dataclass(frozen=True, slots=True)
class PharmacyPage:
    """One page of the pharmacies found."""

    rows: tuple[PharmacyRow, ...]
    total: int
    page: int
    pages: int


def find_pharmacies(keys: Sequence[Key], query: str) -> list[str]:
    """The numbers that hold the digits asked for, or lie in the province asked for; all of them for ""."""
    words = query.casefold()
    return [key[0] for key in keys if words in key[0] or words in province(key[0]).casefold()]


def pharmacy_page(snapshot: Snapshot, keys: Sequence[Key], query: str, page: int) -> PharmacyPage:
    """The page (from 1) of what was found, each with its day so far. A page beyond the last is the last."""
    found = find_pharmacies(keys, query)
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = min(max(1, page), pages)
    today = named_window("today", snapshot.now, snapshot.zone)
    rows = []
    for number in found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]:
        seen = sums(snapshot, SeriesKey("pharmacy", (number,)), today)
        calls, technical, functional = (told(seen[of], snapshot.least) for of in ("calls", "technical", "functional"))
        rows.append(PharmacyRow(number, province(number), calls, share(technical, calls), share(functional, calls)))
    return PharmacyPage(tuple(rows), len(found), page, pages)


def busiest_pharmacies(snapshot: Snapshot) -> tuple[tuple[str, str, float], ...]:
    """The pharmacies with most calls in the open present: number, province, calls a minute."""
    live = snapshot.open_rows("pharmacy", _BUSY_STEP)
    if live.complete_up_to is None:
        return ()
    found = []
    for key, rows in live.rows.items():
        seconds = live.complete_up_to - rows.start
        calls = float(np.nansum(rows.column("calls")))
        if seconds >= _BUSY_SECONDS and calls > 0:
            found.append((key[0], province(key[0]), told(calls, snapshot.least) * 60 / seconds))
    return tuple(sorted(found, key=lambda row: (-row[2], row[0]))[:BUSIEST])
