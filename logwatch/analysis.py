"""What a log holds: counts, failures and exact latency quantiles by each dimension.

Latencies are told in whole milliseconds by the nearest rank, exactly, while a dimension has at most
MOST_PAIRS distinct (key, ms) pairs; beyond, it goes on in bins (about 2.5 % off) and says `approx`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.batch import Accounting
from domain.bins import BIN_COUNT, MIDDLES, bins_of, nearest_ranks
from domain.calendar import iso
from logwatch.events import EventBlock, Tally
from logwatch.reader import Reading
from logwatch.registry import Registry
from logwatch.times import US

DIMENSIONS = ("hub", "endpoint", "vendor", "pharmacy", "code", "server")
QUANTILES = (("p50_ms", 0.50), ("p95_ms", 0.95))
MOST_PAIRS = 100_000
_CLASSES = 3
_MOST_WAITING = 250_000
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
            self._bins = _grown(self._bins, height, BIN_COUNT)
            _count_into(self._bins, keys * BIN_COUNT + bins[places])
            self._longest = _grown(self._longest, height, 1)
            ms = values[places]
            longer = ms > self._longest[keys, 0]
            np.maximum.at(self._longest[:, 0], keys[longer], ms[longer])
            return
        if self._table is not None and max(height, len(self._table)) * len(bins) > _LARGEST_TABLE:
            rows, columns, self._calls = self._exact()
            self._pairs, self._table = rows << _PLACE_BITS | columns, None
        if self._table is not None:
            self._table = _grown(self._table, height, len(bins))
            _count_into(self._table, keys * self._table.shape[1] + places)
            pairs = int(np.count_nonzero(self._table))
        else:
            fresh, calls = np.unique(keys << _PLACE_BITS | places, return_counts=True)
            self._pairs, inverse = np.unique(np.concatenate((self._pairs, fresh)), return_inverse=True)
            self._calls = np.bincount(inverse, weights=np.concatenate((self._calls, calls))).astype(np.int64)
            pairs = len(self._pairs)
        if pairs > MOST_PAIRS:
            self._go_approximate(values, bins)

    def _exact(self) -> tuple[Counts, Counts, Counts]:
        """Every pair: its key, the place of its ms, and its calls; sorted by key."""
        if self._table is not None:
            rows, columns = np.nonzero(self._table)
            return rows, columns, self._table[rows, columns]
        return self._pairs >> _PLACE_BITS, self._pairs & (1 << _PLACE_BITS) - 1, self._calls

    def _go_approximate(self, values: Counts, bins: Counts) -> None:
        keys, places, calls = self._exact()
        self._longest = np.zeros((int(keys.max()) + 1, 1), dtype=np.int64)
        np.maximum.at(self._longest[:, 0], keys, values[places])
        self._bins = np.zeros((int(keys.max()) + 1, BIN_COUNT), dtype=np.int64)
        np.add.at(self._bins, (keys, bins[places]), calls)
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


def _grown(table: Counts, height: int, width: int) -> Counts:
    """The table with at least so many rows and columns, grown by half as much again to grow seldom."""
    rows, columns = table.shape
    if height <= rows and width <= columns:
        return table
    rows = rows if height <= rows else max(height, rows * 3 // 2)
    columns = columns if width <= columns else max(width, columns * 3 // 2)
    grown = np.zeros((rows, columns), dtype=np.int64)
    grown[: table.shape[0], : table.shape[1]] = table
    return grown


class Dimension:
    """One dimension's table."""

    def __init__(self) -> None:
        self.counts: Counts = np.zeros((0, _CLASSES), dtype=np.int64)
        self.latencies = Latencies()


class Analysis:
    """Adds up what readings hold. Memory is bounded by the distinct keys, not by the log."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.accounting = Accounting()
        self.tally = Tally()
        self._first: int | None = None
        self._last: int | None = None
        self._tables = {name: Dimension() for name in DIMENSIONS}
        self._waiting: list[EventBlock] = []
        self._count = 0
        self._values: Counts = np.zeros(0, dtype=np.int64)
        self._places: Counts = np.full(4_096, -1, dtype=np.int64)

    def expect(self, keys: Collection[str]) -> None:
        """Only these keys occur in what will be added: the other dimensions need no tables."""
        self._tables = {name: table for name, table in self._tables.items() if name in keys}

    def add_file(self, content_bytes: int, oversized: int) -> None:
        """Add what a whole file was: its content's bytes, and the lines too long to be read."""
        self.accounting += Accounting(lines=oversized, malformed=oversized, bytes=content_bytes)

    def add(self, reading: Reading) -> None:
        """Add what a block gave."""
        self.accounting = sum(reading.elsewhere.values(), self.accounting + reading.accounting)
        self.tally.add(reading.tally)
        events = reading.events
        if not len(events):
            return
        first, last = int(events.time_us.min()), int(events.time_us.max())
        self._first = first if self._first is None else min(self._first, first)
        self._last = last if self._last is None else max(self._last, last)
        self._waiting.append(events)
        self._count += len(events)
        # Tables are filled for many blocks at once: a pass over a table costs the same for few calls as for many.
        if self._count >= _MOST_WAITING:
            self._fill()

    def _fill(self) -> None:
        blocks, self._waiting, self._count = self._waiting, [], 0
        if not blocks:
            return
        duration = np.concatenate([block.duration_us for block in blocks])
        klass = np.concatenate([block.ids["class"] for block in blocks])
        timed = duration >= 0
        every = bool(timed.all())
        if not every:
            duration = duration[timed]
        ms = (duration + 500) // 1_000
        places = self._places_of(ms)
        bins = bins_of(self._values * 1_000).astype(np.int64)
        for name, table in self._tables.items():
            keys = np.concatenate([block.ids[name] for block in blocks]).astype(np.int64)
            height = int(keys.max()) + 1
            table.counts = _grown(table.counts, height, _CLASSES)
            table.counts += np.bincount(keys * _CLASSES + klass, minlength=table.counts.size).reshape(
                table.counts.shape
            )
            if not every:
                keys = keys[timed]
            if len(keys):
                table.latencies.add(keys, places, self._values, bins)

    def _places_of(self, ms: Counts) -> Counts:
        """The place of each ms among the distinct ones seen so far, new ones put at the end."""
        most = int(ms.max()) if len(ms) else 0
        if most >= len(self._places):
            if most > 10_000_000:
                return self._places_sparse(ms)
            self._places = np.append(self._places, np.full(most + 1 - len(self._places), -1, dtype=np.int64))
        places = self._places[ms]
        if len(places) and places.min() < 0:
            fresh = np.unique(ms[places < 0])
            self._places[fresh] = np.arange(len(self._values), len(self._values) + len(fresh))
            self._values = np.append(self._values, fresh)
            places = self._places[ms]
        return places

    def _places_sparse(self, ms: Counts) -> Counts:
        """As `_places_of`, capping hours-long calls at the last ms that has a place of its own."""
        return self._places_of(np.minimum(ms, 10_000_000))

    def result(self, format_name: str, now_seconds: float) -> dict[str, Any]:
        """The object that `analyse --json` prints (DESIGN 5). `now_seconds` is how long the reading took."""
        self._fill()
        parts = self.accounting
        return {
            "lines": parts.lines,
            "events": parts.events,
            "continuations": parts.continuations,
            "ignored": parts.ignored,
            "malformed": parts.malformed,
            "future": parts.future,
            # Only starts of calls whose end is in none of the files: there are none in most formats.
            **({"pending": parts.pending} if parts.pending else {}),
            "bytes": parts.bytes,
            "first": None if self._first is None else iso(self._first / US),
            "last": None if self._last is None else iso(self._last / US),
            "seconds": round(now_seconds, 3),
            "format": format_name,
            "by": {name: self._rows(name) for name in DIMENSIONS},
        }

    def _rows(self, name: str) -> list[dict[str, Any]]:
        table = self._tables.get(name)
        if table is None:
            return []
        values = self._registry.dictionaries[name].values
        present = np.flatnonzero(table.counts.sum(axis=1))
        if list(present) == [0]:
            return []
        rows = []
        quantiles = table.latencies.quantiles(self._values)
        for key, (ok, functional, technical) in zip(present.tolist(), table.counts[present].tolist(), strict=True):
            p50, p95, longest = quantiles.get(key, (None, None, None))
            rows.append(
                {
                    "key": values[key],
                    "calls": ok + functional + technical,
                    "functional": functional,
                    "technical": technical,
                    "p50_ms": p50,
                    "p95_ms": p95,
                    "max_ms": longest,
                    **({"approx": True} if table.latencies.approx else {}),
                }
            )
        return sorted(rows, key=lambda row: (-row["calls"], row["key"]))
