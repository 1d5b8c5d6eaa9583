"""The spool: a directory as transport. Also carried by rsync, ssh or hand.

`batches/NAME.ppb` holds one batch each and `heartbeats/AGENT.json` the newest heartbeat of an agent. A file is
written in `unfinished/`, synced and renamed, so whoever sees it sees it whole; names that begin with a dot are
other programs' unfinished copies (rsync's) and are left alone. What cannot be used is set aside in `bad/`.
Once file and directory are synced, the spool has the batch: it is the receiver (DESIGN 3).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from domain.batch import BatchName, Heartbeat
from domain.errors import TransportError, WireError
from domain.ports import Arrival
from domain.settings import TransportSettings
from domain.wire import decode_heartbeat, encode_heartbeat
from transport.addresses import spool_directory

_SUFFIX = ".ppb"
_log = logging.getLogger(__name__)


def open_sender(settings: TransportSettings, default_dir: Path, base: Path) -> SpoolSender:
    """The agent's end. Raises TransportError."""
    return SpoolSender(_directory(settings, default_dir, base))


def open_receiver(settings: TransportSettings, default_dir: Path, base: Path) -> SpoolReceiver:
    """The collector's end. Raises TransportError."""
    return SpoolReceiver(_directory(settings, default_dir, base))


def _directory(settings: TransportSettings, default_dir: Path, base: Path) -> Path:
    return base / spool_directory(settings.url) if settings.url else default_dir


class _Spool:
    """The directory and its folders."""

    def __init__(self, directory: Path, unfinished: str = "unfinished") -> None:
        """Make the folders that are missing. Raises TransportError.

        `unfinished` is another one for each process that sends what others may send at the same moment.
        """
        self._batches = directory / "batches"
        self._heartbeats = directory / "heartbeats"
        self._unfinished = directory / unfinished
        self._bad = directory / "bad"
        with _told(directory):
            for folder in (self._batches, self._heartbeats, self._unfinished, self._bad):
                folder.mkdir(parents=True, exist_ok=True)
            _sync_directory(directory)

    def close(self) -> None:
        """Nothing is held open between two calls."""

    def _path(self, name: BatchName) -> Path:
        return self._batches / f"{name}{_SUFFIX}"


class SpoolSender(_Spool):
    """The agent's end of a spool."""

    def send(self, name: BatchName, payload: bytes) -> None:
        """Put a batch into the spool; it is there durably on return. Raises TransportError."""
        unfinished, path = self._unfinished / f"{name}{_SUFFIX}", self._path(name)
        with _told(path):
            with unfinished.open("wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            _sync_directory(self._batches)

    def beat(self, heartbeat: Heartbeat) -> None:
        """Replace the agent's heartbeat. Raises TransportError.

        Not synced: one that a power cut takes is followed by the next within seconds.
        """
        path = self._heartbeats / f"{heartbeat.agent}.json"
        unfinished = self._unfinished / path.name
        with _told(path):
            unfinished.write_bytes(encode_heartbeat(heartbeat))
            unfinished.replace(path)


class SpoolReceiver(_Spool):
    """The collector's end of a spool."""

    def __init__(self, directory: Path) -> None:
        """Make the folders that are missing. Raises TransportError."""
        super().__init__(directory)
        self._unreadable: set[BatchName] = set()

    def arrivals(self) -> Iterator[Arrival]:
        """Batches that wait, oldest sequence first for each agent, each read when its turn comes.

        One that cannot be read (copied with another user's rights, say) is told of, and the others go on.
        Raises TransportError.
        """
        with _told(self._batches):
            files = [entry.name for entry in os.scandir(self._batches) if not entry.name.startswith(".")]
        names = []
        for file in files:
            try:
                if not file.endswith(_SUFFIX):
                    raise WireError(f'"{file}" does not end in {_SUFFIX}')
                names.append(BatchName.parse(file.removesuffix(_SUFFIX)))
            except WireError as error:
                self._set_aside(self._batches / file, str(error))
        for name in sorted(names):
            try:
                payload = self._path(name).read_bytes()
            except OSError as error:
                self._tell_unreadable(name, error)
                continue
            self._unreadable.discard(name)
            yield Arrival(name, payload)

    def _tell_unreadable(self, name: BatchName, error: OSError) -> None:
        if name not in self._unreadable:
            self._unreadable.add(name)
            _log.error("%s cannot be read, and waits: %s", self._path(name), error.strerror or error)

    def done(self, name: BatchName) -> None:
        """Take a batch out of the spool. Raises TransportError.

        Not synced: one that a power cut puts back is known to the ledger by its name.
        """
        path = self._path(name)
        with _told(path):
            path.unlink(missing_ok=True)

    def refuse(self, name: BatchName, reason: str) -> None:
        """Set a batch that cannot be used aside, for somebody to look at. Raises TransportError."""
        self._set_aside(self._path(name), reason)

    def heartbeats(self) -> Sequence[Heartbeat]:
        """The newest heartbeat of each agent. Raises TransportError."""
        found = []
        with _told(self._heartbeats):
            for path in sorted(self._heartbeats.glob("[!.]*.json")):
                try:
                    found.append(decode_heartbeat(path.read_bytes()))
                except WireError as error:
                    self._set_aside(path, str(error))
        return found

    def _set_aside(self, path: Path, reason: str) -> None:
        target = self._bad / path.name
        with _told(path):
            path.replace(target)
        _log.error(
            "set aside %s: %s. Look at it; one that is made good again is taken when it is moved back", target, reason
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell what the file system says about `path` as a TransportError."""
    try:
        yield
    except OSError as error:
        raise TransportError(f"{path}: {error.strerror or error}") from error


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
