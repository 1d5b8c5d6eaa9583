"""Looking whether a transport's other end is there, without sending or taking anything. For the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.errors import TransportError
from domain.settings import TransportSettings
from transport import addresses

_SECONDS = 5.0
_NOT_FOUND, _REFUSED = 404, 403


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """The broker's queues: batches that wait, and those set aside; None where a queue was not made yet.

    An agent's user may know nothing of them: then `may_look` is False.
    """

    waiting: int | None
    bad: int | None
    may_look: bool = True


def look_at_broker(settings: TransportSettings, base: Path) -> BrokerFacts:
    """Connect, and count what waits. Raises ConfigError, TransportError."""
    import pika  # type: ignore[import-untyped] # pika ships no types
    from pika.exceptions import AMQPError, ChannelClosed  # type: ignore[import-untyped]

    from transport.broker import BAD, parameters
    from transport.link import explained

    to = addresses.broker(settings)
    asked = parameters(settings, base, "pharmapulse doctor")()

    def count(connection: pika.BlockingConnection, queue: str) -> int | None:
        try:
            return int(connection.channel().queue_declare(queue, passive=True).method.message_count)
        except ChannelClosed as error:
            if error.reply_code == _NOT_FOUND:
                return None
            raise

    try:
        connection = pika.BlockingConnection(asked)
        try:
            return BrokerFacts(count(connection, settings.queue), count(connection, f"{settings.queue}.{BAD}"))
        except ChannelClosed as error:
            if error.reply_code == _REFUSED:
                return BrokerFacts(None, None, may_look=False)
            raise
        finally:
            if connection.is_open:
                connection.close()
    except (AMQPError, OSError) as error:
        raise TransportError(f"{to}: {explained(error)}") from error


def look_at_https(settings: TransportSettings, base: Path) -> str:
    """Ask the collector's end whether it is there; who answered. Raises ConfigError, TransportError."""
    import urllib3
    from urllib3.exceptions import HTTPError, MaxRetryError

    from transport.tls import calling

    address = addresses.https(settings)
    pool = urllib3.HTTPSConnectionPool(
        address.host, address.port, timeout=_SECONDS, retries=False, ssl_context=calling(settings, base)
    )
    try:
        answer = pool.request("GET", "/healthz")
    except HTTPError as error:
        reason = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
        raise TransportError(f"the collector at {address} is not reached: {reason}") from error
    finally:
        pool.close()
    if answer.status != 200:
        raise TransportError(f"the collector at {address} answers {answer.status}")
    return str(address)
