"""Calls that are written as two lines, a start and an end, joined by what one field of both holds.

The lines of a source flow in, in the order of its files; calls flow out: each end with what its start told beside it,
and starts whose end did not come. Starts that wait are kept in bounded memory, and by the agent with its checkpoint,
so that a restart between the two lines changes nothing. What joins them may be a patient's number: only its keyed
digest is kept.

A start waits for `seconds`, by whichever of two clocks comes first: the times of its own file's lines, so that history
is read in one go and comes out as it would have live; and the agent's clock once all files are read to their end, as
a file that was rotated away, or a hub that fell silent, tells no time. Other files' times say nothing: they may be
days ahead. Nothing here depends on lines before those that wait, so any cutting and any restart give the same.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from domain.batch import Accounting, OpenCall
from domain.redact import lettered
from domain.settings import Pair
from logwatch.events import Dictionary, Tally
from logwatch.meaning import LONGEST_US
from logwatch.rows import EVENT, Rows
from logwatch.sorting import OPENED
from logwatch.times import US

_STATUS = "status"
_FEW = 64
_ENDED, _EXPIRED = Accounting(pending=-1, continuations=1), Accounting(pending=-1, events=1)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A start: its number among all, when it was read, and its patient, who is not kept beyond this process."""

    call: OpenCall
    number: int
    read_at: float
    patient: int


@dataclass(slots=True)
class Joined:
    """Calls out of lines: of each the place of its end (-1: none came), its start (None: none was known), its patient.

    `elsewhere` is what became of lines of other files than the one read.
    """

    calls: list[tuple[int, OpenCall | None, int]] = field(default_factory=list)
    accounting: Accounting = field(default_factory=Accounting)
    elsewhere: dict[str, Accounting] = field(default_factory=dict)

    def settle(self, place: int, start: _Waiting, identity: str) -> None:
        """A start waits no more, and its line is accounted for in the file it stands in."""
        became, file = _EXPIRED if place < 0 else _ENDED, start.call.identity
        if file == identity:
            self.accounting += became
        else:
            self.elsewhere[file] = self.elsewhere.get(file, Accounting()) + became
        self.calls.append((place, start.call, start.patient))


class Pairing:
    """The calls of one source that wait for their end. `secret` is the key of what is kept of their ids."""

    def __init__(self, pair: Pair, source: str, secret: bytes) -> None:
        self.code = pair.code
        self._source, self._secret = source, hashlib.blake2b(secret, digest_size=32).digest()
        self._wait_us, self._most = int(pair.seconds * US), pair.most
        self._begin()

    def _begin(self) -> None:
        # By id, the one that waits longest first.
        self._open: dict[str, _Waiting] = {}
        # Of each file how many wait, and by their time: those that ended meanwhile are passed over.
        self._count: dict[str, int] = {}
        self._by_time: dict[str, list[tuple[int, int, str]]] = {}
        self._number = 0
        # Since the last checkpoint: calls begun that still wait, ids that do not wait, and those of them it holds.
        self._opened: dict[str, OpenCall] = {}
        self._closed: dict[str, None] = {}
        self._left: list[_Waiting] = []

    def resume(self, known: Iterable[OpenCall], now: float) -> None:
        """Go on with the calls of the last checkpoint, the one that waits longest first."""
        self._begin()
        for call in known:
            self._add(call, now, 0)

    def changes(self) -> tuple[list[OpenCall], list[tuple[str, str]]]:
        """What a checkpoint is to keep: calls begun, and (source, id) of those that ended, since the last one."""
        return list(self._opened.values()), [(self._source, key) for key in self._closed]

    def kept(self) -> None:
        """The changes were kept."""
        self._opened, self._closed, self._left = {}, {}, []

    def rewind(self) -> None:
        """The changes were not kept, and the lines behind them are read again."""
        waiting = [start for start in self._open.values() if start.call.id not in self._opened] + self._left
        self._begin()
        for start in sorted(waiting, key=lambda start: start.number):
            self._add(start.call, start.read_at, start.patient)

    def read(
        self,
        rows: Rows,
        called: Mapping[int, str],
        found: Mapping[str, Dictionary],
        identity: str,
        now: float,
        latest_us: int,
        tally: Tally,
    ) -> Joined:
        """The calls out of one file's lines, whose ids `called` holds; those later than `latest_us` are future."""
        joined = Joined()
        counts = {EVENT: 0, OPENED: 0}
        future = alone = 0
        for place in np.flatnonzero(rows.verdict >= EVENT).tolist():
            at_us, verdict = int(rows.time_us[place]), int(rows.verdict[place])
            if at_us > latest_us:
                future += 1
                continue
            for late in self._overdue(identity, at_us):
                joined.settle(-1, late, identity)
            token = called[place]
            if token in ("", "-"):
                tally.invalid["pair.id"] = tally.invalid.get("pair.id", 0) + 1
            key = self._digest(token) if token not in ("", "-") else ""
            if verdict == EVENT:
                if (start := self._take(key)) is None:
                    joined.calls.append((place, None, 0))
                else:
                    joined.settle(place, start, identity)
            elif not key:
                # Its end cannot be told either, and will count as the call.
                alone += 1
                continue
            else:
                call = OpenCall(
                    source=self._source, id=key, identity=identity, at_us=at_us, keys=_keys(rows, place, found)
                )
                patient = 0 if rows.patient is None else int(rows.patient[place])
                for older in self._start(call, now, patient):
                    joined.settle(-1, older, identity)
            counts[verdict] += 1
        joined.accounting += Accounting(
            lines=counts[EVENT] + counts[OPENED] + future + alone,
            events=counts[EVENT], pending=counts[OPENED], future=future, continuations=alone,
        )  # fmt: skip
        return joined

    def silent(self, now: float) -> Joined:
        """The calls whose end did not come while all files were read to their end."""
        joined = Joined()
        while self._open:
            start = next(iter(self._open.values()))
            if now - start.read_at < self._wait_us / US:
                break
            self._take(start.call.id)
            joined.settle(-1, start, "")
        return joined

    def _digest(self, token: str) -> str:
        data = token.encode("utf-8", "replace")
        return lettered(hashlib.blake2b(data, key=self._secret, digest_size=12).digest())

    def _start(self, call: OpenCall, now: float, patient: int) -> Iterator[_Waiting]:
        """A call begins: those that it leaves no room for, one of the same id first."""
        if (same := self._take(call.id)) is not None:
            yield same
        self._closed.pop(call.id, None)
        self._opened[call.id] = call
        self._add(call, now, patient)
        while len(self._open) > self._most and (oldest := self._take(next(iter(self._open)))):
            yield oldest

    def _add(self, call: OpenCall, now: float, patient: int) -> None:
        self._number += 1
        self._open[call.id] = _Waiting(call, self._number, now, patient)
        self._count[call.identity] = self._count.get(call.identity, 0) + 1
        heapq.heappush(self._by_time.setdefault(call.identity, []), (call.at_us, self._number, call.id))

    def _take(self, key: str) -> _Waiting | None:
        """A call that waits no more; None where none of that id does."""
        found = self._open.pop(key, None)
        if found is None:
            return None
        if self._opened.pop(key, None) is None:
            self._left.append(found)
        self._closed[key] = None
        identity = found.call.identity
        self._count[identity] -= 1
        left, waiting = self._count[identity], self._by_time[identity]
        if not left:
            del self._count[identity], self._by_time[identity]
        elif len(waiting) > _FEW and len(waiting) > 2 * left:
            # Those that ended are cleared away where they are most.
            waiting[:] = [entry for entry in waiting if self._waits(entry)]
            heapq.heapify(waiting)
        return found

    def _waits(self, entry: tuple[int, int, str]) -> bool:
        found = self._open.get(entry[2])
        return found is not None and found.number == entry[1]

    def _overdue(self, identity: str, at_us: int) -> Iterator[_Waiting]:
        """The calls of a file whose end did not come by this time of its lines."""
        while (waiting := self._by_time.get(identity)) and waiting[0][0] + self._wait_us <= at_us:
            entry = heapq.heappop(waiting)
            if self._waits(entry) and (start := self._take(entry[2])):
                yield start


def _keys(rows: Rows, place: int, found: Mapping[str, Dictionary]) -> dict[str, str]:
    """The keys that a line gave, clean as they are, and its status."""
    keys = {key: found[key].values[number] for key, ids in rows.ids.items() if (number := int(ids[place]))}
    status = int(rows.status[place])
    return keys | ({_STATUS: str(status)} if status >= 0 else {})


def calls_of(code: str, joined: Joined, rows: Rows, found: Mapping[str, Dictionary], tally: Tally) -> Rows:
    """The joined calls as rows: what an end does not tell is its start's, the time between them the duration.

    `code` is that of calls whose end did not come.
    """
    calls = Rows.of(len(joined.calls), EVENT)
    ends = [(at, place) for at, (place, _, _) in enumerate(joined.calls) if place >= 0]
    if ends:
        ats, places = (np.array(column, dtype=np.int64) for column in zip(*ends, strict=True))
        calls.put(ats, rows.taken(places))
        calls.verdict[:] = EVENT
    for at, (place, start, patient) in enumerate(joined.calls):
        if start is None:
            continue
        for key, value in start.keys.items():
            if key == _STATUS:
                if calls.status[at] < 0:
                    calls.status[at] = int(value)
            elif calls.ids[key][at] == 0:
                calls.ids[key][at] = found[key].id_of(value)
        if patient:
            numbers = calls.patients()
            numbers[at] = int(numbers[at]) or patient
        if place < 0:
            calls.time_us[at] = start.at_us
            calls.ids["code"][at] = found["code"].id_of(code)
        elif calls.duration_us[at] < 0:
            took = int(calls.time_us[at]) - start.at_us
            if 0 <= took <= LONGEST_US:
                calls.duration_us[at] = took
            else:
                tally.invalid["duration"] = tally.invalid.get("duration", 0) + 1
    return calls
