"""What a block of lines gave: rows that were understood become events, judged and capped, with their accounting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from domain.batch import Accounting
from domain.codes import Judgement
from domain.patients import PatientKeys
from logwatch.events import EventBlock, Hashes, Tally
from logwatch.judging import Judging
from logwatch.memo import Numbers
from logwatch.patients import hashes
from logwatch.plan import Plan
from logwatch.registry import Capping, Registry
from logwatch.rows import CONTINUED, EVENT, IGNORED, MALFORMED, Rows
from logwatch.times import US
from logwatch.vocabulary import Vocabulary

FUTURE_SECONDS = 300


@dataclass(slots=True)
class Reading:
    """What a block of lines gave. `places` says of each event which of the lines it is; None: every line is one.

    `elsewhere` is what became of starts of calls in other files, by these files' identities; the place of a call
    whose end did not come is -1. `ahead_us` is what the lines say of their time that lie in the future; None for none.
    """

    events: EventBlock
    accounting: Accounting
    tally: Tally
    places: Numbers | None = None
    elsewhere: Mapping[str, Accounting] = field(default_factory=dict)
    ahead_us: int | None = None


class Judged:
    """Judges and caps what one vocabulary's numbers stand for."""

    def __init__(
        self, words: Vocabulary, registry: Registry, codes: Mapping[str, Judgement], patients: PatientKeys | None
    ) -> None:
        self._fixed, self._patients = words.fixed, patients
        self._capping = {key: Capping(registry, key, words.found[key]) for key in words.found}
        self._judging = Judging(words.found["code"], codes)

    def events(self, rows: Rows, plan: Plan, now: float, tally: Tally) -> Reading:
        """The events among the rows, judged and capped, with the accounting of all."""
        if plan.time.marks == "start":
            rows.time_us = rows.time_us + np.maximum(rows.duration_us, 0)
        height = len(rows.verdict)
        is_event = rows.verdict == EVENT
        future = is_event & (rows.time_us > int((now + FUTURE_SECONDS) * US))
        counts = np.bincount(rows.verdict, minlength=4)
        ahead = int(future.sum())
        accounting = _accounting(counts, ahead)
        keep = np.flatnonzero(is_event & ~future) if ahead or counts[EVENT] != height else None
        for key, number in self._fixed.items():
            rows.ids[key] = np.full(height, number, dtype=np.int32)
        ids = {key: (column if keep is None else column[keep]) for key, column in rows.ids.items()}
        status = None
        if plan.status:
            status = rows.status if keep is None else rows.status[keep]
        klass, side = self._judging.judge(ids["code"], status, tally)
        final = {"class": klass, "side": side}
        for key, column in ids.items():
            final[key], overflow = self._capping[key].apply(column)
            if overflow:
                tally.overflow[key] = tally.overflow.get(key, 0) + overflow
        time_us = rows.time_us if keep is None else rows.time_us[keep]
        events = EventBlock(
            time_us,
            rows.duration_us if keep is None else rows.duration_us[keep],
            final,
            self._hashed(rows, plan, keep, time_us),
            {name: rows.value(name) if keep is None else rows.value(name)[keep] for name in plan.values},
        )
        ahead_us = int(np.median(rows.time_us[future])) if ahead else None
        return Reading(events, accounting, tally, keep, ahead_us=ahead_us)

    def _hashed(self, rows: Rows, plan: Plan, keep: Numbers | None, time_us: Numbers) -> Hashes | None:
        """The keyed hashes of the patients, whose numbers are forgotten; None where none are looked for."""
        if self._patients is None or plan.patient is None:
            return None
        numbers, rows.patient = rows.patients(), None
        return hashes(numbers if keep is None else numbers[keep], time_us, self._patients)


def divided(reading: Reading, rows: Rows, bounds: Sequence[int]) -> list[Reading]:
    """A reading as those of its parts, the lines from one bound to the next; the tally stays with the first."""
    places, events = reading.places, reading.events
    stops = bounds if places is None else np.searchsorted(places, bounds).tolist()
    found = []
    for place, (first, last) in enumerate(pairwise(bounds)):
        begin, end = stops[place], stops[place + 1]
        counts = np.bincount(rows.verdict[first:last], minlength=4)
        part = EventBlock(
            events.time_us[begin:end],
            events.duration_us[begin:end],
            {key: column[begin:end] for key, column in events.ids.items()},
            None if events.patients is None else events.patients[begin:end],
            {name: column[begin:end] for name, column in events.values.items()},
        )
        accounting = _accounting(counts, int(counts[EVENT]) - (end - begin))
        at = None if places is None else places[begin:end] - first
        found.append(Reading(part, accounting, Tally() if place else reading.tally, at))
    return found


def _accounting(counts: Numbers, ahead: int) -> Accounting:
    """What became of lines of which so many have each verdict, and so many lie ahead of now."""
    return Accounting(
        lines=int(counts.sum()),
        events=int(counts[EVENT]) - ahead,
        continuations=int(counts[CONTINUED]),
        ignored=int(counts[IGNORED]),
        malformed=int(counts[MALFORMED]),
        future=ahead,
    )
