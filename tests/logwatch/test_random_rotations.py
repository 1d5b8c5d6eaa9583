"""Logs rotated in every way at random, with kills and full disks between: each line is counted once.

What chance found before stands first, each by itself.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.logwatch.watching import Site, calls

SEEDS = 40


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as opened:
        yield opened


def rename(site: Site) -> None:
    (site.logs / "calls.log").rename(site.logs / "calls.log.1")


def test_a_line_that_was_long_unfinished_is_finished_right_after_the_renaming(site: Site) -> None:
    content = calls(0, 5)
    site.append("calls.log", content[:-20])
    site.tick()
    site.tick(300)
    rename(site)
    site.tick(0.5)
    site.append("calls.log.1", content[-20:])
    site.settle()
    site.has_sent(content)


def test_a_file_emptied_before_any_of_it_was_kept_is_read_in_its_copy(site: Site) -> None:
    first, second = calls(0, 5), calls(5, 9)
    log = site.append("calls.log", first)
    site.outbox.full = True
    site.tick()
    site.outbox.full = False
    (site.logs / "calls.log.1").write_bytes(first)
    os.truncate(log, 0)
    site.settle(5)
    site.append("calls.log", second)
    site.settle(5)
    site.restart()
    site.settle(5)
    site.has_sent(first + second)


def test_an_empty_file_that_filled_and_was_packed_between_two_looks_is_read_once(site: Site) -> None:
    log = site.append("calls.log", b"")
    site.tick()
    content = calls(0, 5)
    site.append("calls.log", content)
    (site.logs / "calls.log.1.gz").write_bytes(gzip.compress(content))
    log.unlink()
    for _ in range(5):
        site.settle(50)
    site.has_sent(content)


def test_a_sleeping_original_that_went_is_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.sources.MOST_OPEN", 2)
    content = calls(0, 5)
    site.append("calls.log.2", content)
    site.settle()
    for place in range(3):
        site.append(f"calls.log.{place + 4}", calls(10 * place + 10, 10 * place + 15))
    site.settle()
    (site.logs / "calls.log.3.gz").write_bytes(gzip.compress(content))
    (site.logs / "calls.log.2").unlink()
    site.settle()
    assert site.outbox.totals()["calls"].lines == 20


class Writer:
    """A hub that writes one log, which is rotated now by renaming, now by copying and emptying, and packed."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        self.site, self._chance = site, chance
        self.path = site.logs / "calls.log"
        self._file = self.path.open("ab", buffering=0)
        self._rest = b""
        self.written = b""

    def write(self, count: int) -> None:
        """Lines; the last now and then not to its end."""
        begin = self.written.count(b"\n") + self._rest.count(b"\n")
        data = self._rest + calls(begin, begin + count, -begin / 1_000)
        cut = self._chance.randrange(len(data) + 1) if self._chance.random() < 0.4 else len(data)
        self._put(data[:cut])
        self._rest = data[cut:]

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self.written += data

    def finish(self) -> None:
        """End the last line."""
        self._put(self._rest)
        self._rest = b""

    def tick(self, *seconds: float) -> None:
        """The agent looks, now and then on a full disk, now and then for the last time before it is killed."""
        self.site.outbox.full = self._chance.random() < 0.06
        self.site.tick(self._chance.choice(seconds or (0.1, 1, 1, 5, 30, 70)))
        self.site.outbox.full = False
        if self._chance.random() < 0.05:
            self.site.restart()

    def _meanwhile(self) -> None:
        while self._chance.random() < 0.5:
            self.tick(0.1, 0.5, 1, 2)

    def _rotated(self) -> list[Path]:
        """What was rotated before, the oldest first."""
        return sorted(self.site.logs.glob("calls.log.*"), key=lambda path: -int(path.name.split(".")[2]))

    def _shift(self) -> Path:
        for path in self._rotated():
            parts = path.name.split(".")
            parts[2] = str(int(parts[2]) + 1)
            path.rename(path.with_name(".".join(parts)))
        return self.path.with_name("calls.log.1")

    def rename(self) -> None:
        self.path.rename(self._shift())
        self._meanwhile()
        self.finish()
        self._file.close()
        self._meanwhile()
        self._file = self.path.open("ab", buffering=0)

    def empty(self) -> None:
        self.finish()
        self._copy(self._shift(), self.path.read_bytes())
        self._meanwhile()
        os.truncate(self.path, 0)

    def pack(self) -> None:
        plain = [path for path in self._rotated() if path.suffix != ".gz"]
        if plain:
            self._copy(plain[0].with_name(f"{plain[0].name}.gz"), gzip.compress(plain[0].read_bytes()))
            self._meanwhile()
            plain[0].unlink()

    def _copy(self, path: Path, data: bytes) -> None:
        with path.open("wb", buffering=0) as file:
            cut = self._chance.randrange(len(data) + 1)
            file.write(data[:cut])
            self._meanwhile()
            file.write(data[cut:])

    def close(self) -> None:
        self._file.close()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_each_line_is_counted_once(seed: int, site: Site) -> None:
    chance = random.Random(seed)
    writer = Writer(site, chance)
    try:
        for _ in range(40):
            chance.choices(
                [lambda: writer.write(chance.choice([1, 1, 2, 5, 30])), writer.tick, writer.rename, writer.empty,
                 writer.pack, site.restart],
                [8, 8, 2, 2, 3, 1],
            )[0]()  # fmt: skip
        writer.finish()
    finally:
        writer.close()
    for _ in range(8):
        site.settle(40)
    site.has_sent(writer.written)
    assert not site.heartbeat().sources[0].troubles
