"""Finding the files of a source: what its globs match now."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from logwatch.fingerprint import Seen, seen

Inode = tuple[int, int]
PACKED = (".gz", ".zst")

_MAGIC = re.compile(r"[*?\[]")
# What rotation adds to a log's name: a number, a date, a time.
_ROTATED = re.compile(r"[._-]\d[\dTZ._:-]*\Z")


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
    names = {name for pattern in patterns for name in glob.glob(pattern, recursive=True)}  # noqa: PTH207 (Path.glob takes no absolute pattern)
    for name in sorted(names):
        try:
            status = os.stat(name)  # noqa: PTH116 (a tick looks at thousands)
        except OSError:
            continue  # renamed or deleted since the glob: found again under its new name, or gone
        inode = (status.st_dev, status.st_ino)
        if stat.S_ISREG(status.st_mode) and inode not in found:
            found[inode] = Path(name), seen(status)
            newest = max(newest, status.st_mtime_ns)
    return Look(found, names, newest, _closed(patterns))


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
