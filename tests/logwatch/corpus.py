"""The real logs, which are not in this repository: where they are, and what is told of them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("PHARMAPULSE_CORPUS") or _REPOSITORY.parent / "shared") / "logs"
_REFERENCE = CORPUS / "REFERENCE.json"

pytestmark_corpus = [
    pytest.mark.corpus,
    pytest.mark.skipif(
        not _REFERENCE.is_file(), reason=f"no corpus: {_REFERENCE.name} not found, set PHARMAPULSE_CORPUS"
    ),
]


def reference(name: str) -> dict[str, Any]:
    """What the reference tells of a log."""
    told: dict[str, Any] = json.loads(_REFERENCE.read_bytes())[name]
    return told


def lines_of(name: str) -> list[str]:
    """The lines of a log of the corpus, as the small path sees them."""
    content = (CORPUS / name).read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    return [line.decode("utf-8", "replace").rstrip("\r") for line in content.removesuffix(b"\n").split(b"\n")]
