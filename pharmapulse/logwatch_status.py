"""How the log watcher stands: asked of the process while it runs, read from what it kept while it does not."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from pathlib import Path
from zoneinfo import ZoneInfo

from domain import figures
from domain.batch import Accounting
from domain.errors import InputError, UsageError
from domain.health import STATUS
from domain.troubles import codes_words, skew_words, trouble_mend, trouble_words
from logwatch.status import FATES, SourceStatus, Status, decode, resting
from pharmapulse import wiring
from pharmapulse.config import Config
from pharmapulse.places import OFFSETS, Places
from store.looking import read_outbox

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 16 << 20
_HEADINGS = ("file", "state", "lines", *FATES, "pending", "bytes", "unread", "behind")
_LOCAL = "127.0.0.1"


def status_of(config: Config) -> Status:
    """The log watcher's status. Raises UsageError where it has never run here, StoreError."""
    told = ask(config.settings.web.port + OFFSETS["logwatch"], config.settings.agent.name)
    return from_outbox(config) if told is None else told


def ask(port: int, agent: str) -> Status | None:
    """What the process says of itself; None where none of this agent answers."""
    connection = http.client.HTTPConnection(_LOCAL, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", STATUS)
        response = connection.getresponse()
        if response.status != HTTPStatus.OK:
            return None
        status = decode(response.read(_MOST_BYTES))
    except (OSError, http.client.HTTPException, InputError):
        return None
    finally:
        connection.close()
    return status if status.agent == agent else None


def from_outbox(config: Config) -> Status:
    """What an agent that does not run kept. Raises UsageError, StoreError."""
    path = Places(config.data).outbox
    if not path.exists():
        raise UsageError(
            f"no log watcher has run here yet: there is no {path}. "
            f"Start it: pharmapulse logwatch --config {config.file}"
        )
    kept = read_outbox(path)
    sources = dict.fromkeys([*(source.name for source in config.settings.sources), *kept.totals])
    return resting(
        kept.agent or config.settings.agent.name, sources, dict(kept.totals), kept.positions,
        (kept.waiting, kept.waiting_bytes), size_of, wiring.clock(config)[0].now(),
    )  # fmt: skip


def size_of(path: str) -> int | None:
    """A file's size in bytes; None where it is not there, or this user may not see it."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def in_words(status: Status, zone: ZoneInfo, most_files: int = 20) -> Iterable[str]:
    """The status as lines of text: what is amiss first, then each source with its files."""
    if status.running:
        waits = f"{_several(status.waiting_batches, 'batch', 'batches')} to be handed over"
        looked = "" if status.looked is None else f", as of {figures.clock_time(status.looked, zone)}"
        yield f"The log watcher {status.agent} runs{looked}; {waits}."
    else:
        yield f"The log watcher {status.agent} does not run; what it kept:"
    yield "Nothing is amiss." if not status.amiss else "Amiss:"
    for one in status.amiss:
        yield f"  {one}."
    for source in status.sources:
        yield ""
        yield from _source(source, status.at, zone)
        yield from _files(source, most_files)


def _source(source: SourceStatus, now: float, zone: ZoneInfo) -> Iterable[str]:
    mark = source.watermark
    complete = "" if mark is None else f", complete up to {figures.moment(mark, zone, now)} ({now - mark:,.0f} s ago)"
    yield f"{source.source}: {_several(source.files, 'file', 'files')}, {source.open_files:,} open{complete}"
    yield f"  lines    {_sum(source.accounting)}"
    unread = f"{source.unread_bytes:,} not read" if source.unread_bytes else "all read"
    waits = f", the oldest for {source.behind_seconds:,.0f} s" if source.behind_seconds else ""
    yield f"  bytes    {source.accounting.bytes:,} read, {unread}{waits}"
    if source.skew_seconds is not None:
        off = abs(source.skew_seconds) >= 1
        yield f"  clock    {skew_words(source.skew_seconds) if off else 'as this machine’s, to a second'}"
    for trouble in source.troubles:
        yield f"  trouble  {trouble_words(trouble)}. {trouble_mend(trouble.kind)}"
    if source.unknown_codes:
        yield f"  codes    in no table: {codes_words(source.unknown_codes)}; name them in [[codes]]"


def _sum(parts: Accounting) -> str:
    """`1,000 = 990 events + 10 ignored`: the equation, without what is nothing."""
    fates = [(fate, getattr(parts, fate)) for fate in (*FATES, "pending")]
    told = " + ".join(f"{count:,} {fate}" for fate, count in fates if count) or "0"
    return f"{parts.lines:,} {'=' if parts.balanced else '≠'} {told}"


def _files(source: SourceStatus, most: int) -> Iterable[str]:
    if not source.each:
        return
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for file in source.each[:most]:
        parts = file.accounting
        fates = [getattr(parts, fate) for fate in (*FATES, "pending")]
        behind = f"{file.behind_seconds:,.0f} s" if file.behind_seconds else ""
        rows.append(
            (file.path, file.state, *(f"{count:,}" for count in (parts.lines, *fates, parts.bytes, file.unread_bytes)),
             behind)
        )  # fmt: skip
    yield from (f"  {line}" for line in _table(rows))
    if len(source.each) > most:
        yield f"  and {len(source.each) - most:,} files more; --json tells of all"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        words = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join((*words, *numbers)).rstrip()


def _several(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
