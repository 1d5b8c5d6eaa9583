"""The planted patients: numbers that look real, were never issued, and must never leave a line.

Each has the sequence 999, which no register gives out, and right check digits. About one in twenty is a BIS
number. A line carries its patient in one of the disguises seen in hub logs.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from domain.identifiers import mod97
from simulator.world import generator

POOL_SIZE = 20_000
LINES_WITH_PATIENT = 0.3
_OLDEST = date(1926, 1, 1)
_DAYS = (date(2026, 1, 1) - _OLDEST).days
_SEQUENCE = "999"


@lru_cache(maxsize=4)
def pool(seed: int) -> list[str]:
    """The patients of a seed: distinct valid numbers of eleven digits."""
    random = generator(seed, 6)
    born = random.permutation(_DAYS)[:POOL_SIZE].tolist()
    bis = (random.random(POOL_SIZE) < 0.05).tolist()
    return [_number(_OLDEST + timedelta(days=days), 20 * is_bis) for days, is_bis in zip(born, bis, strict=True)]


def _number(born: date, month_shift: int) -> str:
    body = f"{born:%y}{born.month + month_shift:02d}{born:%d}{_SEQUENCE}"
    check = mod97(("2" if born.year >= 2000 else "") + body)
    return f"{body}{check:02d}"


# How a hub's message carries the number: `{glued}` 50010199928, `{dotted}` 50.01.01-999.28, `{spaced}`.
IN_MESSAGE = (
    "PatientId : {glued}PatientIdType",
    "forwarded to /pcdh/subject/{glued}/medicationhistory",
    "INSZ {dotted} gevonden in register",
    "SSIN={glued} consent checked",
    "dossier du patient '{glued}' verrouille",
    "patient {spaced} niet teruggevonden",
    "NISS:{dotted};retry=0",
)

# How an access line's path carries it.
IN_PATH = ("/subject/{glued}/", "?ssin={glued}", "/subject/{dotted}", "?insz={dotted}&lang=nl")


@lru_cache(maxsize=4)
def disguised(seed: int, templates: tuple[str, ...]) -> list[list[str]]:
    """For each template, its text for each patient of the pool."""
    shapes = [
        {
            "glued": n,
            "dotted": f"{n[:2]}.{n[2:4]}.{n[4:6]}-{n[6:9]}.{n[9:]}",
            "spaced": f"{n[:2]} {n[2:4]} {n[4:6]} {n[6:9]} {n[9:]}",
        }
        for n in pool(seed)
    ]
    return [[template.format(**shape) for shape in shapes] for template in templates]
