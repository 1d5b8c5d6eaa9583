"""What is simulated: hubs, operations with their codes, and invented software packages. Data only.

Hubs, endpoints and codes are those of DOMAIN; shares, latencies and error rates are plausible inventions.
"""

from __future__ import annotations

from dataclasses import dataclass

ACCESS_HUBS = frozenset({"mycarenet"})  # their log is an access log, their code an HTTP status


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: its part of all calls (parts of 100, roughly), its latency and its codes.

    The duration of an answered call is log-normal with `median_ms` and `sigma` (of the logarithm).
    `failures` are codes with the share of this endpoint's calls that get them; the rest get `ok`.
    """

    hub: str
    endpoint: str
    share: float
    median_ms: float
    sigma: float
    ok: str
    failures: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Vendor:
    """An invented software package: its part of the pharmacies and its versions in the field, with theirs."""

    name: str
    share: float
    versions: tuple[tuple[str, float], ...]


_TIP = (("TIP_300", 0.004), ("TIP_401", 0.0008), ("TIP_999", 0.0006), ("PCDH_EHEALTH_CONNECTION_ERROR", 0.0003))
_RECIPE = (("ERR200009", 0.006), ("ERR200054", 0.0004), ("ERR500024", 0.0006))
_HTTP = (("400", 0.006), ("403", 0.002), ("500", 0.0006), ("503", 0.0006))
_NO_CONTRACT = (
    ("TIP_ERROR_SERVICEROUTER_EVENT_NOT_FOUND", 0.003),
    ("TIP_ERROR_SERVICEROUTER_LOCATION_NOT_FOUND", 0.001),
)

# A pharmacy without a contract for the service gets these, the others never do.
NO_CONTRACT_CODES = frozenset(code for code, _ in _NO_CONTRACT)

# What calls get that a fault fails, besides the codes of their operation.
FAULT_CODES = ("SOA-02001", "SOA-02002", "SOA-03003", "SOA-03004", "400", "500", "502", "503", "504")
HTTP_CODES = frozenset({"200", "400", "403", "500", "502", "503", "504"})

OPERATIONS = (
    Operation("dpp", "tip.registerData", 21, 85, 0.45, "TIP_200",
              (*_TIP, ("PCDH_ERROR_DISPENSATION_GUID_DUPLICATE", 0.003))),
    Operation("dpp", "tip.updateData", 5, 90, 0.45, "TIP_200",
              (*_TIP, ("PCDH_ERROR_DISPENSATION_OWNER", 0.004), ("ERR400047", 0.002))),
    Operation("dpp", "tip.deleteData", 1, 70, 0.45, "TIP_200", (*_TIP, ("PCDH_ERROR_DISPENSATION_OWNER", 0.006))),
    Operation("dpp", "tip.retrieveStatusMessages", 7, 40, 0.40, "TIP_200", _TIP),
    Operation("dpp", "tip.getSystemServices", 1, 15, 0.35, "TIP_200", _TIP),
    Operation("dpp", "tip.getProductFilter", 2, 25, 0.35, "TIP_200", _TIP),
    Operation("dpp", "pcdh.getData", 13, 210, 0.60, "TIP_200",
              (("PCDH_ERROR_NOT_AUTHORIZED", 0.009), ("PCDH_EHEALTH_CONNECTION_ERROR", 0.0008),
               ("PCDH_ERROR_TECHNICAL", 0.0008))),
    Operation("dpp", "pcdh.getPharmacyDetails", 1, 45, 0.40, "TIP_200",
              (("PCDH_ERROR_NOT_AUTHORIZED", 0.003), ("PCDH_ERROR_TECHNICAL", 0.0008))),
    Operation("recipe", "executor.getPrescriptionForExecutor", 8, 180, 0.55, "OK", _RECIPE),
    Operation("recipe", "executor.listOpenPrescriptions", 6, 260, 0.60, "OK", _RECIPE),
    Operation("recipe", "executor.putRidsInProcess", 2.5, 120, 0.50, "OK", _RECIPE),
    Operation("recipe", "executor.markAsDelivered", 6.5, 140, 0.50, "OK", _RECIPE),
    Operation("recipe", "executor.markAsUnDelivered", 0.3, 140, 0.50, "OK", _RECIPE),
    Operation("recipe", "executor.markAsArchived", 1, 130, 0.50, "OK", _RECIPE),
    Operation("recipe", "executor.revokePrescription", 0.2, 150, 0.50, "OK", _RECIPE),
    Operation("recipe", "executor.getPrescriptionStatus", 1, 90, 0.45, "OK", _RECIPE),
    Operation("recipe", "executor.createFeedback", 0.2, 160, 0.50, "OK", _RECIPE),
    Operation("recipe", "prescriber.createPrescription", 0.3, 320, 0.55, "OK",
              (("ERR200053", 0.008), ("ERR500018", 0.0004), ("ERR500019", 0.0003), ("ERR500020", 0.0003))),
    Operation("ehealth", "sts.RequestSecurityToken", 4, 110, 0.50, "OK",
              (("ERR200031", 0.004), ("ERR200034", 0.003), ("ERR200014", 0.0010))),
    Operation("ehealth", "etk.GetEtk", 2.5, 35, 0.45, "OK",
              (("ERR200007", 0.003), ("ERR200051", 0.002), ("SOA-02001", 0.0006))),
    Operation("ehealth", "kgss.GetKey", 2.5, 40, 0.45, "OK",
              (("ERR200009", 0.003), ("ERR200052", 0.002), ("SOA-02001", 0.0006))),
    Operation("ehealth", "kgss.GetNewKey", 0.7, 55, 0.45, "OK", (("ERR200008", 0.004), ("SOA-02001", 0.0006))),
    Operation("ehealth", "tsa.stamp", 2, 60, 0.50, "OK", (("TIP_ERROR_TIMESTAMP_REFUSED", 0.0012),)),
    Operation("ehealth", "cobrha.consult", 0.4, 95, 0.50, "OK",
              (("SOA-01002", 0.003), ("SOA-03003", 0.003), ("SOA-02002", 0.0010))),
    Operation("ehealth", "idsupport.verifyId", 1.2, 75, 0.50, "OK", (("IDS2.INPUT.54", 0.015), ("SOA-02001", 0.0008))),
    Operation("ehealth", "consent.GetPatientConsent", 1.8, 80, 0.50, "OK",
              (("MH2.ACCESS.8", 0.012), ("SOA-02001", 0.0008))),
    Operation("ehealth", "therlink.HasTherapeuticLink", 1.8, 85, 0.50, "OK",
              (("TL.ACCESS.09", 0.008), ("TL.INPUT.17", 0.004), ("SOA-02002", 0.0008))),
    Operation("raotd", "archivePrescription", 2, 150, 0.55, "OK",
              (*_NO_CONTRACT, ("RAOTD_NO_MANDATE_FOUND", 0.006), ("RAOTD_PRESCRIPTION_ARCHIVE_ERROR", 0.0015))),
    Operation("raotd", "archivePrescriptionComment", 0.2, 120, 0.50, "OK",
              (*_NO_CONTRACT, ("RAOTD_NO_MANDATE_FOUND", 0.006), ("RAOTD_PRESCRIPTION_ARCHIVE_ERROR", 0.0015))),
    Operation("assurpharma", "registerBvac", 1.2, 190, 0.55, "TIP_ASSURALIA_MESSAGE_SENT",
              (*_NO_CONTRACT, ("TIP_ERROR_ASSURALIA_NO_ENCRYPTION_KEY", 0.0020))),
    Operation("mycarenet", "insurability.getInsurabilityForPharmacist", 6.5, 240, 0.60, "200", _HTTP),
    Operation("mycarenet", "tarification.consult", 2, 280, 0.60, "200", _HTTP),
    Operation("mycarenet", "chapter4.consult", 0.8, 300, 0.60, "200", _HTTP),
    Operation("mycarenet", "chapter4.ask", 0.1, 420, 0.60, "200", _HTTP),
)  # fmt: skip

HUBS = ("ehealth", "recipe", "dpp", "raotd", "assurpharma", "mycarenet")

# An access line names no server, so that hub has none.
SERVERS = {"ehealth": 4, "recipe": 3, "dpp": 4, "raotd": 2, "assurpharma": 2, "mycarenet": 0}

VENDORS = (
    Vendor("softa", 24, (("4.2.1", 0.62), ("4.2.0", 0.25), ("4.1.9", 0.13))),
    Vendor("apotica", 18, (("11.3", 0.55), ("11.2", 0.35), ("10.8", 0.10))),
    Vendor("pilulix", 13, (("2026.3", 0.48), ("2026.2", 0.40), ("2025.4", 0.12))),
    Vendor("galenor", 10, (("7.0.4", 0.70), ("7.0.3", 0.22), ("6.9.12", 0.08))),
    Vendor("kruidwerk", 8, (("3.14", 0.58), ("3.13", 0.42))),
    Vendor("recepta", 6, (("5.5.0", 0.50), ("5.4.2", 0.38), ("5.1.0", 0.12))),
    Vendor("posolog", 5, (("1.28.0", 0.66), ("1.27.5", 0.34))),
    Vendor("tisanea", 4, (("8.1", 0.75), ("8.0", 0.25))),
    Vendor("mortaro", 3, (("2.6.0", 0.60), ("2.5.1", 0.40))),
    Vendor("zalfsoft", 2.5, (("19.2", 0.80), ("18.9", 0.20))),
    Vendor("elixo", 2, (("0.9.44", 0.55), ("0.9.43", 0.45))),
    Vendor("cachetta", 1.7, (("6.3", 0.85), ("6.2", 0.15))),
    Vendor("dosimar", 1.3, (("4.0.0", 0.60), ("3.9.9", 0.40))),
    Vendor("balsemia", 0.9, (("12.1.7", 0.72), ("12.1.6", 0.28))),
    Vendor("vijzel", 0.6, (("1.0.3", 0.65), ("1.0.2", 0.35))),
)
