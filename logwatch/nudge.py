"""Waking the agent when a log changes, so that it need not look more often than it must.

A wake-up and nothing more: what changed, and whether anything did, the next look finds out by itself. So it does no
harm where it does not work: on network file systems, or where the machine's watches are used up. A directory is
watched for one event; the next look asks for another. Thus a log of thousands of lines a second costs one event for
each look, and no look comes sooner than `least_seconds` after the one before was asked for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from inotify_simple import INotify, flags

from domain.redact import fit_name

log = logging.getLogger(__name__)

# Beyond so many directories, those that come last in the order of their names are only looked at.
MOST_DIRECTORIES = 1_000
_ANYTHING = flags.MODIFY | flags.CREATE | flags.MOVED_TO | flags.ONLYDIR | flags.ONESHOT


class Nudging(Protocol):
    """What an agent asks for its early waking."""

    def watch(self, directories: Iterable[str]) -> None:
        """Wake at the next change in any of these directories."""
        ...


class Nudge:
    """Calls `wake` when something changed in a watched directory, at most once in `least_seconds`.

    Raises OSError where the machine gives no watches at all.
    """

    def __init__(self, wake: Callable[[], None], least_seconds: float) -> None:
        self._wake, self._least = wake, least_seconds
        self._inotify = INotify()
        self._reader, self._writer = os.pipe()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._told = False

    def watch(self, directories: Iterable[str]) -> None:
        """Wake at the next change in any of these directories."""
        for directory in sorted(directories)[:MOST_DIRECTORIES]:
            try:
                self._inotify.add_watch(directory, _ANYTHING)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue  # gone, or not ours: the look tells of it
            except OSError as error:
                if not self._told:
                    self._told = True
                    log.warning("%s cannot be watched (%s): it is looked at only", fit_name(directory), error.strerror)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="nudge", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        ready = select.poll()
        ready.register(self._inotify.fileno(), select.POLLIN)
        ready.register(self._reader, select.POLLIN)
        while not self._stop.is_set():
            ready.poll()
            if self._stop.is_set():
                return
            if any(event.mask != flags.IGNORED for event in self._inotify.read(timeout=0)):
                self._wake()
                self._stop.wait(self._least)

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        with contextlib.suppress(OSError):
            os.write(self._writer, b".")
        if self._thread is not None:
            self._thread.join()
        self._inotify.close()
        os.close(self._reader)
        os.close(self._writer)


def open_nudge(wake: Callable[[], None], least_seconds: float) -> Nudge | None:
    """A nudge; None where none is wanted or the machine gives none, which is told."""
    if least_seconds <= 0:
        return None
    try:
        return Nudge(wake, least_seconds)
    except OSError as error:
        log.warning("no watches for files (%s): they are looked at only", error.strerror)
        return None
