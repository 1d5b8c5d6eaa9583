"""Latency bins: logarithmic, fixed, about 5 % wide, so that any roll-up merges by adding.

Bin `i` holds durations in microseconds from `EDGES[i]` up to but not including `EDGES[i + 1]`; the last
holds everything above. `NO_BIN` marks a call without a duration. A quantile is the nearest rank's bin,
told as the middle of that bin: at most 2.5 % off (or exact below 20 µs, where a bin is one value).
The idea is that of HDR histograms and DDSketch: a relative error promised beforehand.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BINS_VERSION = 1
NO_BIN = -1
_WIDTH = 1.05
_LONGEST_US = 3_600_000_000  # an hour; longer calls share the last bin, their maximum is kept apart


def _edges() -> npt.NDArray[np.int64]:
    """Integer edges: one value wide until 5 % is more than one microsecond, then 5 % steps."""
    edges = [0]
    while edges[-1] < _LONGEST_US:
        edges.append(max(edges[-1] + 1, int(edges[-1] * _WIDTH)))
    return np.array(edges, dtype=np.int64)


EDGES = _edges()
BIN_COUNT = len(EDGES)
MIDDLES = np.append((EDGES[:-1] + EDGES[1:] - 1) // 2, EDGES[-1])


def bins_of(durations_us: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """The bin of each duration in µs; a negative duration (none) gives NO_BIN."""
    return (np.searchsorted(EDGES, durations_us, side="right") - 1).astype(np.int16)


def bin_of(duration_us: int) -> int:
    """The bin of one duration in µs; NO_BIN for a negative one."""
    return int(np.searchsorted(EDGES, duration_us, side="right")) - 1


def nearest_rank(count: int, quantile: float) -> int:
    """The rank (1..count) of a quantile by the nearest-rank rule: the smallest with `rank/count >= quantile`."""
    per_mille = round(quantile * 1000)
    return max(1, -(-count * per_mille // 1000))


def nearest_ranks(counts: npt.NDArray[np.int64], quantile: float) -> npt.NDArray[np.int64]:
    """`nearest_rank` of many counts at once."""
    per_mille = round(quantile * 1000)
    return np.maximum(1, -(-counts * per_mille // 1000))
