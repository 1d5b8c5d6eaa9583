"""The world and its patients."""

import numpy as np
import pytest

from domain.errors import UsageError
from domain.identifiers import valid_niss, valid_pharmacy
from domain.redact import has_patient, mask_patients
from simulator.catalogue import OPERATIONS, VENDORS
from simulator.patients import IN_MESSAGE, IN_PATH, disguised, pool
from simulator.world import build_world


def test_pharmacies_are_valid_synthetic_and_skewed() -> None:
    world = build_world(3)
    assert len(set(world.pharmacies)) == 5_000
    assert all(valid_pharmacy(number) and number.startswith("0") for number in world.pharmacies)
    assert "00012371" in world.pharmacies
    active = world.pharmacy_odds > 0
    assert 0.92 < active.mean() < 0.96
    assert np.sort(world.pharmacy_odds)[-500:].sum() > 0.25  # a tenth of them makes over a quarter of the calls


def test_every_hub_and_endpoint_and_fifteen_unequal_vendors_with_versions() -> None:
    assert {operation.hub for operation in OPERATIONS} == set(build_world().hubs)
    assert len({operation.endpoint for operation in OPERATIONS}) == len(OPERATIONS)
    assert len(VENDORS) == len({vendor.name for vendor in VENDORS}) == 15
    assert VENDORS[0].share > 20 * VENDORS[-1].share
    assert all(len(vendor.versions) > 1 for vendor in VENDORS)


def test_a_small_world_is_the_beginning_of_a_large_one() -> None:
    small, large = build_world(5, pharmacies=300), build_world(5, pharmacies=5_000)
    assert small.pharmacies == large.pharmacies[:300]
    assert (small.pharmacy_version == large.pharmacy_version[:300]).all()
    assert ((small.pharmacy_odds > 0) == (large.pharmacy_odds[:300] > 0)).all()


@pytest.mark.parametrize("pharmacies", [1, 2, 12])
def test_tiny_worlds_have_somebody_to_call(pharmacies: int) -> None:
    world = build_world(1, pharmacies=pharmacies)
    assert all(len(places) and odds[-1] == 1 for places, odds in world.on_call)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((-1, 1.0, 5), "seed"),
        ((1, 0.0, 5), "load"),
        ((1, float("nan"), 5), "load"),
        ((1, 1.0, 0), "pharmacies"),
        ((1, 1e6, 5_000), "calls a day"),
        ((1, float("inf"), 5), "load"),
    ],
)
def test_what_makes_no_world_is_refused(arguments: tuple[int, float, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build_world(*arguments)


def test_every_unknown_is_judged_as_a_watcher_would() -> None:
    world = build_world()
    classes = dict(zip(world.codes, world.code_class, strict=True))
    assert (classes["200"], classes["403"], classes["503"]) == (0, 1, 2)
    assert classes["TIP_ASSURALIA_MESSAGE_SENT"] == 0
    assert classes["PCDH_EHEALTH_CONNECTION_ERROR"] == 2


def test_patients_are_valid_never_issued_and_distinct() -> None:
    patients = pool(1)
    assert len(set(patients)) == len(patients) == 20_000
    assert all(valid_niss(number) and number[6:9] == "999" for number in patients)
    assert 0.04 < np.mean([int(number[2:4]) > 20 for number in patients]) < 0.06
    assert pool(1) is patients
    assert pool(2) != patients


@pytest.mark.parametrize("template", IN_MESSAGE + IN_PATH)
def test_each_disguise_is_seen_through(template: str) -> None:
    for text in disguised(1, (template,))[0][:200]:
        assert has_patient(text)
        assert not has_patient(mask_patients(text))
