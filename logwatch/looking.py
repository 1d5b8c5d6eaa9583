"""Finding the files of a source: what its globs match now."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from logwatch.fingerprint import Seen, seen

Inode = tuple[int, int]
PACKED = (".gz", ".zst")

_MAGIC = re.compile(r"[*?\[]")
# What rotation adds to a log's name: a number, a date, a time.
_ROTATED = re.compile(r"[._-]\d[\dTZ._:-]*\Z")

# A look at thousands of files takes most of its time for making paths of their names.
_path = lru_cache(maxsize=1 << 15)(Path)


@dataclass(slots=True)
class Look:
    """The files that are there: by inode under the first of its names, and all names that match.

    `newest` is when the newest of them was written to, in ns; `closed` are directories that may not be looked into.
    """

    found: Mapping[Inode, tuple[Path, Seen]] = field(default_factory=dict)
    names: Collection[str] = ()
    newest: int = 0
    closed: Mapping[str, str] = field(default_factory=dict)


def look(patterns: Sequence[str]) -> Look:
    """Everything that the globs match: regular files, and links to them; each file once."""
    found: dict[Inode, tuple[Path, Seen]] = {}
    newest = 0
    names = {name for pattern in patterns for name in _matches(pattern)}
    for name in sorted(names):
        try:
            status = os.stat(name)  # noqa: PTH116 (a tick looks at thousands)
        except OSError:
            continue  # renamed or deleted since the glob: found again under its new name, or gone
        inode = (status.st_dev, status.st_ino)
        if stat.S_ISREG(status.st_mode) and inode not in found:
            found[inode] = _path(name), seen(status)
            newest = max(newest, status.st_mtime_ns)
    return Look(found, names, newest, _closed(patterns))


def _matches(pattern: str) -> Iterator[str]:
    """What a glob matches. `**` goes into each directory once, or links in a circle would lead on for ever."""
    before, recursive, after = f"/{pattern}".partition("/**/")
    if not recursive and (pattern == "**" or pattern.endswith("/**")):
        before, recursive, after = f"/{pattern}"[: -len("/**")], "/**", "*"
    if not recursive:
        yield from glob.iglob(pattern)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        return
    top = before[1:] or ("/" if pattern.startswith("/") else ".")
    been: set[Inode] = set()
    waiting = sorted(glob.iglob(top))  # noqa: PTH207 (likewise)
    for directory in waiting:  # grows
        try:
            status = os.stat(directory)  # noqa: PTH116 (as below)
            inode = (status.st_dev, status.st_ino)
            if inode in been or not stat.S_ISDIR(status.st_mode):
                continue
            been.add(inode)
            with os.scandir(directory) as entries:
                inside = sorted(entry.path for entry in entries if not entry.name.startswith("."))
        except OSError:
            continue  # gone meanwhile, or closed to us: what it holds is not found
        waiting += filter(os.path.isdir, inside)
        yield from _matches(os.path.join(glob.escape(directory), after))  # noqa: PTH118 (as above)


def _closed(patterns: Sequence[str]) -> Mapping[str, str]:
    """Directories of the patterns that are there and may not be looked into, with the reason."""
    found: dict[str, str] = {}
    for root in {root_of(pattern) for pattern in patterns}:
        try:
            with os.scandir(root):
                pass
        except FileNotFoundError:
            continue  # comes and goes with its files
        except OSError as error:
            found[root] = error.strerror or str(error)
    return found


def root_of(pattern: str) -> str:
    """The directory below which everything lies that a glob matches."""
    fixed = _MAGIC.split(pattern, maxsplit=1)[0]
    return os.path.dirname(fixed) or "."  # noqa: PTH120 (a text, cut in the midst of a name)


def is_put_by(path: Path, names: Collection[str]) -> bool:
    """Whether a file's name says that it was rotated away: another one's with a number or a date."""
    base = _ROTATED.sub("", str(path))
    return base != str(path) and base in names
