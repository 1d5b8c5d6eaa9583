"""The log that `make bench` measures on: hub calls as logfmt, the same bytes for the same number of lines.

5,000 pharmacies of very unequal size, 45 endpoints, 15 vendors, 40 codes, 12 servers; lines of about 184 bytes;
0.1 % of them malformed; 30 % with a patient number (synthetic: sequence 999 is never issued) in one of the
disguises hubs are known for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from domain.codes import SHIPPED
from domain.identifiers import mod97, pharmacy_number

BLOCK = 200_000
MALFORMED_SHARE = 0.001
PATIENT_SHARE = 0.3
CALLS_A_SECOND = 80
START = datetime(2026, 11, 16, 6, 0)  # local wall-clock time; the offset is written beside it  # noqa: DTZ001

ENDPOINTS = {
    "dpp": (
        "tip.registerData tip.updateData tip.deleteData tip.retrieveStatusMessages tip.getSystemServices "
        "tip.getProductFilter pcdh.getData pcdh.getMedicationHistory pcdh.getMedicationScheme "
        "pcdh.getPharmacyDetails tip.getServiceStatus"
    ),
    "ehealth": (
        "sts.RequestSecurityToken etk.GetEtk kgss.GetKey kgss.GetNewKey tsa.stamp tsa.verify cobrha.consult "
        "idsupport.verifyId consent.GetPatientConsent consent.PutPatientConsent therlink.HasTherapeuticLink "
        "therlink.GetTherapeuticLink therlink.PutTherapeuticLink"
    ),
    "recipe": (
        "executor.getPrescriptionForExecutor executor.listOpenPrescriptions executor.putRidsInProcess "
        "executor.markAsDelivered executor.markAsUnDelivered executor.markAsArchived executor.revokePrescription "
        "executor.getPrescriptionStatus executor.createFeedback prescriber.createPrescription "
        "prescriber.listFeedback"
    ),
    "raotd": "archivePrescription archivePrescriptionComment",
    "assurpharma": "registerBvac cancelBvac",
    "mycarenet": (
        "insurability.getInsurabilityForPharmacist tarification.consult tarification.cancel chapter4.consult "
        "chapter4.ask chapter4.close"
    ),
}
VENDORS = tuple(f"soft{letter}" for letter in "abcdefghijklmno")
VERSIONS = ("4.2.1", "4.2.0", "4.1.7", "3.9.12")
SERVERS_A_HUB = 2
CODES = ("TIP_200", "TIP_201", *[code for code in SHIPPED if code not in ("TIP_200", "TIP_201")])[:40]
PHARMACIES = tuple(pharmacy_number(body) for body in range(17, 5_000 * 17 + 1, 17))


def write_log(path: Path, lines: int, seed: int = 1) -> None:
    """Write a log of so many lines; it gets its name once it is whole."""
    draft = path.with_suffix(".draft")
    with draft.open("wb") as out:
        for block in _blocks(lines, seed):
            out.write(block)
    draft.replace(path)


def _blocks(lines: int, seed: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    endpoints = [(hub, op) for hub, ops in ENDPOINTS.items() for op in ops.split()]
    shares = {
        "endpoint": _unequal(len(endpoints), 0.9),
        "pharmacy": _unequal(len(PHARMACIES), 0.6),
        "vendor": _unequal(len(VENDORS), 1.0),
        "version": _unequal(len(VERSIONS), 1.5),
        "code": _codes(),
    }
    hubs = pl.Series([f"{hub}-{number:02d}" for hub, _ in endpoints for number in range(1, SERVERS_A_HUB + 1)])
    ops = pl.Series([op for _, op in endpoints])
    messages = pl.Series(list(_messages(rng)))
    for begin in range(0, lines, BLOCK):
        count = min(BLOCK, lines - begin)
        picked = {name: rng.choice(len(share), count, p=share) for name, share in shares.items()}
        milliseconds = begin * 1000 // CALLS_A_SECOND + np.sort(
            rng.integers(0, count * 1000 // CALLS_A_SECOND + 1, count)
        )
        server = picked["endpoint"] * SERVERS_A_HUB + rng.integers(0, SERVERS_A_HUB, count)
        message = np.where(rng.random(count) < PATIENT_SHARE, rng.integers(1, len(messages), count), 0)
        frame = pl.DataFrame(
            {
                "ts": pl.Series(np.datetime64(START, "ms") + milliseconds),
                "server": hubs.gather(server),
                "op": ops.gather(picked["endpoint"]),
                "client": pl.Series(VENDORS).gather(picked["vendor"]),
                "version": pl.Series(VERSIONS).gather(picked["version"]),
                "apb": pl.Series(PHARMACIES).gather(picked["pharmacy"]),
                "code": pl.Series(CODES).gather(picked["code"]),
                "dt": rng.lognormal(np.log(90), 0.7, count).astype(np.int64),
                "sguid": pl.Series(_guids(rng, count)),
                "msg": messages.gather(message),
            }
        )
        text = frame.select(
            pl.format(
                "ts={}+01:00 level=INFO server={} op={} client={} version={} apb={} code={} dt={} sguid={} msg={}",
                pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.3f"), "server", "op", "client", "version", "apb",
                "code", "dt", "sguid", "msg",
            )
        ).to_series().to_list()  # fmt: skip
        for at in np.flatnonzero(rng.random(count) < MALFORMED_SHARE).tolist():
            text[at] = _spoilt(text[at], at)
        yield "\n".join(text).encode() + b"\n"


def _unequal(count: int, exponent: float) -> npt.NDArray[np.float64]:
    """Shares that fall with the rank, as sizes of pharmacies and vendors do."""
    weights = 1.0 / np.arange(1, count + 1) ** exponent
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


def _codes() -> npt.NDArray[np.float64]:
    """Nineteen calls of twenty succeed; the rest is shared by the other codes."""
    return np.concatenate([[0.9, 0.05], 0.05 * _unequal(len(CODES) - 2, 1.0)])


def _guids(rng: np.random.Generator, count: int) -> list[str]:
    text = rng.bytes(8 * count).hex()
    return [text[at : at + 16] for at in range(0, len(text), 16)]


def _messages(rng: np.random.Generator) -> Iterator[str]:
    """The message without a patient, then three disguises of many patients."""
    yield '"accepted"'
    for days in rng.integers(0, 25_000, 4_000).tolist():
        body = f"{date(1930, 1, 1) + timedelta(days=days):%y%m%d}999"
        niss = f"{body}{mod97(body):02d}"
        yield f'"PatientId : {niss}PatientIdType"'
        yield f'"GET /subject/{niss}/"'
        yield f'"niss {niss[:2]}.{niss[2:4]}.{niss[4:6]}-{niss[6:9]}.{niss[9:]}"'


def _spoilt(line: str, at: int) -> str:
    """A line cut off inside its time, or one whose time cannot be read."""
    return line[: 4 + at % 18] if at % 2 else line.replace("ts=2026-11-", "ts=2026-13-", 1)


if __name__ == "__main__":
    write_log(Path(sys.argv[1]), int(sys.argv[2]))
