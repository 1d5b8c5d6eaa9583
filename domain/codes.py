"""Result codes: which are the caller's doing, which a component's failure, and whose side they are on.

The table holds DOMAIN's codes. Matching is tolerant of the case; the code itself is kept as it came.
An unknown code is judged by its HTTP status and reported as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

CodeClass = Literal["ok", "functional", "technical"]
Side = Literal["ehealth", "hub", "vendor", "pharmacy", "network", ""]

CLASSES: tuple[CodeClass, ...] = ("ok", "functional", "technical")
SIDES: tuple[Side, ...] = ("ehealth", "hub", "vendor", "pharmacy", "network", "")
SIDE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "ehealth": "eHealth’s side",
        "hub": "the hub’s side",
        "vendor": "the vendors’ side",
        "pharmacy": "the pharmacies’ side",
        "network": "the network’s side",
    }
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a code means: its class, its side, and whether the table knew it."""

    klass: CodeClass
    side: Side
    known: bool


def _rows(klass: CodeClass, side: Side, *codes: str) -> dict[str, Judgement]:
    return {code.upper(): Judgement(klass, side, True) for code in codes}


# One row a class and side; the codes as the hubs write them.
SHIPPED: Mapping[str, Judgement] = {
    **_rows("ok", "", "TIP_200", "TIP_201", "TIP_ASSURALIA_MESSAGE_SENT", "OK", "SUCCESS", "0"),
    **_rows("functional", "pharmacy", "ERR200007", "ERR200008", "ERR200009", "ERR200051", "ERR200052", "ERR200053",
            "TL.ACCESS.09", "TL.INPUT.17", "MH2.ACCESS.8", "IDS2.INPUT.54", "TIP_300", "TIP_301", "ERR400047",
            "PCDH_ERROR_DISPENSATION_GUID_DUPLICATE", "PCDH_ERROR_DISPENSATION_OWNER", "PCDH_ERROR_NOT_AUTHORIZED",
            "RAOTD_NO_MANDATE_FOUND", "TIP_ERROR_SERVICEROUTER_EVENT_NOT_FOUND",
            "TIP_ERROR_SERVICEROUTER_LOCATION_NOT_FOUND", "TIP_3004", "117", "120", "140", "141", "157", "181",
            "SOA-01001", "SOA-01002"),
    **_rows("functional", "vendor", "SOA-03001", "SOA-03002", "SOA-03003", "SOA-03004", "SOA-03005", "SOA-03006",
            "SOA-03007", "ERR200031", "ERR200034", "TIP_401"),
    **_rows("technical", "vendor", "ERR200054"),
    **_rows("technical", "ehealth", "SOA-02001", "SOA-02002", "ERR200014", "TIP_ERROR_TIMESTAMP_REFUSED",
            "PCDH_EHEALTH_CONNECTION_ERROR"),
    **_rows("technical", "hub", "SOA-00001", "ERR500018", "ERR500019", "ERR500020", "ERR500024", "TIP_999",
            "PCDH_ERROR_TECHNICAL", "RAOTD_PRESCRIPTION_ARCHIVE_ERROR", "TIP_ERROR_ASSURALIA_NO_ENCRYPTION_KEY"),
    # A call whose end was never written: what became of it, and where, nobody said.
    **_rows("technical", "", "NO_END"),
    # The words of logs that have a level and no code.
    **_rows("ok", "", "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING"),
    **_rows("technical", "hub", "ERROR", "SEVERE", "FATAL", "CRIT", "CRITICAL", "ALERT", "EMERG", "EMERGENCY"),
}  # fmt: skip

# The codes that make a pharmacy switch to the business continuity plan.
CONTINUITY_CODES = frozenset({"SOA-01001", "SOA-01002", "SOA-02001", "SOA-02002"})


def judge(code: str, status: int | None, table: Mapping[str, Judgement] = SHIPPED) -> Judgement:
    """Class and side of `code`, which came with HTTP `status` (None where there is none).

    No code and no status is ok: the line says that a call completed and nothing against it.
    A three-digit code that is itself an HTTP status is judged as one. An unknown code is judged by the
    status: 5xx technical, 4xx functional, else ok; without a status functional (DESIGN 3).
    """
    if not code:
        return _by_status(status, known=True) if status is not None else Judgement("ok", "", True)
    if (found := table.get(code.upper())) is not None:
        return found
    if status is not None:
        return _by_status(status, known=code == str(status))
    return Judgement("functional", "", False)


def _by_status(status: int, *, known: bool) -> Judgement:
    if status >= 500:
        return Judgement("technical", "hub", known)
    if status >= 400:
        return Judgement("functional", "pharmacy", known)
    return Judgement("ok", "", known)
