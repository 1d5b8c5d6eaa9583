"""The way of batches: whether it is open, whether they pile up on it, whether some were set aside."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from domain.carried import BUNDLE_SUFFIX
from domain.errors import TransportError
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, span, warn
from transport.addresses import scheme, spool_directory
from transport.looking import BrokerFacts, look_at_broker, look_at_https

NAME = "transport"
OLD_SECONDS = 600.0
MANY_BATCHES = 1_000


def check(house: House) -> Iterable[Finding]:
    """The transport of the configuration, and the spool that the collector keeps beside the others."""
    settings, base = house.config.settings.transport, house.config.file.parent
    kind = scheme(settings.url)
    if kind == "spool":
        yield from check_spool(base / spool_directory(settings.url) if settings.url else house.places.spool, house)
        return
    if kind == "bundle":
        yield from _check_bundles(base / spool_directory(settings.url))
        if house.places.spool.exists() and (house.places.spool / "batches").exists():
            yield from check_spool(house.places.spool, house)
        return
    try:
        if kind == "https":
            yield ok(NAME, f"the collector at {look_at_https(settings, base)} answers")
        else:
            yield from judged_broker(look_at_broker(settings, base), settings.queue)
    except TransportError as error:
        mend = "See whether it runs and a firewall lets this machine through; transport.url, transport.ca_file"
        yield fail(NAME, str(error), mend)
    if house.places.spool.exists():
        yield from check_spool(house.places.spool, house)


def _check_bundles(directory: Path) -> Iterable[Finding]:
    """Where bundles are put and looked for: a stick may well be elsewhere just now."""
    if not directory.is_dir():
        yield warn(NAME, f"{directory} is not there: bundles are put there, or looked for",
                   "Put the medium in, or make the directory")  # fmt: skip
        return
    bundles = sum(1 for entry in os.scandir(directory) if entry.name.endswith(BUNDLE_SUFFIX))
    yield ok(NAME, f"carried by hand: {several(bundles, 'bundle')} in {directory}")


def check_spool(directory: Path, house: House) -> Iterable[Finding]:
    """A spool in a directory."""
    batches, bad = directory / "batches", directory / "bad"
    if not batches.exists():
        yield warn(NAME, f"{directory} is not there yet: made at the first start",
                   f"pharmapulse run --config {house.file}")  # fmt: skip
        return
    if not all(os.access(folder, os.R_OK | os.W_OK | os.X_OK) for folder in (batches, bad, directory / "unfinished")):
        yield fail(NAME, f"{directory} cannot be written by this user", f"chown -R USER {directory}")
        return
    aside = sum(1 for _ in bad.iterdir())
    if aside:
        yield warn(NAME, f"{several(aside, 'file')} set aside in {bad}: what cannot be read, or has a wrong name",
                   "Look at them; move those that are made good again back to batches/, or remove them")  # fmt: skip
    waiting = [entry.stat().st_mtime for entry in os.scandir(batches) if not entry.name.startswith(".")]
    age = max((house.now - time for time in waiting), default=0.0)
    told = f"{directory}: {several(len(waiting), 'batch waits', 'batches wait')}"
    if age > OLD_SECONDS or len(waiting) > MANY_BATCHES:
        yield warn(NAME, f"{told}, the oldest for {span(age)}", f"pharmapulse collector --config {house.file}")
    elif not aside:
        yield ok(NAME, told)


def judged_broker(facts: BrokerFacts, queue: str) -> Iterable[Finding]:
    """Whether a broker's queues are as they should be."""
    if not facts.may_look:
        yield ok(NAME, "the broker answers; how much waits there is not this user's to know")
        return
    if facts.waiting is None:
        yield warn(NAME, f'the broker answers, and has no queue "{queue}" yet', "Start the collector, which makes it")
        return
    if facts.bad:
        yield warn(NAME, f'{several(facts.bad, "message")} set aside in the queue "{queue}.bad"',
                   "Look at them in the broker's management, and purge the queue")  # fmt: skip
    if facts.waiting > MANY_BATCHES:
        yield warn(NAME, f"{facts.waiting} batches wait at the broker", "See whether the collector runs and keeps up")
    elif not facts.bad:
        yield ok(NAME, f"the broker answers; {several(facts.waiting, 'batch waits', 'batches wait')}")
