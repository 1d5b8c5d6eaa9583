"""What analyse tells, against the same counted one by one."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import iso
from domain.clock import ManualClock
from domain.codes import SHIPPED
from domain.errors import ConfigError, InputError
from domain.settings import Fields, Format
from logwatch.analysis import DIMENSIONS, Analysis
from logwatch.catalog import formats
from logwatch.latencies import MOST_PAIRS
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.scan import Scan
from tests.logwatch.some import NOW, bounded

FORM = Format(kind="logfmt", fields=Fields(endpoint="op", pharmacy="apb", code="code", duration_us="dt"))
PHARMACIES = ("00000196", "00004255", "00012371", "00123427", "00009797", "")
CODES = ("TIP_200", "PCDH_ERROR_TECHNICAL", "ERR200009", "")
CLASSES = {"TIP_200": "ok", "PCDH_ERROR_TECHNICAL": "technical", "ERR200009": "functional", "": "ok"}

Call = tuple[int, str, str, str, int]


def line(call: Call) -> bytes:
    time, endpoint, pharmacy, code, micros = call
    duration = "-" if micros < 0 else str(micros)
    return f"ts={time} op={endpoint} apb={pharmacy} code={code} dt={duration}\n".encode()


def analysed(blocks: Iterable[Sequence[Call]], way: Any = "small") -> dict[str, Any]:
    registry = Registry(1_000_000)
    reader, analysis = Reader(FORM, registry), Analysis(registry)
    for block in blocks:
        analysis.add(reader.read(b"".join(map(line, block)), NOW, way))
    return analysis.result("own", 0.0)


def nearest(ms: list[int], per_mille: int) -> int:
    """The nearest rank, as it is taught: the smallest value with at least that share at or below it."""
    ordered = sorted(ms)
    return next(value for place, value in enumerate(ordered, 1) if place * 1_000 >= per_mille * len(ordered))


def one_by_one(calls: Sequence[Call], place: int) -> list[dict[str, Any]]:
    """The rows of the dimension that stands at `place` of a call."""
    groups: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        groups[str(call[place])].append(call)
    rows = []
    for key, group in groups.items():
        ms = [(call[4] + 500) // 1_000 for call in group if call[4] >= 0]
        rows.append(
            {
                "key": key,
                "calls": len(group),
                "functional": sum(CLASSES[call[3]] == "functional" for call in group),
                "technical": sum(CLASSES[call[3]] == "technical" for call in group),
                "p50_ms": nearest(ms, 500) if ms else None,
                "p95_ms": nearest(ms, 950) if ms else None,
                "max_ms": max(ms) if ms else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["calls"], row["key"])) if set(groups) != {""} else []


some_calls = st.lists(
    st.tuples(
        st.integers(1_795_000_000, 1_795_100_000),
        st.sampled_from(("a", "b", "c")),
        st.sampled_from(PHARMACIES),
        st.sampled_from(CODES),
        st.one_of(st.just(-1), st.integers(0, 5_000), st.integers(0, 9_000_000_000)),
    ),
    min_size=1,
    max_size=40,
)


@given(calls=some_calls, cut=st.integers(0, 40), way=st.sampled_from(("small", "block")))
@bounded(60)
def test_the_tables_are_those_counted_one_by_one(calls: list[Call], cut: int, way: str) -> None:
    result = analysed([calls[:cut], calls[cut:]], way)
    for place, name in ((1, "endpoint"), (2, "pharmacy"), (3, "code")):
        assert result["by"][name] == one_by_one(calls, place)
    assert result["by"]["hub"] == result["by"]["vendor"] == result["by"]["server"] == []
    assert (result["lines"], result["events"]) == (len(calls), len(calls))
    assert (result["first"], result["last"]) == (iso(min(calls)[0]), iso(max(calls)[0]))


def many_calls(count: int, endpoints: int, longest: int, seed: int = 7) -> list[Call]:
    some = random.Random(seed)
    return [
        (1_795_000_000 + place // 50, f"op{some.randrange(endpoints)}", some.choice(PHARMACIES), some.choice(CODES),
         int(some.lognormvariate(11, 1.5)) % longest)
        for place in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("endpoints", [1, 40, 3_000])
def test_quantiles_are_exact_and_the_same_however_the_blocks_are_cut(
    endpoints: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = many_calls(12_000, endpoints, 3_000_000)
    whole = analysed([calls])
    assert whole["by"]["endpoint"] == one_by_one(calls, 1)
    assert whole["by"]["pharmacy"] == one_by_one(calls, 2)
    monkeypatch.setattr("logwatch.analysis._MOST_WAITING", 900)
    assert analysed([calls[i : i + 700] for i in range(0, len(calls), 700)]) == whole
    # Few keys are counted in a table, many as sorted pairs, with one result.
    monkeypatch.setattr("logwatch.latencies._LARGEST_TABLE", 0)
    assert analysed([calls[i : i + 700] for i in range(0, len(calls), 700)]) == whole


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_beyond_so_many_pairs_quantiles_are_near_and_say_so(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.analysis._MOST_WAITING", 30_000)
    monkeypatch.setattr("logwatch.latencies.MOST_PAIRS", 1_000)
    assert MOST_PAIRS == 100_000
    calls = many_calls(40_000, 60, 100_000_000)
    result = analysed([calls[i : i + size] for i in range(0, len(calls), size)])
    for name, place in (("endpoint", 1), ("pharmacy", 2), ("code", 3)):
        exact = one_by_one(calls, place)
        assert all(row["approx"] for row in result["by"][name])
        for near, row in zip(result["by"][name], exact, strict=True):
            assert [near[part] for part in ("key", "calls", "functional", "technical", "max_ms")] == (
                [row[part] for part in ("key", "calls", "functional", "technical", "max_ms")]
            )
            for part in ("p50_ms", "p95_ms"):
                # Half a millisecond more, as both are told in whole ones.
                assert abs(near[part] - row[part]) <= 0.026 * row[part] + 0.5


def test_a_dimension_with_few_pairs_stays_exact_beside_one_with_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.latencies.MOST_PAIRS", 3_000)
    calls = many_calls(8_000, 2_000, 300_000)
    result = analysed([calls])
    assert result["by"]["endpoint"][0]["approx"]
    assert result["by"]["code"] == one_by_one(calls, 3)


# -- whole files -----------------------------------------------------------------------------------------------


def scanned(*files: Path, name: str = "") -> tuple[dict[str, Any], Scan]:
    scan = Scan(formats({}), SHIPPED, ManualClock(NOW), name)
    return scan.read(files, lambda _: None).result(scan.name, 1.25), scan


def test_the_object_has_the_parts_of_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "calls.log"
    file.write_bytes(
        b"# head\n" + b"ts=1795000000 op=a code=TIP_200 dt=8\n" * 3 + b"\xc3\xa9t\xc3\xa9 123 lost\n\n" + b"y" * 300_000
    )
    result, scan = scanned(file, name="hub-calls")
    counts = ["lines", "events", "continuations", "ignored", "malformed", "future", "bytes"]
    assert list(result) == [*counts, "first", "last", "seconds", "format", "patients", "by"]
    assert tuple(result["by"]) == DIMENSIONS
    parts = ("lines", "events", "ignored", "malformed", "seconds", "format", "bytes")
    assert [result[part] for part in parts] == [7, 3, 2, 2, 1.25, "hub-calls", file.stat().st_size]
    assert scan.samples.shapes == ["aaa 000 aaaa"]


def test_several_files_are_one_log(tmp_path: Path) -> None:
    for place in range(3):
        (tmp_path / f"{place}.log").write_bytes(b"ts=1795000000 op=a%d code=TIP_200 dt=8" % place)
    result, _ = scanned(*sorted(tmp_path.iterdir()))
    assert (result["lines"], result["events"], result["format"]) == (3, 3, "hub-calls")
    assert [row["key"] for row in result["by"]["endpoint"]] == ["a0", "a1", "a2"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b"\x00\x01\x02" * 500, "is no text"), (b"hello\nworld\n", "no known format reads a tenth")],
)
def test_a_file_that_is_no_log_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    with pytest.raises(InputError, match=problem) as error:
        scanned(file)
    assert error.value.file == str(file)
    assert error.value.mend


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r'there is no format "x".*access-d, access-seconds'):
        Scan(formats({}), SHIPPED, ManualClock(NOW), "x")
