"""Lines understood, as arrays: for each its verdict and, where it is an event, its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from logwatch.events import LINE_KEYS, NO_VALUE
from logwatch.kinds.base import Mask
from logwatch.memo import Numbers

IGNORED, CONTINUED, MALFORMED, EVENT = range(4)


@dataclass(slots=True)
class Rows:
    """One row a line. `ids` are numbers of the reader's own dictionaries; -1 is no duration, or no status.

    `local` says of which lines the time names no zone. `patient` is the number itself (0 for none), and None where no
    line names one: it is hashed before these rows are left. `values` are in thousandths, NO_VALUE where missing.
    """

    verdict: Numbers
    time_us: Numbers
    duration_us: Numbers
    status: Numbers
    local: Mask
    ids: dict[str, Numbers]
    patient: Numbers | None = None
    values: dict[str, Numbers] = field(default_factory=dict)

    @classmethod
    def of(cls, height: int, verdict: int) -> Rows:
        """Rows of one verdict with nothing in them."""
        return cls(
            np.full(height, verdict, dtype=np.int8),
            np.zeros(height, dtype=np.int64),
            np.full(height, -1, dtype=np.int64),
            np.full(height, -1, dtype=np.int64),
            np.zeros(height, dtype=np.bool_),
            {key: np.zeros(height, dtype=np.int32) for key in LINE_KEYS},
        )

    @classmethod
    def joined(cls, pieces: Sequence[Rows]) -> Rows:
        """The rows of several pieces, one after the other."""
        whole, at = cls.of(sum(len(rows.verdict) for rows in pieces), MALFORMED), 0
        for rows in pieces:
            whole.put(np.arange(at, at + len(rows.verdict)), rows)
            at += len(rows.verdict)
        return whole

    def put(self, places: Numbers, rows: Rows) -> None:
        """Take over the rows read for some of the lines."""
        self.verdict[places] = rows.verdict
        self.time_us[places] = rows.time_us
        self.duration_us[places] = rows.duration_us
        self.status[places] = rows.status
        self.local[places] = rows.local
        for key, ids in rows.ids.items():
            self.ids[key][places] = ids
        if rows.patient is not None:
            self.patients()[places] = rows.patient
        elif self.patient is not None:
            self.patient[places] = 0
        for name in self.values.keys() | rows.values.keys():
            self.value(name)[places] = rows.values.get(name, NO_VALUE)

    def taken(self, places: Numbers) -> Rows:
        """The rows of some of the lines, in this order."""
        return Rows(
            self.verdict[places],
            self.time_us[places],
            self.duration_us[places],
            self.status[places],
            self.local[places],
            {key: ids[places] for key, ids in self.ids.items()},
            None if self.patient is None else self.patient[places],
            {name: values[places] for name, values in self.values.items()},
        )

    def patients(self) -> Numbers:
        """The patients' numbers, made where there are none yet."""
        if self.patient is None:
            self.patient = np.zeros(len(self.verdict), dtype=np.int64)
        return self.patient

    def value(self, name: str) -> Numbers:
        """The values of a name, made where there are none yet."""
        if name not in self.values:
            self.values[name] = np.full(len(self.verdict), NO_VALUE, dtype=np.int64)
        return self.values[name]
