from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SeriesError
from domain.series import SeriesKey
from rrd.paths import directory_name, is_digest, key_of
from rrd.store import RrdSeriesStore
from tests.rrd.helpers import T, numbered, same

parts = st.text(st.characters(), min_size=1, max_size=60)
keys = st.lists(parts, min_size=1, max_size=3).map(tuple)

ODD = [
    "tip.registerData", "/subject/{}/", "..", ".", ".hidden", "a,b", "a%2Cb", "a~b", "GET /x?y=1", "naïve €", "药店",
    "tab\tnew\nline", "nul\0", "\ud800", "CON", " ", "-", "KEY", "60.rrd", "x" * 190, "y" * 5_000, "é" * 300,
]  # fmt: skip


@given(keys)
def test_a_name_is_safe_and_bounded_and_gives_its_key_back(key: tuple[str, ...]) -> None:
    name = directory_name(key)
    assert name.isascii()
    assert 0 < len(name) <= 200
    assert not set(name) & set('/\\:*?"<>| \0\n')
    assert not name.startswith(".")
    assert is_digest(name) or key_of(name) == key


@given(keys, keys)
def test_different_keys_have_different_names(left: tuple[str, ...], right: tuple[str, ...]) -> None:
    assert (directory_name(left) == directory_name(right)) == (left == right)


def test_an_ordinary_name_is_readable() -> None:
    assert directory_name(("dpp", "tip.registerData")) == "dpp,tip.registerData"
    assert directory_name(("dpp", "/a/{}")) == "dpp,%2Fa%2F%7B%7D"


def test_every_odd_key_is_kept_apart_and_found_again(store: RrdSeriesStore, tmp_path: Path) -> None:
    for number, text in enumerate(ODD):
        series = SeriesKey("server", ("dpp", text))
        store.write(series, numbered(series, 3_600, T, 1, first=number * 1_000))
    for number, text in enumerate(ODD):
        series = SeriesKey("server", ("dpp", text))
        expected = numbered(series, 3_600, T, 1, first=number * 1_000).values
        assert same(store.read(series, 3_600, T, T + 3_600).values, expected)
    expected_keys = sorted(("dpp", text) for text in ODD)
    assert store.keys("server") == expected_keys
    assert RrdSeriesStore(tmp_path / "series").keys("server") == expected_keys


def test_a_directory_without_a_file_is_no_series(store: RrdSeriesStore, tmp_path: Path) -> None:
    series = SeriesKey("hub", ("dpp",))
    store.write(series, numbered(series, 60, T, 1))
    (tmp_path / "series" / "hub" / "raotd").mkdir()
    (tmp_path / "series" / "hub" / "recipe").mkdir()
    (tmp_path / "series" / "hub" / "recipe" / "60.rrd.new").touch()
    (tmp_path / "series" / "hub" / "stray").touch()
    assert store.keys("hub") == [("dpp",)]
    late = SeriesKey("hub", ("raotd",))
    store.write(late, numbered(late, 60, T, 1))
    assert store.keys("hub") == [("dpp",), ("raotd",)]


def test_a_lost_key_is_told_with_its_place(store: RrdSeriesStore, tmp_path: Path) -> None:
    series = SeriesKey("hub", ("x" * 400,))
    store.write(series, numbered(series, 60, T, 1))
    (place,) = (tmp_path / "series" / "hub").glob("*/KEY")
    place.write_bytes(b"{}")
    with pytest.raises(SeriesError, match=r"KEY: .*restore it from the backup"):
        store.keys("hub")
    place.unlink()
    with pytest.raises(SeriesError, match="KEY: No such file"):
        store.keys("hub")
