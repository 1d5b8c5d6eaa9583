from __future__ import annotations

from pathlib import Path

import pytest

from rrd.store import RrdSeriesStore


@pytest.fixture
def store(tmp_path: Path) -> RrdSeriesStore:
    return RrdSeriesStore(tmp_path / "series")
