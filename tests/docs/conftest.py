"""A log and a configuration as the documents show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.writer import simulate

CONFIG = """\
[site]
name = "MyCareNet, simulated"
data = "data"
[collector]
grace_seconds = 0
[[sources]]
name = "mycarenet"
paths = ["logs/mycarenet-access.log*"]
format = "hub-access"
hub = "mycarenet"
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with simulated logs of some minutes, and a configuration beside them."""
    home = tmp_path_factory.mktemp("home")
    simulate(home / "logs", 1_794_819_600.0, 1_794_819_900.0, pharmacies=50, load=20)
    (home / "pharmapulse.toml").write_text(CONFIG)
    return home


@pytest.fixture
def access_log(home: Path) -> Path:
    return home / "logs" / "mycarenet-access.log"


@pytest.fixture
def config(home: Path) -> Path:
    return home / "pharmapulse.toml"
