"""A rotation at every byte of a small log, by each method: every line once, and the bytes add up.

The log holds what makes a cut hard: a heading, a malformed line, one that ends with CRLF, one that goes on over
three lines, and a last one without an end. What is expected is what the contents that were ever written give when
each is read by itself, from its first byte to its last.
"""

from __future__ import annotations

import functools
import gzip
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import zstandard

from domain.batch import Accounting
from domain.cells import KEY, add
from domain.settings import Fields, Format, Join, TimeField
from logwatch.count import count
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.sources import LINGER_SECONDS
from tests.logwatch.watching import START, Site

FORM = Format(
    kind="logfmt",
    time=TimeField(field="ts", zone="Europe/Brussels"),
    fields=Fields(endpoint="op", pharmacy="apb", code="code", duration_ms="dt"),
    join=Join(starts="^(?!\\tat)"),
    ignore=("^#",),
)
CONTENT = (
    b"# op\n"
    b"ts=%d op=a apb=00000196 code=TIP_200 dt=1\n"
    b"no line\n"
    b"ts=%d op=b code=TIP_999 dt=2\r\n"
    b"ts=%d op=c dt=3\n\tat x.Y(Z:1)\n\tat x\n"
    b"ts=%d op=d dt=4\n"
    b"ts=%d op=e dt=5"
) % tuple(START - ago for ago in range(5))
PLACES = range(len(CONTENT) + 1)
FIRST_LINE = CONTENT.index(b"no line")  # so many bytes give the file its fingerprint
# In memory, where a sync costs nothing: thousands of sites are made.
_MEMORY = Path("/dev/shm")


@functools.cache
def _read(content: bytes) -> tuple[pl.DataFrame, Accounting]:
    """The cells and the accounting of a content that is read at once."""
    registry = Registry(300)
    reading = Reader(FORM, registry, fixed={"hub": "dpp"}).read(content, START + 1, "small")
    return count([reading.events], registry), reading.accounting + Accounting(bytes=len(content))


def expected(contents: Sequence[bytes]) -> tuple[pl.DataFrame, Accounting]:
    """What some contents give, each read by itself."""
    cells, total = [], Accounting()
    for content in contents:
        frame, accounting = _read(content)
        cells.append(frame)
        total += accounting
    return add(cells).sort(KEY), total


def packed(content: bytes, suffix: str) -> bytes:
    return gzip.compress(content) if suffix == ".gz" else zstandard.compress(content)


# Each way writes the log's first `place` bytes, has the agent look, rotates, writes the rest, and tells what was there.
Way = Callable[[Site, int], Sequence[bytes]]


def begun(site: Site, place: int) -> Path:
    """The log with its first bytes, which the agent has seen."""
    path = site.append("calls.log", CONTENT[:place])
    site.tick()
    return path


def renamed(site: Site, place: int) -> Sequence[bytes]:
    """The writer does not let go of the file, and goes on in it."""
    path = begun(site, place)
    path.rename(site.logs / "calls.log.1")
    site.tick()
    site.append("calls.log.1", CONTENT[place:])
    return [CONTENT]


def renamed_and_created(site: Site, place: int) -> Sequence[bytes]:
    """The writer goes on in a new file, which may begin in the middle of a line."""
    begun(site, place).rename(site.logs / "calls.log.1")
    site.append("calls.log", CONTENT[place:])
    return [CONTENT[:place], CONTENT[place:]]


def renamed_and_created_later(site: Site, place: int) -> Sequence[bytes]:
    """The same, and the agent looks between the steps."""
    begun(site, place).rename(site.logs / "calls.log.1")
    site.tick()
    site.append("calls.log", CONTENT[place:])
    return [CONTENT[:place], CONTENT[place:]]


def renamed_with_last_words(site: Site, place: int) -> Sequence[bytes]:
    """The writer ends its line in the renamed file before it begins a new one, as most do."""
    begun(site, place).rename(site.logs / "calls.log.1")
    end = CONTENT.find(b"\n", max(0, place - 1)) + 1 or len(CONTENT)
    site.append("calls.log", CONTENT[end:])
    site.tick()
    site.append("calls.log.1", CONTENT[place:end])
    return [CONTENT[:end], CONTENT[end:]]


def compressed(site: Site, place: int, suffix: str) -> Sequence[bytes]:
    """The file is compressed when the agent has read it up to a place, and is gone."""
    begun(site, place).rename(site.logs / "calls.log.1")
    site.append("calls.log.1", CONTENT[place:])
    (site.logs / f"calls.log.1{suffix}").write_bytes(packed(CONTENT, suffix))
    (site.logs / "calls.log.1").unlink()
    return [CONTENT]


def compressed_bit_by_bit(site: Site, place: int, suffix: str) -> Sequence[bytes]:
    """The same, and the agent looks while the copy is made, and while it lies beside the original."""
    begun(site, place).rename(site.logs / "calls.log.1")
    data = packed(CONTENT, suffix)
    copy = site.logs / f"calls.log.1{suffix}"
    copy.write_bytes(data[: len(data) // 2])
    site.tick()
    site.append("calls.log.1", CONTENT[place:])
    copy.write_bytes(data)
    site.tick()
    (site.logs / "calls.log.1").unlink()
    return [CONTENT]


def deleted_while_open(site: Site, place: int) -> Sequence[bytes]:
    """The writer goes on in a file that has no name any more."""
    path = begun(site, place)
    with path.open("ab") as writer:
        path.unlink()
        writer.write(CONTENT[place:])
    return [CONTENT]


def copied_and_truncated(site: Site, place: int) -> Sequence[bytes]:
    """The writer pauses while its file is copied, and goes on at the start of the same file."""
    path = begun(site, place)
    shutil.copyfile(path, site.logs / "calls.log.1")
    path.open("wb").close()
    site.append("calls.log", CONTENT[place:])
    return [CONTENT[:place], CONTENT[place:]]


def copied_and_truncated_slowly(site: Site, place: int) -> Sequence[bytes]:
    """The same, and the agent looks between the steps."""
    path = begun(site, place)
    shutil.copyfile(path, site.logs / "calls.log.1")
    site.tick()
    path.open("wb").close()
    site.tick()
    site.append("calls.log", CONTENT[place:])
    return [CONTENT[:place], CONTENT[place:]]


def truncated(site: Site, place: int) -> Sequence[bytes]:
    """The file begins anew: what stood at its end and was no whole line is gone, and nobody can have counted it.

    Nor a heading that nothing stood under yet: by its headings alone no file is known from another.
    """
    begun(site, place).open("wb").close()
    site.tick()
    site.append("calls.log", CONTENT[place:])
    whole = CONTENT.rfind(b"\n", 0, place) + 1
    return [CONTENT[:whole] if whole >= FIRST_LINE else b"", CONTENT[place:]]


def truncated_at_once(site: Site, place: int) -> Sequence[bytes]:
    """The same, and it has grown again before the agent looks, perhaps beyond what it was."""
    path = begun(site, place)
    path.write_bytes(CONTENT[place:])
    whole = CONTENT.rfind(b"\n", 0, place) + 1
    return [CONTENT[:whole] if whole >= FIRST_LINE else b"", CONTENT[place:]]


WAYS: dict[str, Way] = {
    "rename": renamed,
    "rename, create": renamed_and_created,
    "rename, look, create": renamed_and_created_later,
    "rename, last words": renamed_with_last_words,
    "gz": functools.partial(compressed, suffix=".gz"),
    "zst": functools.partial(compressed, suffix=".zst"),
    "gz, bit by bit": functools.partial(compressed_bit_by_bit, suffix=".gz"),
    "zst, bit by bit": functools.partial(compressed_bit_by_bit, suffix=".zst"),
    "delete": deleted_while_open,
    "copytruncate": copied_and_truncated,
    "copytruncate, slowly": copied_and_truncated_slowly,
    "truncate": truncated,
    "truncate, at once": truncated_at_once,
}
# What is gone before an agent that is down has counted it, nobody can count.
OPEN_ONLY = ("delete", "truncate, at once")


@contextmanager
def fresh_site() -> Iterator[Site]:
    with (
        tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder,
        Site(Path(folder), FORM) as site,
    ):
        yield site


def missed(way: Way, place: int, *, killed: bool) -> str:
    """What is wrong after a rotation at a place; "" for nothing. `killed`: the agent is, once all is written."""
    with fresh_site() as site:
        cells, total = expected([content for content in way(site, place) if content])
        if killed:
            site.restart()
        for _ in range(4):
            site.tick(LINGER_SECONDS)
        site.agent.drain()
        found = site.outbox.totals().get("calls", Accounting())
        if found != total:
            return f"{place}: {found} for {total}"
        for position in site.outbox.positions():
            if not position.accounting.balanced or position.accounting.bytes != position.offset:
                return f"{place}: {position}"
        return "" if site.sent().sort(KEY).equals(cells) else f"{place}: other cells"


@pytest.mark.parametrize("way", WAYS)
def test_a_rotation_at_every_byte_loses_and_doubles_no_line(way: str) -> None:
    wrong = [told for place in PLACES if (told := missed(WAYS[way], place, killed=False))]
    assert not wrong, f"{len(wrong)} of {len(PLACES)}; " + "; ".join(wrong[:3])


@pytest.mark.parametrize("way", [way for way in WAYS if way not in OPEN_ONLY])
def test_nor_does_one_while_the_agent_is_down(way: str) -> None:
    wrong = [told for place in PLACES if (told := missed(WAYS[way], place, killed=True))]
    assert not wrong, f"{len(wrong)} of {len(PLACES)}; " + "; ".join(wrong[:3])
