"""What is read: every source of every log watcher, where its lines went, and what is amiss.

Pure: heartbeats go in, words come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboard.few import told
from dashboard.incidents import lasting, sentence
from domain import figures
from domain.batch import Accounting, Heartbeat, SourceState
from domain.redact import mask_patients
from domain.troubles import BEHIND_SECONDS, SKEW_SECONDS, source_amiss

# A log watcher says how it goes every two seconds.
SILENT_SECONDS = 60.0
# What becomes of a line, in the order of the bar, in words.
FATES = {
    "events": "calls", "continuations": "further lines of calls", "ignored": "ignored as the format says",
    "pending": "starts of calls that go on", "malformed": "not understood", "future": "dated in the future",
}  # fmt: skip
# A part is drawn at least so wide (of 100), or nobody sees it.
_LEAST_WIDTH = 1.2
_MOST_CODES = 30
_UNITS = ("B", "kB", "MB", "GB", "TB")
# Of so many lines this share may be not understood before somebody should look.
_MANY, _MISREAD_SHARE = 100, 0.05
# The worst first: class of shape and colour, and the word.
_LOOKS: dict[str, tuple[str, str]] = {
    "lost": ("down", "lost lines"), "unbalanced": ("down", "does not add up"), "silent": ("down", "not heard"),
    "unread": ("degraded", "rotated unread"), "unreadable": ("degraded", "unreadable"),
    "absent": ("degraded", "no file"), "behind": ("degraded", "behind"), "skewed": ("degraded", "clock off"),
    "misread": ("degraded", "not understood"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One fate of lines: how many, their share in words, and where it stands in a bar of 100."""

    fate: str
    words: str
    count: float
    share: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the page shows it. `unread` is "" where all is read."""

    agent: str
    source: str
    css: str
    word: str
    rank: int
    complete: str
    lines: float
    bytes: str
    parts: tuple[Part, ...]
    files: int
    unread: str
    amiss: tuple[str, ...]
    codes: int

    @property
    def is_fine(self) -> bool:
        """Whether nobody needs to look."""
        return self.css == "ok"


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code in no table: how often it came, and where."""

    code: str
    calls: float
    sources: tuple[str, ...]
    toml: str


@dataclass(frozen=True, slots=True)
class SourcesPage:
    """All of the page: the answer first."""

    sentence: str
    detail: str
    css: str
    rows: tuple[SourceRow, ...]
    parts: tuple[Part, ...]
    codes: tuple[CodeRow, ...]


def sources_page(beats: Sequence[Heartbeat], zone: ZoneInfo, now: float, least: int = 0) -> SourcesPage:
    """The page. Sources that need a look come first; counts of calls under `least` are not told."""
    rows = sorted(
        (row(beat, source, zone, now) for beat in beats for source in beat.sources),
        key=lambda one: (one.rank, one.source, one.agent),
    )
    total = sum((source.accounting for beat in beats for source in beat.sources), Accounting())
    lead, detail, css = _answer(rows, total)
    return SourcesPage(lead, detail, css, tuple(rows), parts_of(total), codes_of(beats, least))


def row(beat: Heartbeat, source: SourceState, zone: ZoneInfo, now: float) -> SourceRow:
    """One source of a log watcher."""
    order = list(_LOOKS)
    worst = min(_kinds(beat, source, now), key=order.index, default="")
    css, word = _LOOKS.get(worst, ("unknown", "starting") if source.watermark is None else ("ok", "all read"))
    amiss = [mask_patients(one.partition(": ")[2]) for one in source_amiss(source, beat.at)]
    if now - beat.at > SILENT_SECONDS:
        amiss.insert(0, f"its log watcher {beat.agent} was last heard {lasting(now - beat.at)} ago")
    if _is_misread(source.accounting):
        share = figures.percent(source.accounting.malformed / source.accounting.lines)
        amiss.append(f"{share} of its lines are not understood. See why: pharmapulse analyse FILE --explain LINE")
    return SourceRow(
        agent=beat.agent, source=source.source, css=css, word=word, rank=order.index(worst) if worst else len(order),
        complete="" if source.watermark is None else figures.moment(source.watermark, zone, now),
        lines=source.accounting.lines, bytes=size(source.accounting.bytes), parts=parts_of(source.accounting),
        files=source.files, unread=_unread(source),
        amiss=tuple(map(sentence, amiss)), codes=len(source.unknown_codes),
    )  # fmt: skip


def _kinds(beat: Heartbeat, source: SourceState, now: float) -> list[str]:
    """All that is amiss, as words of _LOOKS."""
    late = source.watermark is not None and beat.at - source.watermark > BEHIND_SECONDS
    skew = source.skew_seconds
    also = {
        "silent": now - beat.at > SILENT_SECONDS,
        "unbalanced": not source.accounting.balanced,
        "behind": late or source.behind_seconds > BEHIND_SECONDS,
        "skewed": skew is not None and abs(skew) > SKEW_SECONDS,
        "misread": _is_misread(source.accounting),
    }
    return [*(trouble.kind for trouble in source.troubles), *(kind for kind, is_so in also.items() if is_so)]


def _is_misread(parts: Accounting) -> bool:
    return parts.lines >= _MANY and parts.malformed > _MISREAD_SHARE * parts.lines


def _answer(rows: Sequence[SourceRow], total: Accounting) -> tuple[str, str, str]:
    """The first thing said, what follows it, and its class."""
    if not rows:
        return "No log watcher was heard yet", "Start one where the logs are: pharmapulse logwatch.", "unknown"
    odd = [one for one in rows if not one.is_fine]
    read = f"{figures.count(total.lines)} lines read"
    if not odd:
        which = "the source is" if len(rows) == 1 else f"all {len(rows)} sources are"
        return "Every line is accounted for", f"{read}; {which} read up to now.", "ok"
    worst = odd[0]
    fine = len(rows) - len(odd)
    others = f"{fine} of {len(rows)} sources are read up to now." if len(rows) > 1 else ""
    lead = f"{worst.source}: {worst.word}" if len(odd) == 1 else f"{len(odd)} sources need a look"
    return lead, f"{read}. {others}", worst.css


def parts_of(parts: Accounting) -> tuple[Part, ...]:
    """Where lines went, as a bar: what is nothing is left out, what is little can still be seen."""
    counts = {fate: getattr(parts, fate) for fate in FATES}
    known = {fate: count for fate, count in counts.items() if count}
    total = sum(known.values())
    if not total:
        return ()
    small = {fate for fate, count in known.items() if count * 100 / total < _LEAST_WIDTH}
    room = 100 - _LEAST_WIDTH * len(small)
    rest = sum(count for fate, count in known.items() if fate not in small)
    found, x = list[Part](), 0.0
    for fate, count in known.items():
        width = _LEAST_WIDTH if fate in small else count / rest * room
        found.append(Part(fate, FATES[fate], count, figures.percent(count / total), round(x, 2), round(width, 2)))
        x += width
    return tuple(found)


def codes_of(beats: Sequence[Heartbeat], least: int) -> tuple[CodeRow, ...]:
    """Codes in no table, those with most calls first, each with what names it in the configuration."""
    calls: dict[str, int] = {}
    places: dict[str, dict[str, None]] = {}
    for beat in beats:
        for source in beat.sources:
            for code, count in source.unknown_codes.items():
                calls[code] = calls.get(code, 0) + count
                places.setdefault(code, {})[source.source] = None
    most = sorted(calls.items(), key=lambda one: (-one[1], one[0]))[:_MOST_CODES]
    return tuple(CodeRow(code, told(count, least), tuple(places[code]), toml_of(code)) for code, count in most)


def toml_of(code: str) -> str:
    """What names a code in the configuration; its class and side are for whoever knows it to say."""
    quoted = code.replace("\\", "\\\\").replace('"', '\\"')
    return f'[[codes]]\ncode = "{quoted}"\nclass = "technical"\nside = "hub"'


def size(count: float) -> str:
    """Bytes in a unit that people read: `12.3 MB`."""
    unit = 0
    while count >= 999.5 and unit < len(_UNITS) - 1:
        count, unit = count / 1_000, unit + 1
    digits = 0 if unit == 0 or count >= 99.5 else 1
    return f"{count:,.{digits}f}{figures.NBSP}{_UNITS[unit]}"


def _unread(source: SourceState) -> str:
    if not source.unread_bytes:
        return ""
    waits = f", for {lasting(source.behind_seconds)}" if source.behind_seconds >= 2 else ""
    return f"{size(source.unread_bytes)} to read{waits}"
