"""How many calls there were in the past, on a grid: rhythm, noise, and a few incidents one can see.

The same rates as live traffic, drawn as counts a bucket instead of call by call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from domain.calendar import BRUSSELS
from simulator.grid import Grid
from simulator.rhythm import Intensity, intensity, on_call_group
from simulator.traffic import load_factor
from simulator.world import World, generator

_POISSON_EXACT = 25  # from this mean on the normal approximation is used: rounded, never negative

Floats = npt.NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened: from when to when (epoch seconds), where, how much of it failed, how slow it was.

    `endpoint` is "" for the whole hub.
    """

    start: float
    end: float
    hub: str
    endpoint: str
    failed: float
    slower: float


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth weekday (Monday is 0) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _from(day: date, hour: int, minute: int, minutes: int) -> tuple[float, float]:
    start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=BRUSSELS).timestamp()
    return start, start + minutes * 60


def incidents(floor: int) -> list[Incident]:
    """The incidents of the years before the floor that were over by then; like those that DOMAIN tells of."""
    year = datetime.fromtimestamp(floor, BRUSSELS).year
    found = [incident for each in range(year - 2, year + 1) for incident in _of_year(each)]
    return [incident for incident in found if incident.end <= floor]


def _of_year(year: int) -> Iterator[Incident]:
    # A Monday morning on which MyCareNet hardly answers.
    yield Incident(*_from(_nth(year, 1, 0, 3), 8, 5, 205), "mycarenet", "", 0.45, 1.8)
    # A hardware fault at eHealth slows everything there for three days.
    yield Incident(*_from(_nth(year, 3, 1, 2), 9, 20, 3 * 1_440), "ehealth", "", 0.03, 2.6)
    # Recip-e is down for 847 minutes from a Monday morning.
    yield Incident(*_from(_nth(year, 6, 0, 2), 7, 10, 847), "recipe", "", 0.85, 1.5)
    # A night-time fault of the eID validation.
    yield Incident(*_from(_nth(year, 8, 5, 3), 22, 40, 420), "ehealth", "idsupport.verifyId", 1.0, 1.0)
    # An evening fault at Recip-e's hosting.
    yield Incident(*_from(_nth(year, 10, 2, 2), 17, 20, 165), "recipe", "", 0.92, 2.0)


class Past:
    """The counts of a world on a grid. Each series draws from its own generator, whatever was drawn before.

    Counts are arrays of shape (base buckets, 3): ok, functional and technical calls, whole numbers.
    """

    def __init__(self, world: World, grid: Grid) -> None:
        self.world, self.grid = world, grid
        now: Intensity = intensity(grid.middles)
        self._open, self._on_call = (world.rate * share * grid.steps for share in (now.open, now.on_call))
        self._ordinary: Floats = load_factor(now.total)
        self._group = on_call_group(grid.middles)
        self._incidents = incidents(grid.floor)

    def operation(self, place: int) -> Floats:
        """The counts of one endpoint."""
        world = self.world
        of_this = world.outcome_operation == place
        klass, odds = world.code_class[world.outcome_code[of_this]], world.outcome_odds[of_this]
        functional, technical = float(odds[klass == 1].sum()), float(odds[klass == 2].sum())
        calls = (self._open + self._on_call) * world.operation_odds[place]
        hub, endpoint = world.hubs[world.operation_hub[place]], world.endpoints[place]
        failed = self._touched(hub, endpoint, lambda incident: incident.failed, 0.0)
        answered = calls * (1 - failed)
        random = generator(world.seed, 20, place)
        return np.column_stack(
            [
                _poisson(random, answered * (1 - functional - technical)),
                _poisson(random, answered * functional),
                _poisson(random, answered * technical + calls * failed),
            ]
        )

    def pharmacy(self, place: int) -> Floats:
        """The counts of one pharmacy: while it is open, and when its group is on call."""
        world = self.world
        group = int(world.pharmacy_group[place])
        places, odds = world.on_call[group]
        mine = float(np.diff(odds, prepend=0.0)[places == place].sum())
        calls = self._open * world.pharmacy_odds[place] + np.where(self._group == group, self._on_call * mine, 0.0)
        shares = world.operation_odds[world.outcome_operation] * world.outcome_odds
        klass = world.code_class[world.outcome_code]
        random = generator(world.seed, 21, place)
        return np.column_stack([_poisson(random, calls * float(shares[klass == each].sum())) for each in range(3)])

    def slower(self, hub: str = "", endpoint: str = "") -> Floats:
        """How much longer calls took than the medians say, bucket by bucket; without a hub, by load alone."""
        if not hub:
            return self._ordinary
        return self._ordinary * self._touched(hub, endpoint, lambda incident: incident.slower, 1.0)

    def _touched(self, hub: str, endpoint: str, value: Callable[[Incident], float], otherwise: float) -> Floats:
        """An incident's value in the buckets it covers, by the part that it covers."""
        starts, ends = self.grid.starts, self.grid.starts + self.grid.steps
        values = np.full(len(starts), otherwise)
        for one in self._incidents:
            if one.hub == hub and one.endpoint in ("", endpoint):
                covered = np.clip((np.minimum(ends, one.end) - np.maximum(starts, one.start)) / self.grid.steps, 0, 1)
                values += covered * (value(one) - otherwise)
        return values


def shared_out(random: Random, counts: Floats, odds: Floats) -> Iterator[Floats]:
    """Counts of shape (n, classes) shared out among parties with these odds; the parties' counts sum to them."""
    left, remaining = counts.copy(), float(odds.sum())
    for share in odds[:-1].tolist():
        part = _binomial(random, left, min(1.0, share / remaining))
        left = left - part
        remaining -= share
        yield part
    yield left


def _poisson(random: Random, mean: Floats) -> Floats:
    few = mean < _POISSON_EXACT
    drawn = np.rint(mean + np.sqrt(mean) * random.standard_normal(len(mean)))
    drawn[few] = random.poisson(mean[few])
    return np.maximum(drawn, 0.0)


def _binomial(random: Random, count: Floats, odds: float) -> Floats:
    mean = count * odds
    spread = np.sqrt(mean * (1 - odds))
    drawn = np.clip(np.rint(mean + spread * random.standard_normal(count.shape)), 0, count)
    few = np.minimum(mean, count - mean) < _POISSON_EXACT
    drawn[few & (count == 0)] = 0
    few &= count > 0
    drawn[few] = random.binomial(count[few].astype(np.int64), odds)
    return drawn
