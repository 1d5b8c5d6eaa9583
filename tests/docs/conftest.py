"""A log and a configuration as the documents show them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from simulator.writer import simulate

CONFIG = """\
[site]
name = "MyCareNet, simulated"
data = "data"
clock = "2025-11-17T10:06:00+01:00@1"
[collector]
grace_seconds = 0
[[sources]]
name = "mycarenet"
paths = ["logs/mycarenet-access.log*"]
format = "hub-access"
hub = "mycarenet"
[[deferred.targets]]
name = "mycarenet"
url = "http://127.0.0.1:9/"
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with simulated logs of some minutes, and a configuration beside them."""
    home = tmp_path_factory.mktemp("home")
    begin = datetime.fromisoformat("2025-11-17T10:00:00+01:00").timestamp()
    simulate(home / "logs", begin, begin + 300, pharmacies=50, load=20)
    (home / "pharmapulse.toml").write_text(CONFIG)
    return home


@pytest.fixture
def access_log(home: Path) -> Path:
    return home / "logs" / "mycarenet-access.log"


@pytest.fixture
def config(home: Path) -> Path:
    return home / "pharmapulse.toml"
