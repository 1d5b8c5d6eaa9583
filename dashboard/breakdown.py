"""What fails: the sums of a window over the keys below a hub, an endpoint or a vendor, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from alerts.judge import share
from dashboard.data import Snapshot
from dashboard.few import is_few, told
from dashboard.lines import totals
from dashboard.windows import Window
from domain.figures import FEW
from domain.series import COUNTS, FAMILIES, Key, SeriesKey, bucket_span, floor_bucket, pick_resolution

_SUM_POINTS = 400


@dataclass(frozen=True, slots=True)
class Part:
    """One row: what was counted under `key` in the window, and its part of all technical failures."""

    key: Key
    calls: float
    technical: float
    functional: float
    of_failures: float

    @property
    def technical_share(self) -> float:
        """Share of its calls that failed technically."""
        return share(self.technical, self.calls)

    @property
    def functional_share(self) -> float:
        """Share of its calls refused for a functional reason."""
        return share(self.functional, self.calls)

    @property
    def failed(self) -> float:
        """Failures of both classes; FEW where none but few of them are told."""
        counts = (self.technical, self.functional)
        return sum(count for count in counts if count != FEW) or (FEW if FEW in counts else 0.0)


def sums(snapshot: Snapshot, series: SeriesKey, window: Window) -> dict[str, float]:
    """Calls, technical and functional of a series in the window.

    They are read from the coarsest step that is fine enough, and what its growing row does not tell yet from finer
    ones: so the sums hold all that is complete, and not only whole hours of it.
    """
    family = FAMILIES[series.family]
    step = pick_resolution(family, window.start, window.end, snapshot.now, _SUM_POINTS)
    complete = window.end if snapshot.complete_up_to is None else min(window.end, snapshot.complete_up_to)
    begin, added = window.start, dict.fromkeys(COUNTS, float("nan"))
    for finer in sorted((finer for finer in family.days if finer <= step), reverse=True):
        if finer != step and begin % finer:
            continue  # six hours of UTC do not begin with a local day
        past = bucket_span(floor_bucket(complete, finer, snapshot.zone), finer, snapshot.zone)[0]
        if past > begin:
            seen = totals(snapshot.read(series, finer, begin, past))
            added = {of: float(np.nansum([added[of], seen[of]])) for of in COUNTS} if seen["calls"] >= 0 else added
            begin = past
    return added


def parts(
    snapshot: Snapshot, family: str, keys: Iterable[Key], window: Window, by: tuple[int, ...]
) -> tuple[Part, ...]:
    """The sums of the keys, as far as they may be told, added up by these places of the key.

    Worst first, then busiest. Keys without a known call in the window are left out.
    """
    counted = true_parts(snapshot, family, keys, window, by)
    least = snapshot.least
    if not least:
        return counted
    # Where the failures that are not told are few together, too, every share of all failures would tell them.
    untold = sum(part.technical for part in counted if is_few(part.technical, least))
    return tuple(_shown(part, least, shares=not is_few(untold, least)) for part in counted)


def true_parts(
    snapshot: Snapshot, family: str, keys: Iterable[Key], window: Window, by: tuple[int, ...]
) -> tuple[Part, ...]:
    """The same with every count, to decide from and not to show."""
    added: dict[Key, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    for key in keys:
        seen = sums(snapshot, SeriesKey(family, key), window)
        if seen["calls"] > 0:
            row = np.array([seen["calls"], seen["technical"], seen["functional"]])
            name = tuple(key[place] for place in by)
            added[name] = added.get(name, np.zeros(3)) + row
    failed = sum(float(row[1]) for row in added.values())
    found = [
        Part(name, float(row[0]), float(row[1]), float(row[2]), share(float(row[1]), failed))
        for name, row in added.items()
    ]
    return tuple(sorted(found, key=lambda part: (-part.technical, -part.calls, part.key)))


def _shown(part: Part, least: int, *, shares: bool) -> Part:
    """The part with the counts that may be told, and its share of all failures where it may."""
    technical = told(part.technical, least)
    return Part(
        part.key, told(part.calls, least), technical, told(part.functional, least),
        FEW if technical == FEW or not shares else part.of_failures,
    )  # fmt: skip
