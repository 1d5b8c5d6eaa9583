"""Memo, registry, files, counting, catalogue and detection."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
import zstandard

from domain.bins import NO_BIN, bin_of
from domain.cells import SCHEMA, add
from domain.clock import ManualClock
from domain.codes import SHIPPED
from domain.errors import ConfigError, InputError
from logwatch.catalog import formats, named, shipped
from logwatch.count import count
from logwatch.detect import detect, trials
from logwatch.events import Dictionary
from logwatch.examples import failures
from logwatch.files import looks_binary
from logwatch.memo import TokenTable
from logwatch.registry import OTHER, Capping, Registry
from logwatch.scan import Scan
from tests.logwatch.some import FORMATS, NOW, read_blocks

# -- memo and registry -----------------------------------------------------------------------------------------


def test_the_table_of_tokens_outlives_the_series_that_used_it() -> None:
    table = TokenTable()
    numbers = []
    for token in ("a", "b", "a", "c", "b"):
        series = pl.Series([token], dtype=table.dtype)
        numbers.append(int(series.to_physical()[0]))
        del series
    assert numbers == [1, 2, 1, 3, 2]
    assert int(pl.Series([""], dtype=table.dtype).to_physical()[0]) == 0


def test_the_first_so_many_values_stay_apart() -> None:
    registry = Registry(2)
    admitted = [registry.admit("endpoint", value) for value in ("a", "b", "c", "a", "d", "")]
    assert admitted == [(1, False), (2, False), (3, True), (1, False), (3, True), (0, False)]
    assert registry.values()["endpoint"] == ["a", "b", OTHER]
    again = Registry(2, registry.values())
    assert [again.admit("endpoint", value) for value in ("b", "c")] == [(2, False), (3, True)]
    # Pharmacies are checked by their digits, and have a cap of their own.
    assert [registry.admit("pharmacy", value)[1] for value in ("x", "y", "z")] == [False] * 3


def test_values_are_admitted_in_the_order_of_lines() -> None:
    found, registry = Dictionary(), Registry(2)
    for value in ("z", "y", "x"):
        found.id_of(value)
    capping = Capping(registry, "endpoint", found)
    ids, overflow = capping.apply(np.array([3, 1, 3, 2, 0]))
    assert [registry.dictionaries["endpoint"].values[i] for i in ids] == ["x", "z", "x", OTHER, ""]
    assert overflow == 1
    for place in range(400):
        found.id_of(f"more{place}")
    ids, overflow = capping.apply(np.arange(len(found)))
    assert overflow == 401


# -- files -----------------------------------------------------------------------------------------------------

LINE = b"ts=1795000000 op=a%d code=TIP_200 dt=8\n"
CONTENT = b"".join(LINE % (i % 7) for i in range(5_000))
PACKED = {
    "plain": CONTENT,
    "gzip": gzip.compress(CONTENT),
    "gzip of two members": gzip.compress(CONTENT[:1_000]) + gzip.compress(CONTENT[1_000:]),
    "zstd": zstandard.compress(CONTENT),
    "zstd of two frames": zstandard.compress(CONTENT[:1_000]) + zstandard.compress(CONTENT[1_000:]),
}


@pytest.mark.parametrize("how", PACKED)
def test_a_file_is_read_however_it_is_packed(tmp_path: Path, how: str) -> None:
    file = tmp_path / "calls"
    file.write_bytes(PACKED[how])
    seen: list[int] = []
    analysis = Scan(formats({}), SHIPPED, ManualClock(NOW)).read([file], seen.append)
    assert (analysis.accounting.events, analysis.accounting.bytes) == (5_000, len(CONTENT))
    assert sum(seen) == len(CONTENT)


@pytest.mark.parametrize("how", [how for how in PACKED if how != "plain"])
def test_a_packed_file_cut_short_is_told(tmp_path: Path, how: str) -> None:
    file = tmp_path / "calls"
    for end in (30, len(PACKED[how]) // 2, len(PACKED[how]) - 1):
        file.write_bytes(PACKED[how][:end])
        with pytest.raises(InputError, match="damaged or cut short") as error:
            Scan(formats({}), SHIPPED, ManualClock(NOW), "hub-calls").read([file], lambda _: None)
        assert str(file) in str(error.value)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    scan = Scan(formats({}), SHIPPED, ManualClock(NOW))
    for path, problem in ((tmp_path, "is a directory"), (tmp_path / "none", "there is no such file")):
        with pytest.raises(InputError, match=problem):
            scan.read([path], lambda _: None)


def test_a_binary_is_told_from_text() -> None:
    assert looks_binary(b"\x7fELF\x02\x01\x01\x00\x00\x00\x00")
    assert not looks_binary("ts=1 op=é\ttab\r\n\x1b[31mred".encode())
    assert not looks_binary(b"")


# -- counting --------------------------------------------------------------------------------------------------


def test_calls_become_cells_that_add_up() -> None:
    line = b"ts=%d op=%s code=TIP_200 apb=00000196 dt=%s\n"
    block = b"".join(
        line % (1_795_340_170 + second, b"a" if second % 2 else b"b", duration)
        for second, duration in enumerate((b"5", b"7", b"-", b"5", b"x", b"7", b"5", b"5", b"5", b"5", b"5", b"5"))
    )
    read = read_blocks(FORMATS["hub-calls"], [block], "small")
    cells = read.cells
    assert cells.schema == SCHEMA
    assert cells["calls"].sum() == 12
    assert cells["sum_us"].sum() == 1_000 * (9 * 5 + 2 * 7 - 5)
    assert set(cells["bucket"]) == {1_795_340_170, 1_795_340_180}
    untimed = cells.filter(pl.col("bin") == NO_BIN)
    assert untimed.select("endpoint", "calls", "sum_us", "max_us").rows() == [("b", 2, 0, 0)]
    seven = cells.filter(pl.col("bin") == bin_of(7_000))
    assert seven.select("endpoint", "calls", "sum_us", "max_us").rows() == [("a", 2, 14_000, 7_000)]
    assert set(cells["pharmacy"]) == {"00000196"}
    assert (set(cells["class"]), set(cells["side"])) == ({"ok"}, {""})
    assert cells.equals(add([cells]))


def test_no_events_are_no_cells() -> None:
    assert count([], Registry(1)).schema == SCHEMA
    assert count([], Registry(1)).is_empty()


# -- formats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_format_has_examples_that_hold(name: str) -> None:
    form = shipped()[name]
    assert form.examples
    assert failures(form, SHIPPED, f"formats.{name}", NOW) == []


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_format_is_found_by_its_own_lines(name: str) -> None:
    block = "".join(f"{example.line}\n" for example in shipped()[name].examples).encode()
    assert detect("x", block, shipped(), NOW) == name
    assert detect("x", block * 2_000 + b"garbage\n" * 5, shipped(), NOW) == name


def test_an_example_that_does_not_hold_is_told_with_its_place() -> None:
    form = shipped()["hub-calls"]
    example = msgspec.structs.replace(form.examples[0], gives={"endpoint": "x", "duration_ms": 87})
    wrong = msgspec.structs.replace(form, examples=(example, msgspec.structs.replace(example, line="no")))
    first, second = failures(wrong, SHIPPED, "formats.f", NOW)
    assert first == "formats.f.examples[0]: gives endpoint = 'tip.registerData' and not 'x'"
    assert second == "formats.f.examples[1]: the line is no event in this format"


def test_under_a_tenth_is_no_format_and_the_best_three_are_named() -> None:
    line = FORMATS["access"].examples[0].line.encode()
    nine = line + b"\n" + b"no log\n" * 9
    assert detect("x", nine, shipped(), NOW) == "access"
    with pytest.raises(InputError) as error:
        detect("x.log", nine + b"no log\n", shipped(), NOW)
    for trial in trials(nine, shipped(), NOW)[:3]:
        assert f"{trial.name} ({trial.events} of 11 lines)" in str(error.value)
    assert "x.log" in str(error.value)
    assert "--format" in error.value.mend


def test_ones_own_format_wins_over_a_shipped_one() -> None:
    own = FORMATS["logfmt-local"]
    assert formats({"access": own})["access"] is own
    with pytest.raises(ConfigError, match=r"sources\[0\]\.format"):
        named("none", shipped(), "sources[0].format")
