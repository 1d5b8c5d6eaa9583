"""The bar: on a terminal it knows how much there is, elsewhere it says nothing."""

from __future__ import annotations

import fcntl
import gzip
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import zstandard

from pharmapulse.progress import content_bytes
from tests.cli.call import LINE

TEXT = LINE.encode() * 60_000


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "calls.log").write_bytes(TEXT)
    (tmp_path / "calls.log.1.gz").write_bytes(gzip.compress(TEXT, 1))
    (tmp_path / "calls.log.2.zst").write_bytes(zstandard.compress(TEXT))
    return sorted(tmp_path.iterdir())


def test_how_much_there_is_to_read_is_known(files: list[Path]) -> None:
    assert content_bytes(files) == 3 * len(TEXT)


def test_what_is_not_known_is_not_guessed(files: list[Path], tmp_path: Path) -> None:
    streamed = tmp_path / "streamed.zst"
    streamed.write_bytes(zstandard.ZstdCompressor(write_content_size=False).compress(TEXT))
    damaged = tmp_path / "damaged.zst"
    damaged.write_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 30)
    for file in (streamed, damaged, tmp_path, tmp_path / "nothing", Path("/dev/null")):
        assert content_bytes([*files, file]) is None


@pytest.mark.parametrize("command", ["analyse", "init"])
def test_a_terminal_shows_how_far_it_is(command: str, files: list[Path]) -> None:
    told, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    words = [sys.executable, "-m", "pharmapulse", command, *map(str, files)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=ours) as process:
        os.close(ours)
        shown = b""
        while True:
            try:
                piece = os.read(told, 4_096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(told)
    assert process.returncode == 0
    assert b"reading:   0%|" in shown
    assert (b"/17.8M" if command == "analyse" else b"/3 ") in shown


@pytest.mark.parametrize("command", ["analyse", "init"])
def test_where_nobody_looks_nothing_is_said(command: str, files: list[Path]) -> None:
    words = [sys.executable, "-m", "pharmapulse", command, *map(str, files)]
    answer = subprocess.run(words, capture_output=True, check=True)
    assert answer.stderr == b""
