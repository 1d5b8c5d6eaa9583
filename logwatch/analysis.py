"""What a log holds: counts, failures and exact latency quantiles by each dimension.

Latencies are told in whole milliseconds by the nearest rank, exactly, while a dimension has at most
MOST_PAIRS distinct (key, ms) pairs; beyond, it goes on in bins (about 2.5 % off) and says `approx`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import numpy as np

from domain.batch import Accounting
from domain.bins import bins_of
from domain.calendar import iso
from logwatch.distinct import Distinct
from logwatch.events import EventBlock, Tally
from logwatch.latencies import Counts, Latencies, grown
from logwatch.reader import Reading
from logwatch.registry import Registry
from logwatch.times import US

DIMENSIONS = ("hub", "endpoint", "vendor", "pharmacy", "code", "server")
_CLASSES = 3
_MOST_WAITING = 250_000


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
        self._patients: Distinct | None = None
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
        bins = self._bins()
        patients = [(block.ids["hub"], block.patients) for block in blocks if block.patients is not None]
        if patients:
            self._patients = self._patients or Distinct()
            hubs, hashes = zip(*patients, strict=True)
            self._patients.add(np.concatenate(hubs), np.concatenate(hashes))
        for name, table in self._tables.items():
            keys = np.concatenate([block.ids[name] for block in blocks]).astype(np.int64)
            height = int(keys.max()) + 1
            table.counts = grown(table.counts, height, _CLASSES)
            table.counts += np.bincount(keys * _CLASSES + klass, minlength=table.counts.size).reshape(
                table.counts.shape
            )
            if not every:
                keys = keys[timed]
            if len(keys):
                table.latencies.add(keys, places, self._values, bins)

    def _bins(self) -> Counts:
        """The bin of each distinct ms."""
        return bins_of(self._values * 1_000).astype(np.int64)

    def whole(self) -> Self:
        """This, with nothing waiting to be counted."""
        self._fill()
        return self

    def merge(self, other: Analysis) -> bool:
        """Add what another counted of other lines of the same format; False where that would not be exact.

        It would not be once some dimension has too many distinct values: which ones stay apart hangs on their order.
        """
        self._fill()
        self.accounting += other.accounting
        self.tally.add(other.tally)
        self._first = min((one for one in (self._first, other._first) if one is not None), default=None)
        self._last = max((one for one in (self._last, other._last) if one is not None), default=None)
        admitted = {
            key: [self._registry.admit(key, value) for value in dictionary.values]
            for key, dictionary in other._registry.dictionaries.items()
        }
        if self.tally.overflow or any(full for pairs in admitted.values() for _, full in pairs):
            return False
        numbers = {key: np.array([number for number, _ in pairs], dtype=np.int64) for key, pairs in admitted.items()}
        places = self._places_of(other._values)
        bins = self._bins()
        for name, table in other._tables.items():
            mine, keys = self._tables[name], numbers[name]
            height = min(len(keys), len(table.counts))
            if height:
                mine.counts = grown(mine.counts, int(keys.max()) + 1, _CLASSES)
                # Each of the other's values has a number of its own here.
                mine.counts[keys[:height]] += table.counts[:height]
                mine.latencies.merge(table.latencies, keys, places, self._values, bins)
        if other._patients is not None:
            self._patients = self._patients or Distinct()
            self._patients.merge(other._patients, numbers["hub"])
        return True

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
            "patients": self._about(),
            "by": {name: self._rows(name) for name in DIMENSIONS},
        }

    def _about(self) -> dict[str, Any] | None:
        """About how many distinct patients there are, and of each hub; None where these lines name none."""
        if self._patients is None:
            return None
        about, values = self._patients.estimates(), self._registry.dictionaries["hub"].values
        hubs = [{"key": values[number], "about": count} for number, count in about.items() if number >= 0]
        return {"about": about.get(-1, 0), "hub": sorted(hubs, key=lambda row: (-int(str(row["about"])), row["key"]))}

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
