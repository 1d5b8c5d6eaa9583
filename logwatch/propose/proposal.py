"""What is proposed for the files of one log: a shipped format or one of its own, and how much of the lines it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from domain.codes import Judgement
from domain.formats import Format, Picked
from logwatch.detect import trials
from logwatch.events import LINE_KEYS
from logwatch.propose.blanks import with_examples
from logwatch.propose.kinds import guesses, with_what_is_no_event
from logwatch.propose.paths import Group, split
from logwatch.reader import Reader
from logwatch.registry import Registry

# Lines of a file that are looked at; of those the ones that each shipped format is first tried on.
LOOK_LINES, _TRY_LINES = 1_000, 100
_CAP = 10_000
_ALTERNATIVES, _FINALISTS = 3, 6
# A format of one's own has to be better by so much.
_MUCH = 0.05
_WELL, _HALF, _TENTH = 0.95, 0.5, 0.1


@dataclass(frozen=True, slots=True)
class Fit:
    """How a format does on some lines: those that are not blank, events, what is explained at all, what is found."""

    lines: int
    events: int
    explained: float
    keys: frozenset[str]
    hubs: tuple[str, ...] = ()
    endpoints: int = 0

    @property
    def reads(self) -> bool:
        """Whether at least a tenth of the lines are events."""
        return self.events > 0 and self.events >= self.lines * _TENTH


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source for a group of files.

    `form` is a format of its own called like the source, None where the shipped format `name` reads the lines;
    `notes` a word on its fields, `missing` what was looked for in vain, `others` shipped formats that read them, too.
    `fit` is None where nothing reads a tenth of the lines.
    """

    group: Group
    name: str
    form: Format | None
    fit: Fit | None
    notes: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    others: Sequence[str] = ()


def propose(
    group: Group, samples: Mapping[str, Sequence[str]], known: Mapping[str, Format], codes: Mapping[str, Judgement],
    now: float,
) -> Iterator[Proposal]:  # fmt: skip
    """Proposals for a group of files: one, or one more for each part of them that is written otherwise.

    `samples` are the first lines of each file, `known` the shipped formats.
    """
    left, number = list(group.files), 1
    while left:
        first = left[0]
        found = _one(group, samples[first], known, codes, now)
        form = found.form or known.get(found.name)
        alike = [path for path in left if path == first or _reads(form, samples[path], now)]
        left = [path for path in left if path not in alike]
        if not left and number == 1:
            yield _on_servers(found, form)
            return
        part = split(group, alike, group.name if number == 1 else f"{group.name}-{number}")
        yield replace(found, group=part, name=found.name if found.form is None else part.name)
        number += 1


def shared(proposals: Iterable[Proposal]) -> list[Proposal]:
    """The proposals, with one format for all whose lines are declared alike."""
    out: list[Proposal] = []
    for found in proposals:
        alike = next((one for one in out if found.form and one.form and _bare(one.form) == _bare(found.form)), None)
        out.append(found if alike is None else replace(found, name=alike.name, form=alike.form, notes=alike.notes))
    return out


def _bare(form: Format) -> Format:
    return msgspec.structs.replace(form, examples=())


def fit_of(form: Format, lines: Sequence[str], now: float) -> Fit:
    """How a format does on some lines."""
    registry = Registry(_CAP)
    reading = Reader(form, registry).read(("\n".join(lines) + "\n").encode(), now)
    parts, events = reading.accounting, reading.events
    there = sum(1 for line in lines if line.strip())
    count = parts.events + parts.future + parts.pending
    least = max(len(events) * _TENTH, 1)
    keys = {key for key in LINE_KEYS if int((events.ids[key] > 0).sum()) >= least}
    keys |= {"duration"} if int((events.duration_us >= 0).sum()) >= least else set()
    hubs, endpoints = (registry.dictionaries[key].values[1:] for key in ("hub", "endpoint"))
    return Fit(there, count, 1 - parts.malformed / max(there, 1), frozenset(keys), tuple(hubs), len(endpoints))


def _reads(form: Format | None, lines: Sequence[str], now: float) -> bool:
    if form is None:
        return False
    fit = fit_of(form, lines, now)
    return fit.reads and fit.explained >= _HALF


def _one(
    group: Group, lines: Sequence[str], known: Mapping[str, Format], codes: Mapping[str, Judgement], now: float
) -> Proposal:
    shipped = _shipped(lines, known, now)
    name, fit = shipped[0] if shipped else ("", None)
    others = [other for other, _ in shipped[1 : 1 + _ALTERNATIVES]]
    declared = _declared(known[name]) if name else frozenset()
    if fit is not None and fit.explained >= _WELL and declared and declared <= fit.keys | {"status"}:
        return Proposal(group, name, None, fit, others=others)
    own = _own(group, lines, codes, now)
    if own is not None and own.fit is not None and _is_better(own.fit, fit):
        return replace(own, others=[name, *others] if name else [])
    return Proposal(group, name, None, fit, others=others)


def _declared(form: Format) -> frozenset[str]:
    """The keys that a format names of itself."""
    names = (role for role in form.fields.__struct_fields__ if getattr(form.fields, role))
    return frozenset("duration" if name.startswith("duration_") else name for name in names) - {"patient"}


def _is_better(own: Fit, shipped: Fit | None) -> bool:
    """Whether a format of one's own is worth it: another key weighs as much as a twelfth of the lines."""
    if not own.reads:
        return False
    return shipped is None or _worth(own) > _worth(shipped) + _MUCH


def _worth(fit: Fit) -> float:
    return fit.explained + len(fit.keys) / 12


def _shipped(lines: Sequence[str], known: Mapping[str, Format], now: float) -> list[tuple[str, Fit]]:
    """The shipped formats that read a tenth of the lines, the best first."""
    look = ("\n".join(lines[:_TRY_LINES]) + "\n").encode()
    first = [trial.name for trial in trials(look, known, now) if trial.events][:_FINALISTS]
    block = ("\n".join(lines) + "\n").encode()
    ranked = trials(block, {name: known[name] for name in first} or known, now)
    fits = [(trial.name, fit_of(known[trial.name], lines, now)) for trial in ranked[:_FINALISTS] if trial.events]
    return [(name, fit) for name, fit in fits if fit.reads]


def _own(group: Group, lines: Sequence[str], codes: Mapping[str, Judgement], now: float) -> Proposal | None:
    """A format of one's own for the lines; None where no way of writing gives one."""
    best: Proposal | None = None
    for guess in guesses(lines, now):
        form = with_what_is_no_event(guess.form, lines)
        fit = fit_of(form, lines, now)
        if not fit.reads:
            continue
        if best is None or best.fit is None or _is_better(fit, best.fit):
            heading = _heading(form, lines)
            form = with_examples(form, lines, heading, codes, now, has_year=guess.roles.has_year)
            best = Proposal(group, group.name, form, fit, guess.roles.notes, guess.roles.missing)
        if fit.explained >= _WELL:
            break  # a pattern would find the same less surely
    return best


def _heading(form: Format, lines: Sequence[str]) -> str:
    """The line that names the columns, where the file does."""
    if form.header == "first":
        return next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if form.header == "directive":
        return next((line for line in lines if line.lower().startswith("#fields")), "")
    return ""


def _on_servers(found: Proposal, form: Format | None) -> Proposal:
    """Where the files are of several servers, which the lines do not name, their names tell of them."""
    if not found.group.server or form is None or found.fit is None or "server" in found.fit.keys:
        return found
    fields = msgspec.structs.replace(form.fields, server=Picked(file=found.group.server))
    notes = {**found.notes, "server": "by the files' names"}
    if found.form is None:
        notes["kind"] = f"the shipped format {found.name}, with the server out of the files' names"
    examples = tuple(
        msgspec.structs.replace(one, gives={key: value for key, value in one.gives.items() if key != "server"})
        for one in form.examples
    )
    own = msgspec.structs.replace(form, fields=fields, examples=examples)
    return replace(found, name=found.group.name, form=own, notes=notes)
