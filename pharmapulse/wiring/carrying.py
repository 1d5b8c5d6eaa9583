"""What is carried by hand: a second hand at an agent's outbox, and bundles taken in at the collector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from domain.batch import Heartbeat
from pharmapulse.config import Config
from pharmapulse.places import Places

if TYPE_CHECKING:
    from collector.importing import Importer
    from store.carrying import Carrying


@contextmanager
def carrying(config: Config) -> Iterator[Carrying]:
    """The agent's outbox, beside the agent. Raises StoreError."""
    from store.carrying import Carrying

    with closing(Carrying(Places(config.data).outbox, config.settings.agent.name)) as desk:
        yield desk


def kept_heartbeat(config: Config, incarnation: str) -> Heartbeat | None:
    """The newest heartbeat that the agent keeps until somebody carries it. Raises TransportError.

    None where it hands them over by itself: one that was kept before that is an old one.
    """
    from transport.addresses import scheme
    from transport.by_hand import newest_heartbeat

    if scheme(config.settings.transport.url) != "bundle":
        return None
    return newest_heartbeat(Places(config.data).spool, config.settings.agent.name, incarnation)


@contextmanager
def importing(config: Config, progress: Callable[[int], None]) -> Iterator[Importer]:
    """What takes bundles into the collector's spool, one process at a time. Raises StoreError, TransportError."""
    from collector.importing import Importer
    from store.files import Claim
    from store.held import held_by
    from transport.registry import receiving_spool
    from transport.spool import SpoolReceiver, SpoolSender

    places = Places(config.data)
    directory = receiving_spool(config.settings.transport, places.spool, config.file.parent)
    with closing(SpoolSender(directory, "importing")) as spool, closing(Claim(directory / "importing.lock", "spool")):
        heard = SpoolReceiver(directory).heartbeats()
        yield Importer(spool, held_by(places.ledger, directory), heard, progress)
