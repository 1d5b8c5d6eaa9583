"""Every parser on spoilt input: no crash, no hang, no lost line. For longer: PHARMAPULSE_FUZZ_SECONDS, `make fuzz`."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.running import fuzz
from tests.fuzz.targets import TARGETS

SECONDS = float(os.environ.get("PHARMAPULSE_FUZZ_SECONDS", "3"))
SEED = int(os.environ.get("PHARMAPULSE_FUZZ_SEED", "1"))


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks(name: str) -> None:
    outcome = fuzz(name, TARGETS[name], SECONDS, SEED)
    assert not outcome.crash, f"seed {outcome.seed}: {outcome.crash}"
    assert outcome.executions
