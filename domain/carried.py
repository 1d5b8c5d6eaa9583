"""What is carried by hand between an agent and the collector: bundles there, receipts back.

A receipt is JSON: the intervals of sequences that the collector holds of each incarnation, and a check of them, since
it is believed: what it confirms may be dropped at the agent.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from domain.errors import WireError

BUNDLE_SUFFIX = ".ppx"
RECEIPT_VERSION = 1

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch on the agent's disk: its sequence and how many bytes it has."""

    sequence: int
    bytes: int


class BundleHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Whose batches a bundle holds and which, as intervals; when it was made, and their bytes."""

    agent: str
    incarnation: str
    made: float
    sequences: Spans
    batches: int
    bytes: int


class HeldOf(msgspec.Struct, frozen=True, kw_only=True):
    """Which sequences of an incarnation the collector holds."""

    agent: str
    incarnation: str
    held: Spans


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a collector holds of some agents."""

    version: int
    made: float
    agents: tuple[HeldOf, ...]
    check: int


def spans(numbers: Sequence[int]) -> Spans:
    """Ascending numbers as intervals, both ends included."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def spelt(intervals: Sequence[tuple[int, int]], most: int = 10) -> str:
    """Intervals for people: `3, 17-19`; of very many the first ones."""
    told = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in intervals[:most])
    return told if len(intervals) <= most else f"{told} and {len(intervals) - most} more gaps"


def bundle_name(header: BundleHeader) -> str:
    """What a bundle is called. Letters stand between its numbers, which nobody then takes for one."""
    at = datetime.fromtimestamp(header.made, UTC)
    what = "heartbeat"
    if header.sequences:
        what = f"from-{header.sequences[0][0]}-to-{header.sequences[-1][1]}"
    return f"{header.agent}.{header.incarnation}.at-{at:%Y%m%dT%H%M%SZ}.{what}{BUNDLE_SUFFIX}"


def make_receipt(made: float, agents: Sequence[HeldOf]) -> bytes:
    """The bytes of a receipt."""
    receipt = Receipt(version=RECEIPT_VERSION, made=made, agents=tuple(agents), check=_check(made, agents))
    return msgspec.json.format(msgspec.json.encode(receipt), indent=1) + b"\n"


def read_receipt(data: bytes) -> Receipt:
    """The receipt of some bytes. Raises WireError when they are none, damaged, or of a version not read here."""
    try:
        receipt = msgspec.json.decode(data, type=Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"not a receipt: {error}") from error
    if receipt.version != RECEIPT_VERSION:
        raise WireError(f"a receipt of version {receipt.version}, and this program reads {RECEIPT_VERSION}")
    if receipt.check != _check(receipt.made, receipt.agents):
        raise WireError("a damaged receipt: its check sum is another")
    return receipt


def _check(made: float, agents: Sequence[HeldOf]) -> int:
    return zlib.crc32(msgspec.json.encode((made, agents)))
