"""The ports: what the floors above ask of the floors below, without knowing who answers."""

from domain.ports.calls import DeferredStore
from domain.ports.flow import (
    Arrival,
    BulkSender,
    HandSender,
    Ledger,
    LiveBuckets,
    LiveRows,
    Outbox,
    Receiver,
    Sender,
    SeriesStore,
    StateStore,
)
from domain.ports.people import AccessStore, Delivery, IncidentStore, Notifier, RestartStore

__all__ = [
    "AccessStore",
    "Arrival",
    "BulkSender",
    "DeferredStore",
    "Delivery",
    "HandSender",
    "IncidentStore",
    "Ledger",
    "LiveBuckets",
    "LiveRows",
    "Notifier",
    "Outbox",
    "Receiver",
    "RestartStore",
    "Sender",
    "SeriesStore",
    "StateStore",
]
