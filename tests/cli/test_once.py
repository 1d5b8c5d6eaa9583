"""`logwatch --once` and `collector --once`: one pass over what is there, whatever else lies among it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
import zstandard

from rrd.store import RrdSeriesStore
from tests.cli.call import CONFIG, LINE, ask
from tests.system.support import written


def calls_of(folder: Path) -> dict[tuple[str, ...], int]:
    """The calls of each endpoint at 1 min in the series of `folder`, over the day of LINE."""
    return written(RrdSeriesStore(folder / "data" / "series"), "endpoint", 60, 1_795_305_600, 1_795_392_000)


def test_damaged_files_among_good_ones_hold_nothing_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "pharmapulse.toml"
    config.write_text(CONFIG)
    good, better, best = (LINE.replace(":36:", f":{minute}:").encode() * 10 for minute in (36, 37, 38))
    for name, content in {
        "calls.log": good,
        "calls.log.1.gz": gzip.compress(better * 2),
        "calls.log.2.zst": zstandard.compress(best * 3),
        "calls.log.3.gz": b"\x1f\x8b\x08\x00" + b"\xff" * 300,
        "calls.log.4.zst": b"\x28\xb5\x2f\xfd" + b"\xff" * 300,
        "calls.log.5.gz": b"\x1f\x8b" + b"\7" * 300,
        "calls.log.6": b"",
        "calls.log.7": os.urandom(50_000),
        "calls.log.8": b"\0" * 50_000,
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "calls.log.dir").mkdir()
    for command in ("logwatch", "collector", "logwatch", "collector"):
        assert ask(capsys, command, "--once", "--config", str(config)).code == 0
    assert calls_of(tmp_path) == {("dpp", "tip.registerData"): 60}
