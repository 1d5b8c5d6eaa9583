"""Finding out how a log is written: each known format is tried on its first lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import InputError
from domain.settings import Format
from logwatch.events import LINE_KEYS
from logwatch.headings import text_of
from logwatch.lines import lines_in, plain_ends
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.rows import IGNORED
from logwatch.sorting import Sorter

TRY_LINES = 1_000
# A tenth of the lines tried.
_LOOK_LINES = TRY_LINES // 10
_CAP = 10_000
# So many of the best are looked at more closely, and how lines begin that continue one.
_CLEAR = 3
_CONTINUES = frozenset(" \t{}[]<>")


@dataclass(frozen=True, slots=True, order=True)
class Trial:
    """How a format did: events (a pair's lines), declared keys found in no line, durations, keys less bad ones."""

    events: int
    absent: int
    timed: int
    keys: int
    name: str


def trials(block: bytes, known: Mapping[str, Format], now: float) -> list[Trial]:
    """Every format tried on a block, the best first: most events, then most of each line understood."""
    found = []
    for name, form in known.items():
        reader = Reader(form, Registry(_CAP), path=f"formats.{name}")
        reading = reader.read(block, now)
        events = reading.events
        read = len(events) + reading.accounting.future
        if form.pair is not None:
            # Two lines are one call: both are understood.
            read = reading.accounting.lines - reading.accounting.ignored - reading.accounting.malformed
        timed = int((events.duration_us >= 0).sum())
        absent = sum(not events.ids[key].any() for key in reader.keys) + (reader.reads_durations and not timed)
        # A key that is there and not valid speaks against a format as much as a valid one for it.
        keys = sum(int((events.ids[key] > 0).sum()) for key in LINE_KEYS) - sum(reading.tally.invalid.values())
        found.append(Trial(read, absent, timed, keys, name))
    return sorted(found, key=lambda trial: (-trial.events, trial.absent, -trial.timed, -trial.keys, trial.name))


def understood(block: bytes, form: Format, name: str, now: float) -> int:
    """How many lines a format makes sense of: its events, what it passes over and could read, and their other lines.

    Lines that continue one count where half of them look as if they did: anything continues something where a format
    joins.
    """
    path = f"formats.{name}"
    reader = Reader(form, Registry(_CAP), path=path)
    reading = reader.read(block, now, "small")
    if not len(reading.events):
        return 0
    whole = list(Sorter(form, path).sort_all(map(text_of, lines_in(plain_ends(block)))))
    places = range(len(whole)) if reading.places is None else reading.places.tolist()
    texts = [whole[place][1] for place in places if place >= 0]
    texts += [text for verdict, text in whole if verdict == IGNORED and text.strip() and reader.plan.kind.fields(text)]
    total = 0
    for text in texts:
        more = text.split("\n")[1:]
        shaped = sum(line[:1] in _CONTINUES for line in more)
        total += 1 + (len(more) if 2 * shaped >= len(more) else 0)
    return total


def detect(file: str, block: bytes, known: Mapping[str, Format], now: float) -> str:
    """The name of the format that reads most of the first lines.

    Where that is less than a tenth of them, it must make sense of more than half: of an event's other lines, too.
    Raises InputError naming the best three when none does.
    """
    lines = block.split(b"\n", TRY_LINES)
    first = b"\n".join(lines[:TRY_LINES]) + b"\n" if len(lines) > TRY_LINES else block
    count = sum(1 for line in first.split(b"\n") if line.strip())
    # A short look first: only formats that read something of it are tried on more, all when none reads a tenth of it.
    look = b"\n".join(lines[:_LOOK_LINES]) + b"\n"
    best = [trial for trial in trials(look, known, now) if trial.events]
    if best and best[0].events * 10 < sum(1 for line in lines[:_LOOK_LINES] if line.strip()):
        best = []
    if len(best) != 1 or best[0].events < _LOOK_LINES:  # else no other reads any, and this one enough
        best = trials(first, {trial.name: known[trial.name] for trial in best} or known, now)
    if best and best[0].events * 10 < count:
        # Events of many lines each are few, and may still be all that there is.
        clear = (trial for trial in best[:_CLEAR] if understood(first, known[trial.name], trial.name, now) * 2 > count)
        if (found := next(clear, None)) is not None:
            return found.name
    if not best or best[0].events == 0 or best[0].events * 10 < count:
        tried = ", ".join(f"{trial.name} ({trial.events} of {count} lines)" for trial in best[:3])
        raise InputError(
            file, f"no known format reads a tenth of its first lines; the best: {tried}",
            "Name one with --format, or declare your own with --config",
        )  # fmt: skip
    return best[0].name
