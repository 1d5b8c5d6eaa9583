"""Names in times: months in four languages, and zones; by our own tables, so that no machine's locale matters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Each month as English, French, Dutch and German write it, long and short; without the dot that may follow.
_MONTHS = (
    "january janvier januari januar jan janv jän jänner",
    "february février februari februar feb févr fév fevrier fevr fev",
    "march mars maart märz mar mrt maa mrz mär maerz",
    "april avril apr avr",
    "may mai mei",
    "june juin juni jun",
    "july juillet juli jul juil",
    "august août augustus aug aout aoû",
    "september septembre sep sept",
    "october octobre oktober oct okt",
    "november novembre nov",
    "december décembre dezember dec déc dez decembre",
)
MONTHS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}

# Minutes east of UTC. Names that mean several zones (IST, AST) are not here.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "MET": 60, "MEZ": 60,
    "CEST": 120, "MEST": 120, "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540,
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}  # fmt: skip


@lru_cache(maxsize=256)
def month_of(name: str) -> int | None:
    """The month of a name in any case, with or without its dot; None when it is none."""
    return MONTHS.get(unicodedata.normalize("NFC", name).casefold().removesuffix("."))


def zone_minutes(zone: str) -> int | None:
    """Minutes east of UTC of a named zone or of an offset such as `+01:00` or `+0100`; None when it is neither."""
    if zone[:1] in ("+", "-"):
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        return -minutes if zone[0] == "-" else minutes
    return ZONES.get(zone)
