"""Patients' hashes: what a line keeps of its patient, and where the key of a day comes from.

A patient's number becomes a keyed hash where the line is read, under the key of the day (UTC) that the line's time
lies in. Nothing else of the number leaves the line; once the day's key is destroyed no hash of that day can be made
or traced any more.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

# A line without a patient, and one whose day's key is destroyed. No hash is ever one of the two.
NO_PATIENT = 0
UNCOUNTED = 1
# Bytes of a day's key.
KEY_BYTES = 16


class PatientKeys(Protocol):
    """The keys that patients' numbers are hashed with, one a day."""

    def key_of(self, day: int) -> bytes | None:
        """The KEY_BYTES bytes of a day, counted from 1970 in UTC; None once they are destroyed."""
        ...


class PatientCount(msgspec.Struct, frozen=True, kw_only=True):
    """About how many distinct patients a hub saw in the hour from `hour` (epoch seconds) on.

    `uncounted` are calls of patients beside them: the key of their day was destroyed before they were read.
    """

    hour: int
    hub: str
    patients: int
    uncounted: int
