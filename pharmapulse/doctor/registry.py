"""The checks, in the order in which they are told; one line each."""

from __future__ import annotations

from collections.abc import Sequence

from domain.errors import PharmapulseError
from domain.redact import mask_patients
from pharmapulse.doctor import (
    calls,
    clocks,
    disk,
    parts,
    patients,
    people,
    processes,
    publication,
    security,
    settings,
    sources,
    stores,
    transport,
)
from pharmapulse.doctor.finding import Check, Finding, House, fail

CHECKS: tuple[tuple[str, Check], ...] = (
    ("configuration", settings.check),
    ("installed", parts.check),
    ("data directory", disk.check_directory),
    ("disk space", disk.check_space),
    ("state", stores.check_state),
    ("outbox", stores.check_outbox),
    ("ledger", stores.check_ledger),
    ("sources", sources.check),
    ("patients", patients.check),
    ("transport", transport.check),
    ("collector", processes.check_collector),
    ("processes", processes.check_health),
    ("clock", clocks.check),
    ("people", people.check),
    ("security", security.check),
    ("secrets", security.check_secrets),
    ("deferred calls", calls.check),
    ("public page", publication.check),
)


def examine(house: House, checks: Sequence[tuple[str, Check]] = CHECKS) -> list[Finding]:
    """Look at everything. What a check stumbles over is a finding of its own; no patient's number is in any."""
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check(house)
        except PharmapulseError as error:
            found.append(fail(name, str(error), "Mend that, and look again"))
        except OSError as error:
            place = "" if error.filename is None else f"{error.filename}: "
            found.append(fail(name, f"{place}{error.strerror or error}", "Give this user the right to look there"))
    return [Finding(one.check, one.level, mask_patients(one.found), mask_patients(one.mend)) for one in found]
