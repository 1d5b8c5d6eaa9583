"""Which past series there are, in the order of their writing, and what each is drawn from.

A stage is what is drawn together: the endpoints, hubs and vendors; a hub's codes and servers; an endpoint's
vendors; the pharmacies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from domain.calendar import BRUSSELS
from domain.series import FAMILIES, SeriesKey
from simulator.grid import HOUR, Grid
from simulator.latency import Latency, mixture
from simulator.past import Past, shared_out
from simulator.traffic import FAILED_SLOWER
from simulator.world import World, generator

# Rows end at the floor, two days and a little before now: what a family keeps reaches less far beyond it.
_BEFORE_NOW = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a series' rows are made of, on its grid: counts of shape (base buckets, 3) and the calls' latency.

    `slower` is how much longer calls took than `latency` says, a factor for each base bucket.
    """

    grid: Grid
    counts: Floats
    latency: Latency
    slower: Floats


def stages(world: World) -> list[list[SeriesKey]]:
    """The series of each stage: what is drawn together, or written before the rest."""
    vendors = [world.vendors[place] for place in vendors_of(world)[0]]
    of = [[i for i, at in enumerate(world.operation_hub) if at == hub] for hub in range(len(world.hubs))]
    first: list[SeriesKey] = []
    for hub, name in enumerate(world.hubs):
        first += [SeriesKey("endpoint", (name, world.endpoints[place])) for place in of[hub]]
        first.append(SeriesKey("hub", (name,)))
    first += [SeriesKey("vendor", (vendor,)) for vendor in vendors]
    crossed = [
        [SeriesKey("endpoint_vendor", (world.hubs[hub], world.endpoints[place], vendor)) for vendor in vendors]
        for hub in range(len(world.hubs))
        for place in of[hub]
    ]
    by_hub = [
        [SeriesKey("code", (name, world.codes[code])) for klass in _codes(world, hub) for code, _ in klass]
        + [SeriesKey("server", (name, server)) for server in world.servers[hub]]
        for hub, name in enumerate(world.hubs)
    ]
    last = [SeriesKey("pharmacy", (world.pharmacies[place],)) for place in np.flatnonzero(world.pharmacy_odds)]
    return [first, *by_hub, *crossed, last]


def past_series(world: World, floor: int, days: int, done: int) -> Iterator[tuple[SeriesKey, Drawn]]:
    """Each series after the first `done` with what its rows are made of; a finished stage is not drawn again."""
    full = Grid.of(floor, days, coarse=300, fine=60, fine_days=kept_days("hub", 60), zone=BRUSSELS)
    past = Past(world, full)
    first, *others = stages(world)
    of_hubs, crossed, pharmacies = others[: len(world.hubs)], others[len(world.hubs) : -1], others[-1]
    if done < len(first):
        yield from islice(zip(first, _first(past), strict=True), done, None)
    done -= len(first)
    for hub, stage in enumerate(of_hubs):
        if done < len(stage):
            yield from islice(zip(stage, _of_hub(past, hub), strict=True), max(0, done), None)
        done -= len(stage)
    places = [place for hub in range(len(world.hubs)) for place in operations_of(world, hub)]
    for place, stage in zip(places, crossed, strict=True):
        if done < len(stage):
            yield from islice(zip(stage, _crossed(past, place), strict=True), max(0, done), None)
        done -= len(stage)
    thin = Grid.of(floor, days, coarse=HOUR, fine=300, fine_days=kept_days("pharmacy", 300), zone=BRUSSELS)
    done = max(0, done)
    yield from zip(pharmacies[done:], _pharmacies(Past(world, thin), done), strict=True)


def kept_days(family: str, step: int) -> int:
    """The days before the floor for which a family keeps rows of a step."""
    return FAMILIES[family].days[step] - _BEFORE_NOW


def _first(past: Past) -> Iterator[Drawn]:
    """Endpoints and the hub they add up to, hub by hub, then vendors."""
    world = past.world
    everything = np.zeros((len(past.grid.starts), 3))
    for hub, name in enumerate(world.hubs):
        whole = np.zeros_like(everything)
        for place in operations_of(world, hub):
            counts = past.operation(place)
            whole += counts
            yield Drawn(past.grid, counts, _latency(world, [place]), past.slower(name, world.endpoints[place]))
        yield Drawn(past.grid, whole, _latency(world, operations_of(world, hub)), past.slower(name))
        everything += whole
    latency, slower = _latency(world, range(len(world.endpoints))), past.slower()
    for counts in shared_out(generator(world.seed, 22), everything, vendors_of(world)[1]):
        yield Drawn(past.grid, counts, latency, slower)


def _of_hub(past: Past, hub: int) -> Iterator[Drawn]:
    """A hub's codes, class by class, then its servers."""
    world = past.world
    random = generator(world.seed, 23, hub)
    operations = operations_of(world, hub)
    counts = np.sum([past.operation(place) for place in operations], axis=0)
    slower = past.slower(world.hubs[hub])
    latency, failing = _latency(world, operations), _latency(world, operations, FAILED_SLOWER)
    for klass, codes in enumerate(_codes(world, hub)):
        odds = np.array([share for _, share in codes])
        for part in shared_out(random, counts[:, klass], odds) if codes else ():
            alone = np.zeros_like(counts)
            alone[:, klass] = part
            yield Drawn(past.grid, alone, failing if klass == 2 else latency, slower)
    servers = world.servers[hub]
    for part in shared_out(random, counts, np.ones(len(servers))) if servers else ():
        yield Drawn(past.grid, part, latency, slower)


def _crossed(past: Past, place: int) -> Iterator[Drawn]:
    """An endpoint's calls by vendor."""
    world = past.world
    hub = world.hubs[world.operation_hub[place]]
    latency, slower = _latency(world, [place]), past.slower(hub, world.endpoints[place])
    for counts in shared_out(generator(world.seed, 24, place), past.operation(place), vendors_of(world)[1]):
        yield Drawn(past.grid, counts, latency, slower)


def _pharmacies(past: Past, skipped: int) -> Iterator[Drawn]:
    latency, slower = _latency(past.world, range(len(past.world.endpoints))), past.slower()
    for place in np.flatnonzero(past.world.pharmacy_odds)[skipped:].tolist():
        yield Drawn(past.grid, past.pharmacy(place), latency, slower)


def operations_of(world: World, hub: int) -> list[int]:
    """The hub's operations, by index."""
    return [place for place, at in enumerate(world.operation_hub) if at == hub]


def vendors_of(world: World) -> tuple[list[int], Floats]:
    """The vendors that have pharmacies in this world, and their parts of the calls."""
    parts: Floats = np.zeros(len(world.vendors))
    np.add.at(parts, world.version_vendor[world.pharmacy_version], world.pharmacy_odds)
    present = np.flatnonzero(parts)
    return present.tolist(), parts[present]


def _codes(world: World, hub: int) -> list[list[tuple[int, float]]]:
    """For each class, the hub's codes and their odds in its calls."""
    odds: dict[int, float] = {}
    for place, code, share in zip(world.outcome_operation, world.outcome_code, world.outcome_odds, strict=True):
        if world.operation_hub[place] == hub:
            odds[int(code)] = odds.get(int(code), 0.0) + float(share * world.operation_odds[place])
    return [[(code, share) for code, share in odds.items() if world.code_class[code] == klass] for klass in range(3)]


def _latency(world: World, operations: list[int] | range, times: float = 1.0) -> Latency:
    chosen = np.array(list(operations))
    return mixture(world.operation_odds[chosen], world.median_us[chosen] * times, world.sigma[chosen])
