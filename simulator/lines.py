"""Calls into log lines: the calls log of most hubs (logfmt) and the access log of the others.

Lines are rendered a slice at a time from the slice's own generator, whatever part of it is then written:
so a line's bytes depend on nothing but the world, the scenario and its call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np

from domain.calendar import BRUSSELS
from simulator.faults import Scenario
from simulator.patients import IN_MESSAGE, IN_PATH, LINES_WITH_PATIENT, POOL_SIZE, disguised
from simulator.traffic import Calls, calls_of_slice, slices
from simulator.world import World, generator

_US = 1_000_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

PLAIN_MESSAGES = (
    "The response code: {code} is returned from TIP System.",
    "verwerking beëindigd, antwoord verstuurd naar apotheek",
    "traitement terminé, réponse envoyée à la pharmacie",
    "request handled, response sent",
    "bericht doorgestuurd, wachtrij leeg",
    "message transmis, file d'attente vide",
)


@dataclass(frozen=True, slots=True)
class HubLines:
    """The lines of one hub in one slice: completion of each in epoch µs, ascending, and the line with its end."""

    times: list[int]
    lines: list[bytes]


@dataclass(frozen=True, slots=True)
class SliceLines:
    """A slice's calls and, for each hub by index, its lines."""

    calls: Calls
    hubs: tuple[HubLines, ...]


def file_name(world: World, hub: int) -> str:
    """The name of a hub's log file."""
    return f"{world.hubs[hub]}-{'access' if world.is_access(hub) else 'calls'}.log"


def rendered(world: World, scenario: Scenario, start: float, end: float) -> Iterator[SliceLines]:
    """The calls and lines of the slices that touch a span, whole slices."""
    for number in slices(start, end):
        yield render_slice(world, number, calls_of_slice(world, scenario, number))


def render_slice(world: World, number: int, calls: Calls) -> SliceLines:
    """The lines of all calls of a slice; `calls` must be the whole slice."""
    random = generator(world.seed, 12, number)
    count = len(calls)
    carries = random.random(count) < LINES_WITH_PATIENT
    patients = np.where(carries, random.integers(0, POOL_SIZE, count), -1).tolist()
    choices = random.integers(0, 1 << 30, count).tolist()
    guids = random.bytes(16 * count).hex()
    operations = [
        (hub, endpoint, world.is_access(hub), world.servers[hub])
        for hub, endpoint in zip(world.operation_hub.tolist(), world.endpoints, strict=True)
    ]
    clients = [
        (world.vendors[vendor], version)
        for vendor, version in zip(world.version_vendor.tolist(), world.versions, strict=True)
    ]
    messages, paths = disguised(world.seed, IN_MESSAGE), disguised(world.seed, IN_PATH)
    plain = _plain_messages(world.codes)
    level = ["INFO", "WARN", "ERROR"]
    levels = [level[klass] for klass in world.code_class.tolist()]
    hubs = tuple(HubLines([], []) for _ in world.hubs)
    columns = zip(
        calls.time_us.tolist(),
        calls.operation.tolist(),
        calls.pharmacy.tolist(),
        world.pharmacy_version[calls.pharmacy].tolist(),
        calls.server.tolist(),
        calls.code.tolist(),
        calls.duration_us.tolist(),
        calls.seen_us.tolist(),
        patients,
        choices,
        strict=True,
    )
    for row, (time, operation, pharmacy, version, server, code, duration, seen, patient, choice) in enumerate(columns):
        hub, endpoint, access, servers = operations[operation]
        vendor, release = clients[version]
        apb, text = world.pharmacies[pharmacy], world.codes[code]
        if access:
            where = "" if patient < 0 else paths[choice % len(paths)][patient]
            line = (
                f"10.{choice & 3}.{pharmacy >> 8 & 255}.{pharmacy & 255} - {apb} [{_clf((seen - duration) // _US)}] "
                f'"POST /mycarenet/{endpoint}{where} HTTP/1.1" {text} {600 + (choice >> 12 & 4095)} "-" '
                f'"{vendor}/{release}" {duration}\n'
            )
        else:
            said = plain[code][choice % len(plain[code])] if patient < 0 else messages[choice % len(messages)][patient]
            whole, offset = _local_second(seen // _US)
            line = (
                f"ts={whole}.{seen // 1_000 % 1_000:03d}{offset} level={levels[code]} server={servers[server]} "
                f"op={endpoint} client={vendor} version={release} apb={apb} code={text} dt={duration // 1_000} "
                f'sguid={guids[row * 32 : row * 32 + 32]} msg="{said}"\n'
            )
        hubs[hub].times.append(time)
        hubs[hub].lines.append(line.encode())
    return SliceLines(calls, hubs)


@lru_cache(maxsize=4)
def _plain_messages(codes: tuple[str, ...]) -> list[list[str]]:
    return [[message.format(code=code) for message in PLAIN_MESSAGES] for code in codes]


@lru_cache(maxsize=4_096)
def _local_second(second: int) -> tuple[str, str]:
    """`2026-11-22T10:36:12` and `+01:00` of an epoch second."""
    local = datetime.fromtimestamp(second, BRUSSELS).isoformat()
    return local[:19], local[19:]


@lru_cache(maxsize=4_096)
def _clf(second: int) -> str:
    """`22/Nov/2026:10:36:12 +0100` of an epoch second; English months whatever the locale."""
    local = datetime.fromtimestamp(second, BRUSSELS)
    return f"{local.day:02d}/{_MONTHS[local.month - 1]}/{local:%Y:%H:%M:%S %z}"
