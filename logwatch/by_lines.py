"""Reading line by line: the small path, which says what each line means; columns only remember it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from logwatch.events import NO_VALUE, Tally
from logwatch.headings import text_of
from logwatch.memo import INVALID, MISSING
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
    for place, (sorted_as, text) in enumerate(sorter.sort_all(map(text_of, lines))):
        read = sorted_as < EVENT or _read_line(text, plan, words, rows, place, tally, now, called)
        verdict = sorted_as if read else MALFORMED
        rows.verdict[place] = verdict
        if verdict == MALFORMED:
            samples.add(text)
    return rows


def _read_line(
    text: str,
    plan: Plan,
    words: Vocabulary,
    rows: Rows,
    place: int,
    tally: Tally,
    now: float,
    called: dict[int, str] | None,
) -> bool:
    """Understand one event into row `place`; False when its structure or its time cannot be read."""
    fields = plan.kind.fields(text)
    if fields is None and "\n" in text:
        # What no kind reads of several lines may stand in the first, and the others be there for people.
        fields = plan.kind.fields(text[: text.index("\n")])
    if fields is None:
        return False
    if called is not None:
        called[place] = _id_of(fields, plan.pair_id)
    moment = plan.moments.read(fields.get(plan.time.field, ""), now)
    if moment is None:
        return False
    rows.time_us[place], rows.local[place] = moment
    for key, (name, _) in plan.keys.items():
        number = words.keys[key].read(fields.get(name, ""))
        rows.ids[key][place] = max(number, 0)
        if number == INVALID:
            tally.invalid[key] = tally.invalid.get(key, 0) + 1
    if plan.duration is not None:
        duration = words.duration.read(fields.get(plan.duration[0], ""))
        rows.duration_us[place] = max(duration, -1)
        if duration == INVALID:
            tally.invalid["duration"] = tally.invalid.get("duration", 0) + 1
    if plan.status:
        status = words.status.read(fields.get(plan.status, ""))
        rows.status[place] = max(status, -1)
        if status == INVALID:
            tally.invalid["status"] = tally.invalid.get("status", 0) + 1
    if plan.patient is not None:
        name, part = plan.patient
        token = fields.get(name, "")
        rows.patients()[place] = number_in(part(token) if part else token)
    for name, (source, _) in plan.values.items():
        value = words.values[name].read(fields.get(source, ""))
        rows.value(name)[place] = NO_VALUE if value in (INVALID, MISSING) else value
        if value == INVALID:
            tally.invalid[name] = tally.invalid.get(name, 0) + 1
    return True


def _id_of(fields: Mapping[str, str], name: str) -> str:
    """What joins a line to a call: a field, or several with blanks between their names; "" where one is missing."""
    parts = [fields.get(part, "") for part in name.split()]
    return " ".join(parts) if all(part not in ("", "-") for part in parts) else ""
