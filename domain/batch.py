"""What travels from an agent to the collector: batches, heartbeats and their accounting."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from domain.codes import CodeClass
from domain.errors import WireError

if TYPE_CHECKING:
    # It takes long to be imported, and who only counts lines needs no frames.
    import polars as pl

# What an agent says of itself is bounded where it is read: more than any agent has to say, and less than would stop a
# collector or a page. Moments have a date in every zone; counts are those that fit 64 bits.
LONGEST_NAME, LONGEST_TOLD = 1_000, 10_000
Moment = Annotated[float, Meta(ge=-62_000_000_000, le=253_000_000_000)]
MomentUs = Annotated[int, Meta(ge=-62_000_000_000 * 10**6, le=253_000_000_000 * 10**6)]
Count = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Name = Annotated[str, Meta(max_length=LONGEST_NAME)]
Told = Annotated[str, Meta(max_length=LONGEST_TOLD)]

_NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\.([0-9a-f]{8,32})\.(\d{1,12})")


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """Where every line went. `lines` is always the sum of the rest; `pending` are read and not decided yet.

    Only starts of calls whose end is awaited are pending. `bytes` are those of the file's content (decompressed),
    line ends included.
    """

    lines: Count = 0
    events: Count = 0
    continuations: Count = 0
    ignored: Count = 0
    malformed: Count = 0
    future: Count = 0
    pending: Count = 0
    bytes: Count = 0

    def __add__(self, other: Accounting) -> Accounting:
        return Accounting(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    @property
    def balanced(self) -> bool:
        """Lines = events + continuations + ignored + malformed + future + pending."""
        known = self.events + self.continuations + self.ignored + self.malformed + self.future
        return self.lines == known + self.pending


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
    moment around it, both in µs UTC. `begun` is where reading began: what stands before is nobody's. `tail` is a digest
    of the last bytes before `offset`, `line_ends` how many lines were cut there, -1 where an older version did not
    count; `whole` is the size on disk of a compressed file of which nothing more is to be read.
    """

    source: str
    path: str
    identity: str
    offset: int
    accounting: Accounting
    doubled: tuple[int, int] = (0, 0)
    begun: int = 0
    tail: str = ""
    line_ends: int = -1
    whole: int = 0


def _no_cells() -> pl.DataFrame:
    from domain import cells

    return cells.empty()


def _no_gauges() -> pl.DataFrame:
    from domain import gauges

    return gauges.empty()


def _no_sketches() -> pl.DataFrame:
    from domain import sketches

    return sketches.empty()


@dataclass(frozen=True, slots=True)
class Counts:
    """What lines were counted into: cells of calls, gauges of values, sketches of distinct patients.

    Each frame has the schema of its module: `domain.cells`, `domain.gauges`, `domain.sketches`.
    """

    cells: pl.DataFrame = field(default_factory=_no_cells)
    gauges: pl.DataFrame = field(default_factory=_no_gauges)
    sketches: pl.DataFrame = field(default_factory=_no_sketches)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.cells.is_empty() and self.gauges.is_empty() and self.sketches.is_empty()


@dataclass(frozen=True, slots=True)
class Batch:
    """Counts of one agent with the file positions that they cover."""

    name: BatchName
    cells: pl.DataFrame
    positions: tuple[Position, ...] = ()
    gauges: pl.DataFrame = field(default_factory=_no_gauges)
    sketches: pl.DataFrame = field(default_factory=_no_sketches)

    @property
    def counts(self) -> Counts:
        """All that was counted."""
        return Counts(self.cells, self.gauges, self.sketches)


class OpenCall(msgspec.Struct, frozen=True, kw_only=True):
    """The start of a call whose end has not come: what its line gave, without what could tell of a patient.

    `id` is a digest of what joins the two lines, `identity` that of the file that the start stands in, `at_us` its
    time and `keys` its keys by their names.
    """

    source: str
    id: str
    identity: str
    at_us: int
    keys: dict[str, str]


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one step of an agent keeps, in one transaction or not at all.

    `positions`, `totals` (by source) replace those kept; values of the `registry` not known yet are added; the files
    of the identities in `forget` are dropped. `opened` are calls begun, `closed` (source, id) those that ended.
    """

    counts: Counts = field(default_factory=Counts)
    positions: Sequence[Position] = ()
    totals: Mapping[str, Accounting] = field(default_factory=dict)
    registry: Mapping[str, Sequence[str]] = field(default_factory=dict)
    forget: Sequence[str] = ()
    opened: Sequence[OpenCall] = ()
    closed: Sequence[tuple[str, str]] = ()


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What is amiss with a source's files, as its agent sees it.

    `unread`: a file was rotated away before it was read; `lost`: bytes are gone that were never read; `unbalanced`: a
    file's lines or bytes do not add up; `unreadable`: a file cannot be read; `absent`: no file was ever found.
    """

    kind: Literal["unread", "lost", "unbalanced", "unreadable", "absent"]
    file: Told
    since: Moment
    bytes: Count = 0
    detail: Told = ""


class RecentLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line somebody may look at: its declared fields stand as they were understood, all else is blanked.

    `source` is whose file it stands in.
    """

    at_us: MomentUs
    hub: Name
    endpoint: Name
    code: Name
    klass: CodeClass
    text: Name
    source: Name = ""


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """One source as its agent sees it. `watermark` is epoch seconds; None until its files were once read to the end.

    `unread_bytes` is what its open files hold beyond what is counted, `behind_seconds` how long the oldest of it has
    waited; `skew_seconds` how far the clock that writes its lines is ahead of the agent's (negative: behind), None
    where nothing live was read lately. `unknown_codes` are codes in no table, with the calls that gave them.
    """

    source: Name
    watermark: Moment | None
    accounting: Accounting
    files: Count = 0
    unread_bytes: Count = 0
    behind_seconds: Moment = 0.0
    skew_seconds: Moment | None = None
    troubles: Annotated[tuple[Trouble, ...], Meta(max_length=100)] = ()
    unknown_codes: Annotated[dict[Name, Count], Meta(max_length=500)] = {}

    @property
    def is_absent(self) -> bool:
        """Whether no file of it was ever found: it holds no watermark back."""
        return self.watermark is None and any(trouble.kind == "absent" for trouble in self.troubles)


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Sent every two seconds even when nothing came; only the newest counts, once `sequence` is held.

    `recent` are some of the lines read since the one before: what is lost of them is lost.
    """

    version: int
    agent: Name
    incarnation: Name
    sequence: Count
    at: Moment
    sources: Annotated[tuple[SourceState, ...], Meta(max_length=10_000)]
    recent: Annotated[tuple[RecentLine, ...], Meta(max_length=1_000)] = ()
