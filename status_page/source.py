"""The published document as it lies on the disk: read again when it was written anew, and never trusted unread."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from domain.errors import WireError
from domain.published import Published, decode_published
from status_page.belief import fault

log = logging.getLogger(__name__)

# Ninety days of a hundred components are under a megabyte.
MOST_BYTES = 4 * 2**20

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What lies there: the document, or None and why not. Two readings with one `number` are the same."""

    document: Published | None
    problem: str
    number: int


class PublishedFile:
    """The document's file. `read` costs one look at the directory while nothing changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._reading: Reading | None = None

    def read(self) -> Reading:
        """The present reading; its problem is told in the log once."""
        with self._lock:
            stamp = self._look()
            if self._reading is None or stamp is None or stamp != self._stamp:
                self._reading, self._stamp = self._renewed(self._reading), stamp
            return self._reading

    def _look(self) -> Stamp | None:
        try:
            status = self.path.stat()
        except OSError:
            return None  # why it cannot be had is told by reading it
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _renewed(self, before: Reading | None) -> Reading:
        document, problem = _read(self.path)
        if before is not None and document is None and problem == before.problem:
            return before
        if problem:
            log.warning("the page says that nothing is known: %s", problem)
        elif before is not None and before.problem:
            log.info("%s can be read again", self.path)
        return Reading(document, problem, 0 if before is None else before.number + 1)


def _read(path: Path) -> tuple[Published | None, str]:
    """The document of a file, or None and what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return (
            None,
            f"{path} is not there yet. The alerts process writes it: start it, and give both the same site.data",
        )
    except OSError as error:
        return None, f"{path} cannot be read: {error.strerror or error}. Give this user the right to read it"
    if len(data) > MOST_BYTES:
        return None, f"{path} has more than {MOST_BYTES:,} bytes, which no document of ours has"
    try:
        document = decode_published(data)
    except WireError as error:
        return None, f"{path}: {error}. Let both processes run the same version"
    if wrong := fault(document):
        return None, f"{path}: {wrong}"
    return document, ""
