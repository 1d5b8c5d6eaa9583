"""Whether failures are more than chance: a scan over the last buckets for the stretch that shows it best.

Parameters: `limit`, the share of calls that fail technically from which on it matters; `usual`, the share that
failed at the same time before. Worked example: three calls in three buckets, all failed, usually 0.3 % do. The
usual share is taken as 1 % at least, so three in a row are a chance of one in a million: evidence. Two in a row
(one in ten thousand) are a suspicion. Forty of a hundred are evidence at once. No warm-up: without a usual share
the least one stands.

The chance is Chernoff's bound exp(-n KL(k/n || p)) of k or more failures in n calls with probability p.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import Rows, Values

# A share below this is never taken as usual: code that hardly ever fails may still fail once.
LEAST_USUAL = 0.01
# So unlikely by chance, and at least so many failures: sure, or to be watched.
SURE_CHANCE, SURE_CALLS = 1e-5, 3
SUSPECT_CHANCE, SUSPECT_CALLS = 1.5e-4, 2
# It must still last: of the calls of so many seconds, or of the last bucket with a call, at least half the limit fail.
FRESH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Stretch:
    """The buckets from `since` to the end of the rows: how many calls, how many failed technically.

    `ebbs`: the newest calls succeed again, and its share says ever less of what it was.
    """

    since: int
    calls: float
    technical: float
    chance: float
    sure: bool
    ebbs: bool

    @property
    def share(self) -> float:
        """Share of its calls that failed technically."""
        return self.technical / self.calls


def log_chance(failed: Values, calls: Values, usual: float) -> Values:
    """Logarithm of the bound on the chance of `failed` or more of `calls` (both above 0); 0 where it is ordinary."""
    share = failed / calls
    with np.errstate(divide="ignore", invalid="ignore"):
        won = share * np.log(share / usual)
        lost = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - usual)), 0.0)
    return np.where(share > usual, -calls * (won + lost), 0.0)


def failing_stretch(rows: Rows, limit: float, usual: float) -> Stretch | None:
    """The stretch up to the end of the rows that fails least by chance; None where nothing fails that much now.

    Unknown buckets and those without calls say nothing.
    """
    calls = np.nan_to_num(rows.column("calls"))
    technical = np.nan_to_num(rows.column("technical"))
    if not _lasts(calls, technical, rows.step, limit):
        return None
    # Sums from each bucket to the end.
    all_calls = calls[::-1].cumsum()[::-1]
    all_failed = technical[::-1].cumsum()[::-1]
    usual = min(max(usual, LEAST_USUAL), 0.99) if usual == usual else LEAST_USUAL
    begins = (technical > 0) & (all_failed >= SUSPECT_CALLS)
    begins &= all_failed >= limit * all_calls
    if not begins.any():
        return None
    places = np.flatnonzero(begins)
    chances = log_chance(all_failed[places], all_calls[places], usual)
    best = int(chances.argmin())
    place, chance = int(places[best]), float(np.exp(chances[best]))
    if chance > SUSPECT_CHANCE:
        return None
    failed = float(all_failed[place])
    return Stretch(
        since=rows.start + place * rows.step,
        calls=float(all_calls[place]),
        technical=failed,
        chance=chance,
        sure=chance <= SURE_CHANCE and failed >= SURE_CALLS,
        ebbs=bool(technical[(last := int(np.flatnonzero(calls > 0)[-1]))] < limit / 2 * calls[last]),
    )


def _lasts(calls: Values, technical: Values, step: int, limit: float) -> bool:
    """Whether the newest calls still fail."""
    with_calls = np.flatnonzero(calls > 0)
    if not len(with_calls):
        return False
    last = int(with_calls[-1])
    lately = min(len(calls) - max(1, FRESH_SECONDS // step), last)
    return any(technical[at:].sum() >= limit / 2 * calls[at:].sum() for at in (last, max(0, lately)))


def silence(rows: Rows, expected: float, enough: float) -> int | None:
    """Since when no call came, where as many as `enough` were expected in that time; None where it is not so.

    `expected` is calls a second. Unknown buckets at the end end it: what is not known is not silent.
    """
    calls = rows.column("calls")
    quiet = 0
    while quiet < len(calls) and calls[len(calls) - 1 - quiet] == 0:
        quiet += 1
    return rows.end - quiet * rows.step if quiet * rows.step * expected >= enough else None
