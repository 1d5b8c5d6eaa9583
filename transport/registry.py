"""Which transport a URL means: one line for each scheme."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from domain.ports import Receiver, Sender
from domain.settings import TransportSettings
from transport.addresses import examine, scheme, spool_directory

# Imported only when it is used: a spool needs no library.
_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "spool": "transport.spool",
        "bundle": "transport.by_hand",
        "https": "transport.https",
        "amqp": "transport.amqp",
        "amqps": "transport.amqp",
    }
)


class OpenSender(Sender, Protocol):
    """A Sender that is closed after use."""

    def close(self) -> None:
        """Let connections go."""
        ...


class OpenReceiver(Receiver, Protocol):
    """A Receiver that is closed after use."""

    def close(self) -> None:
        """Let connections go, and take nothing more."""
        ...


class _Transport(Protocol):
    """What the module of a transport has."""

    def open_sender(self, settings: TransportSettings, default_dir: Path, base: Path, /) -> OpenSender: ...

    def open_receiver(self, settings: TransportSettings, default_dir: Path, base: Path, /) -> OpenReceiver: ...


def open_sender(settings: TransportSettings, default_dir: Path, base: Path) -> OpenSender:
    """The agent's end. Without a URL it is the spool in `default_dir`; relative names of files start at `base`.

    Raises ConfigError, TransportError.
    """
    return _transport(settings).open_sender(settings, default_dir, base)


def open_receiver(settings: TransportSettings, default_dir: Path, base: Path) -> OpenReceiver:
    """The collector's end. What it keeps itself, and the spool without a URL, is in `default_dir`.

    Relative names of files start at `base`. Raises ConfigError, TransportError.
    """
    return _transport(settings).open_receiver(settings, default_dir, base)


def receiving_spool(settings: TransportSettings, default_dir: Path, base: Path) -> Path:
    """The spool that the collector's end reads, whatever else it listens to. Raises ConfigError."""
    if settings.url and scheme(settings.url) == "spool":
        return base / spool_directory(settings.url)
    return default_dir


def _transport(settings: TransportSettings) -> _Transport:
    examine(settings)
    return cast("_Transport", import_module(_MODULES[scheme(settings.url)]))
