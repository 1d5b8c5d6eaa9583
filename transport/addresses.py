"""What a transport's URL says, read without opening anything: who is called, and what may not stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from domain.errors import ConfigError
from domain.settings import TransportSettings

PATH = "transport.url"
SCHEMES = ("spool", "bundle", "https", "amqp", "amqps")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_QUEUE = re.compile(r"(?!amq\.)[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_WRITE = 'Write "spool:DIR", "bundle:DIR", "https://HOST:PORT" or "amqps://USER@HOST/VHOST"'


@dataclass(frozen=True, slots=True)
class Broker:
    """A RabbitMQ broker, the virtual host in it and whom we are to it."""

    host: str
    port: int
    tls: bool
    user: str
    vhost: str

    def __str__(self) -> str:
        return f"the broker at {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Address:
    """A host with a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def scheme(url: str) -> str:
    """The scheme of a transport's URL; "" is a spool's. Raises ConfigError for one that this program has not."""
    if not url:
        return "spool"
    name, colon, rest = url.partition(":")
    if not colon or name not in SCHEMES:
        raise ConfigError(f'"{url}" is not a transport this program has', path=PATH, mend=_WRITE)
    if not rest.strip("/"):
        raise ConfigError(
            f'"{url}" names no {"directory" if name in ("spool", "bundle") else "host"}', path=PATH, mend=_WRITE
        )
    return name


def spool_directory(url: str) -> str:
    """The directory of `spool:DIR` or `bundle:DIR`."""
    return url.partition(":")[2].removeprefix("//")


def broker(settings: TransportSettings) -> Broker:
    """The broker of `amqp(s)://USER@HOST[:PORT][/VHOST]`. Raises ConfigError."""
    parts = _split(settings.url)
    if not parts.username:
        raise ConfigError(f'"{settings.url}" names no user', path=PATH, mend=_WRITE)
    if not _QUEUE.fullmatch(settings.queue):
        raise ConfigError(
            f'"{settings.queue}" is not a queue\'s name', path="transport.queue",
            mend='Write letters, digits, dots, dashes and underscores; "amq." at the beginning is the broker\'s own',
        )  # fmt: skip
    if not settings.password_file:
        raise ConfigError(
            f'there is no password for "{unquote(parts.username)}"', path="transport.password_file",
            mend="Name a file that holds it and that only this program's user may read",
        )  # fmt: skip
    tls = parts.scheme == "amqps"
    vhost = unquote(parts.path.removeprefix("/")) or "/"
    return Broker(parts.hostname or "", parts.port or (5671 if tls else 5672), tls, unquote(parts.username), vhost)


def https(settings: TransportSettings) -> Address:
    """Whom the agents of `https://HOST[:PORT]` call. Raises ConfigError."""
    parts = _split(settings.url)
    if parts.username or parts.path.strip("/"):
        raise ConfigError(
            "is more than host and port", path=PATH, mend='Write one such as "https://collector.example:8443"'
        )
    if not settings.token_file and not (settings.certificate_file or settings.client_ca_file):
        raise ConfigError(
            "nothing says who may send", path="transport.token_file",
            mend="Name a file with a token that both ends know, or certificates: certificate_file and key_file at the "
            "agents, client_ca_file at the collector",
        )  # fmt: skip
    _pair(settings)
    return Address(parts.hostname or "", parts.port or 443)


def listening(settings: TransportSettings) -> Address:
    """Where the collector's end of `https` listens. Raises ConfigError."""
    called = https(settings)
    if not settings.token_file and not settings.client_ca_file:
        raise ConfigError(
            "nothing says who may send", path="transport.client_ca_file",
            mend="Name who signs the agents' certificates, or a token_file that both ends know",
        )  # fmt: skip
    if not settings.listen:
        address = Address("0.0.0.0", called.port)  # noqa: S104 (agents are on other machines)
    else:
        host, _, port = settings.listen.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise ConfigError(
                f'"{settings.listen}" is not ADDRESS:PORT',
                path="transport.listen",
                mend='Write one such as "0.0.0.0:8443"',
            )
        address = Address(host.strip("[]"), int(port))
    if not settings.certificate_file:
        if settings.client_ca_file:
            raise ConfigError(
                "the agents' certificates can only be looked at by an end that has one itself",
                path="transport.certificate_file", mend="Name this end's certificate and its key_file",
            )  # fmt: skip
        if address.host not in LOOPBACK:
            raise ConfigError(
                f"{address} would take batches and the token in the clear", path="transport.certificate_file",
                mend='Name this end\'s certificate and key_file, or listen on loopback ("127.0.0.1:8443") behind a '
                "proxy that does TLS",
            )  # fmt: skip
    return address


def _split(url: str) -> SplitResult:
    """The parts of a URL. Raises ConfigError, also where a password stands in it, which is not repeated."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"is no URL: {error}", path=PATH, mend=_WRITE) from error
    if parts.password is not None:
        raise ConfigError(
            "holds a password, which whoever reads this file would know", path=PATH,
            mend="Take it out here, and put it into a file that transport.password_file names",
        )  # fmt: skip
    if not parts.hostname:
        raise ConfigError("names no host", path=PATH, mend=_WRITE)
    if parts.query or parts.fragment:
        raise ConfigError(
            'has something after "?" or "#"', path=PATH, mend="Take it out; the settings beside it say it"
        )
    return parts


def _pair(settings: TransportSettings) -> None:
    if bool(settings.certificate_file) != bool(settings.key_file):
        lacks = "key_file" if settings.certificate_file else "certificate_file"
        raise ConfigError(
            "a certificate and its key go together", path=f"transport.{lacks}", mend=f"Name the {lacks}, too"
        )


def examine(settings: TransportSettings) -> None:
    """What can be said of the settings without opening anything. Raises ConfigError."""
    kind = scheme(settings.url)
    if kind == "https":
        https(settings)
    elif kind in ("amqp", "amqps"):
        broker(settings)
        _pair(settings)
