"""A stamp in ms or ns is never taken for a patient, whatever its disguise; a patient's number always is masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settings import Fields, Format, Pair, TimeField
from logwatch.catalog import shipped
from logwatch.examples import failures
from logwatch.reader import Reader
from logwatch.registry import Registry
from tests.logwatch.some import NOW, DayKeys, bounded

MASK = "[patient]"
PATIENT = "50010199928"
# Any moment that a log may be of, from 2001 to 2286, in each unit that is written.
_SECONDS = st.integers(1_000_000_000, 9_999_999_999)
_UNITS = st.sampled_from([10**3, 10**6, 10**9])
_WAYS = st.sampled_from(
    ["{}", "id={}", "a{}b", "/subject/{}/", "start[{}]", "t:{}", "{}ms", "x-{}-y", "PERF{}", "({})", "{},{}", "_{}_"]
)
_FRACTIONS = st.sampled_from(["{s}.{ms:03d}", "{s}.{ns:09d}", "{s}-{ms:03d}", "{s} {ns:09d}"])
FORM = Format(
    kind="logfmt",
    time=TimeField(field="ts"),
    fields=Fields(endpoint="op", vendor="v", code="code", server="s", duration_ns="dt", patient="who"),
)


def keys_of(line: str) -> list[str]:
    """Every key that one line gives, and the hash of its patient, if any."""
    registry = Registry(10)
    reading = Reader(FORM, registry, patients=DayKeys()).read(line.encode(), NOW)
    assert reading.accounting.malformed == 0
    found = [registry.dictionaries[key].values[int(ids[0])] for key, ids in reading.events.ids.items()
             if key in registry.dictionaries and len(ids)]  # fmt: skip
    patients = reading.events.patients
    return found + (["patient"] if patients is not None and len(patients) and int(patients[0]) else [])


@given(_SECONDS, _UNITS, st.integers(0, 10**9 - 1), _WAYS)
@bounded(500)
def test_a_stamp_is_no_patient_in_any_key(second: int, unit: int, part: int, way: str) -> None:
    stamp = str(second * unit + part % unit)
    text = way.replace("{}", stamp)
    found = keys_of(f"ts=1795340172 op={text} v={text} code={text} s={text} who={text} dt={stamp}\n")
    assert not [key for key in found if MASK in key or key == "patient"]


@given(_SECONDS, st.integers(0, 10**9 - 1), _FRACTIONS)
@bounded(500)
def test_nor_is_one_with_a_fraction(second: int, part: int, way: str) -> None:
    stamp = way.format(s=second, ms=part // 10**6, ns=part)
    found = keys_of(f'ts=1795340172 op="{stamp}" v="at {stamp}" who="{stamp}"\n')
    assert not [key for key in found if MASK in key or key == "patient"]


@given(_SECONDS, _UNITS)
@bounded(200)
def test_fields_of_times_ids_and_numbers_leave_nothing_to_mask(second: int, unit: int) -> None:
    stamp = second * unit
    pair = Format(
        kind="pair", inner="logfmt", time=TimeField(field="ts"), fields=Fields(endpoint="op"),
        pair=Pair(id="id", starts="ev=s", ends="ev=e"),
    )  # fmt: skip
    reader = Reader(pair, Registry(10), secret=b"k")
    reading = reader.read(f"ts=1795340172 ev=s id={stamp} op=a\nts=1795340173 ev=e id={stamp}\n".encode(), NOW)
    assert (reading.accounting.events, reading.accounting.continuations) == (1, 1)
    assert reader.pairing is not None
    reader.read(f"ts=1795340172 ev=s id={PATIENT} op=a\n".encode(), NOW)
    [waiting], _ = reader.pairing.changes()
    assert PATIENT not in repr(waiting)


@pytest.mark.parametrize("way", ["{}", "PatientId:{}PatientIdType", "/subject/{}/", "a {} b"])
@pytest.mark.parametrize("number", [PATIENT, "50.01.01-999.28", "50 01 01 999 28"])
def test_a_patients_number_is_masked_and_counted(way: str, number: str) -> None:
    text = way.replace("{}", number)
    found = keys_of(f'ts=1795340172 op="{text}" v="{text}" who="{text}"\n')
    assert sum(MASK in key for key in found) == 2
    assert "patient" in found
    assert not any(PATIENT in key or number in key for key in found)


def test_the_shipped_formats_examples_hold_stamps_that_stay() -> None:
    assert not failures(shipped()["hub-perflog"], {}, "formats.hub-perflog", NOW)
