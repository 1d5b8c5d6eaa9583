"""What travels from an agent to the collector: batches, heartbeats and their accounting."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec
import polars as pl

from domain.errors import WireError

_NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\.([0-9a-f]{8,32})\.(\d{1,12})")


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """Where every line went. `lines` is always the sum of the rest (`pending` lines are not yet read whole).

    `bytes` are those of the file's content (decompressed), line ends included.
    """

    lines: int = 0
    events: int = 0
    continuations: int = 0
    ignored: int = 0
    malformed: int = 0
    future: int = 0
    bytes: int = 0

    def __add__(self, other: Accounting) -> Accounting:
        return Accounting(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    @property
    def balanced(self) -> bool:
        """Lines = events + continuations + ignored + malformed + future."""
        return self.lines == self.events + self.continuations + self.ignored + self.malformed + self.future


@dataclass(frozen=True, slots=True, order=True)
class BatchName:
    """Who made a batch and which one it is: the whole of exactly-once hangs on it.

    `incarnation` is new whenever the agent starts without its old outbox; sequences count from 1.
    """

    agent: str
    incarnation: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.agent}.{self.incarnation}.{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> BatchName:
        """The name written by `str`. Raises WireError for anything else."""
        match = _NAME.fullmatch(text)
        if match is None:
            raise WireError(f'"{text}" is not the name of a batch (AGENT.INCARNATION.SEQUENCE)')
        return cls(match[1], match[2], int(match[3]))


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a file has been counted: bytes of content up to `offset` are in this batch or an earlier one.

    `identity` names the file whatever its path is by now; `accounting` counts from the file's first byte.
    `doubled` is for times without a zone: the change of the clocks that the file came by last, and the newest
    moment around it, both in µs UTC.
    """

    source: str
    path: str
    identity: str
    offset: int
    accounting: Accounting
    doubled: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Cells of one agent with what they cover. `cells` has the schema of `domain.cells`."""

    name: BatchName
    cells: pl.DataFrame
    positions: tuple[Position, ...] = ()


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """One source as its agent sees it. `watermark` is epoch seconds; None until its files were once read to the end."""

    source: str
    watermark: float | None
    accounting: Accounting


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Sent every two seconds even when nothing came; only the newest counts, once `sequence` is held."""

    version: int
    agent: str
    incarnation: str
    sequence: int
    at: float
    sources: tuple[SourceState, ...]
