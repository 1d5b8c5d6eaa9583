"""Which transport a URL means: one line for each scheme."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from domain.errors import ConfigError
from domain.ports import Receiver, Sender
from transport.spool import SpoolReceiver, SpoolSender

_SENDERS: Mapping[str, Callable[[Path], Sender]] = MappingProxyType({"spool": SpoolSender})
_RECEIVERS: Mapping[str, Callable[[Path], Receiver]] = MappingProxyType({"spool": SpoolReceiver})


def open_sender(url: str, default_dir: Path) -> Sender:
    """The agent's end of the transport `url`; "" is the spool in `default_dir`. Raises ConfigError, TransportError."""
    scheme, directory = _parse(url, default_dir)
    return _SENDERS[scheme](directory)


def open_receiver(url: str, default_dir: Path) -> Receiver:
    """The collector's end of the transport `url`; "" is the spool in `default_dir`.

    Raises ConfigError, TransportError.
    """
    scheme, directory = _parse(url, default_dir)
    return _RECEIVERS[scheme](directory)


def _parse(url: str, default_dir: Path) -> tuple[str, Path]:
    if not url:
        return "spool", default_dir
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in _SENDERS:
        raise ConfigError(
            f'"{url}" is not a transport this program has', path="transport.url", mend='Write "spool:DIR"'
        )
    if not rest:
        raise ConfigError(f'"{url}" names no directory', path="transport.url", mend='Write "spool:DIR"')
    return scheme, Path(rest.removeprefix("//"))
