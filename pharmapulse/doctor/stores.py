"""State, outbox and ledger: there, whole, of a version this program reads, and not in a stranger's hands."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pharmapulse.doctor.finding import Finding, House, fail, ok, several, warn
from store.looking import DatabaseFacts, Holder, lock_holder, look_at_ledger, look_at_outbox, look_at_state

STATE, OUTBOX, LEDGER = "state", "outbox", "ledger"
MANY_BATCHES = 100


def check_state(house: House) -> Iterable[Finding]:
    """The database of state."""
    path = state_file(house)
    if not path.exists():
        yield warn(STATE, f"{path} is not there yet: made at the first start", f"pharmapulse run --config {house.file}")
        return
    facts = look_at_state(path)
    bad = database(STATE, path, facts)
    if bad is not None:
        yield bad
    elif not os.access(path, os.W_OK):
        yield fail(STATE, f"{path} cannot be written by this user", "Give the file to the user that runs pharmapulse")
    else:
        yield ok(STATE, f"{path}, revision {facts.version}")


def state_file(house: House) -> Path:
    """The file of the state."""
    url = house.config.settings.state.url
    return Path(url.removeprefix("sqlite:///")) if url else house.places.state


def database(check: str, path: Path, facts: DatabaseFacts) -> Finding | None:
    """What is wrong with a database; None where nothing is."""
    if facts.damage:
        return fail(check, f"{path} is damaged: {facts.damage}", "Stop what uses it, and restore it from the backup")
    if not facts.known:
        return fail(check, f"{path} has version {facts.version}, and this program knows up to {facts.newest}",
                    "Install the newer program again, or restore the copy made before it was installed")  # fmt: skip
    if facts.version != facts.newest:
        coming = f"brought to {facts.newest} at the next start, after a copy"
        return warn(check, f"{path} has version {facts.version or 'none'}: {coming}", "Start pharmapulse once")
    return None


def held(check: str, lock: Path, holder: Holder | None) -> Finding | None:
    """What is wrong with who holds a store; None where nothing is."""
    words = holder.command.split() if holder is not None else []
    if holder is None or not words or any(Path(word).name == "pharmapulse" for word in words):
        return None
    return fail(check, f"{lock} is held by process {holder.pid}, which is none of ours: {words[0]}",
                f"Find out what it does there, and stop it: ps -f {holder.pid}")  # fmt: skip


def check_outbox(house: House) -> Iterable[Finding]:
    """The log watcher's checkpoint and waiting batches."""
    path = house.places.outbox
    if not path.exists():
        if house.config.settings.sources:
            yield warn(OUTBOX, f"{path} is not there yet: the log watcher has not run here",
                       f"pharmapulse logwatch --config {house.file}")  # fmt: skip
        return
    facts = look_at_outbox(path)
    lock = path.with_name(path.name + ".lock")
    name = house.config.settings.agent.name
    bad = database(OUTBOX, path, facts.database) or held(OUTBOX, lock, lock_holder(lock))
    if bad is not None:
        yield bad
    if facts.agent not in ("", name):
        yield fail(OUTBOX, f"{path} belongs to the agent {facts.agent}, not {name}", f'agent.name = "{facts.agent}"')
    elif facts.waiting > MANY_BATCHES:
        yield warn(OUTBOX, f"{several(facts.waiting, 'batch', 'batches')} wait for the receiver",
                   "See what is found of the transport")  # fmt: skip
    elif bad is None:
        yield ok(OUTBOX, f"{path}, {several(facts.waiting, 'batch waits', 'batches wait')}")


def check_ledger(house: House) -> Iterable[Finding]:
    """The collector's book of cells."""
    directory = house.places.ledger
    if not (directory / "manifest.sqlite").exists():
        yield warn(LEDGER, f"{directory} is not there yet: the collector has not run here",
                   f"pharmapulse collector --config {house.file}")  # fmt: skip
        return
    facts = look_at_ledger(directory)
    lock = directory / "lock"
    bad = database(LEDGER, directory / "manifest.sqlite", facts.database) or held(LEDGER, lock, lock_holder(lock))
    if bad is not None:
        yield bad
    if facts.missing:
        yield fail(LEDGER, f"{several(len(facts.missing), 'hour file')} missing, the first {facts.missing[0]}",
                   f"Restore {directory / 'hours'} from the backup")  # fmt: skip
    if facts.aside:
        yield warn(LEDGER, f"{several(facts.aside, 'batch', 'batches')} set aside in {directory / 'bad'}",
                   "Have their agents send them again, then remove the files")  # fmt: skip
    if bad is None and not facts.missing and not facts.aside:
        yield ok(LEDGER, f"{directory}, {several(facts.hours, 'hour file')}")
