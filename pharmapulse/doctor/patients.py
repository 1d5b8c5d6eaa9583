"""The site key, which patients are hashed under: whether it is there, for this user alone, and moves forward."""

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import ConfigError
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, warn
from pharmapulse.wiring.patients import reads_patients, site_key_file
from store.site_keys import DAY, KEPT_DAYS, read_site_key

NAME = "patients"


def check(house: House) -> Iterable[Finding]:
    """The key, where a format reads patients' numbers."""
    if not reads_patients(house.config):
        yield ok(NAME, "no source's format reads their numbers")
        return
    file = site_key_file(house.config)
    if not house.config.settings.agent.site_key_file and not file.exists():
        yield ok(NAME, f"the log watcher will make {file}")
        return
    try:
        first = read_site_key(file).day
    except ConfigError as error:
        yield fail(NAME, f"{error.file}: {error.problem}", error.mend)
        return
    yield judged(first, int(house.now // DAY), str(file))


def judged(first: int, today: int, file: str) -> Finding:
    """What a key tells that begins on a day (since 1970, UTC)."""
    if first > today:
        return fail(NAME, f"{file}: the key begins {several(first - today, 'day')} from now: no patient is counted",
                    "Look at the clock. Then remove the file, and those of the other agents, or wait")  # fmt: skip
    over = today - KEPT_DAYS - first - 1  # the day that has just ended may wait for the next line
    if over > 0:
        return warn(NAME, f"{file}: keys of {several(over, 'day')} that are over for a week can still be derived",
                    "Start the log watcher, and see its messages; remove the file where none runs")  # fmt: skip
    return ok(NAME, f"{file}: a key for each day since {several(today - first, 'day')}")
