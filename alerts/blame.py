"""Whose doing failures are, told from their codes; and which vendor's calls they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.codes import Judgement, Side, judge
from domain.series import FAMILIES, SeriesKey
from rrd.present import Snapshot

# A side, a code or a vendor is named where at least this share of the failures is its own.
MOST = 0.5
# A vendor explains the failures where nearly all are its own, and hardly any of the others' calls fail.
NEARLY_ALL, HARDLY_ANY = 0.9, 0.05


@dataclass(frozen=True, slots=True)
class Blame:
    """The code and the side of most failures; "" where none has most of them."""

    code: str = ""
    side: Side = ""


def blame(failures: Mapping[str, float], table: Mapping[str, Judgement]) -> Blame:
    """Judge technical failures counted by code."""
    total = sum(failures.values())
    if not total > 0:
        return Blame()
    sides: dict[Side, float] = {}
    for code, count in failures.items():
        side = _side(code, table)
        sides[side] = sides.get(side, 0.0) + count
    code, most = max(failures.items(), key=lambda item: item[1])
    side, theirs = max(sides.items(), key=lambda item: item[1])
    return Blame(code if most >= MOST * total else "", side if theirs >= MOST * total else "")


def _side(code: str, table: Mapping[str, Judgement]) -> Side:
    """The code's side. One that was judged technical by its status is the hub's, as statuses of servers are."""
    told = judge(code, int(code) if len(code) == 3 and code.isdecimal() else None, table)
    return told.side if told.known else "hub"


def vendor_behind(calls: Mapping[str, tuple[float, float]]) -> str:
    """The vendor that explains failures, of calls and failed calls by vendor; "" where none does."""
    failed = sum(bad for _, bad in calls.values())
    if len(calls) < 2 or not failed > 0:
        return ""
    vendor, (mine, bad) = max(calls.items(), key=lambda item: item[1][1])
    others = sum(count for count, _ in calls.values()) - mine
    explains = bad >= NEARLY_ALL * failed and others > 0 and failed - bad <= HARDLY_ANY * others
    return vendor if explains else ""


def failures_by_code(snapshot: Snapshot, hub: str, since: float) -> dict[str, float]:
    """Technical failures of a hub by code from `since` on."""
    counts = _counts(snapshot, "code", (hub,), since)
    return {code: failed for code, (_, failed) in counts.items() if failed > 0}


def calls_by_vendor(snapshot: Snapshot, hub: str, endpoint: str, since: float) -> dict[str, tuple[float, float]]:
    """Calls and technical failures of an endpoint by vendor from `since` on."""
    return _counts(snapshot, "endpoint_vendor", (hub, endpoint), since)


def _counts(
    snapshot: Snapshot, family: str, beginning: tuple[str, ...], since: float
) -> dict[str, tuple[float, float]]:
    """Calls and failures by the last part of the key.

    These families are counted by the minute; the minute that still grows is taken in too, so that the first
    seconds of a fault have their codes.
    """
    step = max(60, FAMILIES[family].finest)
    complete = snapshot.complete_up_to
    if complete is None:
        return {}
    now = snapshot.open_rows(family, step).rows
    found: dict[str, tuple[float, float]] = {}
    for key in sorted({*snapshot.keys(family), *now}):
        if key[:-1] != beginning:
            continue
        rows = snapshot.read(SeriesKey(family, key), step, since, max(complete, since + 1))
        calls, failed = float(np.nansum(rows.column("calls"))), float(np.nansum(rows.column("technical")))
        if (live := now.get(key)) is not None:
            grows = live.times + step > complete
            calls += float(np.nansum(live.column("calls")[grows]))
            failed += float(np.nansum(live.column("technical")[grows]))
        if calls > 0:
            found[key[-1]] = (calls, failed)
    return found
