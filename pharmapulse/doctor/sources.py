"""The logs: found, readable, understood, and grown lately."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from domain.settings import Source
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.times import US
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, span, warn

NAME = "sources"
OLD_SECONDS = 3_600.0
_TAIL_BYTES = 65_536
_PACKED = (".gz", ".zst")


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file, read as the log watcher reads it: lines, those that are calls, when the newest was."""

    lines: int
    events: int
    newest: float | None


def check(house: House) -> Iterable[Finding]:
    """Each source."""
    for place, source in enumerate(house.config.settings.sources):
        yield _look(house, source, f"sources[{place}]")


def _look(house: House, source: Source, at: str) -> Finding:
    names = {name for pattern in source.paths for name in glob.glob(house.config.absolute(pattern), recursive=True)}  # noqa: PTH207 (Path.glob takes no absolute pattern)
    files = [Path(name) for name in names if Path(name).is_file()]
    if not files:
        return warn(NAME, f"{source.name}: no file matches {', '.join(source.paths)}", f"{at}.paths = […]")
    closed = sorted(str(file) for file in files if not os.access(file, os.R_OK))
    if closed:
        return fail(NAME, f"{source.name}: {several(len(closed), 'file')} cannot be read, such as {closed[0]}",
                    f"setfacl -m u:{_user()}:r {closed[0]}, or put {_user()} into the file's group")  # fmt: skip
    newest = max(files, key=lambda file: file.stat().st_mtime)
    tail = None if newest.suffix in _PACKED else read_tail(house, source, newest)
    return judged(house, source, newest, len(files), tail)


def read_tail(house: House, source: Source, file: Path) -> Tail:
    """The end of a plain file. Raises OSError."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _TAIL_BYTES))
        data = opened.read()
    if size > _TAIL_BYTES:
        data = data.partition(b"\n")[2]
    data = data[: data.rfind(b"\n") + 1]
    if not data:
        return Tail(0, 0, None)
    fixed = {"hub": source.hub, "server": source.server}
    reader = Reader(house.config.formats[source.format], Registry(house.config.settings.agent.field_cap), fixed=fixed,
                    codes=house.config.codes, path=f"formats.{source.format}")  # fmt: skip
    reading = reader.read(data, house.now)
    newest = float(reading.events.time_us.max()) / US if len(reading.events) else None
    return Tail(reading.accounting.lines, reading.accounting.events, newest)


def judged(house: House, source: Source, newest: Path, count: int, tail: Tail | None) -> Finding:
    """Whether what was found will do."""
    told = f"{source.name}: {several(count, 'file')}, the newest {newest}"
    if tail is not None and tail.lines and not tail.events:
        lines = several(tail.lines, "line")
        return fail(NAME, f"{told}: none of its last {lines} is a call as {source.format} reads them",
                    f"pharmapulse analyse {newest} --config {house.file} --format {source.format}")  # fmt: skip
    changed = tail.newest if tail is not None and tail.newest is not None else newest.stat().st_mtime
    age = house.now - changed
    if age > OLD_SECONDS:
        return warn(NAME, f"{told}, of {span(age)} ago", "See whether that hub still writes there")
    return ok(NAME, f"{told}, of {span(max(0.0, age))} ago")


def _user() -> str:
    from pharmapulse.doctor.disk import user

    return user(os.geteuid())
