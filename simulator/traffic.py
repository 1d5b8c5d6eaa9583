"""Calls of a span of time, as columns: drawn slice by slice, so that any span can be cut anywhere.

A slice is one minute of completions, drawn from its own generator (seed, slice). What a fault does comes from
further generators, so that the same seed with and without a scenario differs by the faults alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from simulator.faults import Fault, Scenario
from simulator.rhythm import PEAK, intensity, on_call_group
from simulator.world import World, generator

SLICE_SECONDS = 60
LOAD_SLOWS = 0.35  # how much longer a call takes at the ordinary peak than in the dead of night
FAILED_SLOWER = 1.6  # how much longer a technical failure takes than an answer
_US = 1_000_000
_TIMEOUT_US = 30 * _US
_BELOW_ONE = 1 - 2.0**-40  # keeps an operation's draw below the next one's whole number, whatever is rounded

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True, eq=False)
class Calls:
    """Calls in the order of their completion; parts are indices into the world's tables.

    `time_us` is the completion (epoch µs) by which spans are cut. `seen_us` and `duration_us` are what the
    log's line tells of it: milliseconds for most hubs; for an access log its start second plus the duration,
    which is up to a second before the completion. `server` counts within the hub.
    """

    time_us: Ints
    seen_us: Ints
    operation: Ints
    pharmacy: Ints
    server: Ints
    code: Ints
    duration_us: Ints

    def __len__(self) -> int:
        return len(self.time_us)

    def take(self, rows: npt.NDArray[np.bool_] | Ints | slice) -> Calls:
        """Some of the calls."""
        return Calls(*(getattr(self, field.name)[rows] for field in fields(self)))

    def between(self, start: float, end: float) -> Calls:
        """Those that completed from `start` up to but not including `end` (epoch seconds)."""
        first, last = np.searchsorted(self.time_us, [round(start * _US), round(end * _US)])
        return self.take(slice(int(first), int(last)))


def slices(start: float, end: float) -> range:
    """The numbers of the slices that touch a span of epoch seconds."""
    return range(int(start // SLICE_SECONDS), int(-(-end // SLICE_SECONDS)))


def calls_of_slice(world: World, scenario: Scenario, number: int) -> Calls:
    """All calls of one slice."""
    start = number * SLICE_SECONDS
    random = generator(world.seed, 10, number)
    middle = np.array([start + SLICE_SECONDS // 2])
    now = intensity(middle)
    expected = world.rate * float(now.total[0])
    slower = float(load_factor(now.total)[0])
    time = start * _US + np.sort(random.integers(0, SLICE_SECONDS * _US, random.poisson(expected * SLICE_SECONDS)))
    on_call = random.random(len(time)) < float(now.on_call[0] / now.total[0])
    pharmacy = _pharmacies(world, random, on_call, int(on_call_group(middle)[0]))
    operation = np.searchsorted(world.operation_cumulative, random.random(len(time)), "right")
    calls = _answered(world, random, time, operation, pharmacy, slower)
    without = world.code_no_contract[calls.code]
    if without.any():
        calls.pharmacy[without] = random.choice(world.contractless, int(without.sum()))
    for index, fault in enumerate(scenario.faults):
        for begin, stop in fault.active(start, start + SLICE_SECONDS):
            span = (max(begin, start), min(stop, start + SLICE_SECONDS))
            calls = _apply(world, calls, fault, span, slower, generator(world.seed, 11, number, index))
    return _as_logged(world, calls)


def calls_between(world: World, scenario: Scenario, start: float, end: float) -> Iterator[Calls]:
    """The calls of a span, a slice at a time, in order."""
    for number in slices(start, end):
        calls = calls_of_slice(world, scenario, number)
        begin = number * SLICE_SECONDS
        yield calls if start <= begin and begin + SLICE_SECONDS <= end else calls.between(start, end)


def load_factor(total: Floats) -> Floats:
    """How much longer calls take at each intensity (shares of a working day per second)."""
    return 1 + LOAD_SLOWS * total / PEAK


def _pharmacies(world: World, random: Random, on_call: npt.NDArray[np.bool_], group: int) -> Ints:
    draw = random.random(len(on_call))
    pharmacy = np.searchsorted(world.pharmacy_cumulative, draw, "right")
    places, odds = world.on_call[group]
    pharmacy[on_call] = places[np.searchsorted(odds, draw[on_call], "right")]
    return pharmacy


def _answered(world: World, random: Random, time: Ints, operation: Ints, pharmacy: Ints, slower: float) -> Calls:
    """Calls with their code, server and duration as on an ordinary day."""
    count = len(time)
    outcome = np.searchsorted(world.outcome_cumulative, operation + random.random(count) * _BELOW_ONE, "right")
    code = world.outcome_code[outcome]
    median = world.median_us[operation] * slower * np.where(world.code_class[code] == 2, FAILED_SLOWER, 1.0)
    duration = median * np.exp(world.sigma[operation] * random.standard_normal(count))
    servers = np.array([max(1, len(names)) for names in world.servers])
    server = (random.random(count) * servers[world.operation_hub[operation]]).astype(np.int64)
    return Calls(time, time, operation, pharmacy, server, code, duration.astype(np.int64))


def _apply(world: World, calls: Calls, fault: Fault, span: tuple[float, float], slower: float, random: Random) -> Calls:
    if fault.kind == "pharmacy-overload":
        return _merged(calls, _overload(world, fault, span, slower, random))
    hit = np.isin(calls.operation, fault.operations) & (random.random(len(calls)) < fault.strength)
    hit &= (calls.time_us >= span[0] * _US) & (calls.time_us < span[1] * _US)
    if fault.kind == "hub-restart":
        return calls.take(~hit)
    if fault.kind == "release-breaking":
        hit &= world.pharmacy_version[calls.pharmacy] == fault.version
        # A malformed request is refused early.
        duration = random.integers(5_000, 25_000, len(calls))
    else:
        # Half find nobody at once, half wait for a time-out.
        waits = random.random(len(calls)) < 0.5
        duration = np.where(
            waits, _TIMEOUT_US + random.integers(0, 400_000, len(calls)), random.integers(4_000, 40_000, len(calls))
        )
    code = np.where(hit, fault.code, calls.code)
    duration = np.where(hit, duration, calls.duration_us)
    return Calls(calls.time_us, calls.seen_us, calls.operation, calls.pharmacy, calls.server, code, duration)


def _overload(world: World, fault: Fault, span: tuple[float, float], slower: float, random: Random) -> Calls:
    """The calls that one pharmacy makes on top of its own."""
    begin, end = round(span[0] * _US), round(span[1] * _US)
    count = random.poisson(fault.strength / 3_600 * (end - begin) / _US)
    time = np.sort(random.integers(begin, end, count))
    operation = np.full(count, fault.operations[0])
    return _answered(world, random, time, operation, np.full(count, fault.pharmacy), slower)


def _merged(one: Calls, other: Calls) -> Calls:
    columns = (np.concatenate([getattr(one, f.name), getattr(other, f.name)]) for f in fields(one))
    both = Calls(*columns)
    return both.take(np.argsort(both.time_us, kind="stable"))


def _as_logged(world: World, calls: Calls) -> Calls:
    """Times and durations as the lines will tell them."""
    access = np.array([world.is_access(hub) for hub in range(len(world.hubs))])[world.operation_hub[calls.operation]]
    duration = np.where(access, calls.duration_us, calls.duration_us // 1_000 * 1_000)
    start_second = (calls.time_us - calls.duration_us) // _US * _US
    seen = np.where(access, start_second + duration, calls.time_us // 1_000 * 1_000)
    return Calls(calls.time_us, seen, calls.operation, calls.pharmacy, calls.server, calls.code, duration)
