"""Reading line by line: the small path, which says what each line means; columns only remember it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from logwatch.events import NO_VALUE, Tally
from logwatch.headings import text_of
from logwatch.memo import INVALID, MISSING, Numbers
from logwatch.patients import number_in
from logwatch.plan import Plan
from logwatch.rows import EVENT, MALFORMED, Rows
from logwatch.samples import Samples
from logwatch.sorting import Sorter
from logwatch.vocabulary import Vocabulary


def read_lines(
    lines: Sequence[bytes],
    plan: Plan,
    words: Vocabulary,
    sorter: Sorter,
    samples: Samples,
    tally: Tally,
    now: float,
    called: dict[int, str] | None = None,
) -> Rows:
    """The lines, without their ends, understood one by one; unusable keys are tallied, unreadable lines sampled.

    `now` (epoch seconds) gives the year to times that name none. `called` takes by their places what joins lines to
    calls, where they are pairs.
    """
    rows = Rows.of(len(lines), MALFORMED)
    read_line = _line_reader(plan, words, rows, tally, now, called)
    for place, (sorted_as, text) in enumerate(sorter.sort_all(map(text_of, lines))):
        verdict = sorted_as if sorted_as < EVENT or read_line(text, place) else MALFORMED
        rows.verdict[place] = verdict
        if verdict == MALFORMED:
            samples.add(text)
    return rows


def _line_reader(
    plan: Plan, words: Vocabulary, rows: Rows, tally: Tally, now: float, called: dict[int, str] | None
) -> Callable[[str, int], bool]:
    """What understands one event into its row; it answers False when its structure or its time cannot be read."""
    fields_of, moment_of, time_field = plan.kind.fields, plan.moments.read, plan.time.field
    time_us, local, invalid = rows.time_us, rows.local, tally.invalid
    # Of each number of a row: what it is tallied as, its field, its meaning, its column, and what is no number there.
    columns: list[tuple[str, str, Callable[[str], int], Numbers, int]] = [
        (key, name, words.keys[key].meaning, rows.ids[key], 0) for key, (name, _) in plan.keys.items()
    ]
    if plan.duration is not None:
        columns.append(("duration", plan.duration[0], words.duration.meaning, rows.duration_us, -1))
    if plan.status:
        columns.append(("status", plan.status, words.status.meaning, rows.status, -1))
    columns += [
        (name, field, words.values[name].meaning, rows.value(name), NO_VALUE)
        for name, (field, _) in plan.values.items()
    ]
    patient, part = plan.patient or ("", None)
    numbers = rows.patients() if patient else time_us

    def read_line(text: str, place: int) -> bool:
        fields = fields_of(text)
        if fields is None and "\n" in text:
            # What no kind reads of several lines may stand in the first, and the others be there for people.
            fields = fields_of(text[: text.index("\n")])
        if fields is None:
            return False
        if called is not None:
            called[place] = _id_of(fields, plan.pair_id)
        moment = moment_of(fields.get(time_field, ""), now)
        if moment is None:
            return False
        time_us[place], local[place] = moment
        for name, field, meaning, column, nothing in columns:
            number = meaning(fields.get(field, ""))
            if number == INVALID:
                invalid[name] = invalid.get(name, 0) + 1
                number = nothing
            column[place] = nothing if number == MISSING else number
        if patient:
            token = fields.get(patient, "")
            numbers[place] = number_in(part(token) if part else token)
        return True

    return read_line


def _id_of(fields: Mapping[str, str], name: str) -> str:
    """What joins a line to a call: a field, or several with blanks between their names; "" where one is missing."""
    parts = [fields.get(part, "") for part in name.split()]
    return " ".join(parts) if all(part not in ("", "-") for part in parts) else ""
