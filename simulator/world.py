"""The simulated world: its pharmacies, their software and sizes, and the odds of every choice.

A pure function of (seed, load, number of pharmacies). The first pharmacies of a large world are those
of a small one with the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from domain.codes import CLASSES, SIDES, Judgement, judge
from domain.errors import UsageError
from domain.identifiers import pharmacy_number
from simulator.catalogue import (
    ACCESS_HUBS,
    FAULT_CODES,
    HTTP_CODES,
    HUBS,
    NO_CONTRACT_CODES,
    OPERATIONS,
    SERVERS,
    VENDORS,
)
from simulator.rhythm import ON_CALL_GROUPS

DAY_CALLS = 2_500_000  # on an ordinary working day, at load 1 and 5,000 pharmacies
MOST_DAY_CALLS = 500_000_000  # a minute of more would not fit into memory
MAX_PHARMACIES = 99_999  # six-digit bodies that begin with 0; no such number is issued
_ACTIVE = 0.94
_CONTRACTLESS = 0.01
_SKEW = 0.8  # sigma of the logarithm of a pharmacy's size

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def generator(seed: int, *place: int) -> np.random.Generator:
    """The random numbers of one place in the world: equal places give equal numbers in every process."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy=seed, spawn_key=place)))


@dataclass(frozen=True, eq=False)
class World:
    """Tables that calls are drawn from. Calls name their parts by index into these.

    `rate` is the number of calls on an ordinary working day. `pharmacy_odds` sum to 1 over active pharmacies;
    `*_cumulative` are running sums for drawing. `code_*` are indexed like `codes`; an outcome is a code of one
    operation, with its odds there. `on_call` holds, for each group, its pharmacies and their running odds.
    `servers` are those of each hub; `server_names` are all of them after the nameless one at 0, and
    `server_first` says where a hub's begin there (0 for a hub without any).
    """

    seed: int
    load: float
    rate: float
    hubs: tuple[str, ...]
    operation_hub: Ints
    endpoints: tuple[str, ...]
    operation_odds: Floats
    operation_cumulative: Floats
    median_us: Floats
    sigma: Floats
    codes: tuple[str, ...]
    code_class: Ints
    code_side: Ints
    outcome_operation: Ints
    outcome_code: Ints
    outcome_odds: Floats
    outcome_cumulative: Floats
    code_no_contract: npt.NDArray[np.bool_]
    vendors: tuple[str, ...]
    versions: tuple[str, ...]
    version_vendor: Ints
    pharmacies: tuple[str, ...]
    pharmacy_version: Ints
    pharmacy_odds: Floats
    pharmacy_cumulative: Floats
    pharmacy_group: Ints
    on_call: tuple[tuple[Ints, Floats], ...]
    contractless: Ints
    servers: tuple[tuple[str, ...], ...]
    server_names: tuple[str, ...]
    server_first: Ints

    def is_access(self, hub: int) -> bool:
        """Whether the hub writes an access log."""
        return self.hubs[hub] in ACCESS_HUBS


def judge_code(code: str) -> Judgement:
    """What the log watcher makes of a code: an access line's is its HTTP status, the others come without one."""
    return judge(code, int(code) if code in HTTP_CODES else None)


@lru_cache(maxsize=8)
def build_world(seed: int = 1, load: float = 1.0, pharmacies: int = 5_000) -> World:
    """The world of a seed. Raises UsageError for a seed, load or number that makes none."""
    if seed < 0:
        raise UsageError(f"a seed is 0 or more, not {seed}")
    if not 0 < load < float("inf"):
        raise UsageError(f"a load is a factor above 0, not {load:g}")
    if not 1 <= pharmacies <= MAX_PHARMACIES:
        raise UsageError(f"the number of pharmacies is between 1 and {MAX_PHARMACIES}, not {pharmacies}")
    rate = DAY_CALLS * load * pharmacies / 5_000
    if rate > MOST_DAY_CALLS:
        raise UsageError(f"{pharmacies} pharmacies at load {load:g} are {rate:.0f} calls a day, over {MOST_DAY_CALLS}")
    shares = np.array([operation.share for operation in OPERATIONS])
    outcomes = _outcomes()
    codes = tuple(dict.fromkeys([*(code for _, code, _ in outcomes), *FAULT_CODES]))
    judged = [judge_code(code) for code in codes]
    outcome_operation = np.array([place for place, _, _ in outcomes])
    outcome_odds = np.array([share for _, _, share in outcomes])
    vendor_odds = np.array([vendor.share for vendor in VENDORS])
    version_odds = np.concatenate(
        [share * np.array([part for _, part in v.versions]) for share, v in zip(vendor_odds, VENDORS, strict=True)]
    )
    active = generator(seed, 1).random(pharmacies) < _ACTIVE
    active[0] = True
    sizes = np.exp(_SKEW * generator(seed, 2).standard_normal(pharmacies)) * active
    sizes /= sizes.sum()
    servers = tuple(tuple(f"{hub}-{i:02d}" for i in range(1, SERVERS[hub] + 1)) for hub in HUBS)
    group = generator(seed, 4).integers(0, ON_CALL_GROUPS, pharmacies)
    return World(
        seed=seed,
        load=load,
        rate=rate,
        hubs=HUBS,
        operation_hub=np.array([HUBS.index(operation.hub) for operation in OPERATIONS]),
        endpoints=tuple(operation.endpoint for operation in OPERATIONS),
        operation_odds=shares / shares.sum(),
        operation_cumulative=cumulative(shares),
        median_us=np.array([operation.median_ms * 1_000 for operation in OPERATIONS]),
        sigma=np.array([operation.sigma for operation in OPERATIONS]),
        codes=codes,
        code_class=np.array([CLASSES.index(j.klass) for j in judged]),
        code_side=np.array([SIDES.index(j.side) for j in judged]),
        code_no_contract=np.array([code in NO_CONTRACT_CODES for code in codes]),
        outcome_operation=outcome_operation,
        outcome_code=np.array([codes.index(code) for _, code, _ in outcomes]),
        outcome_odds=outcome_odds,
        # One ascending run: operation i's own running sum lies between i and i + 1, so one search finds both.
        outcome_cumulative=np.concatenate(
            [i + cumulative(outcome_odds[outcome_operation == i]) for i in range(len(OPERATIONS))]
        ),
        vendors=tuple(vendor.name for vendor in VENDORS),
        versions=tuple(version for vendor in VENDORS for version, _ in vendor.versions),
        version_vendor=np.array([i for i, vendor in enumerate(VENDORS) for _ in vendor.versions]),
        pharmacies=tuple(pharmacy_number(body) for body in range(1, pharmacies + 1)),
        pharmacy_version=np.searchsorted(cumulative(version_odds), generator(seed, 3).random(pharmacies), "right"),
        pharmacy_odds=sizes,
        pharmacy_cumulative=cumulative(sizes),
        pharmacy_group=group,
        on_call=tuple(_drawable(sizes * (group == i), sizes) for i in range(ON_CALL_GROUPS)),
        contractless=_contractless(seed, active),
        servers=servers,
        server_names=("", *(name for names in servers for name in names)),
        server_first=np.array([1 + sum(map(len, servers[:i])) if names else 0 for i, names in enumerate(servers)]),
    )


def cumulative(odds: Floats) -> Floats:
    """Running sums scaled to end at exactly 1, for `searchsorted(…, random, "right")`."""
    sums = np.cumsum(odds)
    scaled: Floats = sums / sums[-1]
    return scaled


def _drawable(odds: Floats, otherwise: Floats) -> tuple[Ints, Floats]:
    """Indices that can be drawn and their running odds; of `otherwise` where `odds` has none."""
    chosen = odds if odds.sum() > 0 else otherwise
    places = np.flatnonzero(chosen)
    return places, cumulative(chosen[places])


def _contractless(seed: int, active: npt.NDArray[np.bool_]) -> Ints:
    few = np.flatnonzero((generator(seed, 5).random(len(active)) < _CONTRACTLESS) & active)
    return few if len(few) else np.flatnonzero(active)[:1]


def _outcomes() -> list[tuple[int, str, float]]:
    """Every (operation, code, odds within that operation), operations in order."""
    return [
        (place, code, share)
        for place, operation in enumerate(OPERATIONS)
        for code, share in ((operation.ok, 1 - sum(share for _, share in operation.failures)), *operation.failures)
    ]
