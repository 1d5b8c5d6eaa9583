"""How many distinct patients a hub saw in an hour, from the ledger's sketches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from domain.errors import UsageError
from domain.patients import PatientCount
from domain.ports import Ledger
from domain.sketches import HOUR, add, estimate

# A day is answered in well under a second; more is asked day by day.
MOST_HOURS = 25


def patients(ledger: Ledger, start: int, end: int) -> Iterator[PatientCount]:
    """Of each hub and hour that begins from `start` up to but not including `end`: by hour, then hub.

    The sketches of a hub's pharmacies are added: who went to two of them is one patient. Hours are not: a patient
    of two hours is one in each, and two in their sum. Raises UsageError for more than a day, and StoreError.
    """
    first = -(-start // HOUR) * HOUR
    if end - first > MOST_HOURS * HOUR:
        raise UsageError(f"patients are counted for at most {MOST_HOURS} hours at once")
    for hour in range(first, end, HOUR):
        rows = add([ledger.sketches(hour, hour + HOUR)], ("hour", "hub"))
        for (_, hub, _, uncounted), about in zip(rows.rows(), np.rint(estimate(rows["registers"])), strict=True):
            yield PatientCount(hour=hour, hub=hub, patients=int(about), uncounted=uncounted)
