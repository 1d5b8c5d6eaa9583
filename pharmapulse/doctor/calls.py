"""The deferred calls: queues that were forgotten, calls that no target took, a drain that is silent."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from deferred.service import LATE_SECONDS
from pharmapulse import wiring
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, span, warn
from pharmapulse.doctor.stores import database
from pharmapulse.wiring.calls import key_place
from store.keys import CREDENTIAL
from store.looking import QueueFacts, look_at_deferred, look_at_key

NAME = "deferred calls"
FORGOTTEN_SECONDS = 4 * 3_600.0


def check(house: House) -> Iterable[Finding]:
    """The queues of the targets."""
    targets = house.config.settings.deferred.targets
    path = house.places.deferred / "queue.db"
    if not path.exists():
        if targets:
            yield warn(NAME, f"{path} is not there yet: the gateway has not run here",
                       f"pharmapulse deferred --config {house.file}")  # fmt: skip
        return
    facts, queues, pulse = look_at_deferred(path)
    bad = database(NAME, path, facts)
    if bad is not None:
        yield bad
        return
    found = list(_keys(house, path))
    found += list(judged(queues, pulse, wiring.clock(house.config)[0].now(), {one.name for one in targets}, house.file))
    yield from found
    if not found:
        yield ok(NAME, f"{several(sum(queue.waiting for queue in queues), 'call waits', 'calls wait')}, none is dead")


def _keys(house: House, path: Path) -> Iterable[Finding]:
    """Targets whose key is lost or wrong. A credential is seen only by the process that systemd gives it to."""
    for target in house.config.settings.deferred.targets:
        if target.key_file.startswith(CREDENTIAL) and "CREDENTIALS_DIRECTORY" not in os.environ:
            continue
        why = look_at_key(path, target.name, key_place(house.config, target))
        if why:
            yield fail(NAME, f"calls for {target.name} are neither taken nor let out: {why}",
                       f"pharmapulse deferred --config {house.file}, once the key is back")  # fmt: skip


def judged(
    queues: Sequence[QueueFacts], pulse: float | None, now: float, targets: set[str], file: str
) -> Iterable[Finding]:
    """What is not as it should be."""
    for queue in queues:
        if queue.held_since is not None and now - queue.held_since > FORGOTTEN_SECONDS:
            whose = f"by {queue.held_by or 'somebody'} ({queue.reason or 'no reason given'})"
            waiting = several(queue.waiting, "call waits", "calls wait")
            yield warn(NAME, f"{queue.target} is held for {span(now - queue.held_since)} {whose}, and {waiting}",
                       f"pharmapulse queue resume {queue.target} --config {file}")  # fmt: skip
        if queue.dead:
            yield warn(NAME, f"{queue.target} will never take {several(queue.dead, 'call')}: set aside as dead",
                       "Ask the hub why: the log of the drain names its answers")  # fmt: skip
        if queue.waiting and queue.target not in targets:
            yield fail(NAME, f"{several(queue.waiting, 'call waits', 'calls wait')} for {queue.target}, which is no "
                       "target any more", f'Add [[deferred.targets]] with name = "{queue.target}" again')  # fmt: skip
    if any(queue.waiting for queue in queues) and (pulse is None or now - pulse > LATE_SECONDS):
        ago = "has never run" if pulse is None else f"is silent for {span(now - pulse)}"
        yield fail(NAME, f"the drain {ago}, and calls wait", f"pharmapulse deferred --config {file}")
