"""A log's directory belongs to its hub: what a hub's user may put there holds the log watcher up as little as a log."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from domain.errors import InputError
from logwatch.files import contents
from logwatch.looking import look
from logwatch.opened import OpenFile

_KIB = 1_024


def bomb(blocks: int) -> bytes:
    """A frame of zstd of so many blocks, each of four bytes and 128 KiB of content."""
    begins = b"\x28\xb5\x2f\xfd\x00\x38"
    each = [((128 * _KIB) << 3 | 1 << 1 | (place == blocks - 1)).to_bytes(3, "little") for place in range(blocks)]
    return begins + b"".join(head + b"a" for head in each)


def test_what_unpacks_to_very_much_is_unpacked_little_by_little(tmp_path: Path) -> None:
    file = tmp_path / "calls.zst"
    file.write_bytes(bomb(2_400))
    tracemalloc.start()
    try:
        size = sum(length for _, length in contents(file, lambda: _KIB * _KIB))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 2_400 * 128 * _KIB
    assert most < 160 * _KIB * _KIB


def test_a_pipe_in_the_place_of_a_log_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "calls.log"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="no regular file"):
        OpenFile(pipe)


def test_links_in_a_circle_are_gone_through_once(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).symlink_to(".")
    (tmp_path / "nowhere").symlink_to("nowhere")
    (tmp_path / "tip").mkdir()
    (tmp_path / "tip" / "back").symlink_to("..")
    (tmp_path / "tip" / "calls.log").write_text("a line\n")
    found = look([f"{tmp_path}/**/*.log"])
    assert [path for path, _ in found.found.values()] == [tmp_path / "tip" / "calls.log"]


def test_a_glob_of_all_below_finds_what_lies_at_any_depth(tmp_path: Path) -> None:
    names = ("one.log", "tip/two.log", "tip/deep/three.log", "[odd]/four.log", ".hidden/five.log", "tip/deep/.six.log")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a line\n")
    below = set(map(str, (tmp_path / name for name in names[:4])))
    assert look([f"{tmp_path}/**/*.log"]).names == below
    assert {name for name in look([f"{tmp_path}/**"]).names if Path(name).is_file()} == below
    assert look([f"{tmp_path}/tip/**/deep/*.log"]).names == {str(tmp_path / "tip/deep/three.log")}
