"""The version of the series on disk: the file `LAYOUT` in their root, a number and a line end.

A program reads its own version and the one before, and writes its own; a newer one is refused, so that
a downgrade harms nothing. Version 1 is the first. The next version migrates forward, after a backup.
"""

from __future__ import annotations

import os
from pathlib import Path

from domain.errors import ConfigError, SeriesError
from domain.series import LAYOUT_VERSION

LAYOUT_FILE = "LAYOUT"
READABLE = tuple(version for version in (LAYOUT_VERSION - 1, LAYOUT_VERSION) if version > 0)


def read_layout(root: Path) -> int | None:
    """The version of the series under `root`; None where there are no series yet.

    Raises ConfigError when `root` holds something else or a version that is not read here.
    """
    file = root / LAYOUT_FILE
    try:
        text = file.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        _check_no_strangers(root)
        return None
    except NotADirectoryError:
        raise ConfigError("a file, not a directory", file=str(root), mend="Name a directory for the series") from None
    except OSError as error:
        raise SeriesError(f"{file}: {error.strerror}") from error
    if not text.isdecimal():
        raise ConfigError(f'"{text[:40]}" is not a layout version', file=str(file), mend="Restore it from the backup")
    if int(text) not in READABLE:
        raise ConfigError(
            f"series in layout {text}, and this program reads {' and '.join(map(str, READABLE))}",
            file=str(file),
            mend="Install the version of pharmapulse that wrote them, or a later one",
        )
    return int(text)


def mark_layout(root: Path) -> None:
    """Make `root` and write this program's version into it, durably and whole. Raises SeriesError."""
    file = root / LAYOUT_FILE
    draft = root / f"{LAYOUT_FILE}.{os.getpid()}.new"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as out:
            out.write(f"{LAYOUT_VERSION}\n".encode())
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError as error:
        raise SeriesError(f"{file}: {error.strerror}") from error


def _check_no_strangers(root: Path) -> None:
    """Raise ConfigError when a directory without `LAYOUT` holds anything but drafts of one."""
    try:
        with os.scandir(root) as entries:
            stranger = next((entry.name for entry in entries if not entry.name.startswith(LAYOUT_FILE)), None)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise ConfigError("a file, not a directory", file=str(root), mend="Name a directory for the series") from None
    except OSError as error:
        raise SeriesError(f"{root}: {error.strerror}") from error
    if stranger is not None:
        raise ConfigError(
            f'holds "{stranger}" but no {LAYOUT_FILE}, so it is no directory of series',
            file=str(root),
            mend=f"Name another directory, or restore its {LAYOUT_FILE} from the backup",
        )
