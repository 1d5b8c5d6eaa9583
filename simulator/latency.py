"""Durations of many calls at once: what a bucket's quantiles, maximum and mean come out as.

A mixture of log-normals is tabulated once as a function of the normal score; a bucket of n calls then draws
its order statistics from that table: the q-quantile scatters about the model's by sqrt(q(1-q)/n) in rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import erfc, exp, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from domain.bins import nearest_rank

Floats = npt.NDArray[np.float64]
Random = np.random.Generator

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MANY = 4_096  # calls from which a quantile's rank is that of the limit
_NORMAL = NormalDist()
_LOWEST, _HIGHEST, _STEP = -5.0, 6.0, 0.02


@dataclass(frozen=True, eq=False)
class Latency:
    """A distribution at evenly spaced normal scores, all durations in µs.

    `logs` is the logarithm of the duration there; `below_mean` and `below_deviation` are those of the calls
    that are shorter than it.
    """

    logs: Floats
    below_mean: Floats
    below_deviation: Floats

    def durations(self, scores: Floats) -> Floats:
        """The durations at some normal scores."""
        value: Floats = np.exp(_at(scores, self.logs)[0])
        return value


def _at(scores: Floats, *tables: Floats) -> list[Floats]:
    """The tables' values at some normal scores, by straight lines; beyond the ends, the end's."""
    place = np.clip((scores - _LOWEST) / _STEP, 0, len(tables[0]) - 1.001)
    index = place.astype(np.int32)
    part = place - index
    return [table[index] + part * (table[index + 1] - table[index]) for table in tables]


def mixture(weights: Floats, medians_us: Floats, sigmas: Floats) -> Latency:
    """The distribution of calls of several kinds: log-normals of these medians and sigmas, in these parts."""
    parts = weights / weights.sum()
    centres = np.log(medians_us)
    scores = np.arange(_LOWEST, _HIGHEST + _STEP, _STEP)
    logs = np.linspace(float((centres + _LOWEST * sigmas).min()), float((centres + _HIGHEST * sigmas).max()), 1_500)
    above = np.array(
        [sum(p * erfc((x - c) / s / sqrt(2)) / 2 for p, c, s in zip(parts, centres, sigmas, strict=True)) for x in logs]
    )
    score = np.array([-_NORMAL.inv_cdf(min(max(tail, 1e-15), 1 - 1e-15)) for tail in above])
    at_score = np.interp(scores, score, logs)
    # Sums over the scores up to each, weighed by the normal density.
    density = np.exp(-(scores**2) / 2)
    mass, value = np.cumsum(density), np.exp(at_score)
    mean = np.cumsum(density * value) / mass
    square = np.cumsum(density * value**2) / mass
    return Latency(at_score, mean, np.sqrt(np.maximum(square - mean**2, 0.0)))


@lru_cache(maxsize=8)
def _ranks(quantile: float) -> tuple[Floats, float]:
    """The middle score of the nearest rank among 0..MANY calls, and the scatter of one call's score there."""
    scores = [0.0] + [
        _NORMAL.inv_cdf((nearest_rank(count, quantile) - 0.5) / count) for count in range(1, _MANY)
    ] + [_NORMAL.inv_cdf(quantile)]  # fmt: skip
    centre = _NORMAL.inv_cdf(quantile)
    return np.array(scores), sqrt(quantile * (1 - quantile)) / _NORMAL.pdf(centre)


@lru_cache(maxsize=1)
def _tail_scores() -> tuple[Floats, Floats]:
    """The normal score above which lies a part exp(-depth), by depth."""
    depths = np.linspace(0.01, 28, 1_400)
    return depths, np.array([-_NORMAL.inv_cdf(exp(-depth)) for depth in depths])


def draw_sums(random: Random, latency: Latency, calls: Floats, slower: Floats) -> tuple[Floats, Floats]:
    """The longest duration and the sum of durations (µs, whole) of each bucket; 0 where there is no call."""
    some = np.maximum(calls, 1.0)
    # The largest of n uniform draws is one draw to the power 1/n: its upper tail by expm1, exact for large n.
    depth = -np.log(-np.expm1(-random.standard_exponential(len(calls)) / some))
    score = np.interp(depth, *_tail_scores())
    longest = np.rint(latency.durations(score) * slower)
    # The other calls are all shorter: their mean is that of the calls below the longest, and scatters.
    below, deviation = _at(score, latency.below_mean, latency.below_deviation)
    others = np.maximum(some - 1, 1.0)
    scatter = deviation / np.sqrt(others) * random.standard_normal(len(calls))
    mean = np.clip((below + scatter) * slower, 0.2 * below * slower, longest)
    total = np.rint(longest + (some - 1) * mean)
    return np.where(calls > 0, longest, 0.0), np.where(calls > 0, total, 0.0)


def draw_quantiles(
    random: Random, latency: Latency, calls: Floats, slower: Floats, longest: Floats | None, names: tuple[str, ...]
) -> dict[str, Floats]:
    """The named quantiles of each bucket in µs, whole and ascending; NaN without calls.

    `longest` are the buckets' maxima, which no quantile exceeds; None where they are not kept.
    """
    count = np.minimum(calls, _MANY).astype(np.int32)
    root = 1 / np.sqrt(np.maximum(calls, 1.0))
    drawn: dict[str, Floats] = {}
    below = np.zeros(len(calls))
    for name in names:
        quantile = QUANTILES[name]
        centres, scatter = _ranks(quantile)
        score = centres[count] + scatter * root * random.standard_normal(len(calls))
        value = np.rint(latency.durations(score) * slower)
        if longest is not None:
            # Where the nearest rank is the last call, the quantile is the longest.
            value = np.where(calls * (1 - quantile) < 1, longest, np.minimum(value, longest))
        elif drawn:
            value = np.where(calls == 1, below, value)
        below = np.where(calls > 0, np.maximum(value, below), np.nan)
        drawn[name] = below
    return drawn
