"""Carried by hand: nothing is handed over here; batches wait in the outbox until `logwatch export` takes them.

`bundle:DIR` names where bundles are put and looked for when a command names no other place. The agent keeps its
newest heartbeat beside its spool, for the next bundle. The collector's end is a spool, into which
`collector import` puts what a bundle holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from domain.batch import BatchName, Heartbeat
from domain.errors import TransportError, WireError
from domain.settings import TransportSettings
from domain.wire import decode_heartbeat, encode_heartbeat
from transport.spool import SpoolReceiver

_FOLDER = "outgoing"


def open_sender(_settings: TransportSettings, default_dir: Path, _base: Path) -> ByHandSender:
    """The agent's end, which keeps the heartbeat in `default_dir`. Raises TransportError."""
    return ByHandSender(default_dir)


def open_receiver(_settings: TransportSettings, default_dir: Path, _base: Path) -> SpoolReceiver:
    """The collector's end: the spool in `default_dir`. Raises TransportError."""
    return SpoolReceiver(default_dir)


class ByHandSender:
    """Keeps the newest heartbeat until it is carried."""

    by_hand: Literal[True] = True

    def __init__(self, directory: Path) -> None:
        """Make the folder. Raises TransportError."""
        self._folder = directory / _FOLDER
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TransportError(f"{self._folder}: {error.strerror or error}") from error

    def send(self, name: BatchName, _payload: bytes) -> None:
        """Nobody is there to take a batch. Raises TransportError."""
        raise TransportError(f"{name} waits to be carried: pharmapulse logwatch export")

    def beat(self, heartbeat: Heartbeat) -> None:
        """Replace the heartbeat. Raises TransportError. Not synced: the next follows within seconds."""
        path = self._folder / f"{heartbeat.agent}.json"
        unfinished = path.with_suffix(".unfinished")
        try:
            unfinished.write_bytes(encode_heartbeat(heartbeat))
            unfinished.replace(path)
        except OSError as error:
            raise TransportError(f"{path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing is held open between two calls."""


def newest_heartbeat(directory: Path, agent: str, incarnation: str) -> Heartbeat | None:
    """The heartbeat that the agent of this incarnation kept last; None where there is none. Raises TransportError."""
    path = directory / _FOLDER / f"{agent}.json"
    try:
        heartbeat = decode_heartbeat(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TransportError(f"{path}: {error.strerror or error}") from error
    except WireError as error:
        raise TransportError(f"{path}: {error}") from error
    return heartbeat if heartbeat.incarnation == incarnation else None
