"""Golden pairs: each log beside the events it gives, written so that a person can check them.

An event is told as its completion, its call, what came of it and how long it took; what is missing is `-`.
Where a format is changed on purpose, `told` prints the new text: read it before it becomes the expectation.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from logwatch.catalog import shipped
from logwatch.events import LINE_KEYS
from tests.logwatch.some import Read, read_blocks

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
LOGS = sorted(GOLDEN.glob("*/*.log"))


def told(read: Read) -> str:
    """The events of a log and what became of its lines, as text."""
    out = [_event(event) for event in read.events]
    for what, counts in (
        ("invalid", read.tally.invalid),
        ("unknown codes", read.tally.unknown_codes),
    ):
        if counts:
            out.append(f"{what}: " + ", ".join(f"{key} {count}" for key, count in sorted(counts.items())))
    parts = read.accounting
    out.append(
        f"{parts.lines} lines = {parts.events} events + {parts.continuations} continuations + {parts.ignored} ignored"
        f" + {parts.malformed} malformed + {parts.future} future"
        + (f" + {parts.pending} pending" * bool(parts.pending))
    )
    return "\n".join(out) + "\n"


def _event(event: tuple[object, ...]) -> str:
    time_us, duration_us, *keys = event[: len(LINE_KEYS) + 4]
    assert isinstance(time_us, int)
    assert isinstance(duration_us, int)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    named = dict(zip((*LINE_KEYS, "class", "side"), keys, strict=True))
    parts = [f"{name}={named[name] or '-'}" for name in ("endpoint", "vendor", "version", "pharmacy", "server", "code")]
    took = f"{duration_us} us" if duration_us >= 0 else "-"
    side = f", {named['side']}" if named["side"] else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ} {' '.join(parts)} ({named['class']}{side}) {took}"


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.parent.name}/{log.stem}")
@pytest.mark.parametrize("way", ["small", "block"])
def test_a_log_gives_the_events_beside_it(log: Path, way: str) -> None:
    read = read_blocks(shipped()[log.parent.name], [log.read_bytes()], way)  # type: ignore[arg-type]
    assert told(read) == log.with_suffix(".events").read_text()


def test_each_shipped_format_has_a_golden_pair() -> None:
    assert {log.parent.name for log in LOGS} == set(shipped())
