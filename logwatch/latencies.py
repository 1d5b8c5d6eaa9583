"""How often each duration came for each key: exact in whole milliseconds, in bins once there are too many pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from domain.bins import BIN_COUNT, MIDDLES, nearest_ranks

QUANTILES = (("p50_ms", 0.50), ("p95_ms", 0.95))
MOST_PAIRS = 100_000
_SPARSE = 2
_LARGEST_TABLE = 1_000_000
_PLACE_BITS = 32

Counts = npt.NDArray[np.int64]


class Latencies:
    """How often each (key, ms) pair came; in bins once there are too many pairs.

    Few keys are counted in a table of keys by places of ms; many keys would make that table large and
    mostly empty, so they are counted as sorted pairs.
    """

    def __init__(self) -> None:
        self.approx = False
        self._table: Counts | None = np.zeros((0, 0), dtype=np.int64)
        self._pairs: Counts = np.zeros(0, dtype=np.int64)
        self._calls: Counts = np.zeros(0, dtype=np.int64)
        self._bins: Counts = np.zeros((0, BIN_COUNT), dtype=np.int64)
        self._longest: Counts = np.zeros((0, 1), dtype=np.int64)

    def add(self, keys: Counts, places: Counts, values: Counts, bins: Counts) -> None:
        """Add calls: each one's key number and the place of its ms among the distinct ms, `values`.

        `bins` are the bins of the distinct ms.
        """
        height = int(keys.max()) + 1
        if self.approx:
            self._bins = grown(self._bins, height, BIN_COUNT)
            _count_into(self._bins, keys * BIN_COUNT + bins[places])
            self._longest = grown(self._longest, height, 1)
            ms = values[places]
            longer = ms > self._longest[keys, 0]
            np.maximum.at(self._longest[:, 0], keys[longer], ms[longer])
            return
        if self._table is not None and max(height, len(self._table)) * len(bins) > _LARGEST_TABLE:
            rows, columns, self._calls = self._exact()
            self._pairs, self._table = rows << _PLACE_BITS | columns, None
        if self._table is not None:
            self._table = grown(self._table, height, len(bins))
            _count_into(self._table, keys * self._table.shape[1] + places)
            pairs = int(np.count_nonzero(self._table))
        else:
            fresh, calls = np.unique(keys << _PLACE_BITS | places, return_counts=True)
            self._pairs, inverse = np.unique(np.concatenate((self._pairs, fresh)), return_inverse=True)
            self._calls = np.bincount(inverse, weights=np.concatenate((self._calls, calls))).astype(np.int64)
            pairs = len(self._pairs)
        if pairs > MOST_PAIRS:
            self._go_approximate(values, bins)

    def merge(self, other: Latencies, keys: Counts, places: Counts, values: Counts, bins: Counts) -> None:
        """Add another's calls; `keys` and `places` are the numbers here of its keys and its distinct ms.

        `values` and `bins` are all distinct ms and their bins, its own among them.
        """
        if other.approx and not self.approx:
            self._go_approximate(values, bins)
        if other.approx:
            # Tables grow ahead of their keys.
            height, top = min(len(keys), len(other._bins), len(other._longest)), int(keys.max()) + 1
            self._bins = grown(self._bins, top, BIN_COUNT)
            # Each key of the other has a number of its own here.
            self._bins[keys[:height]] += other._bins[:height]
            self._longest = grown(self._longest, top, 1)
            self._longest[keys[:height]] = np.maximum(self._longest[keys[:height]], other._longest[:height])
            return
        of, at, calls = other._exact()
        if len(of):
            of, at = keys[of], places[at]
            if self.approx:
                self._add_approximate(of, at, calls, values, bins)
            else:
                self._add_pairs(of, at, calls)
                if len(self._pairs) > MOST_PAIRS:
                    self._go_approximate(values, bins)

    def _add_pairs(self, keys: Counts, places: Counts, calls: Counts) -> None:
        """Add counted pairs; what is here becomes pairs."""
        rows, columns, here = self._exact()
        pairs = np.concatenate((rows << _PLACE_BITS | columns, keys << _PLACE_BITS | places))
        self._pairs, inverse = np.unique(pairs, return_inverse=True)
        self._calls = np.bincount(inverse, weights=np.concatenate((here, calls))).astype(np.int64)
        self._table = None

    def _add_approximate(self, keys: Counts, places: Counts, calls: Counts, values: Counts, bins: Counts) -> None:
        height = int(keys.max()) + 1
        self._bins = grown(self._bins, height, BIN_COUNT)
        np.add.at(self._bins, (keys, bins[places]), calls)
        self._longest = grown(self._longest, height, 1)
        np.maximum.at(self._longest[:, 0], keys, values[places])

    def _exact(self) -> tuple[Counts, Counts, Counts]:
        """Every pair: its key, the place of its ms, and its calls; sorted by key."""
        if self._table is not None:
            rows, columns = np.nonzero(self._table)
            return rows, columns, self._table[rows, columns]
        return self._pairs >> _PLACE_BITS, self._pairs & (1 << _PLACE_BITS) - 1, self._calls

    def _go_approximate(self, values: Counts, bins: Counts) -> None:
        keys, places, calls = self._exact()
        if len(keys):
            self._add_approximate(keys, places, calls, values, bins)
        self._table, self.approx = None, True
        self._pairs = self._calls = np.zeros(0, dtype=np.int64)

    def quantiles(self, values: Counts) -> dict[int, list[int]]:
        """The quantiles and the longest of each key in ms; keys without a duration lack.

        `values` are the distinct ms by place.
        """
        if self.approx:
            keys, places = np.nonzero(self._bins)
            calls, ms = self._bins[keys, places], (MIDDLES[places] + 500) // 1_000
        else:
            keys, places, calls = self._exact()
            order = np.lexsort((values[places], keys))
            keys, calls, ms = keys[order], calls[order], values[places][order]
        if not len(keys):
            return {}
        # One running total over all keys: a key's ranks are counted from where its calls begin.
        running = np.cumsum(calls)
        distinct, begin = np.unique(keys, return_index=True)
        last = np.append(begin, len(keys))[1:] - 1
        before = running[begin] - calls[begin]
        ranks = [nearest_ranks(running[last] - before, quantile) for _, quantile in QUANTILES]
        columns = [ms[np.searchsorted(running, before + rank)] for rank in ranks]
        columns.append(self._longest[distinct, 0] if self.approx else ms[last])
        rows = np.stack(columns, axis=1).tolist()
        return dict(zip(distinct.tolist(), rows, strict=True))


def _count_into(table: Counts, cells: Counts) -> None:
    """Count each of the flat cell numbers into a table."""
    flat = table.reshape(-1)
    if len(flat) > _SPARSE * len(cells):
        np.add.at(flat, cells, 1)  # a pass over so large a table would cost more than going to each cell
        return
    added = np.bincount(cells)
    flat[: len(added)] += added


def grown(table: Counts, height: int, width: int) -> Counts:
    """The table with at least so many rows and columns, grown by half as much again to grow seldom."""
    rows, columns = table.shape
    if height <= rows and width <= columns:
        return table
    rows = rows if height <= rows else max(height, rows * 3 // 2)
    columns = columns if width <= columns else max(width, columns * 3 // 2)
    grown = np.zeros((rows, columns), dtype=np.int64)
    grown[: table.shape[0], : table.shape[1]] = table
    return grown
