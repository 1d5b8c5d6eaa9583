"""Real logs of others give what their reference says: lines, statuses and lines that cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from domain.clock import ManualClock
from domain.codes import SHIPPED
from logwatch.catalog import formats
from logwatch.scan import Scan
from tests.logwatch.some import NOW

_REPOSITORY = Path(__file__).resolve().parents[2]
_CORPUS = Path(os.environ.get("PHARMAPULSE_CORPUS") or _REPOSITORY.parent / "shared") / "logs"
_REFERENCE = _CORPUS / "REFERENCE.json"


def references() -> dict[str, Any]:
    """The logs that have a count of lines not matched, by their name in the reference."""
    if not _REFERENCE.is_file():
        return {}
    found = json.loads(_REFERENCE.read_bytes())
    return {name: told for name, told in found.items() if "not_matched" in told}


def files_of(name: str) -> list[Path]:
    """The files that a name of the reference stands for."""
    if name == "traffic/splunk www1 access":
        return [_CORPUS / "traffic" / "splunk-tutorial-8days" / "www1_access.log.gz"]
    return sorted((_CORPUS / name.split(" ")[0]).glob("*.gz"))


pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(
        not _REFERENCE.is_file(), reason=f"no corpus: {_REFERENCE.name} not found, set PHARMAPULSE_CORPUS"
    ),
]


def test_there_is_something_to_compare() -> None:
    assert references()


@pytest.mark.parametrize("name", references())
def test_a_log_gives_what_its_reference_says(name: str) -> None:
    told = references()[name]
    scan = Scan(formats({}), SHIPPED, ManualClock(NOW))
    result = scan.read(files_of(name), lambda _: None).result(scan.name, 0.0)
    assert result["lines"] == told["lines"]
    assert result["ignored"] + result["malformed"] == told["not_matched"]
    assert result["events"] == told["lines"] - told["not_matched"]
    assert {row["key"]: row["calls"] for row in result["by"]["code"]} == dict(told["status"])
