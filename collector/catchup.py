"""Where writing stands after a restart, and the way from there to the present.

What every series of a (family, step) is written up to is recorded in the ledger after each round of writing.
The files themselves may be ahead of that record (a crash in the middle of a round: what is ahead is completed
first, before any new cell is booked) or behind it (files restored from a backup: they pull the start back).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from collector.buckets import FamilyStep, OpenBuckets, OpenStep
from collector.floors import Floors
from collector.writer import first_bucket_from, first_kept
from domain.ports import Ledger, SeriesStore
from domain.series import CALL_FAMILIES, FAMILIES, FIGURE_FAMILIES, Key, SeriesKey, floor_bucket


@dataclass(frozen=True, slots=True)
class Standing:
    """The open buckets to fill from the ledger, and for each step the bucket up to which some file is written.

    `figures` are the steps of the families that have no open buckets.
    """

    buckets: OpenBuckets
    figures: Mapping[FamilyStep, OpenStep]
    ahead: Mapping[FamilyStep, int]


def stand(
    ledger: Ledger, series: SeriesStore, floors: Floors, coverage: tuple[int, int], now: float, zone: ZoneInfo
) -> Standing:
    """Compare the files with the record. Raises StoreError, SeriesError."""
    record = ledger.written()
    keys = {family: [SeriesKey(family, key) for key in series.keys(family)] for family in FAMILIES}
    if not any(keys.values()):
        record = {}  # no series at all, whatever was written: all of them are made again
    steps: dict[FamilyStep, OpenStep] = {}
    ahead: dict[FamilyStep, int] = {}
    for family in FAMILIES.values():
        for seconds in family.days:
            oldest = max(floor_bucket(coverage[0], seconds, zone), first_kept(family, seconds, now, zone))
            written = record.get((family.name, seconds), oldest)
            begin = written
            births: dict[Key, int] = {}
            for key in keys[family.name]:
                last = series.last(key, seconds)
                if last is None:
                    if _is_lost(series, key, seconds, written):
                        begin = oldest
                    continue
                births[key.key] = 0
                end = last + seconds
                written = max(written, end)
                begin = min(begin, max(end, first_bucket_from(floors.of(key), seconds, zone)))
            begin = max(oldest, begin)
            steps[family.name, seconds] = OpenStep(family, seconds, zone, begin, births)
            ahead[family.name, seconds] = max(begin, written)
    of_calls, of_figures = (
        {of: step for of, step in steps.items() if step.family in families}
        for families in (CALL_FAMILIES, FIGURE_FAMILIES)
    )
    return Standing(OpenBuckets(zone, of_calls), of_figures, ahead)


def _is_lost(series: SeriesStore, key: SeriesKey, seconds: int, written: int) -> bool:
    """Whether a step's file is missing that was there: somebody removed it, so that it is written again.

    A young series has no file of a step yet whose first row is still open. One that has rows of another step
    from before where this one is written up to had one, too.
    """
    for other in FAMILIES[key.family].days:
        if other == seconds or series.last(key, other) is None:
            continue
        end = written // other * other
        begin = (end - max(seconds, other)) // other * other
        if not np.isnan(series.read(key, other, begin, end).values).all():
            return True
    return False
