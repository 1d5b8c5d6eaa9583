"""The truth about simulated logs: what any reader of them must find. No patient number is in it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from domain.calendar import iso
from domain.errors import InputError
from simulator.faults import Scenario
from simulator.files import write_atomically
from simulator.traffic import Calls
from simulator.world import World

TRUTH_VERSION = 1
_US = 1_000_000


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Calls and how many of them failed."""

    calls: int
    functional: int
    technical: int


class HappenedFault(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence of a fault. Times are RFC 3339, UTC; `strength` as in the scenario."""

    kind: str
    start: str
    end: str
    where: dict[str, str]
    side: str
    strength: float
    code: str


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What the log files of a span hold.

    `by` has the dimensions of `analyse --json`, with "" for lines that name no server. A minute of `minutes`
    (hub, minute, calls) is named by its start.
    """

    version: int
    start: str
    end: str
    seed: int
    load: float
    pharmacies: int
    scenario: str
    lines: dict[str, int]
    total: Tally
    by: dict[str, dict[str, Tally]]
    minutes: dict[str, dict[str, int]]
    faults: tuple[HappenedFault, ...]


class Tallier:
    """Adds calls up into the truth, as they are written."""

    def __init__(self, world: World, scenario: Scenario, start: float, end: float) -> None:
        self._world, self._scenario, self._start, self._end = world, scenario, start, end
        self._sizes = {
            "hub": len(world.hubs),
            "endpoint": len(world.endpoints),
            "vendor": len(world.vendors),
            "pharmacy": len(world.pharmacies),
            "code": len(world.codes),
            "server": len(world.server_names),
        }
        self._counts = {name: np.zeros(size * 3, dtype=np.int64) for name, size in self._sizes.items()}
        self._minutes: dict[tuple[int, int], int] = {}

    def add(self, calls: Calls) -> None:
        """Count some calls."""
        world = self._world
        klass = world.code_class[calls.code]
        hub = world.operation_hub[calls.operation]
        keys = {
            "hub": hub,
            "endpoint": calls.operation,
            "vendor": world.version_vendor[world.pharmacy_version[calls.pharmacy]],
            "pharmacy": calls.pharmacy,
            "code": calls.code,
            "server": world.server_first[hub] + calls.server,
        }
        for name, key in keys.items():
            self._counts[name] += np.bincount(key * 3 + klass, minlength=self._sizes[name] * 3)
        # A minute is that of the time which the line tells.
        minutes, counts = np.unique(calls.seen_us // (60 * _US) * len(world.hubs) + hub, return_counts=True)
        for place, count in zip(minutes.tolist(), counts.tolist(), strict=True):
            minute, hub = divmod(place, len(world.hubs))
            self._minutes[hub, minute] = self._minutes.get((hub, minute), 0) + count

    def truth(self) -> Truth:
        """What was counted so far."""
        world = self._world
        names = {
            "hub": world.hubs,
            "endpoint": world.endpoints,
            "vendor": world.vendors,
            "pharmacy": world.pharmacies,
            "code": world.codes,
            "server": world.server_names,
        }
        by = {name: _tallies(names[name], counts.reshape(-1, 3)) for name, counts in self._counts.items()}
        minutes: dict[str, dict[str, int]] = {hub: {} for hub in world.hubs}
        for (hub, minute), count in sorted(self._minutes.items()):
            minutes[world.hubs[hub]][iso(minute * 60)] = count
        return Truth(
            version=TRUTH_VERSION,
            start=iso(self._start),
            end=iso(self._end),
            seed=world.seed,
            load=world.load,
            pharmacies=len(world.pharmacies),
            scenario=self._scenario.name,
            lines={hub: tally.calls for hub, tally in by["hub"].items()},
            total=_tally(self._counts["hub"].reshape(-1, 3).sum(axis=0)),
            by=by,
            minutes=minutes,
            faults=tuple(happened(world, self._scenario, self._start, self._end)),
        )


def happened(world: World, scenario: Scenario, start: float, end: float) -> list[HappenedFault]:
    """The occurrences of faults that touch a span, by their start."""
    found = [
        HappenedFault(
            kind=fault.kind,
            start=iso(begin),
            end=iso(stop),
            where=dict(fault.where),
            side=fault.side,
            strength=fault.strength,
            code=world.codes[fault.code] if fault.code >= 0 else "",
        )
        for fault in scenario.faults
        for begin, stop in fault.active(start, end)
    ]
    return sorted(found, key=lambda fault: fault.start)


def write_truth(path: Path, truth: Truth) -> None:
    """Write the truth as JSON, at once or not at all."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(truth), indent=1))


def read_truth(path: Path) -> Truth:
    """The truth of a file that `write_truth` wrote. Raises InputError for another file."""
    try:
        truth = msgspec.json.decode(path.read_bytes(), type=Truth)
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise InputError(str(path), f"not the truth of simulated logs: {error}") from error
    if truth.version != TRUTH_VERSION:
        raise InputError(str(path), f"of version {truth.version}, and this program reads {TRUTH_VERSION}")
    return truth


def _tally(classes: npt.NDArray[np.int64]) -> Tally:
    return Tally(calls=int(classes.sum()), functional=int(classes[1]), technical=int(classes[2]))


def _tallies(names: tuple[str, ...], counts: npt.NDArray[np.int64]) -> dict[str, Tally]:
    return {name: _tally(row) for name, row in zip(names, counts, strict=True) if row.any()}
