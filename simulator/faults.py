"""Faults on a timetable: the scenario a file describes, and which of its faults act in a span.

A scenario is read like a script: at this time, for so long, this kind of fault, there, so strong.

    version = 1
    name = "monday"
    [[fault]]
    at = "2026-11-23T09:40"   # local time, or one with an offset, or "+20m" after the scenario's origin
    for = "25m"               # s, m, h or d
    every = "3h"              # optional: again and again
    kind = "endpoint-dead"
    where = { hub = "dpp", endpoint = "tip.registerData" }
    strength = 0.8            # optional
    code = "TIP_999"          # optional: what the failing calls get

`endpoint-dead`: that share (1) of the calls to an endpoint, or to a whole hub, fail technically, half at once
and half by time-out. `release-breaking`: that share (1) of the calls there of one vendor's version is refused.
`pharmacy-overload`: one pharmacy (by default a middling one) makes that many calls an hour (1,000) on top, by
default to pcdh.getData. `hub-restart`: no call completes at a whole hub.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

import msgspec

from domain.calendar import BRUSSELS
from domain.codes import SIDES, Side
from domain.errors import ConfigError, InputError
from simulator.world import World

SCENARIO_VERSION = 1
SCENARIOS = Path(__file__).parent / "scenarios"
FaultKind = Literal["endpoint-dead", "release-breaking", "pharmacy-overload", "hub-restart"]
_WITHOUT_CODE = ("pharmacy-overload", "hub-restart")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned fault. Times are epoch seconds; `every` is 0 when it happens once.

    `operations`, `version`, `pharmacy` and `code` are indices into the world, -1 where they do not matter.
    `strength` is the share of calls that fail, or for an overload the calls an hour that come on top.
    """

    kind: FaultKind
    at: float
    seconds: float
    every: float
    strength: float
    operations: tuple[int, ...]
    version: int
    pharmacy: int
    code: int
    where: tuple[tuple[str, str], ...]
    side: Side

    def active(self, start: float, end: float) -> Iterator[tuple[float, float]]:
        """The occurrences that touch the span from `start` to `end`, whole."""
        first = 0 if not self.every else max(0, math.floor((start - self.at - self.seconds) / self.every))
        number = first
        while (begin := self.at + number * self.every) < end:
            if begin + self.seconds > start:
                yield begin, begin + self.seconds
            if not self.every:
                return
            number += 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """The faults of one file; without any, ordinary traffic."""

    name: str = "ordinary"
    faults: tuple[Fault, ...] = ()


ORDINARY = Scenario()


class _Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hub: str = ""
    endpoint: str = ""
    vendor: str = ""
    version: str = ""
    pharmacy: str = ""


class _Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at: str
    kind: str
    lasts: str = msgspec.field(name="for")
    where: _Where = _Where()
    strength: float | None = None
    every: str = ""
    code: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    name: str
    fault: tuple[_Fault, ...] = ()


def shipped() -> dict[str, Path]:
    """The scenarios that come with the program, by name."""
    return {path.stem: path for path in sorted(SCENARIOS.glob("*.toml"))}


def load_scenario(path: Path, world: World, origin: float) -> Scenario:
    """The scenario of a file; `origin` (epoch seconds) is what `+20m` counts from.

    Raises InputError when the file cannot be read, ConfigError naming file, place and mend when it is wrong.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(str(path), f"the scenario cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not TOML: {error}", file=str(path), mend="See simulator/scenarios for examples") from error
    try:
        written = msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        raise ConfigError(
            problem,
            file=str(path),
            path=place.strip("`").removeprefix("$").removeprefix("."),
            mend="A fault has at, for, kind, where, and may have strength, every and code",
        ) from error
    if written.version != SCENARIO_VERSION:
        raise ConfigError(
            f"version {written.version} is not read here",
            file=str(path),
            path="version",
            mend=f"Write version = {SCENARIO_VERSION}",
        )
    faults = tuple(_Reader(str(path), f"fault[{i}]", world, origin).read(one) for i, one in enumerate(written.fault))
    return Scenario(written.name, faults)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns one written fault into one of the world, or says what is wrong with it and where."""

    file: str
    path: str
    world: World
    origin: float

    def read(self, one: _Fault) -> Fault:
        if one.kind not in get_args(FaultKind):
            raise self._wrong("kind", f'"{one.kind}" is no kind of fault', get_args(FaultKind))
        kind: FaultKind = one.kind  # type: ignore[assignment] # it is one of its values
        where, operations = self._place(kind, one.where)
        version = self._version(one.where) if kind == "release-breaking" else -1
        pharmacy = -1
        if kind == "pharmacy-overload":
            pharmacy = self._pharmacy(one.where)
            where["pharmacy"] = self.world.pharmacies[pharmacy]
        code = -1 if kind in _WITHOUT_CODE else self._code(kind, one.code, operations)
        code_side = SIDES[self.world.code_side[code]]
        sides: dict[FaultKind, Side] = {
            "endpoint-dead": code_side, "release-breaking": "vendor", "pharmacy-overload": "pharmacy",
            "hub-restart": "hub",
        }  # fmt: skip
        seconds, every = self._span("for", one.lasts), self._span("every", one.every) if one.every else 0.0
        if every and every < seconds:
            raise self._wrong("every", f'"{one.every}" is shorter than the fault itself', (one.lasts, "or longer"))
        return Fault(kind, self._at(one.at), seconds, every, self._strength(kind, one.strength), operations, version,
                     pharmacy, code, tuple(where.items()), sides[kind])  # fmt: skip

    def _wrong(self, key: str, problem: str, choices: tuple[str, ...] | list[str]) -> ConfigError:
        return ConfigError(problem, file=self.file, path=f"{self.path}.{key}", mend=f"Write {', '.join(choices)}")

    def _span(self, key: str, text: str, *, zero: bool = False) -> float:
        match = _SPAN.fullmatch(text)
        if match is None or not (zero or float(match[1])):
            raise self._wrong(key, f'"{text}" is no length of time', ("such as 90s", "25m", "3h or 2d"))
        return float(match[1]) * _UNITS[match[2]]

    def _at(self, text: str) -> float:
        if text.startswith("+"):
            return self.origin + self._span("at", text[1:], zero=True)
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            choices = ('a local time such as "2026-11-23T09:40"', 'or "+20m" after the start')
            raise self._wrong("at", f'"{text}" is no time', choices) from error
        return (at if at.tzinfo else at.replace(tzinfo=BRUSSELS)).timestamp()

    def _strength(self, kind: FaultKind, strength: float | None) -> float:
        if kind == "pharmacy-overload":
            value, most = 1_000.0 if strength is None else strength, 1_000_000.0
        else:
            value, most = 1.0 if strength is None else strength, 1.0
        if not 0 < value <= most:
            meaning = "calls an hour" if most > 1 else "the share of calls that fail"
            raise self._wrong("strength", f"{value:g} is out of range", (f"above 0 and up to {most:g} ({meaning})",))
        return value

    def _place(self, kind: FaultKind, where: _Where) -> tuple[dict[str, str], tuple[int, ...]]:
        """The named place, and the operations there: one endpoint, or all of a hub."""
        if kind == "pharmacy-overload" and not where.hub and not where.endpoint:
            where = msgspec.structs.replace(where, hub="dpp", endpoint="pcdh.getData")
        named = {key: value for key, value in msgspec.structs.asdict(where).items() if value}
        if where.hub not in self.world.hubs:
            raise self._wrong("where.hub", f'"{where.hub}" is no hub', self.world.hubs)
        hub = self.world.hubs.index(where.hub)
        of_hub = [i for i, at in enumerate(self.world.operation_hub) if at == hub]
        if where.endpoint and kind == "hub-restart":
            raise self._wrong("where.endpoint", f'"{where.endpoint}" cannot restart alone', ("a hub only",))
        if not where.endpoint and kind != "pharmacy-overload":
            return named, tuple(of_hub)
        endpoints = [self.world.endpoints[i] for i in of_hub]
        if where.endpoint not in endpoints:
            raise self._wrong("where.endpoint", f'"{where.endpoint}" is no endpoint of {where.hub}', endpoints)
        return named, (of_hub[endpoints.index(where.endpoint)],)

    def _version(self, where: _Where) -> int:
        if where.vendor not in self.world.vendors:
            raise self._wrong("where.vendor", f'"{where.vendor}" is no vendor', self.world.vendors)
        vendor = self.world.vendors.index(where.vendor)
        of_vendor = [i for i, at in enumerate(self.world.version_vendor) if at == vendor]
        versions = [self.world.versions[i] for i in of_vendor]
        if where.version not in versions:
            raise self._wrong("where.version", f'"{where.version}" is no version of {where.vendor}', versions)
        return of_vendor[versions.index(where.version)]

    def _pharmacy(self, where: _Where) -> int:
        """The named pharmacy; without a name the median one of those that are active."""
        if not where.pharmacy:
            order = self.world.pharmacy_odds.argsort()
            active = order[self.world.pharmacy_odds[order] > 0]
            return int(active[len(active) // 2])
        if where.pharmacy not in self.world.pharmacies:
            last = self.world.pharmacies[-1]
            choices = (f"one from {self.world.pharmacies[0]} to {last}, or none to have one chosen",)
            raise self._wrong("where.pharmacy", f'"{where.pharmacy}" is no pharmacy of this world', choices)
        return self.world.pharmacies.index(where.pharmacy)

    def _code(self, kind: FaultKind, code: str, operations: tuple[int, ...]) -> int:
        world = self.world
        access = world.is_access(int(world.operation_hub[operations[0]]))
        if not code and kind == "release-breaking":
            code = "400" if access else "SOA-03003"
        if not code:
            # What the endpoint says when it breaks down itself, rather than somebody behind it, where there is such.
            technical = [c for at, c in zip(world.outcome_operation, world.outcome_code, strict=True)
                         if at == operations[0] and world.code_class[c] == 2]  # fmt: skip
            own = [c for c in technical if SIDES[world.code_side[c]] == "hub"]
            return int((own or technical)[-1])
        allowed = [known for known in world.codes if (known.isdigit() and len(known) == 3) == access]
        if code not in allowed:
            raise self._wrong("code", f'"{code}" is no code of this hub', allowed)
        return world.codes.index(code)
