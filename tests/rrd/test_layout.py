from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigError, SeriesError
from rrd.layout import read_layout
from rrd.store import RrdSeriesStore
from tests.rrd.helpers import HUB, T, numbered


def test_the_first_write_marks_the_layout(store: RrdSeriesStore, tmp_path: Path) -> None:
    assert read_layout(tmp_path / "series") is None
    store.write(HUB, numbered(HUB, 60, T, 1))
    assert (tmp_path / "series" / "LAYOUT").read_text() == "1\n"
    assert read_layout(tmp_path / "series") == 1


def test_a_newer_layout_is_refused_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "LAYOUT").write_text("2\n")
    with pytest.raises(ConfigError, match=r"LAYOUT: series in layout 2, and this program reads 1\. Install"):
        RrdSeriesStore(tmp_path)


@pytest.mark.parametrize("text", ["", "one", "1.5", "-1", "0"])
def test_what_is_no_layout_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "LAYOUT").write_text(text)
    with pytest.raises(ConfigError, match="LAYOUT"):
        RrdSeriesStore(tmp_path)


def test_somebody_elses_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigError, match=r'holds "notes\.txt" but no LAYOUT'):
        RrdSeriesStore(tmp_path)


def test_a_file_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "series").touch()
    with pytest.raises(ConfigError, match="a file, not a directory"):
        RrdSeriesStore(tmp_path / "series")


def test_a_root_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    store = RrdSeriesStore(tmp_path / "there" / "series")
    (tmp_path / "there").touch()
    with pytest.raises(SeriesError, match="Not a directory"):
        store.write(HUB, numbered(HUB, 60, T, 1))
