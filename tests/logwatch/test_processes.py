"""Files read by several processes: the same answer as of one, for files of every kind, and what goes wrong is told."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.codes import SHIPPED
from domain.errors import InputError
from logwatch.catalog import formats
from logwatch.processes import all_at_once
from logwatch.scan import Scan
from logwatch.shares import Stretch, divide
from tests.logwatch.some import NOW, DayKeys

LINE = b'ts=%s op=o%d apb=%s code=%s dt=%d msg="%s"\n'
MESSAGES = (b"accepted", b"PatientId : 50010199928PatientIdType", b"niss 64.02.29-999.71", b"GET /subject/00010199974/")


def calls(count: int, begin: int = 0, when: str = "2026-11-22T10:%02d:%02d.%03d+01:00") -> bytes:
    return b"".join(
        LINE
        % (
            (when % (place // 60 % 60, place % 60, place % 1_000)).encode(), place % 7,
            (b"00000196", b"00012371", b"1")[place % 3], (b"TIP_200", b"X%d" % (place % 5))[place % 2],
            place * place % 4_000, MESSAGES[place % 4],
        )
        for place in range(begin, begin + count)
    )  # fmt: skip


def answered(files: list[Path], processes: int, name: str = "") -> dict[str, Any]:
    told: list[int] = []
    scan = Scan(formats({}), SHIPPED, ManualClock(NOW), name, patients=DayKeys())
    result = scan.read(files, told.append, processes).result(scan.name, 0.0)
    assert sum(told) == result["bytes"]
    return {**result, "shapes": scan.samples.shapes, "tally": scan.analysis.tally}


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_several_processes_give_what_one_does(tmp_path: Path, processes: int) -> None:
    files = [tmp_path / "a.log", tmp_path / "b.log.gz", tmp_path / "c.log"]
    files[0].write_bytes(calls(500) + b"lost 1\n" + b"y" * 300_000 + b"\n" + calls(300, 7) + b"# no\n\nother: 2\n")
    files[1].write_bytes(gzip.compress(calls(900, 11) + b"zip\n"))
    files[2].write_bytes(calls(2_000, 3)[:-1])
    whole = answered(files, 1)
    assert answered(files, processes) == whole
    assert answered(files[:1], processes) == answered(files[:1], 1)
    assert whole["patients"]["about"] == 3
    assert whole["shapes"] == ["aaaa 0", "aaaaa: 0", "aaa"]


def test_too_many_values_to_stay_apart_are_those_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logwatch.scan.FIELD_CAP", 3)
    file = tmp_path / "a.log"
    file.write_bytes(calls(400))
    one = answered([file], 1, "hub-calls")
    assert one["tally"].overflow
    assert answered([file], 2, "hub-calls") == one


def test_so_many_latencies_that_bins_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(calls(3_000))
    for most in (200, 1_000, 1_700, 100_000):
        monkeypatch.setattr("logwatch.latencies.MOST_PAIRS", most)
        assert answered([file], 2) == answered([file], 1)


def test_the_doubled_hour_of_october_is_that_of_one_process(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    twice = calls(3_600, 0, "2026-10-25T02:%02d:%02d.%03d")
    file.write_bytes(twice + twice)
    one = answered([file], 1)
    assert one["first"] == "2026-10-25T00:00:00Z"
    assert one["last"].startswith("2026-10-25T01:59:59")
    assert answered([file], 2) == one


def test_lines_that_hang_together_stay_together(tmp_path: Path) -> None:
    trace = "2026-11-22 10:36:12.123 [main] ERROR a.B - no\njava.lang.X: y\n\tat a.B(C.java:1)\nCaused by: z\n"
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text(trace * 200)
    one = answered(files, 1)
    assert one["continuations"]
    assert answered(files, 3) == one
    assert answered(files[:1], 3) == answered(files[:1], 1)


def test_what_is_amiss_in_another_process_is_told_by_this_one(tmp_path: Path) -> None:
    files = [tmp_path / "a.log", tmp_path / "b.log"]
    files[0].write_bytes(calls(500))
    files[1].write_bytes(gzip.compress(calls(600))[:-9])
    with pytest.raises(InputError, match="is damaged or cut short") as error:
        answered(files, 2)
    assert error.value.file == str(files[1])


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4), st.integers(2, 5), st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shares_are_all_of_the_files_cut_at_line_ends(
    tmp_path: Path, contents: list[bytes], count: int, within: bool
) -> None:
    files = [tmp_path / f"{place}" for place in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(b" " + content.replace(b"a", b"\n"))
    shares = divide(files, count, within)
    stretches = [
        one for share in shares or [[Stretch(place, file) for place, file in enumerate(files)]] for one in share
    ]
    read = [b""] * len(files)
    for one in stretches:
        assert not one.begin or files[one.place].read_bytes()[one.begin - 1 : one.begin] == b"\n"
        assert one.begin == len(read[one.place])
        assert within or one.is_whole
        read[one.place] += one.file.read_bytes()[one.begin : one.end]
    assert read == [file.read_bytes() for file in files]
    assert [one.place for one in stretches] == sorted(one.place for one in stretches)
    assert shares is None or all(shares)


def test_no_child_is_left_when_this_process_fails() -> None:
    def fail(_: Callable[[int], object]) -> int:
        raise InputError("x", "is no log")

    def wait(_: Callable[[int], object]) -> int:
        os.read(os.pipe()[0], 1)
        return 1

    with pytest.raises(InputError):
        all_at_once([fail, wait, wait], lambda _: None)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert all_at_once([lambda _: 1, fail, lambda _: 3], lambda _: None) == [1, None, 3]
